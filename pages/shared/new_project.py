"""A new project without texts: its names, and its labels typed or taken from another project."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from core import label_rules
from core.errors import TagtailError
from core.services import projects
from core.services.accounts import User
from core.services.projects import NewProject
from db.errors import StorageError
from pages.shared import messages, session
from pages.shared.i18n import plain, spoken, t
from pages.shared.importing import free_key

_TURN = "new_project_turn"  # grows with each project made, so that the form starts empty again


def _entered(turn: int) -> tuple[NewProject, str]:
    """What is entered, still without labels of its own, and the labels as typed."""
    left, right = st.columns(2)
    name = left.text_input(t("data.new_name"), key=f"project_name_{turn}", max_chars=projects.MAX_NAME)
    name_en = right.text_input(t("data.new_name_en"), key=f"project_name_en_{turn}", max_chars=projects.MAX_NAME)
    key = left.text_input(
        t("data.new_key"), key=f"project_key_{turn}", max_chars=40, help=t("data.new_key_help"),
        placeholder=t("data.new_key_auto"),
    )  # fmt: skip
    others = session.titles(session.projects())
    like = right.selectbox(
        t("data.new_labels_from"), [None, *others], key=spoken(f"project_like_{turn}"),
        format_func=lambda found: t("data.new_labels_typed") if found is None else t("data.like", name=others[found]),
    )  # fmt: skip
    if like is not None:
        same_guideline = st.checkbox(t("data.same_guideline"), value=True, key=f"project_same_guideline_{turn}")
        same_settings = st.checkbox(t("data.same_settings"), value=True, key=f"project_same_settings_{turn}")
        wanted = NewProject(
            key=key.strip(), name=name, name_en=name_en, like=like, same_guideline=same_guideline,
            same_settings=same_settings,
        )  # fmt: skip
        return wanted, ""
    left, right = st.columns(2)
    typed = left.text_area(
        t("data.new_labels"), key=f"project_labels_{turn}", height=220, placeholder=t("data.new_labels_example")
    )
    guideline = right.text_area(t("data.new_guideline"), key=f"project_guideline_{turn}", height=220)
    return NewProject(key=key.strip(), name=name, name_en=name_en, guideline=guideline), typed


def _make(new: NewProject, typed: str, me: User) -> None:
    with session.db() as db:
        taken = {each.key for each in projects.list_projects(db, archived=True)}
        key = new.key or free_key(new.name_en or new.name, taken)
        labels = () if new.like is not None else label_rules.typed(typed)
        made = projects.make_project(db, replace(new, key=key, labels=labels), by=me.id, now=session.now())
    session.choose(made.id)
    messages.later(t("data.project_made", name=plain(made.name), n=f"{len(made.label_set):,}"))


def section(me: User) -> None:
    """The form; what is refused stays as it was typed."""
    turn = st.session_state.setdefault(_TURN, 0)
    st.caption(t("data.new_project_intro"))
    new, typed = _entered(turn)
    if not st.button(t("data.make_project"), type="primary", key="make_project"):
        return
    try:
        _make(new, typed, me)
    except (TagtailError, StorageError) as error:
        messages.show(error)
        return
    st.session_state[_TURN] = turn + 1
    st.rerun()
