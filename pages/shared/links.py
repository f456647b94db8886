"""Links to other pages of ours, and what an address asks for."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.errors import StreamlitAPIException

from pages.shared import session
from pages.shared.i18n import t

PAGES = Path(__file__).resolve().parent.parent


def page_link(name: str, label: str | None = None, **query: str) -> None:
    """The link, where this person's navigation has that page; else (or where a page runs alone) nothing.

    ``query``: what its address says after the question mark.
    """
    try:
        st.page_link(
            PAGES / f"{name}.py", label=label or t(f"main.{name}"), icon=":material/arrow_forward:",
            query_params=query or None,
        )  # fmt: skip
    except StreamlitAPIException:
        return


def review_link(document_id: int) -> None:
    """To one text among what reviewers settle; the address names the project, so that it can be passed on."""
    of = session.project_key()
    page_link("review", t("review.open_text"), text=str(document_id), **({"project": of} if of else {}))


def text_in_address(not_a_number: str) -> int | None:
    """The text that the page's address names; None where it names none, or says ``not_a_number`` on the page."""
    wanted = st.query_params.get("text")
    if wanted is None:
        return None
    if wanted.isdecimal() and len(wanted) < 19:
        return int(wanted)
    st.warning(not_a_number, icon=":material/link_off:")
    return None
