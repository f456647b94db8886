"""The dialogs in which a lead changes a label. What is refused stays as it was typed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import streamlit as st

from core import label_rules
from core.errors import TagtailError
from core.labels import Label
from core.services import label_effects, labelling
from core.services.accounts import User
from core.services.label_effects import Effect
from core.services.labelling import Note
from core.services.projects import Project
from db.errors import StorageError
from pages.shared import messages, session, when
from pages.shared.i18n import lang, plain, spoken, t

_OPEN = "label_dialog"  # which dialog is open, and of which label
DIGITS = ("", *"123456789")
_LIST_BREAKS = {"keywords": r"[\n,，、;；]"}  # short words may stand on one line; a text may have commas of its own


def ask(kind: str, key: str = "") -> None:
    """A callback: the dialog that is to be open from now on."""
    st.session_state[_OPEN] = (kind, key)


def close() -> None:
    st.session_state.pop(_OPEN, None)


def draw(project: Project, me: User, notes: Mapping[str, Note]) -> None:
    """The open dialog, if there is one; of a label that a colleague has changed away meanwhile there is none."""
    kind, key = st.session_state.get(_OPEN, ("", ""))
    label = next((each for each in project.label_set.labels if each.key == key), None)
    if kind == "add":
        add(project, me)
    elif label is None:
        close()
    elif kind == "edit":
        edit(project, me, label, notes.get(key))
    elif kind == "merge":
        merge(project, me, label)
    elif kind == "retire":
        retire(project, me, label)


def _done() -> None:
    """Closes the dialog and shows the page as it is now."""
    close()
    st.rerun()


def do(change: Callable[..., object], me: User, said: str) -> bool:
    """Carries out one change as the person at the screen; says at once why not, or later that it is done."""
    try:
        with session.db() as db:
            change(db, by=me.id, now=session.now())
    except (TagtailError, StorageError) as error:
        messages.show(error)
        return False
    messages.later(said)
    return True


def fields(label: Label) -> dict[str, Any]:
    """Everything that may be written of a label, as it is entered."""
    left, right = st.columns(2)
    found: dict[str, Any] = {
        "zh": left.text_input(t("labels.field_zh"), value=label.zh, max_chars=label_rules.MAX_NAME),
        "en": right.text_input(t("labels.field_en"), value=label.en, max_chars=label_rules.MAX_NAME),
    }
    left, right = st.columns(2, vertical_alignment="bottom")
    found["colour"] = left.color_picker(
        t("labels.field_colour"), value=label.colour, help=t("labels.field_colour_help")
    )
    found["hotkey"] = right.selectbox(
        t("labels.field_hotkey"), DIGITS, index=DIGITS.index(label.hotkey) if label.hotkey in DIGITS else 0,
        format_func=lambda digit: digit or t("labels.field_hotkey_none"),
    )  # fmt: skip
    for name in ("definition", "definition_en"):
        found[name] = st.text_area(
            t(f"labels.field_{name}"), value=getattr(label, name), height=80, max_chars=label_rules.MAX_DEFINITION
        )
    for name in label_rules.LISTS:
        typed = st.text_area(
            t(f"labels.field_{name}"),
            value="\n".join(getattr(label, name)),
            height=80,
            help=t(f"labels.field_{name}_help"),
        )
        found[name] = [line.strip() for line in re.split(_LIST_BREAKS.get(name, "\n"), typed) if line.strip()]
    return found


def _differing(entered: dict[str, Any], label: Label) -> dict[str, Any]:
    """Only what was changed here: what a colleague changes elsewhere at the same time stays theirs."""
    return {
        name: value
        for name, value in entered.items()
        if (tuple(value) if isinstance(value, list) else value) != getattr(label, name)
    }


def _note_history(project: Project, label: Label) -> None:
    with session.db() as db:
        past = labelling.note_history(db, project.id, label.key)
    if past:
        with st.expander(t("labels.note_history", n=len(past))):
            for each in past:
                st.markdown(plain(each.text) if each.text else f"*{t('labels.note_taken_back')}*")
                st.caption(f"{plain(each.who)} · {when.moment(each.at)}")


def _place(n: int, at: int) -> int:
    """A place on the board, from 0."""
    if n <= label_rules.LISTED:
        return st.selectbox(t("labels.place"), range(n), index=at, format_func=lambda place: str(place + 1))
    return int(st.number_input(t("labels.place"), 1, n, at + 1)) - 1


def edit(project: Project, me: User, label: Label, note: Note | None) -> None:
    """Everything of one label, and the note to those who label."""

    at = project.label_set.on_board.index(label)

    def change(db: Any, *, by: int, now: float, entered: dict[str, Any], said: str, place: int) -> None:
        noted = said if said != (note.text if note else "") else None
        labelling.edit(
            db, project.id, label.key, _differing(entered, label), steps=place - at, said=noted, by=by, now=now
        )

    @st.dialog(t("labels.edit_title", name=label.name(lang())), width="medium", on_dismiss=close)
    def dialog() -> None:
        with st.form(f"edit_{label.key}", border=False, enter_to_submit=False):
            entered = fields(label)
            said = st.text_area(
                t("labels.note"), value=note.text if note else "", height=80, max_chars=labelling.MAX_NOTE,
                help=t("labels.note_help"),
            )  # fmt: skip
            place = _place(len(project.label_set), at)
            pressed = st.form_submit_button(t("common.save"), type="primary")
        st.caption(t("labels.key_stays", key=plain(label.key)))
        _note_history(project, label)
        done = t("labels.edited", name=plain(entered["zh"]))
        if pressed and do(partial(change, entered=entered, said=said.strip(), place=place), me, done):
            _done()

    dialog()


def add(project: Project, me: User) -> None:
    """A new label."""
    fresh = Label(
        key="", zh="", colour=label_rules.free_colour(project.label_set.labels),
        hotkey=label_rules.free_hotkey(project.label_set.labels),
    )  # fmt: skip

    @st.dialog(t("labels.add"), width="medium", on_dismiss=close)
    def dialog() -> None:
        st.caption(t("labels.add_note"))
        with st.form("add_label_form", border=False, enter_to_submit=False):
            entered = fields(fresh)
            pressed = st.form_submit_button(t("labels.add_go"), type="primary")
        change = partial(labelling.add, project_id=project.id, fields=entered)
        if pressed and do(change, me, t("labels.added", name=plain(entered["zh"].strip()))):
            _done()

    dialog()


def _effect(found: Effect, name: str, into: str = "") -> None:
    """What would happen, in sentences with their numbers."""
    used = found.uses
    numbers = {"decisions": f"{used.decisions:,}", "texts": f"{used.texts:,}", "gold": f"{used.gold:,}"}
    if used.people:
        lines = [t("labels.effect_uses", name=name, people=used.people, **numbers)]
    else:
        lines = [t("labels.effect_imported", name=name, **numbers)]
    lines.append(t("labels.effect_counted", name=name, n=f"{found.counted:,}"))
    if into:
        lines.append(t("labels.effect_gaining", into=into, n=f"{found.gaining:,}"))
    if found.emptied:
        lines.append(t("labels.effect_emptied", n=f"{found.emptied:,}"))
    if found.resolved:
        lines.append(t("labels.effect_resolved", n=f"{found.resolved:,}"))
    if found.student:
        lines.append(t("labels.effect_student"))
    lines.append(t("labels.effect_back"))
    st.markdown("\n".join(f"- {line}" for line in lines))


def _looked(project: Project, key: str, into: str = "") -> Effect | None:
    try:
        with session.db() as db:
            return label_effects.preview(db, project.id, key, into)
    except (TagtailError, StorageError) as error:
        messages.show(error)
        return None


def merge(project: Project, me: User, label: Label) -> None:
    """Into which label, what that does, and the button that does it."""
    name = plain(label.name(lang()))

    @st.dialog(t("labels.merge_title", name=label.name(lang())), on_dismiss=close)
    def dialog() -> None:
        others = {each.key: each.name(lang()) for each in project.label_set.on_board if each.key != label.key}
        into = st.selectbox(
            t("labels.merge_into"), list(others), format_func=others.__getitem__, index=None,
            placeholder=t("labels.merge_choose"), key=spoken(f"merge_into_{label.key}"),
        )  # fmt: skip
        found = _looked(project, label.key, into) if into else None
        if into is None or found is None:
            return
        _effect(found, name, plain(others[into]))
        said = t("labels.merged", name=name, into=plain(others[into]))
        change = partial(labelling.merge, project_id=project.id, key=label.key, into=into)
        words = t("labels.merge_go", name=name, into=plain(others[into]))
        if st.button(words, type="primary", key="merge_go") and do(change, me, said):
            _done()

    dialog()


def retire(project: Project, me: User, label: Label) -> None:
    """What retiring does, and the button that does it."""
    name = plain(label.name(lang()))

    @st.dialog(t("labels.retire_title", name=label.name(lang())), on_dismiss=close)
    def dialog() -> None:
        found = _looked(project, label.key)
        if found is None:
            return
        _effect(found, name)
        change = partial(labelling.retire, project_id=project.id, key=label.key)
        pressed = st.button(t("labels.retire_go", name=name), type="primary", key="retire_go")
        if pressed and do(change, me, t("labels.retired", name=name)):
            _done()

    dialog()
