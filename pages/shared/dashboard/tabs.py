"""Which tab of the dashboard is open, for whoever leads from one to another."""

from __future__ import annotations

import streamlit as st

KEY = "dashboard_tab"  # in st.session_state


def go(tab: str) -> None:
    """Opens a tab at the next run; from a callback."""
    st.session_state[KEY] = tab
