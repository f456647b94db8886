"""Figures of a project that cost what it holds: computed once for each state of the database.

They are frozen and shared by all who look (``cache_resource``): a copy for each look would cost more than the look.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable

import streamlit as st
from sqlite_utils import Database

from core.config import Runtime
from core.services import forecasting, going_back, reporting
from core.services.dashboard import long_tail as long_tail_service
from core.services.dashboard import one_label as one_label_service
from core.services.dashboard import overview as overview_service
from core.services.dashboard import people as people_service
from core.services.dashboard import per_label
from core.services.dashboard import rounds as rounds_service
from core.services.dashboard import together as together_service
from core.services.dashboard.overview import Glance
from core.services.dashboard.people import Agreement, Suggestions, Work
from core.services.dashboard.rounds import Comparison, Timeline
from core.services.forecasting import WhenToStop
from core.services.going_back import Earlier
from core.services.reporting import Overview
from pages.shared import session


@st.cache_resource(max_entries=32, show_spinner=False)
def _overview(path: str, project_id: int, version: int, _db: Database) -> Overview:
    """Keyed by the file, the project and its version; the connection itself takes no part in the key."""
    return reporting.overview(_db, project_id)


def overview(project_id: int) -> Overview:
    """The project's numbers as they are now."""
    with session.db() as opened:
        version = reporting.version(opened, project_id)
        return _overview(str(Runtime.from_env().database), project_id, version, opened)


@st.cache_resource(max_entries=32, show_spinner=False)
def _glance(path: str, project_id: int, version: int, _db: Database) -> Glance:
    return overview_service.glance(_db, project_id)


def glance(project_id: int) -> Glance:
    """The overview's figures as they are now."""
    with session.db() as opened:
        version = reporting.version(opened, project_id)
        return _glance(str(Runtime.from_env().database), project_id, version, opened)


@st.cache_resource(max_entries=32, show_spinner=False)
def _when_to_stop(path: str, project_id: int, rounds: tuple[Hashable, ...], _db: Database) -> WhenToStop:
    return forecasting.when_to_stop(_db, project_id)


def when_to_stop(project_id: int) -> WhenToStop:
    """Whether more labels pay, as it is now. It goes by rounds, so no single decision makes it anew."""
    seen = glance(project_id)
    measured = seen.macro.history if seen.macro else ()
    settings, labels = seen.project.settings, seen.project.label_set.fingerprint
    with session.db() as opened:
        tail, total = seen.tail.keys if seen.tail else (), seen.n_labelled + seen.waiting.untouched
        # How far the curve may go need not be known to the text: it would be carried on anew for each decision.
        key = (seen.round, len(measured), forecasting.about(total), settings.target_f1, labels, tail)
        return _when_to_stop(str(Runtime.from_env().database), project_id, key, opened)


@st.cache_resource(max_entries=32, show_spinner=False)
def _together(path: str, project_id: int, version: int, _db: Database) -> together_service.View:
    return together_service.view(_db, project_id)


def together(project_id: int) -> together_service.View:
    """Which labels come together, as it is now."""
    with session.db() as opened:
        version = reporting.version(opened, project_id)
        return _together(str(Runtime.from_env().database), project_id, version, opened)


@st.cache_resource(max_entries=32, show_spinner=False)
def _people_work(path: str, project_id: int, version: int, since: dt.date | None, _db: Database) -> Work:
    return people_service.work(_db, project_id, since=since)


def people_work(project_id: int, since: dt.date | None) -> Work:
    """What people did since a day, as it is now."""
    with session.db() as opened:
        version = reporting.version(opened, project_id)
        return _people_work(str(Runtime.from_env().database), project_id, version, since, opened)


@st.cache_resource(max_entries=32, show_spinner=False)
def _people_agreement(path: str, project_id: int, version: int, _db: Database) -> Agreement:
    return people_service.agreement(_db, project_id)


def people_agreement(project_id: int) -> Agreement:
    """How people agree, as it is now."""
    with session.db() as opened:
        version = reporting.version(opened, project_id)
        return _people_agreement(str(Runtime.from_env().database), project_id, version, opened)


@st.cache_resource(max_entries=32, show_spinner=False)
def _people_suggestions(path: str, project_id: int, version: int, _db: Database) -> Suggestions:
    return people_service.suggestions(_db, project_id)


def people_suggestions(project_id: int) -> Suggestions:
    """What became of suggestions, as it is now."""
    with session.db() as opened:
        version = reporting.version(opened, project_id)
        return _people_suggestions(str(Runtime.from_env().database), project_id, version, opened)


@st.cache_resource(max_entries=32, show_spinner=False)
def _timeline(path: str, project_id: int, version: int, students: tuple[Earlier, ...], _db: Database) -> Timeline:
    return rounds_service.timeline(_db, project_id)


def timeline(project_id: int) -> Timeline:
    """All rounds as they are now; a student's folder may go without anything happening in the database."""
    with session.db() as opened:
        version = reporting.version(opened, project_id)
        students = going_back.earlier(opened, project_id)
        return _timeline(str(Runtime.from_env().database), project_id, version, students, opened)


@st.cache_resource(max_entries=32, show_spinner=False)
def _comparison(path: str, project_id: int, version: int, later: int, earlier: int, _db: Database) -> Comparison:
    return rounds_service.compare(_db, project_id, later, earlier)


def comparison(project_id: int, later: int, earlier: int) -> Comparison:
    """Two rounds side by side, as gold is now."""
    with session.db() as opened:
        version = reporting.version(opened, project_id)
        return _comparison(str(Runtime.from_env().database), project_id, version, later, earlier, opened)


@st.cache_resource(max_entries=32, show_spinner=False)
def _labels(path: str, project_id: int, version: int, _db: Database) -> per_label.Labels:
    return per_label.labels(_db, project_id)


def labels(project_id: int) -> per_label.Labels:
    """Each label's figures as they are now."""
    with session.db() as opened:
        version = reporting.version(opened, project_id)
        return _labels(str(Runtime.from_env().database), project_id, version, opened)


@st.cache_resource(max_entries=128, show_spinner=False)
def _one_label(path: str, project_id: int, version: int, scope: str, _db: Database) -> one_label_service.OneLabel:
    return one_label_service.one_label(_db, project_id, scope)


def one_label(project_id: int, scope: str) -> one_label_service.OneLabel:
    """One label closer, or an aggregate, as it is now."""
    with session.db() as opened:
        version = reporting.version(opened, project_id)
        return _one_label(str(Runtime.from_env().database), project_id, version, scope, opened)


@st.cache_resource(max_entries=32, show_spinner=False)
def _long_tail(path: str, project_id: int, version: int, _db: Database) -> long_tail_service.LongTail:
    return long_tail_service.long_tail(_db, project_id)


def long_tail(project_id: int) -> long_tail_service.LongTail:
    """The long tail as it is now."""
    with session.db() as opened:
        version = reporting.version(opened, project_id)
        return _long_tail(str(Runtime.from_env().database), project_id, version, opened)
