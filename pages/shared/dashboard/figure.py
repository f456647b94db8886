"""One chart as every tab shows it: what it says now in a sentence, the picture, its data, and the picture as a file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from pages.shared.i18n import plain, t

FORMATS = ("png", "svg")
_FORMAT = "picture_format"  # in st.session_state: one choice for all charts of a visit
Table = Sequence[Mapping[str, Any]]


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
