"""What all tests share: a fresh database with a small project, people, and a clock that stands still."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two test processes, each with a thread a core, wait for one another

import pytest
from sqlite_utils import Database

from core.config import ProjectSettings
from core.labels import Label
from core.services import accounts, membership, projects
from db.connect import open_database, writing

NOW = 1_790_000_000.0
LABELS = ("甲", "乙", "丙")
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def own_main() -> Iterator[None]:
    """A page that runs alone takes the place of ``__main__``, and a process that is spawned later would run it."""
    before = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = before


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tagtail.db"


@pytest.fixture
def db(path: Path) -> Iterator[Database]:
    opened = open_database(path, create=True)
    yield opened
    opened.close()


def make_project(db: Database, *, key: str = "p", labels: tuple[str, ...] = LABELS, **settings: object) -> int:
    """A project without texts; no gold is set aside unless asked for."""
    chosen = ProjectSettings.from_mapping({"gold_share": 0, **settings})
    made = tuple(Label(key=f"k{n}", zh=name, en=f"label {n}", hotkey=str(n + 1)) for n, name in enumerate(labels))
    with writing(db):
        project_id = projects.insert_project(
            db, key=key, name=key, name_en="", guideline="", settings=chosen, labels=made, by=None, now=NOW
        )
    everybody_joins(db)
    return project_id


def everybody_joins(db: Database) -> None:
    """Makes all people members of all projects; a test about membership takes somebody out again."""
    for project in projects.list_projects(db):
        for user in accounts.list_users(db):
            membership.add(db, project.id, user.id, by=None, now=NOW)


@pytest.fixture
def project_id(db: Database) -> int:
    return make_project(db)


@pytest.fixture
def people(db: Database) -> dict[str, int]:
    """ann and bob annotate, rae reviews, lee leads, ada administers; all are in every project of these tests."""
    roles = {"ann": "annotator", "bob": "annotator", "rae": "reviewer", "lee": "lead", "ada": "admin"}
    made = {name: accounts.create_user(db, name, PASSWORD, role, by=None, now=NOW).id for name, role in roles.items()}
    everybody_joins(db)
    return made
