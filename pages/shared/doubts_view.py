"""Read again: one label at a time that looks mistaken, left as it is or changed by a key, and the next one comes."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import streamlit as st

from core.errors import TagtailError
from core.services import adjudicating, doubting
from core.services.accounts import User
from core.services.doubting import Doubt, ToRead
from core.services.projects import Project
from db.errors import StorageError
from pages.shared import messages, my_html, session, when
from pages.shared.i18n import lang, listed, plain, t
from pages.shared.label_choice import label_choice, label_choice_now

LATER = "doubts_later"  # what was put off in this visit: [(document, label)]
CHOOSING = "doubts_choosing"  # the doubt of which all labels are being chosen
DONE = "doubts_done"  # the last thing done, to be said and undone
CELL = tuple[int, str]


def cell(doubt: Doubt) -> CELL:
    return doubt.document_id, doubt.label


def name_of(project: Project, key: str) -> str:
    return project.label_set.names(lang()).get(key, key)


def act(doubt: Doubt, what: str, do: Callable[[Any, User, float], None], **said: object) -> None:
    """Carries something out as the person at the screen, and keeps what to say of it."""
    now = session.now()
    try:
        user = session.require(doubting.ROLE)
        with session.db() as db:
            do(db, user, now)
    except (TagtailError, StorageError) as error:
        st.session_state.pop(DONE, None)
        messages.trouble_later(error)
        return
    st.session_state.pop(CHOOSING, None)
    st.session_state[DONE] = (what, doubt, t(f"doubts.{what}", id=doubt.document_id, **said))


def keep(project: Project, doubt: Doubt) -> None:
    def do(db: Any, user: User, now: float) -> None:
        doubting.keep(
            db, project.id, doubt.document_id, doubt.label, given=doubt.given, by=user.id, now=now
        )  # fmt: skip

    act(doubt, "kept", do, label=plain(name_of(project, doubt.label)))


def change(project: Project, doubt: Doubt, labels: tuple[str, ...]) -> None:
    def do(db: Any, user: User, now: float) -> None:
        doubting.change(
            db, project.id, doubt.document_id, doubt.label, given=doubt.given, labels=labels, seen=doubt.seen,
            by=user.id, now=now,
        )  # fmt: skip

    names = listed(name_of(project, key) for key in project.label_set.present(labels))
    act(doubt, "changed", do, labels=plain(names))


def choose(project: Project, doubt: Doubt) -> None:
    """What the choice of all labels says."""
    change(project, doubt, tuple(label_choice_now(choice_key(doubt))))


def leave_out(project: Project, doubt: Doubt) -> None:
    def do(db: Any, user: User, now: float) -> None:
        adjudicating.leave_out(db, project.id, doubt.document_id, seen=doubt.seen, by=user.id, now=now)

    act(doubt, "left_out", do)


def undo(project: Project) -> None:
    """Takes the last thing back: what was settled is reopened, what was found right is asked again."""
    what, doubt, _ = st.session_state.pop(DONE)

    def do(db: Any, user: User, now: float) -> None:
        if what != "kept":
            adjudicating.reopen(db, project.id, doubt.document_id, by=user.id, now=now)
        if what != "left_out":
            doubting.ask_again(db, project.id, doubt.document_id, doubt.label, by=user.id, now=now)

    act(doubt, "undone", do)


def put_off(doubt: Doubt) -> None:
    st.session_state.setdefault(LATER, []).append(cell(doubt))
    st.session_state.pop(DONE, None)


def open_choice(doubt: Doubt) -> None:
    st.session_state[CHOOSING] = cell(doubt)


def choice_key(doubt: Doubt) -> str:
    return f"doubts_labels_{doubt.document_id}_{doubt.label}"


def sentence(project: Project, doubt: Doubt) -> str:
    """Why it is doubted, in words."""
    against = (doubt.probability < 0.5) == doubt.given
    key = f"doubts.{'extra' if doubt.given else 'missing'}_{'sure' if against else 'unsure'}"
    return t(key, label=name_of(project, doubt.label), p=number(doubt.probability))


def number(probability: float) -> str:
    """Two decimals; no model is as sure as 0 or 1."""
    return "< 0.01" if probability < 0.01 else "> 0.99" if probability > 0.99 else f"{probability:.2f}"


def said(project: Project) -> None:
    """What was just done, and the way back; a settlement that replaced another is reopened among the settled ones."""
    if DONE not in st.session_state:
        return
    what, doubt, words = st.session_state[DONE]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/check_circle: {words}", width="content")
        if what != "undone" and (what == "kept" or doubt.seen is None):
            st.button(
                t("doubts.undo"), key="doubts_undo", type="tertiary", icon=":material/undo:", on_click=undo,
                args=(project,), shortcut="u",
            )  # fmt: skip


def buttons(project: Project, doubt: Doubt) -> None:
    """Yes, no, later; each has its key. Neither answer is made to look like the right one."""
    name = plain(name_of(project, doubt.label))
    with st.container(horizontal=True):
        st.button(
            t("doubts.keep"), key="doubts_keep", icon=":material/check:", on_click=keep, args=(project, doubt),
            shortcut="y",
        )  # fmt: skip
        if doubt.mended:
            words = t("doubts.change_take" if doubt.given else "doubts.change_add", label=name)
            st.button(
                words, key="doubts_change", icon=":material/edit:", on_click=change,
                args=(project, doubt, doubt.mended), shortcut="n",
            )  # fmt: skip
        else:
            st.button(
                t("doubts.change_choose"), key="doubts_change", icon=":material/edit:",
                on_click=open_choice, args=(doubt,), shortcut="n",
            )  # fmt: skip
        st.button(
            t("doubts.later"), key="doubts_later_button", type="tertiary", icon=":material/arrow_forward:",
            on_click=put_off, args=(doubt,), shortcut="Right",
        )  # fmt: skip


def choice(project: Project, doubt: Doubt) -> None:
    """All labels of the text, for whoever has more to change than the doubted one."""
    opened = st.session_state.get(CHOOSING) == cell(doubt)
    with st.expander(t("doubts.others"), expanded=opened, key=f"doubts_others_{doubt.document_id}_{doubt.label}"):
        if not doubt.mended:
            st.caption(t("doubts.others_only"))
        labels = label_choice(
            t("doubts.labels"), project, doubt.mended, key=choice_key(doubt), label_visibility="collapsed"
        )
        with st.container(horizontal=True):
            st.button(
                t("doubts.settle"), key="doubts_settle", icon=":material/gavel:", disabled=not labels,
                on_click=choose, args=(project, doubt),
            )  # fmt: skip
            st.button(
                t("doubts.leave_out"), key="doubts_leave_out", type="tertiary", icon=":material/block:",
                on_click=leave_out, args=(project, doubt), help=t("doubts.leave_out_help"),
            )  # fmt: skip


def one(project: Project, doubt: Doubt, found: ToRead) -> None:
    """The doubt on top of the list."""
    label = next((each for each in project.label_set.labels if each.key == doubt.label), None)
    small = [t("doubts.left", n=f"{found.n:,}"), t("review.text_id", id=doubt.document_id, external=doubt.external_id)]
    line = [escape(each) for each in small] + ([f"<b>{escape(t('doubts.gold'))}</b>"] if doubt.gold else [])
    shown = doubt.labels if doubt.given else (*doubt.labels, doubt.label)
    sign = t("doubts.sign_extra" if doubt.given else "doubts.sign_missing")
    st.html(my_html.facts(line))
    st.html(my_html.whole(doubt.text, label.keywords if label else ()))
    st.html(my_html.chips(project.label_set, shown, odd=[doubt.label], why=sign))
    st.markdown(f"**{plain(sentence(project, doubt))}**")
    buttons(project, doubt)
    choice(project, doubt)


def nothing(project: Project, found: ToRead, label: str) -> None:
    """Why nothing is here."""
    if found.at is None or found.note == "too_few":
        title, body = t("doubts.empty_none_title"), t("doubts.empty_none_body", need=doubting.LEAST_TEXTS)
    elif found.note == "too_many":
        title, body = t("doubts.empty_many_title"), t("doubts.empty_many_body", texts=f"{found.texts:,}")
    elif label:
        title, body = t("doubts.empty_label_title", label=plain(name_of(project, label))), t("doubts.empty_label_body")
    else:
        title, body = t("doubts.empty_done_title"), t("doubts.empty_done_body")
    st.info(f"**{title}** {body}", icon=":material/fact_check:")


def again() -> None:
    st.session_state[LATER] = []


def section(project: Project, me: User, label: str) -> None:
    """The view: what was just done, the likeliest mistake, and how the list came about."""
    later: list[CELL] = st.session_state.setdefault(LATER, [])
    with session.db() as db:
        found = doubting.to_read(db, project.id, by=me.id, label=label or None, n=len(later) + 1)
    st.html(my_html.STYLE)
    with st.container():  # there with or without words, so that what is below keeps its place
        said(project)
    waiting = [each for each in found.doubts if cell(each) not in later]
    if waiting:
        one(project, waiting[0], found)
    elif found.n:
        st.info(t("doubts.passed", n=f"{found.n:,}"), icon=":material/fact_check:")
        st.button(t("doubts.again", n=f"{found.n:,}"), key="doubts_again", on_click=again)
    else:
        nothing(project, found, label)
    if found.at and not found.note:
        words = [t("doubts.intro"), t("doubts.made", texts=f"{found.texts:,}", at=when.moment(found.at))]
        names = listed(name_of(project, key) for key in found.unjudged)
        st.caption(" ".join([*words, *([t("doubts.unjudged", labels=plain(names))] if names else [])]))
