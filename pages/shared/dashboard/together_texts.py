"""The texts behind a number of the tab: those with two labels, or those on which the student confused them."""

from __future__ import annotations

import streamlit as st

from core.services.curating import Project
from core.services.dashboard import together
from core.services.dashboard.together import Text, Texts, View
from pages.shared import session
from pages.shared.i18n import lang, listed, plain, respoken, spoken, t
from pages.shared.links import review_link

_FIRST, _SECOND, _FROM = "together_first", "together_second", "together_from"
_CONFUSED = "together_read_confused"  # (missed, named) while those texts are read instead
_OFFERED = "together_offered"
_PAGE = "together_page"
FEW, HEIGHT = 4, 480  # texts shown without a scroll of their own; pixels of the scroll
CHART, TABLE = "together_chart", "together_confused"
SOURCE_OF = {"pool": "pool", "gold": "gold", "student": "student", "difference": "student"}


def clicked() -> None:
    """A callback of the chart: the pair of the cell is what is read."""
    points = st.session_state[CHART]["selection"]["points"]
    pair = next((each["customdata"] for each in points if each.get("customdata")), None)
    if pair is None:
        return
    st.session_state[spoken(_FIRST)], st.session_state[spoken(_SECOND)] = pair[0], pair[1]
    st.session_state[spoken(_FROM)] = SOURCE_OF[st.session_state["together_source"]]
    _pair_chosen()


def offer(pairs: list[tuple[str, str]]) -> None:
    """The pairs of labels in the table's order, for the click that may follow."""
    st.session_state[_OFFERED] = pairs


def row_clicked() -> None:
    """A callback of the table of confused labels."""
    rows = st.session_state[TABLE]["selection"]["rows"]
    pairs = st.session_state.get(_OFFERED, [])
    if rows and rows[0] < len(pairs):
        st.session_state[_CONFUSED] = pairs[rows[0]]
        st.session_state[_PAGE] = 0
    else:
        _pair_chosen()


def _pair_chosen() -> None:
    st.session_state.pop(_CONFUSED, None)
    st.session_state[_PAGE] = 0


def _turn(by: int) -> None:
    st.session_state[_PAGE] = st.session_state.get(_PAGE, 0) + by


def panel(project: Project, found: View) -> None:
    """The choice of a pair, which a click sets too, and one page of its texts."""
    st.subheader(t("together.read"), anchor=False)
    names = {label.key: label.name(lang()) for label in project.label_set.every}
    page = int(st.session_state.get(_PAGE, 0))
    confused = st.session_state.get(_CONFUSED)
    with session.db() as db:
        if confused:
            read = together.confused_texts(db, project.id, *confused, page=page)
        else:
            first, second, source = _choice(found)
            read = together.texts(db, project.id, source, first, second, page=page)  # type: ignore[arg-type]
    if confused:
        a, b = (plain(names.get(key, key)) for key in confused)
        st.markdown(t("together.read_confused", n=read.n, a=a, b=b))
        st.button(t("together.back_to_pair"), key="together_back", on_click=_pair_chosen, icon=":material/arrow_back:")
    else:
        a, b = plain(names[first]), plain(names[second])
        st.markdown(t("together.read_one", n=read.n, a=a) if a == b else t("together.read_pair", n=read.n, a=a, b=b))
    if read.texts:
        with st.container(border=True, height=HEIGHT if len(read.texts) > FEW else "content", key="together_texts"):
            for each in read.texts:
                _one(each, names)
    _pages(read)


def _choice(found: View) -> tuple[str, str, str]:
    """Two labels and where to look; what no longer exists gives way to the commonest pair."""
    names = {label.key: label.name(lang()) for label in found.labels}
    sources = {str(one): t(f"together.from_{one}") for one in together.SOURCES if found.has(one)}
    keys = list(names)
    offered = {
        _FIRST: (names, keys[0]), _SECOND: (names, keys[min(1, len(keys) - 1)]),
        _FROM: (sources, "pool" if found.pool.n else "gold"),
    }  # fmt: skip
    chosen = []
    for column, (name, (said, usual)) in zip(st.columns(len(offered)), offered.items(), strict=True):
        chosen.append(
            column.selectbox(
                t(name.replace("together_", "together.read_")), list(said), key=respoken(name, said, usual),
                format_func=said.__getitem__, on_change=_pair_chosen,
            )
        )  # fmt: skip
    return chosen[0], chosen[1], chosen[2]


def _one(each: Text, names: dict[str, str]) -> None:
    st.markdown(plain(each.text))
    said = t("together.labels_people", labels=_labels(each.labels, names))
    if each.named is not None:
        said += "　" + t("together.labels_student", labels=_labels(each.named, names))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(plain(said), width="stretch")
        review_link(each.document_id)


def _labels(keys: tuple[str, ...], names: dict[str, str]) -> str:
    return listed(names.get(key, key) for key in keys) or t("together.no_label")


def _pages(read: Texts) -> None:
    if read.pages == 1:
        return
    st.session_state[_PAGE] = read.page  # another choice may have fewer
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(t("together.newer"), key="together_newer", on_click=_turn, args=(-1,), disabled=not read.page)
        st.button(
            t("together.older"), key="together_older", on_click=_turn, args=(1,), disabled=read.page + 1 >= read.pages
        )
        st.caption(t("together.page", page=read.page + 1, pages=read.pages))
