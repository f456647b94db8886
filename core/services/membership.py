"""Who belongs to a project: what every read and write of one by a person asks first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlite_utils import Database

from core.errors import NotMember
from core.services import accounts
from db import events, leases, users
from db import members as member_rows
from db import projects as project_rows
from db.connect import writing
from db.errors import NotFound
from db.records import User

if TYPE_CHECKING:
    from core.services.projects import Project


def require_member(db: Database, project_id: int, user_id: int, role: str = "annotator") -> User:
    """The person, as the database has them now, if the role suffices and the project is theirs; all are an admin's.

    Raises NotAllowed, NotMember (which says nothing about whether there is such a project).
    """
    return require(db, project_id, users.peek(db, user_id), role)


def require(db: Database, project_id: int, user: User | None, role: str = "annotator") -> User:
    """``require_member`` for a person who has just been looked up."""
    found = accounts.require(user, role)
    if found.role != "admin" and not member_rows.belongs(db, project_id, found.id):
        raise NotMember(need="member")
    return found


def projects_of(db: Database, user: User, *, archived: bool = False) -> list[Project]:
    """The projects in which this person works, in the order in which they were made; ``archived``: also those over."""
    from core.services import projects  # it asks here who may change a project

    if user.role == "admin":
        return projects.list_projects(db, archived=archived)
    mine = [projects.project(db, project_id) for project_id in member_rows.project_ids(db, user.id)]
    return [each for each in mine if archived or each.archived_at is None]


def members(db: Database, project_id: int) -> list[User]:
    """The members by name; an administrator who is none sees the project all the same."""
    return member_rows.of_project(db, project_id)


def add(db: Database, project_id: int, user_id: int, *, by: int | None, now: float) -> None:
    """Make somebody a member; once is as good as twice. ``by`` is None for the command line.

    Raises NotAllowed (only a lead of the project or an administrator may), NotFound (no such project or person).
    """
    with writing(db):
        if by is not None:
            require_member(db, project_id, by, "lead")
        _known(db, project_id, user_id)
        if member_rows.add(db, project_id, user_id, now=now):
            events.append(db, "member_added", now=now, project_id=project_id, user_id=by, after={"user": user_id})


def remove(db: Database, project_id: int, user_id: int, *, by: int | None, now: float) -> int:
    """End a membership; says how many texts on that person's desk were given back. Their work stays.

    Raises NotAllowed (as ``add``), NotFound.
    """
    with writing(db):
        if by is not None:
            require_member(db, project_id, by, "lead")
        _known(db, project_id, user_id)
        if not member_rows.remove(db, project_id, user_id):
            return 0
        given_back = leases.release_all(db, project_id, user_id)
        events.append(
            db, "member_removed", now=now, project_id=project_id, user_id=by,
            before={"user": user_id, "leases": given_back},
        )  # fmt: skip
    return given_back


def _known(db: Database, project_id: int, user_id: int) -> None:
    user = users.peek(db, user_id)
    if user is None or user.role == "system":
        raise NotFound(what=f"user {user_id}")
    if project_rows.peek(db, project_id) is None:
        raise NotFound(what=f"project {project_id}")
