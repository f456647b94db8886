"""Asking once more before something that a person would regret: a dialog with what will happen and two buttons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st
from sqlite_utils import Database

from core.errors import TagtailError
from db.errors import StorageError
from pages.shared import messages, session
from pages.shared.i18n import t

_OPEN = "confirming"


@dataclass(frozen=True, kw_only=True)
class Question:
    """``key`` names the question on its page; ``act`` is done on yes, ``said`` told after it."""

    key: str
    title: str
    body: str
    yes: str
    said: str
    act: Callable[[Database], object]


def do(act: Callable[[Database], object], said: str) -> bool:
    """Runs one change and says how it went: at once why not, or with the next run that it is done."""
    try:
        with session.db() as db:
            act(db)
    except (TagtailError, StorageError) as error:
        messages.show(error)
        return False
    messages.later(said)
    return True


def ask(key: str) -> None:
    """A callback: the question that is open from now on."""
    st.session_state[_OPEN] = key


def close() -> None:
    """No question is open any more."""
    st.session_state.pop(_OPEN, None)


def draw(question: Question) -> None:
    """The dialog of this question, if it is the open one."""
    if st.session_state.get(_OPEN) != question.key:
        return

    @st.dialog(question.title, on_dismiss=close)
    def dialog() -> None:
        st.markdown(question.body)
        with st.container(horizontal=True):
            pressed = st.button(question.yes, key=f"yes_{question.key}", type="primary")
            cancelled = st.button(t("common.cancel"), key=f"no_{question.key}")
        if cancelled or (pressed and do(question.act, question.said)):
            close()
            st.rerun()

    dialog()
