"""One chart as every tab shows it: what it says now in a sentence, the picture, its data, and the picture as a file."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from pages.shared.i18n import plain, t

FORMATS = ("png", "svg")
_FORMAT = "picture_format"  # in st.session_state: one choice for all charts of a visit
Table = Sequence[Mapping[str, Any]]
_MOST = 96  # figures that are kept; each is some tens of kilobytes
_kept: OrderedDict[Hashable, tuple[tuple[Any, ...], go.Figure]] = OrderedDict()
_guard = threading.Lock()


def chart(
    figure: go.Figure, *, key: str, sentence: str, table: Table, name: str, on_select: Any = "ignore", note: str = ""
) -> Any:
    """A chart under its heading. ``sentence`` is Markdown-safe and says what is seen; ``table`` is what is drawn.

    ``key`` is unique on the page, ``name`` the files' name without an ending. Returns what plotly_chart returns.
    """
    st.markdown(sentence)
    picture = st.session_state.get(_FORMAT, FORMATS[0])
    config = {
        "displaylogo": False,
        "displayModeBar": True,
        "modeBarButtons": [["toImage"]],
        "toImageButtonOptions": {"format": picture, "filename": file_name(name), "scale": 2},
    }
    drawn = st.plotly_chart(figure, key=key, config=config, width="stretch", on_select=on_select, alt=_bare(sentence))
    below = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="right")
    if note:
        below.caption(plain(note))
    with below.popover(t("figure.more"), width="content"):
        st.download_button(
            t("figure.csv"), lambda: as_csv(table), file_name(name) + ".csv", "text/csv", key=f"{key}_csv",
            on_click="ignore", width="stretch",
        )  # fmt: skip
        st.radio(
            t("figure.format"), FORMATS, format_func=str.upper, horizontal=True, index=FORMATS.index(picture),
            key=f"{key}_format", on_change=_choose, args=(f"{key}_format",), help=t("figure.format_help"),
        )  # fmt: skip
        st.dataframe(pd.DataFrame(list(table)), hide_index=True, width="stretch", height=240)
    return drawn


def kept(build: Callable[..., go.Figure], *given: Any) -> go.Figure:
    """``build(*given)``, built once for the same arguments: making a figure costs more than all else of a look.

    Arguments are told apart by what they are; those that hold arrays by being the same object, as values from the
    cache are while nothing changes. Nobody may change a figure that came from here.
    """
    key = (build.__module__, build.__qualname__, *map(_told_apart, given))
    with _guard:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key][1]
    made = build(*given)
    with _guard:
        _kept[key] = given, made  # what is told apart by its place in memory must stay there
        while len(_kept) > _MOST:
            _kept.popitem(last=False)
    return made


def _told_apart(value: Any) -> Hashable:
    if value is None or isinstance(value, str | int | float | bool):
        return type(value).__name__, value
    if isinstance(value, tuple | list):  # of values and of objects
        return (type(value).__name__, *map(_told_apart, value))
    if isinstance(value, Mapping) and len(value) < 200 and all(isinstance(each, str) for each in value.values()):
        return ("words", *value.items())
    try:
        hash(value)
    except TypeError:
        return "object", id(value)
    return "value", value


def as_csv(table: Table) -> bytes:
    """With a byte order mark, so that Excel reads Chinese names."""
    return pd.DataFrame(list(table)).to_csv(index=False).encode("utf-8-sig")


def file_name(name: str) -> str:
    """A name that every file system takes."""
    return re.sub(r"[^\w\-]+", "-", name).strip("-") or "chart"


def _choose(key: str) -> None:
    st.session_state[_FORMAT] = st.session_state[key]


def _bare(sentence: str) -> str:
    """A sentence without its Markdown, for those who hear it."""
    return re.sub(r"\\(.)", r"\1", sentence.replace("**", ""))
