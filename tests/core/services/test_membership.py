"""Who belongs to a project, who may say so, and what happens to somebody who is taken out."""

from __future__ import annotations

import pytest
from sqlite_utils import Database

from core.errors import NotAllowed, NotMember
from core.services import accounts, membership, projects
from db import documents, events, leases
from db.connect import writing
from db.errors import NotFound
from db.records import NewDocument, User
from tests.conftest import NOW, make_project


def _user(db: Database, user_id: int) -> User:
    return next(user for user in accounts.list_users(db) if user.id == user_id)


def _names(db: Database, project_id: int) -> list[str]:
    return [user.name for user in membership.members(db, project_id)]


def _held(db: Database, project_id: int, user_id: int) -> int:
    with writing(db):
        new = NewDocument(
            external_id="1", text="文字", sha256="ab" * 32, role="pool", labels=None, source="", meta={}
        )  # fmt: skip
        document_id = documents.insert(db, project_id, new, overlap=1, done=False, now=NOW)
        leases.lease(db, project_id, document_id, user_id, until=NOW + 900, now=NOW)
    return document_id


@pytest.mark.parametrize(("role", "of"), [("annotator", "ann"), ("reviewer", "rae"), ("lead", "lee"), ("admin", "ada")])
def test_a_member_may_do_what_the_role_says_and_no_more(
    db: Database, project_id: int, people: dict[str, int], role: str, of: str
) -> None:
    mine = accounts.ROLES.index(role)
    for rank, need in enumerate(accounts.ROLES):
        if rank <= mine:
            assert membership.require_member(db, project_id, people[of], need).name == of
        else:
            with pytest.raises(NotAllowed):
                membership.require_member(db, project_id, people[of], need)


def test_people_see_their_own_projects_and_an_admin_all(db: Database, people: dict[str, int]) -> None:
    first, second = make_project(db, key="one"), make_project(db, key="two")
    membership.remove(db, second, people["ann"], by=people["lee"], now=NOW)
    membership.remove(db, second, people["ada"], by=people["lee"], now=NOW)
    assert [p.id for p in membership.projects_of(db, _user(db, people["ann"]))] == [first]
    assert [p.id for p in membership.projects_of(db, _user(db, people["ada"]))] == [first, second]
    with pytest.raises(NotMember):
        membership.require_member(db, second, people["ann"])
    assert membership.require_member(db, second, people["ada"]).role == "admin"


def test_who_makes_a_project_is_its_member(db: Database, people: dict[str, int]) -> None:
    with writing(db):
        made = projects.insert_project(
            db, key="own", name="own", name_en="", guideline="", labels=(), by=people["lee"], now=NOW,
            settings=projects.ProjectSettings(),
        )  # fmt: skip
    assert _names(db, made) == ["lee"]


def test_somebody_removed_gives_back_what_was_on_the_desk(
    db: Database, project_id: int, people: dict[str, int]
) -> None:
    _held(db, project_id, people["ann"])
    assert membership.remove(db, project_id, people["ann"], by=people["lee"], now=NOW) == 1
    assert leases.mine(db, project_id, people["ann"]) == []
    assert "ann" not in _names(db, project_id)
    version = events.latest_id(db, project_id)
    assert membership.remove(db, project_id, people["ann"], by=people["lee"], now=NOW) == 0
    assert events.latest_id(db, project_id) == version, "nothing happened, so nothing is noted"


def test_a_lead_adds_people_to_their_own_projects_only(db: Database, project_id: int, people: dict[str, int]) -> None:
    other = make_project(db, key="other")
    membership.remove(db, other, people["lee"], by=people["ada"], now=NOW)
    membership.remove(db, other, people["ann"], by=people["ada"], now=NOW)
    with pytest.raises(NotMember):
        membership.add(db, other, people["ann"], by=people["lee"], now=NOW)
    with pytest.raises(NotAllowed):
        membership.add(db, project_id, people["ann"], by=people["rae"], now=NOW)
    membership.add(db, other, people["ann"], by=people["ada"], now=NOW)
    membership.add(db, other, people["ann"], by=people["ada"], now=NOW)
    assert _names(db, other).count("ann") == 1


def test_whom_or_what_there_is_not_cannot_be_put_together(
    db: Database, project_id: int, people: dict[str, int]
) -> None:
    with pytest.raises(NotFound):
        membership.add(db, project_id, 999, by=people["ada"], now=NOW)
    with pytest.raises(NotFound):
        membership.add(db, 999, people["ann"], by=people["ada"], now=NOW)


def test_a_closed_account_is_no_member_for_any_purpose(db: Database, project_id: int, people: dict[str, int]) -> None:
    accounts.set_active(db, people["ann"], False, by=people["ada"], now=NOW)
    with pytest.raises(NotAllowed):
        membership.require_member(db, project_id, people["ann"])
