"""One person's desk: kept whole, refused whole, and never in anybody else's way."""

from __future__ import annotations

import pytest
from sqlite_utils import Database

from core.errors import BadSetting, KeyTaken, KeyUnusable, NotAllowed
from core.services import accounts, preferences
from core.services.preferences import DEFAULT_KEYS, Desk
from db import users
from db.connect import rows, writing
from tests.conftest import make_project


@pytest.fixture
def person(db: Database) -> int:
    return accounts.create_user(db, "amy", "a-long-enough-password", "annotator", by=None, now=1.0).id


def test_somebody_who_set_nothing_has_the_usual_desk(db: Database, person: int) -> None:
    assert preferences.desk(db, person) == Desk()
    assert len(set(DEFAULT_KEYS.values())) == len(DEFAULT_KEYS)


def test_a_desk_comes_back_as_it_was_kept(db: Database, person: int) -> None:
    wanted = {"keys": {"skip": "D", "save": "Enter", "label1": "Q"}, "font_size": 24, "highlights": True}
    preferences.set_desk(db, person, {**wanted, "daily_goal": 30, "break_minutes": 45}, now=2.0)
    kept = preferences.desk(db, person)
    assert dict(kept.keys) == {"skip": "D", "label1": "Q"}, "what is usual is not kept"
    assert (kept.font_size, kept.highlights, kept.daily_goal, kept.break_minutes) == (24, True, 30, 45)
    preferences.set_desk(db, person, kept.values(), now=3.0)
    changes = rows(db, "SELECT kind FROM events WHERE kind = 'desk_set'")
    assert len(changes) == 1, "the same desk again changes nothing"
    preferences.set_desk(db, person, {}, now=4.0)
    assert preferences.desk(db, person) == Desk()


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"keys": {"skip": "F"}}, KeyTaken),
        ({"keys": {"skip": "Q", "flag": "Q"}}, KeyTaken),
        ({"keys": {"skip": "Escape"}}, KeyUnusable),
        ({"keys": {"skip": "F5"}}, KeyUnusable),
        ({"keys": {"skip": "Ctrl+S"}}, KeyUnusable),
        ({"keys": {"skip": ""}}, KeyUnusable),
        ({"keys": {"skip": 3}}, KeyUnusable),
        ({"keys": {"dance": "D"}}, BadSetting),
        ({"keys": ["S"]}, BadSetting),
        ({"font_size": 400}, BadSetting),
        ({"font_size": True}, BadSetting),
        ({"line_height": "1.9"}, BadSetting),
        ({"line_height": float("nan")}, BadSetting),
        ({"sentences": "dance"}, BadSetting),
        ({"highlights": 1}, BadSetting),
        ({"daily_goal": -1}, BadSetting),
        ({"colour": "red"}, BadSetting),
    ],
)
def test_what_is_no_desk_is_refused_and_changes_nothing(
    db: Database, person: int, values: dict, error: type[Exception]
) -> None:
    preferences.set_desk(db, person, {"keys": {"skip": "D"}}, now=2.0)
    with pytest.raises(error):
        preferences.set_desk(db, person, values, now=3.0)
    assert dict(preferences.desk(db, person).keys) == {"skip": "D"}


def test_two_actions_may_change_their_keys_with_each_other(db: Database, person: int) -> None:
    kept = preferences.set_desk(db, person, {"keys": {"skip": "F", "flag": "S"}}, now=2.0)
    assert dict(kept.keys) == {"skip": "F", "flag": "S"}


def test_a_closed_account_keeps_nothing(db: Database, person: int) -> None:
    users.update(db, person, active=0)
    with pytest.raises(NotAllowed):
        preferences.set_desk(db, person, {"font_size": 24}, now=2.0)
    with pytest.raises(NotAllowed):
        preferences.set_resume(db, person, 1, 2)


@pytest.mark.parametrize(
    "kept", ['{"desk": {"colour": 1}}', '{"desk": [1]}', "[]", '{"desk": {"keys": {"skip": "F"}}}']
)
def test_a_desk_of_another_version_is_the_usual_one(db: Database, person: int, kept: str) -> None:
    with writing(db):
        users.update(db, person, preferences=kept)
    assert preferences.desk(db, person) == Desk()


def test_where_somebody_stopped_is_kept_for_each_project_and_beside_the_desk(db: Database, person: int) -> None:
    one, two = make_project(db, key="one"), make_project(db, key="two")
    preferences.set_desk(db, person, {"font_size": 24}, now=2.0)
    preferences.set_resume(db, person, one, 7, ("k1", "k0"))
    preferences.set_resume(db, person, two, 9)
    assert preferences.resume(db, person, one) == (7, ("k1", "k0"))
    assert preferences.resume(db, person, two) == (9, ())
    preferences.set_resume(db, person, one, None)
    assert preferences.resume(db, person, one) is None
    assert preferences.resume(db, person, two) == (9, ())
    assert preferences.desk(db, person).font_size == 24


def test_the_project_in_hand_is_kept_beside_all_else(db: Database, person: int) -> None:
    assert preferences.last_project(db, person) is None
    preferences.set_desk(db, person, {"font_size": 24}, now=2.0)
    project = make_project(db)
    preferences.set_last_project(db, person, project)
    assert (preferences.last_project(db, person), preferences.desk(db, person).font_size) == (project, 24)
