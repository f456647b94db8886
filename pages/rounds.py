"""Rounds: what the next one needs, what the running one does, and what the past ones gave."""

from __future__ import annotations

import streamlit as st

from core.errors import TagtailError
from db.errors import StorageError
from pages.shared import cache, messages, session
from pages.shared.i18n import lang, t
from pages.shared.rounds import comparing, history, live, past, returning


def show() -> None:
    session.require("lead")
    project = session.project()
    st.title(t("rounds.title"), anchor=False)
    names = {label.key: label.name(lang()) for label in project.label_set.labels}
    live.live(project.id, names)
    try:
        seen = cache.timeline(project.id)
        history.section(seen)
        comparing.section(project.id, seen)
        returning.section(project.id, seen)
        past.past(seen)
    except (TagtailError, StorageError) as error:
        messages.show(error)


if __name__ == "__main__":
    show()
