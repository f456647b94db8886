"""Elements whose code the browser reads only when it draws the first of them.

React shows such a first one up to 300 ms after it could: within that time after anything else had to wait for its code,
it holds back what waited (``FALLBACK_THROTTLE_MS``). One that is drawn out of sight with the head of a page, while the
server still computes what stands below, takes that wait upon itself.
"""

from __future__ import annotations

import streamlit as st


def tiles() -> None:
    """What the tiles of a page are made of. ``pages.main`` has the style that keeps it out of sight."""
    with st.container(key="tagtail_ahead"):
        st.metric(" ", " ", label_visibility="collapsed")
