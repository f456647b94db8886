"""One chart as every tab shows it: what it says now in a sentence, the picture, its data, and the picture as a file."""

from __future__ import annotations

import json
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from plotly.utils import PlotlyJSONEncoder

from pages.shared.components.chart import LOADER
from pages.shared.i18n import plain, t
from pages.shared.sketch import Sketch

FORMATS = ("png", "svg")
_FORMAT = "picture_format"  # in st.session_state: one choice for all charts of a visit
Table = Sequence[Mapping[str, Any]]
HEIGHT = 450  # pixels, of a figure that names none
_MOST = 96  # figures that are kept; each is some tens of kilobytes
_component = st.components.v2.component(
    "tagtail.chart", html='<div class="tagtail-chart" role="figure" style="overflow: hidden"></div>', js=LOADER,
    isolate_styles=False,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Drawn:
    """A figure as it travels. Units: height in pixels."""

    text: str
    height: int


_kept: OrderedDict[Hashable, tuple[tuple[Any, ...], Drawn]] = OrderedDict()
_guard = threading.Lock()


def chart(
    figure: Sketch | go.Figure | Drawn, *, key: str, sentence: str, table: Table | Callable[[], Table], name: str,
    on_select: Callable[[], None] | None = None, note: str = "",
) -> None:  # fmt: skip
    """A chart under its heading. ``sentence`` is Markdown-safe and says what is seen; ``table`` is what is drawn.

    ``key`` is unique on the page, ``name`` the files' name without an ending. Before ``on_select`` is called, the
    points that were clicked on are in ``st.session_state[key]["selection"]["points"]``, each with its customdata.
    """
    st.markdown(sentence)
    drawn = figure if isinstance(figure, Drawn) else travelling(figure)
    picture = st.session_state.get(_FORMAT, FORMATS[0])
    data = {
        "figure": drawn.text, "height": drawn.height, "alt": _bare(sentence), "picks": on_select is not None,
        "picture": {"format": picture, "filename": file_name(name)}, "camera": t("figure.camera"),
        "failed": t("figure.failed"),
    }  # fmt: skip
    if on_select is None:
        _component(key=key, height=drawn.height, data=data)  # its room is there before its script is
    else:
        _component(key=key, height=drawn.height, data=data, default={"selection": None}, on_selection_change=on_select)
    below = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="right")
    if note:
        below.caption(plain(note))
    more = below.popover(t("figure.more"), width="content", key=f"{key}_more", on_change="rerun")
    if more.open:  # nobody looks into most of them
        with more:
            _more(table() if callable(table) else table, key, name, picture)


def _more(table: Table, key: str, name: str, picture: str) -> None:
    """The numbers behind a chart, to read and to take away, and the kind of file that its picture is."""
    st.download_button(
        t("figure.csv"), lambda: as_csv(table), file_name(name) + ".csv", "text/csv", key=f"{key}_csv",
        on_click="ignore", width="stretch",
    )  # fmt: skip
    st.radio(
        t("figure.format"), FORMATS, format_func=str.upper, horizontal=True, index=FORMATS.index(picture),
        key=f"{key}_format", on_change=_choose, args=(f"{key}_format",), help=t("figure.format_help"),
    )  # fmt: skip
    st.dataframe(pd.DataFrame(list(table)), hide_index=True, width="stretch", height=240)


def kept(build: Callable[..., Sketch | go.Figure], *given: Any) -> Drawn:
    """``build(*given)``, built once for the same arguments: making a figure costs more than all else of a look.

    Arguments are told apart by what they are; those that hold arrays by being the same object, as values from the
    cache are while nothing changes.
    """
    key = (build.__module__, build.__qualname__, *map(_told_apart, given))
    with _guard:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key][1]
    made = travelling(build(*given))
    with _guard:
        _kept[key] = given, made  # what is told apart by its place in memory must stay there
        while len(_kept) > _MOST:
            _kept.popitem(last=False)
    return made


def travelling(figure: Sketch | go.Figure) -> Drawn:
    """Data and layout as JSON, without a template: the browser has the page's own colours."""
    spec = figure.spec if isinstance(figure, Sketch) else figure.to_dict()
    spec["layout"].pop("template", None)
    text = json.dumps(spec, cls=PlotlyJSONEncoder, ensure_ascii=False, separators=(",", ":"))
    return Drawn(text, int(spec["layout"].get("height") or HEIGHT))


def _told_apart(value: Any) -> Hashable:
    if value is None or isinstance(value, str | int | float | bool):
        return type(value).__name__, value
    if isinstance(value, tuple | list):  # of values and of objects
        return (type(value).__name__, *map(_told_apart, value))
    if isinstance(value, Mapping) and all(isinstance(each, str) for each in value.values()):
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
