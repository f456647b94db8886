"""Whatever a person asks of a project, somebody who is not its member is refused: every service, the next one too."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

import core.services
from core.config import ProjectSettings
from core.errors import NotAllowed, NotMember
from core.services import annotating, membership, projects
from core.services.curating import ImportOptions
from db.connect import rows
from tests.conftest import NOW

PERSON = ("user_id", "by", "user", "me")
# Not asked here: what works inside another service's transaction, which has asked, and what is the person's own.
INSIDE = {
    "projects.insert_project",  # makes the project, whose member the maker becomes
    "scheduling.request_if_outdated",
    "curating.import_in_transaction",  # a project that is made with its texts
    "assigning.lease_s",
    "preferences.resume",  # a person's own note of where they stopped, and nothing of the project
    "preferences.set_resume",
}
# Refuses by op, so that the others go on: its own test is below.
BY_OP = {"annotating.apply"}


def services() -> list[tuple[str, Callable[..., Any]]]:
    """Every public service function that takes a project and a person."""
    found = []
    for module_info in pkgutil.iter_modules(core.services.__path__):
        module = importlib.import_module(f"core.services.{module_info.name}")
        for name, thing in vars(module).items():
            if name.startswith("_") or not inspect.isfunction(thing) or thing.__module__ != module.__name__:
                continue
            given = set(inspect.signature(thing).parameters)
            full = f"{module_info.name}.{name}"
            if given & {"project_id", "project"} and given & set(PERSON) and full not in INSIDE | BY_OP:
                found.append((full, thing))
    return found


def _some(name: str, wanted: Any, context: dict[str, Any]) -> Any:
    """A value of the right kind for a parameter: nothing is to come of it."""
    if name in context:
        return context[name]
    plain = typing.get_origin(wanted) or wanted
    made = {int: 1, str: "k0", float: 1.0, bool: True, dict: {}, list: [], tuple: (), set: set()}
    if plain in made:
        return made[plain]
    options = [each for each in typing.get_args(wanted) if each is not type(None)]
    return _some(name, options[0], context) if options else () if "Sequence" in str(wanted) else {}


def call(function: Callable[..., Any], context: dict[str, Any]) -> Any:
    """Calls a service with all that it must have."""
    hints = typing.get_type_hints(function)
    positional, named = [], {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.default is not inspect.Parameter.empty and name not in context:
            continue
        value = _some(name, hints.get(name), context)
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            named[name] = value
        else:
            positional.append(value)
    return function(*positional, **named)


def test_there_are_services_to_look_at() -> None:
    names = {name for name, _ in services()}
    assert {"assigning.next_texts", "scheduling.request_round", "curating.run_import", "inviting.invite"} <= names


@pytest.mark.parametrize(("name", "function"), services(), ids=lambda each: each if isinstance(each, str) else "")
def test_somebody_who_is_no_member_is_refused_and_nothing_changes(
    db: Database, project_id: int, people: dict[str, int], tmp_path: Path, name: str, function: Callable[..., Any]
) -> None:
    membership.remove(db, project_id, people["lee"], by=people["ada"], now=NOW)
    file = tmp_path / "rows.jsonl"
    file.write_text('{"text": "文字"}\n', encoding="utf-8")
    lee = people["lee"]
    person = next(each for each in membership.members(db, project_id) if each.id == people["ann"])
    stranger = type(person)(id=lee, name="lee", role="lead", active=True, lang="zh")
    wanted = inspect.signature(function).parameters
    context: dict[str, Any] = {
        "db": db, "project_id": project_id, "project": projects.project(db, project_id), "by": lee, "now": NOW,
        "path": file, "labels": ["k0"], "options": ImportOptions(), "settings": ProjectSettings(), "role": "annotator",
        "days": 3, "user": stranger, "me": stranger, "progress": None,
    }  # fmt: skip
    context["user_id"] = people["bob"] if "by" in wanted else lee
    before = [
        rows(db, f"SELECT count(*) AS n FROM {table}") for table in ("events", "annotations", "leases", "members")
    ]
    with pytest.raises(NotAllowed):
        call(function, context)
    after = [rows(db, f"SELECT count(*) AS n FROM {table}") for table in ("events", "annotations", "leases", "members")]
    assert before == after, name


@pytest.mark.parametrize("kind", ["save", "undo", "release", "reopen", "revise"])
def test_an_op_that_names_a_project_of_others_is_refused_and_tells_nothing_of_it(
    db: Database, project_id: int, people: dict[str, int], kind: str
) -> None:
    membership.remove(db, project_id, people["ann"], by=people["ada"], now=NOW)
    op = {"uid": "u1", "kind": kind, "document": 1, "decision": "labelled", "labels": ["不存在"], "target": "x"}
    result = annotating.apply(db, project_id, people["ann"], [op], now=NOW)
    assert [(each.code, each.fields) for each in result.refused] == [(NotMember.__name__, {"need": "member"})]
