"""My work: texts that I have decided on, found again and changed; how I agree with what was settled; texts a day."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.errors import TagtailError
from core.services import looking_back, preferences
from core.services.accounts import User
from core.services.looking_back import LEAST_COMPARED, LabelAgreement, MyAgreement, Pace, Past
from core.services.projects import Project
from db.errors import StorageError
from pages.shared import links, messages, my_charts, my_html, my_text, paging, session, when
from pages.shared.i18n import lang, listed, plain, respoken, t

PAGE = 20
SHOWN = "mine_shown"  # how many texts the list shows
BY_LABEL, PER_PAGE = "mine_by_label", 40  # labels of a page
FILTERS = ("all", "labelled", "flagged", "skipped", "differs")
TABS = ("texts", "agreement", "days")
CHART: dict[str, Any] = {"displayModeBar": False}


def back_to_few() -> None:
    """Another search begins at its newest texts."""
    st.session_state.pop(SHOWN, None)


def open_text(document_id: int) -> None:
    st.query_params["text"] = str(document_id)


def close_text() -> None:
    st.query_params.pop("text", None)
    st.session_state.pop(my_text.SEEN, None)


def filters(project: Project) -> dict[str, Any]:
    """The search box and the two filters, as arguments of ``looking_back.history``."""
    names = {label.key: label.name(lang()) for label in project.label_set.on_board}
    left, right = st.columns([3, 2])
    query = left.text_input(
        t("mine.search"), key="mine_query", placeholder=t("mine.search_example"), help=t("mine.search_help"),
        on_change=back_to_few, icon=":material/search:",
    )  # fmt: skip
    label = right.selectbox(
        t("mine.label"), ["", *names], key=respoken("mine_label", ["", *names], ""), on_change=back_to_few,
        format_func=lambda key: names.get(key) or t("mine.any_label"),
    )  # fmt: skip
    shown = st.segmented_control(
        t("mine.show"), FILTERS, default="all", required=True, key="mine_filter", on_change=back_to_few,
        format_func=lambda each: t(f"mine.show_{each}"), label_visibility="collapsed",
    )  # fmt: skip
    decision = shown if shown in ("labelled", "flagged", "skipped") else None
    return {"query": query or "", "label": label or None, "decision": decision, "differs": shown == "differs"}


def facts(past: Past) -> list[str]:
    """The small print of one text in the list."""
    found = [when.moment(past.at)]
    if past.decision != "labelled":
        found.append(f"<b>{t(f'mine.decision_{past.decision}')}</b>")
    if past.versions > 1:
        changed = past.versions - 1
        found.append(t("mine.changed_once") if changed == 1 else t("mine.changed_times", n=changed))
    if past.left_out:
        found.append(f"<b>{t('mine.left_out')}</b>")
    elif past.settled is not None:
        key = "settled" if past.agrees is None else "settled_same" if past.agrees else "settled_other"
        found.append(f"<b>{t(f'mine.{key}')}</b>")
    return found


def card(project: Project, past: Past, words: list[str]) -> None:
    with st.container(border=True):
        left, right = st.columns([6, 1], vertical_alignment="center")
        line = my_html.facts(facts(past)) + my_html.excerpt(past.text, words)
        left.html(line + (my_html.chips(project.label_set, past.labels) if past.decision != "skipped" else ""))
        right.button(
            t("mine.open"), key=f"mine_open_{past.document_id}", on_click=open_text, args=(past.document_id,),
            help=t("mine.open_which", id=past.document_id), width="stretch",
        )  # fmt: skip


def texts(project: Project, me: User) -> tuple[list[int], list[str]]:
    """The list; says which texts stand in it and the words that were searched for."""
    wanted = filters(project)
    words = str(wanted["query"]).split()
    shown = st.session_state.get(SHOWN, PAGE)
    with session.db() as db:
        found = looking_back.history(db, project.id, me.id, **wanted, n=shown + 1)
    if not found:
        narrowed = any(wanted.values())
        if wanted["differs"] and not words and not wanted["label"]:
            st.info(t("mine.empty_differs"), icon=":material/verified:")
        else:
            st.info(t("mine.empty_found") if narrowed else t("mine.empty_title"), icon=":material/inbox:")
        return [], words
    more, found = len(found) > shown, found[:shown]
    if more:
        st.caption(t("mine.found_more", n=f"{len(found):,}"))
    else:
        st.caption(t("mine.found_one") if len(found) == 1 else t("mine.found", n=f"{len(found):,}"))
    for past in found:
        card(project, past, words)
    if more and st.button(t("mine.more", n=PAGE), key="mine_more", icon=":material/expand_more:", width="stretch"):
        st.session_state[SHOWN] = shown + PAGE
        st.rerun()
    return [past.document_id for past in found], words


def _tendency(key: str, found: tuple[LabelAgreement, ...], names: dict[str, str], count: str) -> str:
    items = [
        t("mine.tend_item", name=plain(names.get(each.key, each.key)), n=f"{getattr(each, count):,}")
        for each in found[:3]
    ]
    return t(f"mine.{key}", names=listed(items)) if items else ""


def percent(share: float) -> str:
    return f"{100 * share:.0f}"


def agreement(project: Project, found: MyAgreement) -> None:
    """How I stand to the others; nothing is said on few texts."""
    if not found.n:
        st.info(t("mine.agreement_none"), icon=":material/balance:")
        return
    if found.exact is None or found.jaccard is None:
        st.info(t("mine.agreement_few", n=found.n, need=LEAST_COMPARED), icon=":material/balance:")
        return
    names = project.label_set.names(lang())
    settled, others = f"{found.n_settled:,}", f"{found.n - found.n_settled:,}"
    st.caption(t("mine.agreement_of", n=f"{found.n:,}", settled=settled, others=others))
    left, right = st.columns(2)
    with left.container(border=True, height="stretch"):
        st.metric(t("mine.exact"), f"{percent(found.exact.value)} %")
        low, high = percent(found.exact.low), percent(found.exact.high)
        st.caption(t("mine.exact_note", k=f"{found.exact.k:,}", n=f"{found.n:,}", low=low, high=high))
    with right.container(border=True, height="stretch"):
        st.metric(t("mine.jaccard"), f"{found.jaccard:.2f}")
        st.caption(t("mine.jaccard_note"))
    missed = _tendency("tend_missed", found.missed(), names, "only_theirs")
    added = _tendency("tend_added", found.added(), names, "only_mine")
    st.markdown("  \n".join(each for each in (missed, added) if each) or t("mine.tend_nothing"))
    st.caption(t("mine.by_label"))
    columns = ("label", "agree", "interval", "only_mine", "only_theirs")
    shown = paging.page_of(found.labels, BY_LABEL, PER_PAGE)
    rows = [
        (
            names.get(each.key, each.key), f"{percent(each.agree.value)} % ({each.agree.k:,}/{each.agree.n:,})",
            f"{percent(each.agree.low)}–{percent(each.agree.high)} %", each.only_mine, each.only_theirs,
        )
        for each in shown
    ]  # fmt: skip
    st.html(my_html.table([t(f"mine.column_{name}") for name in columns], rows))
    paging.turns(len(found.labels), BY_LABEL, PER_PAGE)
    st.caption(t("mine.agreement_note"))


def days(found: Pace, goal: int) -> None:
    """Texts a day as a sentence, a chart and a table."""
    length = len(found.days)
    if not found.n:
        st.info(t("mine.days_none", days=length), icon=":material/calendar_month:")
        return
    if found.active == 1:
        words = [t("mine.days_sentence_one", days=length, n=f"{found.n:,}")]
    else:
        words = [t("mine.days_sentence", days=length, active=found.active, n=f"{found.n:,}")]
    words += [t("mine.days_median", seconds=max(1, round(found.median_s)))] if found.median_s else []
    words += [t("mine.days_goal", goal=f"{goal:,}")] if goal else []
    st.markdown((" " if lang() == "en" else "").join(words))
    st.plotly_chart(my_charts.days(found.days, goal, lang()), key="mine_days", config=CHART, width="stretch")
    st.caption(t("mine.days_note"))
    with st.expander(t("mine.table")):
        rows = [
            (each.day, each.n, "–" if each.median_s is None else round(each.median_s))
            for each in reversed(found.days)
            if each.n
        ]
        st.html(my_html.table([t(f"mine.column_{name}") for name in ("day", "texts", "seconds")], rows))


def opened(project: Project, me: User, document_id: int, order: list[int], words: list[str]) -> None:
    @st.dialog(t("mine.one_title"), width="medium", on_dismiss=close_text)
    def dialog() -> None:
        def go(other: int) -> None:
            open_text(other)
            st.rerun()

        my_text.show(project, me.id, document_id, order, words, go)

    dialog()


def panels(project: Project, me: User) -> None:
    """Three tabs, of which only the open one is computed."""
    order: list[int] = []
    words: list[str] = []
    first, second, third = st.tabs([t(f"mine.tab_{name}") for name in TABS], key="mine_tab", on_change="rerun")
    if first.open:
        with first:
            order, words = texts(project, me)
    if second.open:
        with second, session.db() as db:
            agreement(project, looking_back.my_agreement(db, project.id, me.id))
    if third.open:
        with third, session.db() as db:
            found = looking_back.my_days(db, project.id, me.id, now=session.now())
            own = preferences.desk(db, me.id).daily_goal
            days(found, project.settings.daily_goal if own is None else own)
    wanted = links.text_in_address(t("mine.not_a_number"))
    if wanted is not None:
        opened(project, me, wanted, order, words)


def show() -> None:
    me = session.require("annotator")
    project = session.project()
    st.html(my_html.STYLE)
    st.title(t("mine.title"), anchor=False)
    try:
        panels(project, me)
    except (TagtailError, StorageError) as error:
        messages.show(error)


if __name__ == "__main__":
    show()
