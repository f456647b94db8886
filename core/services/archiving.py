"""What becomes of a project after it was made: another name, an end that keeps everything, and a way back."""

from __future__ import annotations

from sqlite_utils import Database

from core.services import membership, projects, scheduling
from core.services.accounts import User
from core.services.projects import Project
from db import events, jobs, leases
from db import projects as project_rows
from db.connect import reading, writing

ROLE = "lead"


def rename(db: Database, project_id: int, name: str, name_en: str, *, by: int, now: float) -> Project:
    """New names; the key, by which files and commands know the project, stays. Raises NotAllowed, NotFound, BadName."""
    with writing(db):
        membership.require_member(db, project_id, by, ROLE)
        before = projects.project(db, project_id)
        name, name_en = projects.checked_names(name, name_en)
        if (before.name, before.name_en) != (name, name_en):
            project_rows.set_names(db, project_id, name=name, name_en=name_en)
            events.append(
                db, "project_renamed", now=now, project_id=project_id, user_id=by,
                before={"name": before.name, "name_en": before.name_en}, after={"name": name, "name_en": name_en},
            )  # fmt: skip
        return projects.project(db, project_id)


def archive(db: Database, project_id: int, *, by: int, now: float) -> None:
    """End the work in a project: nobody is handed a text, no round begins, a running one is asked to stop.

    Everything stays, a lead can still export it, and what somebody had decided before they heard of it is saved as it
    comes. Once is as good as twice. Raises NotAllowed, NotFound.
    """
    with writing(db):
        membership.require_member(db, project_id, by, ROLE)
        if projects.project(db, project_id).archived_at is not None:
            return
        project_rows.set_archived(db, project_id, now)
        given_back = leases.release_project(db, project_id)
        for kind in (scheduling.KIND, scheduling.DEEPER):
            job = jobs.live(db, project_id, kind)
            if job is not None:
                jobs.request_cancel(db, job.id, now=now)
        events.append(db, "project_archived", now=now, project_id=project_id, user_id=by, before={"leases": given_back})


def bring_back(db: Database, project_id: int, *, by: int, now: float) -> None:
    """Work goes on where it ended. Once is as good as twice. Raises NotAllowed, NotFound."""
    with writing(db):
        membership.require_member(db, project_id, by, ROLE)
        if projects.project(db, project_id).archived_at is not None:
            project_rows.set_archived(db, project_id, None)
            events.append(db, "project_brought_back", now=now, project_id=project_id, user_id=by)


def archived(db: Database, user: User) -> list[Project]:
    """The archived projects that this person can bring back, in the order in which they were made."""
    with reading(db):
        mine = membership.projects_of(db, user, archived=True) if user.role in ("lead", "admin") else []
        return [each for each in mine if each.archived_at is not None]
