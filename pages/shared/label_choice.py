"""Labels to choose several of: buttons for as many as a board lists, a field to search in for more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from core.label_rules import LISTED
from core.services.projects import Project
from pages.shared.i18n import lang, plain, respoken, spoken, t


def label_choice(
    words: str, project: Project, chosen: Sequence[str], *, key: str,
    label_visibility: Literal["visible", "collapsed"] = "visible",
) -> list[str]:  # fmt: skip
    """Keys, at first those ``chosen``; they outlast a change of language. A callback asks ``label_choice_now``."""
    names = project.label_set.names(lang())
    keys = [label.key for label in project.label_set.on_board]
    key = respoken(key, keys, chosen)
    if len(keys) <= LISTED:
        return st.pills(
            words, keys, selection_mode="multi", key=key, label_visibility=label_visibility,
            format_func=lambda each: plain(names[each]),
        )  # fmt: skip
    return st.multiselect(
        words, keys, key=key, label_visibility=label_visibility,
        format_func=lambda each: names[each], placeholder=t("common.find_label"),
    )  # fmt: skip


def label_choice_now(key: str, otherwise: Sequence[str] = ()) -> list[str]:
    """What is chosen under ``key``; ``otherwise`` where no choice is on the page."""
    return list(st.session_state.get(spoken(key), otherwise) or ())
