"""Figures of a project that cost what it holds: computed once for each state of the database, or once in a while."""

from __future__ import annotations

import streamlit as st
from sqlite_utils import Database

from core.config import Runtime
from core.services import annotating, reporting
from core.services.annotating import Standing
from core.services.reporting import Overview
from pages.shared import session

MANY = 5000  # texts: more are not counted at each click


@st.cache_data(max_entries=32, show_spinner=False)
def _overview(path: str, project_id: int, version: int, _db: Database) -> Overview:
    """Keyed by the file, the project and its version; the connection itself takes no part in the key."""
    return reporting.overview(_db, project_id)


def overview(project_id: int) -> Overview:
    """The project's numbers as they are now."""
    with session.db() as opened:
        version = reporting.version(opened, project_id)
        return _overview(str(Runtime.from_env().database), project_id, version, opened)


@st.cache_data(max_entries=32, ttl=10, show_spinner=False)
def _standing(path: str, project_id: int, _db: Database) -> Standing:
    return annotating.standing(_db, project_id)


def standing(db: Database, project_id: int) -> Standing:
    """How far the project is; of a large one up to ten seconds old, for everybody's clicks together."""
    found = _standing(str(Runtime.from_env().database), project_id, db)
    return found if found.pool > MANY else annotating.standing(db, project_id)
