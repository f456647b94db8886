"""Figures of a project that cost what it holds: computed once for each state of the database."""

from __future__ import annotations

import streamlit as st
from sqlite_utils import Database

from core.config import Runtime
from core.services import reporting
from core.services.dashboard import overview as overview_service
from core.services.dashboard.overview import Glance
from core.services.reporting import Overview
from pages.shared import session


@st.cache_data(max_entries=32, show_spinner=False)
def _overview(path: str, project_id: int, version: int, _db: Database) -> Overview:
    """Keyed by the file, the project and its version; the connection itself takes no part in the key."""
    return reporting.overview(_db, project_id)


def overview(project_id: int) -> Overview:
    """The project's numbers as they are now."""
    with session.db() as opened:
        version = reporting.version(opened, project_id)
        return _overview(str(Runtime.from_env().database), project_id, version, opened)


@st.cache_data(max_entries=32, show_spinner=False)
def _glance(path: str, project_id: int, version: int, _db: Database) -> Glance:
    return overview_service.glance(_db, project_id)


def glance(project_id: int) -> Glance:
    """The overview's figures as they are now."""
    with session.db() as opened:
        version = reporting.version(opened, project_id)
        return _glance(str(Runtime.from_env().database), project_id, version, opened)
