"""Which tab of the dashboard is open, for whoever leads from one to another."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

KEY = "dashboard_tab"  # in st.session_state


def present(names: Iterable[str]) -> str:
    """The open tab, also before the choice has been drawn: as chosen, else as the address says, else the first."""
    known = list(names)
    chosen = st.session_state.get(KEY) or st.query_params.get("tab", "")
    return str(chosen) if chosen in known else known[0]


def go(tab: str) -> None:
    """Opens a tab at the next run; from a callback."""
    st.session_state[KEY] = tab
