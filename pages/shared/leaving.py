"""Texts that somebody walks away from: all but the one on the desk go to others at once, before their lease is over."""

from __future__ import annotations

import logging

import streamlit as st

from core.errors import TagtailError
from core.services import assigning
from core.services.accounts import User
from db.errors import StorageError
from pages.shared import session

log = logging.getLogger("tagtail.pages.leaving")
_DESK = "desk_of"  # the project at whose desk this visit is


def watch(user: User, *, at_desk: bool) -> None:
    """Called at every run of any page. What fails here is left to time."""
    before, here = st.session_state.get(_DESK), session.project_id() if at_desk else None
    st.session_state[_DESK] = here
    if before is None or before == here:
        return
    try:
        with session.db() as db:
            assigning.release(db, before, user.id, keep=1, now=session.now())
    except (TagtailError, StorageError):
        log.exception("texts could not be given back")
