"""The dashboard's tabs: one is built when the page opens, the others while nobody waits; an opened one stays.

The browser switches between them by itself, so a tab that was looked at before is there at once. Each is a fragment
that asks for its newest state whenever it comes into view, and only what differs is drawn again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

import streamlit as st

from pages.shared.dashboard import ended_runs
from pages.shared.i18n import t

KEY = "dashboard_tab"  # in st.session_state: the open one
_FILLED = "dashboard_filled"  # those that the browser has, this one among them
_TURN = "dashboard_turn"  # how often another tab was opened by something else than a click on it
PLACE = "dashboard_tabs"
# A tab out of sight keeps its width, or its charts would be drawn for none; it takes no room and no key.
STYLE = f"""<style>
.st-key-{PLACE} [data-testid=stTabs] {{position: relative}}
.st-key-{PLACE} [data-testid=stTabPanel][inert] {{
  display: block; position: absolute; inset: 0 0 auto 0; height: 0; overflow: hidden; visibility: hidden;
  contain: strict
}}
.st-key-{PLACE} [data-testid=stTab] p {{font-size: 1rem}}
.tagtail-waits {{height: 24rem; border-radius: .5rem; background: rgba(127, 127, 127, .1)}}
</style>"""
WAITS = '<div class="tagtail-waits" role="status" aria-label="{words}"></div>'
_component = st.components.v2.component(
    "tagtail_tab_seen", html="<span hidden></span>", js=(Path(__file__).parent / "seen.js").read_text("utf-8"),
    isolate_styles=False,
)  # fmt: skip
ended_runs.tell_all()


def present(names: Iterable[str]) -> str:
    """The open tab, also before the tabs have been drawn: as chosen, else as the address says, else the first."""
    known = list(names)
    chosen = st.session_state.get(KEY) or st.query_params.get("tab", "")
    return str(chosen) if chosen in known else known[0]


def is_open(tab: str) -> bool:
    """Whether it is what the browser shows; the first is, before anything else is known."""
    return bool(st.session_state.get(KEY, tab) == tab)


def go(tab: str) -> None:
    """Opens a tab at the next run of the page; from a callback."""
    st.session_state[KEY] = tab
    st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1


def draw(names: Mapping[str, str], body: Callable[[str], None]) -> None:
    """All tabs under their ``names``; ``body`` draws what is in one. A run of the whole page builds the open one."""
    current = present(names)
    st.session_state[KEY] = st.query_params["tab"] = current
    st.session_state[_FILLED] = {current}
    with st.container(key=PLACE):
        st.html(STYLE)
        key = f"{KEY}s_{st.session_state.get(_TURN, 0)}"
        for name, place in zip(names, st.tabs(list(names.values()), default=names[current], key=key), strict=True):
            with place:
                _panel(name, body)


@st.fragment
def _panel(name: str, body: Callable[[str], None]) -> None:
    key = f"{KEY}_{name}_{st.session_state.get(_TURN, 0)}"
    filled = name in st.session_state[_FILLED]
    _component(
        key=key, data={"tab": name, "filled": filled}, default={"seen": ""}, on_seen_change=partial(_seen, name, key),
        height="content",
    )  # fmt: skip
    if filled:
        body(name)
    else:
        st.html(WAITS.format(words=t("dashboard.loading")))


def _seen(name: str, key: str) -> None:
    """The browser shows this tab, or has time to take it in ahead."""
    st.session_state[_FILLED] |= {name}
    if str(st.session_state[key]["seen"]).startswith("shown"):
        st.session_state[KEY] = name
