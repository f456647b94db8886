"""One text that I have decided on: read it, see its versions and what was settled, change it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from html import escape

import streamlit as st

from core.errors import TagtailError
from core.services import annotating, looking_back
from core.services.looking_back import Detail, Past, Version
from core.services.projects import Project
from db.errors import NotFound, StorageError
from pages.shared import messages, my_html, session, stored_errors, when
from pages.shared.i18n import plain, t
from pages.shared.label_choice import label_choice, label_choice_now

SAID = "mine_said"  # what became of the last change, shown once: (whether it was saved, a sentence)
SEEN = "mine_seen"  # the version on screen: (document, annotation)


def change_key(past: Past, what: str) -> str:
    """Names a widget by text and version, so that a new version draws it anew."""
    return f"mine_{what}_{past.document_id}_{past.id}"


def save(project_id: int, past: Past) -> None:
    """Keeps what the widgets say as a new version; the same click twice is one version."""
    state = st.session_state
    decision = state.get(change_key(past, "as")) or past.decision
    op = {
        "uid": state.setdefault(change_key(past, "uid"), uuid.uuid4().hex),
        "kind": "revise",
        "project": project_id,
        "document": past.document_id,
        "decision": decision,
        "labels": label_choice_now(change_key(past, "labels"), past.labels),
        "comment": state.get(change_key(past, "comment"), "") if decision == "flagged" else "",
        "ms": 0,
    }
    try:
        user = session.require("annotator")
        with session.db() as db:
            result = annotating.apply(db, project_id, user.id, [op], now=session.now())
    except (TagtailError, StorageError) as error:
        state[SAID] = (False, messages.words(error))
        return
    if result.refused:
        state.pop(change_key(past, "uid"), None)
        refusal = result.refused[0]
        state[SAID] = (False, plain(stored_errors.words(refusal.code, refusal.fields)))
    else:
        state[SAID] = (True, t("mine.saved"))
        state.pop(SEEN, None)


def _said() -> None:
    good, text = st.session_state.pop(SAID, (True, ""))
    if text and good:
        st.success(text, icon=":material/check_circle:")
    elif text:
        st.error(text, icon=":material/error:")


def _noticed(past: Past) -> None:
    """Says so when another tab has made a version since this one was drawn."""
    document, version = st.session_state.get(SEEN, (past.document_id, past.id))
    if document == past.document_id and version != past.id:
        st.info(t("mine.elsewhere"), icon=":material/sync:")
    st.session_state[SEEN] = (past.document_id, past.id)


def change(project: Project, past: Past) -> None:
    """Decision, labels and comment as I left them; nothing is kept before the button is pressed."""
    decision = st.segmented_control(
        t("mine.as"), annotating.DECISIONS, default=past.decision, required=True, key=change_key(past, "as"),
        format_func=lambda each: t(f"mine.decision_{each}"),
    )  # fmt: skip
    labels: Sequence[str] = ()
    if decision != "skipped":
        labels = label_choice(t("mine.labels"), project, past.labels, key=change_key(past, "labels"))
    comment = ""
    if decision == "flagged":
        comment = st.text_area(
            t("mine.comment"), past.comment, max_chars=annotating.MAX_COMMENT, key=change_key(past, "comment"),
            height=80,
        )  # fmt: skip
    kept = past.labels if past.decision != "skipped" else ()
    before = (past.decision, set(kept), past.comment if past.decision == "flagged" else "")
    same = (decision, set(labels), comment) == before
    st.button(
        t("mine.save"), key=change_key(past, "save"), type="primary", icon=":material/history:", disabled=same,
        on_click=save, args=(project.id, past),
    )  # fmt: skip
    if same:
        st.caption(t("mine.unchanged"))


def settled(project: Project, detail: Detail) -> None:
    """What a reviewer settled beside what I chose, and what they said."""
    past = detail.past
    if past.left_out:
        st.html(my_html.chips(project.label_set, past.labels))
        st.markdown(f"**{t('mine.left_out')}**")
    elif past.settled is None:
        return
    elif past.agrees is None:
        st.html(my_html.chips(project.label_set, past.settled))
    else:
        st.html(my_html.beside(project.label_set, past.labels, past.settled))
        st.markdown(f"**{t('mine.settled_same') if past.agrees else t('mine.settled_other')}**")
    if detail.settled_comment:
        st.info(t("mine.settled_said", comment=plain(detail.settled_comment)), icon=":material/comment:")
    st.caption(t("mine.settled_final", when=plain(when.moment(detail.settled_at))))


def _version_line(project: Project, version: Version, *, present: bool) -> str:
    words = [when.moment(version.at), f"<b>{escape(t(f'mine.decision_{version.decision}'))}</b>"]
    words += [escape(t("mine.version_now"))] if present else []
    line = my_html.facts(words) + my_html.chips(project.label_set, version.labels)
    return line + (f"<p>{escape(version.comment)}</p>" if version.comment else "")


def versions(project: Project, detail: Detail) -> None:
    if len(detail.versions) > 1:
        with st.expander(t("mine.versions", n=len(detail.versions))):
            for place, version in enumerate(detail.versions):
                st.html(_version_line(project, version, present=not place))


def ways(document_id: int, order: Sequence[int], go: Callable[[int], None]) -> None:
    """To the neighbours in the list behind."""
    if document_id not in order:
        return
    at = order.index(document_id)
    left, right = st.columns(2)
    if left.button(
        t("mine.newer"), key="mine_newer", icon=":material/arrow_back:", width="stretch", disabled=at == 0
    ):  # fmt: skip
        go(order[at - 1])
    if right.button(
        t("mine.older"), key="mine_older", icon=":material/arrow_forward:", width="stretch",
        disabled=at == len(order) - 1,
    ):  # fmt: skip
        go(order[at + 1])


def show(
    project: Project, user_id: int, document_id: int, order: Sequence[int], words: Sequence[str],
    go: Callable[[int], None],
) -> None:  # fmt: skip
    """The whole of it, inside whatever the caller opened."""
    try:
        with session.db() as db:
            detail = looking_back.one(db, project.id, user_id, document_id)
    except NotFound:
        st.info(t("mine.not_mine", id=document_id), icon=":material/undo:")
        return
    except (TagtailError, StorageError) as error:
        messages.show(error)
        return
    past = detail.past
    with st.container():  # there with or without a message, so that what is below keeps its place
        _noticed(past)
        _said()
    about = [t("mine.one_number", id=document_id), when.moment(past.at), t(f"mine.decision_{past.decision}")]
    st.html(my_html.facts(escape(each) for each in about))
    st.html(my_html.whole(past.text, words))
    if past.settled is None and not past.left_out:
        change(project, past)
    else:
        settled(project, detail)
    versions(project, detail)
    ways(document_id, order, go)
