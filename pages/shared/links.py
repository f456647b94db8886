"""A link to another page of ours."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.errors import StreamlitAPIException

from pages.shared.i18n import t

PAGES = Path(__file__).resolve().parent.parent


def page_link(name: str, label: str | None = None) -> None:
    """The link, where this person's navigation has that page; else (or where a page runs alone) nothing."""
    try:
        st.page_link(PAGES / f"{name}.py", label=label or t(f"main.{name}"), icon=":material/arrow_forward:")
    except StreamlitAPIException:
        return
