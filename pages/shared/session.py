"""Who is at the screen, the database of this run, and the project in hand."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NoReturn

import streamlit as st
from sqlite_utils import Database

from core.config import Runtime
from core.errors import NotAllowed, TagtailError
from core.services import accounts, membership, preferences
from core.services.accounts import User
from core.services.projects import Project
from db import users
from db.errors import StorageError
from db.pool import Pool
from pages.shared import i18n, messages
from pages.shared.i18n import t

USER_HEADER = "X-Auth-User"  # set by web.gate alone, which strips what a client sends under this name
_PROJECT = "project_id"
_KEY = "project_key"
_PICKER = "project_picker"
_KEPT = "project_kept"
_pool = Pool()


@contextlib.contextmanager
def db() -> Iterator[Database]:
    """The database, for one page run or one callback."""
    with _pool.use(Runtime.from_env().database) as opened:
        yield opened


def user_id() -> int | None:
    """The id that the sign-in gate put on this connection."""
    value = st.context.headers.get(USER_HEADER)
    return int(value) if value and value.isdecimal() else None


def current_user() -> User | None:
    """The signed-in person as the database knows them now: a changed role or a closed account counts at once."""
    wanted = user_id()
    if wanted is None:
        return None
    with db() as opened:
        return _known(opened, wanted)


def _known(opened: Database, wanted: int) -> User | None:
    found = users.peek(opened, wanted)
    return found if found is not None and found.active and found.role in accounts.ROLES else None


def require(role: str) -> User:
    """The person at the screen, when their role is high enough; otherwise the page says why and ends here."""
    try:
        user = current_user()
        if user is not None:
            i18n.remember(user.lang)
        return accounts.require(user, role)
    except NotAllowed:
        _refuse(role)
    except (TagtailError, StorageError) as error:
        messages.show(error)
        st.stop()


def _refuse(role: str) -> NoReturn:
    st.title(t("common.refused_title"), anchor=False)
    st.warning(t("common.refused", role=t(f"common.role_{role}")), icon=":material/lock:")
    st.stop()


def projects() -> list[Project]:
    """The projects of the person at the screen, in the order in which they were made; an admin sees all."""
    with db() as opened:
        user = _known(opened, user_id() or 0)
        return membership.projects_of(opened, user) if user is not None else []


def project_key() -> str:
    """Of the project in hand, for an address; empty before one was taken."""
    return str(st.session_state.get(_KEY, ""))


def project() -> Project:
    """The project in hand; a page without any project, or without its database, says so and ends here.

    Kept for the visit, and in the address, so that a reload comes back to it.
    """
    try:
        found = projects()
    except (TagtailError, StorageError) as error:
        messages.show(error)
        st.stop()
    if not found:
        _no_project()
    chosen = st.session_state.get(_PROJECT)
    if chosen is None:
        chosen = next((p.id for p in found if p.key == st.query_params.get("project")), None) or _last()
    current = next((p for p in found if p.id == chosen), found[0])
    st.session_state[_PROJECT], st.session_state[_KEY] = current.id, current.key
    _keep(current.id)
    return current


def _last() -> int | None:
    """The project that this person had in hand on an earlier visit."""
    try:
        with db() as opened:
            return preferences.last_project(opened, user_id() or 0)
    except StorageError:
        return None  # a convenience: without it the first project is taken


def _keep(project_id: int) -> None:
    """Notes the project in hand for the next visit, once for each change."""
    if st.session_state.get(_KEPT) == project_id:
        return
    st.session_state[_KEPT] = project_id
    with contextlib.suppress(TagtailError, StorageError), db() as opened:
        preferences.set_last_project(opened, user_id() or 0, project_id)


def project_id() -> int | None:
    """The project in hand, if one was taken in this visit."""
    return st.session_state.get(_PROJECT)


def _no_project() -> NoReturn:
    """Somebody who may make a project hears how; anybody else, whom to ask."""
    user = current_user()
    maker = user is not None and user.role in ("lead", "admin")
    if not maker:
        st.title(t("common.no_project_title"), anchor=False)
    st.info(t("common.no_project" if maker else "common.no_project_ask"), icon=":material/inbox:")
    st.stop()


def choose(project_id: int) -> None:
    """Takes a project in hand, from a callback or before a rerun."""
    st.session_state[_PROJECT] = project_id
    st.session_state.pop(i18n.spoken(_PICKER), None)  # the picker draws itself anew from the choice


def title(of: Project) -> str:
    """The project's name in the reader's language."""
    return of.title(i18n.lang())


def titles(found: Iterable[Project]) -> dict[int, str]:
    """Each project's name for a choice among them, by id; those of one name have their keys beside it."""
    found = list(found)
    often = Counter(title(each) for each in found)
    return {each.id: f"{title(each)} · {each.key}" if often[title(each)] > 1 else title(each) for each in found}


def project_picker() -> str:
    """The choice of a project, for the sidebar: the key for the address. One project needs no choice, and no key."""
    found = projects()
    if not found:
        return ""
    current = project()
    if len(found) == 1:
        st.caption(t("main.project"))
        st.markdown(f"**{i18n.plain(title(current))}**")
        return ""
    ids = [p.id for p in found]
    names = titles(found)
    picked = st.selectbox(
        t("main.project"), ids, index=ids.index(current.id), format_func=lambda i: names[i], key=i18n.spoken(_PICKER)
    )
    st.session_state[_PROJECT] = picked
    _keep(picked)
    return next(p.key for p in found if p.id == picked)


def now() -> float:
    """Seconds since 1970, UTC: the only clock that pages read."""
    return time.time()
