"""Labels: what annotators may choose, what is said of each, and the guideline. For project leads."""

from __future__ import annotations

import html
from collections.abc import Sequence
from functools import partial

import streamlit as st

from core.errors import TagtailError
from core.labels import Label
from core.services import label_effects, labelling, scheduling
from core.services.accounts import User
from core.services.labelling import Note
from core.services.projects import Project
from db.errors import StorageError
from pages.shared import guideline_editor, label_changes, label_dialogs, messages, paging, session
from pages.shared.cache import overview
from pages.shared.i18n import lang, plain, t
from pages.shared.links import page_link

PAGE = 25  # labels
_PAGE, _GONE, _QUERY = "labels_page", "labels_gone_page", "labels_query"
HEAD = (
    '<div style="display:flex;align-items:center;gap:.5em;flex-wrap:wrap"><span style="flex:none;width:1em;height:1em;'
    'border-radius:.3em;background:{colour}"></span><strong style="font-size:1.08rem">{name}</strong>'
    '<span style="opacity:.75">{other}</span></div>'
)


def counts(project: Project) -> dict[str, tuple[int, int]]:
    """How many pool and gold texts count with each label that may be chosen."""
    now = overview(project.id)
    found = zip(now.labels, now.label_counts, now.gold_counts, strict=True)
    return {label.key: (pool, gold) for label, pool, gold in found}


def move(project_id: int, key: str, steps: int) -> None:
    """Moves a label on the board, as the person at the screen."""
    try:
        user = session.require("lead")
        with session.db() as db:
            labelling.move(db, project_id, key, steps, by=user.id, now=session.now())
    except (TagtailError, StorageError) as error:
        messages.trouble_later(error)


def heading(label: Label) -> None:
    """Colour and both names."""
    name = label.name(lang())
    other = label.zh if lang() == "en" else label.en
    shown = {"colour": label.colour, "name": html.escape(name), "other": html.escape(other if other != name else "")}
    st.html(HEAD.format(**shown))


def card(project: Project, label: Label, n: tuple[int, int], note: Note | None) -> None:
    """One label: what people see of it, how far it is in use, and what can be done with it."""
    with st.container(border=True):
        left, right = st.columns([5, 3], vertical_alignment="top")
        with left:
            heading(label)
            facts = [t("labels.key_is", key=label.hotkey) if label.hotkey else t("labels.no_key")]
            facts.append(t("labels.used", pool=f"{n[0]:,}", gold=f"{n[1]:,}"))
            if not label.examples:
                facts.append(t("labels.no_examples"))
            st.caption(" · ".join(facts))
            definition = (label.definition_en if lang() == "en" else "") or label.definition
            st.markdown(plain(definition) if definition else f"*{t('labels.no_definition')}*")
            if note:
                st.caption(f":material/push_pin: {plain(note.text)}")
        with right, st.container(horizontal=True, horizontal_alignment="right", gap="small"):
            actions(project, label)


def actions(project: Project, label: Label) -> None:
    """Move, edit, merge, retire."""
    board = [each.key for each in project.label_set.on_board]
    at = board.index(label.key)
    for word, steps, off in (("up", -1, at == 0), ("down", 1, at == len(board) - 1)):
        st.button(
            "↑" if steps < 0 else "↓", key=f"{word}_{label.key}", disabled=off, on_click=move,
            args=(project.id, label.key, steps), help=t(f"labels.{word}", name=plain(label.name(lang()))),
        )  # fmt: skip
    for word in ("edit", "merge", "retire"):
        st.button(
            t(f"labels.{word}"), key=f"{word}_{label.key}", disabled=word != "edit" and len(board) == 1,
            on_click=label_dialogs.ask, args=(word, label.key),
        )  # fmt: skip


def gone(project: Project, me: User) -> None:
    """Labels that were retired or merged, each with the way back."""
    if not project.label_set.gone:
        return
    names = project.label_set.names(lang())
    with session.db() as db:
        uses = label_effects.uses(db, project.id)
    with st.expander(t("labels.gone", n=len(project.label_set.gone))):
        st.caption(t("labels.gone_note"))
        for label in paging.page_of(project.label_set.gone, _GONE, PAGE):
            left, right = st.columns([5, 2], vertical_alignment="center")
            name, used = plain(label.name(lang())), uses.get(label.key, label_effects.Uses())
            if label.merged_into:
                words = t("labels.gone_merged", name=name, into=plain(names[label.merged_into]), n=used.decisions)
            else:
                words = t("labels.gone_retired", name=name, n=used.decisions)
            left.markdown(words)
            change = partial(labelling.bring_back, project_id=project.id, key=label.key)
            pressed = right.button(t("labels.bring_back"), key=f"back_{label.key}", width="stretch")
            if pressed and label_dialogs.do(change, me, t("labels.brought_back", name=name)):
                st.rerun()
        paging.turns(len(project.label_set.gone), _GONE, PAGE)


def looked_for(labels: Sequence[Label]) -> list[Label]:
    """All of a few; of many those that the search finds."""
    if len(labels) <= PAGE:
        return list(labels)
    query = st.text_input(
        t("labels.search"), key=_QUERY, placeholder=t("labels.search_example"), icon=":material/search:",
        on_change=paging.begin, args=(_PAGE,),
    )  # fmt: skip
    return paging.matching(labels, query, lambda label: (label.zh, label.en, label.key, label.definition))


def section(project: Project, me: User) -> None:
    """All labels in the order of the board."""
    labels = project.label_set.on_board
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(t("labels.intro", n=len(labels)), width="stretch")
        st.button(
            t("labels.add"), key="add_label", type="primary", icon=":material/add:", on_click=label_dialogs.ask,
            args=("add",),
        )  # fmt: skip
    used = counts(project)
    with session.db() as db:
        notes = labelling.notes(db, project.id)
    found = looked_for(labels)
    if not found:
        st.info(t("labels.search_none"), icon=":material/search_off:")
    for label in paging.page_of(found, _PAGE, PAGE):
        card(project, label, used.get(label.key, (0, 0)), notes.get(label.key))
    paging.turns(len(found), _PAGE, PAGE)
    gone(project, me)
    label_dialogs.draw(project, me, notes)


def outdated(project: Project) -> None:
    """Says that the student rests, and how the next round stands."""
    with session.db() as db:
        if not scheduling.is_outdated(db, project):
            return
        state = scheduling.status(db, project.id, now=session.now()).state
    st.warning(t("labels.outdated_due" if state != "idle" else "labels.outdated"), icon=":material/model_training:")
    page_link("rounds", t("labels.go_rounds"))


def show() -> None:
    me = session.require("lead")
    project = session.project()
    st.title(t("labels.title"), anchor=False)
    with st.container():  # there with or without a message, so that the open tab stays open
        messages.show_later()
        outdated(project)
    first, second, third = st.tabs([t("labels.tab_labels"), t("labels.tab_guideline"), t("labels.tab_changes")])
    try:
        with first:
            section(project, me)
        with second:
            guideline_editor.section(project, me)
        with third:
            label_changes.section(project)
    except (TagtailError, StorageError) as error:
        messages.show(error)


if __name__ == "__main__":
    show()
