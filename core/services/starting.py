"""The first start: the database, its first project with its texts, and the first administrator."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from core.services import accounts, curating, projects
from core.services.curating import ImportOptions, ImportReport
from db import events, users
from db.connect import writing
from db.records import User

ADMIN = "admin"


@dataclass(frozen=True, kw_only=True)
class FirstProject:
    project: projects.Project
    report: ImportReport | None


def make_first_project(db: Database, path: Path, *, now: float) -> FirstProject | None:
    """The project of a project file with its corpus, unless a project of that key is here already.

    Raises BadProjectFile, BadFile, BadRows: then neither the project nor any of its texts was written.
    """
    file = projects.read_project_file(path)
    if any(each.key == file.key for each in projects.list_projects(db, archived=True)):
        return None
    with writing(db):
        project_id = projects.insert_project(
            db, key=file.key, name=file.name, name_en=file.name_en, guideline=file.guideline, settings=file.settings,
            labels=file.labels, by=None, now=now,
        )  # fmt: skip
        report = None
        if file.corpus:
            report = curating.import_in_transaction(db, project_id, file.corpus, options=ImportOptions(), now=now)
    return FirstProject(project=projects.project(db, project_id), report=report)


def make_first_admin(db: Database, *, password: str | None, now: float) -> tuple[User, str] | None:
    """The administrator of a database that has none, with their password: the one given, or a random one.

    Returns None when somebody can already sign in as one. Raises BadPassword.
    """
    if users.count_active(db, "admin"):
        return None
    chosen = password or secrets.token_urlsafe(12)
    found = users.by_name(db, ADMIN)
    if found:  # an administrator from before who was locked out: bring them back
        accounts.set_password(db, found[0].id, chosen, by=None, now=now)
        with writing(db):
            users.update(db, found[0].id, role="admin", active=1)
            events.append(db, "admin_restored", now=now, after={"user": found[0].id})
        return accounts.find(db, ADMIN), chosen
    return accounts.create_user(db, ADMIN, chosen, "admin", by=None, now=now), chosen
