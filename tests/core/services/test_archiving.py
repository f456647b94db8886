"""A project that is renamed, ends and comes back: hidden and idle meanwhile, and nothing of it lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlite_utils import Database

from core.errors import Archived, BadInvitation, BadName, NotAllowed, NotMember
from core.services import annotating, archiving, curating, inviting, membership, projects, scheduling
from db import jobs, users
from db.connect import rows, value
from tests.conftest import NOW, make_project
from tests.core.services.test_scheduling import trainable
from tests.core.services.test_settling import decide
from tests.flows.test_click import fill, save

__all__ = ["trainable"]


def seen(db: Database, user_id: int) -> list[int]:
    user = users.peek(db, user_id)
    assert user is not None
    return [each.id for each in membership.projects_of(db, user)]


def ended(db: Database, user_id: int) -> list[int]:
    user = users.peek(db, user_id)
    assert user is not None
    return [each.id for each in archiving.archived(db, user)]


def test_a_new_name_is_checked_and_the_key_stays(db, project_id, people) -> None:
    made = archiving.rename(db, project_id, " 衛教 ", "Health", by=people["lee"], now=NOW)
    assert (made.key, made.name, made.name_en) == ("p", "衛教", "Health")
    archiving.rename(db, project_id, "衛教", "Health", by=people["lee"], now=NOW)
    log = rows(db, "SELECT before, after FROM events WHERE kind = 'project_renamed'")
    assert [json.loads(each["after"]) for each in log] == [{"name": "衛教", "name_en": "Health"}]
    for name, by, error in (("", "lee", BadName), ("x" * 61, "lee", BadName), ("別的", "rae", NotAllowed)):
        with pytest.raises(error):
            archiving.rename(db, project_id, name, "", by=people[by], now=NOW)


def test_an_archived_project_is_in_nobodys_list_and_comes_back_as_it_was(db, project_id, people, tmp_path) -> None:
    fill(db, project_id, tmp_path, n=3)
    decide(db, project_id, people["ann"], 1, "k0")
    other = make_project(db, key="other")
    for _ in range(2):
        archiving.archive(db, project_id, by=people["lee"], now=NOW)
    for name in ("ann", "rae", "lee", "ada"):
        assert seen(db, people[name]) == [other]
    assert [each.id for each in projects.list_projects(db)] == [other]
    assert (ended(db, people["ann"]), ended(db, people["lee"]), ended(db, people["ada"])) == ([], [1], [1])
    exported = b"".join(curating.export_labels(db, project_id, format="jsonl", now=NOW))
    assert json.loads(exported)["labels"] == ["甲"]
    archiving.bring_back(db, project_id, by=people["lee"], now=NOW)
    assert seen(db, people["ann"]) == [project_id, other]
    assert len(annotating.next_texts(db, project_id, people["ann"], n=9, now=NOW)) == 2
    assert value(db, "SELECT count(*) FROM events WHERE kind IN ('project_archived', 'project_brought_back')") == 2


def test_no_text_is_handed_out_and_what_was_decided_before_is_still_saved(db, project_id, people, tmp_path) -> None:
    fill(db, project_id, tmp_path, n=3)
    held = annotating.next_texts(db, project_id, people["ann"], n=2, now=NOW)
    archiving.archive(db, project_id, by=people["ada"], now=NOW)
    assert value(db, "SELECT count(*) FROM leases WHERE state = 'open'") == 0
    with pytest.raises(Archived):
        annotating.next_texts(db, project_id, people["ann"], n=2, now=NOW)
    assert annotating.apply(db, project_id, people["ann"], [save("late", held[1].id, "k0")], now=NOW).acked == ("late",)


def test_no_round_begins_and_one_that_runs_is_asked_to_stop(db, trainable, people, tmp_path: Path) -> None:
    job = scheduling.request_round(db, trainable, by=people["lee"], now=NOW)
    archiving.archive(db, trainable, by=people["lee"], now=NOW)
    found = jobs.peek(db, job)
    assert found is not None
    assert found.state == "cancelled"
    with pytest.raises(Archived):
        scheduling.request_round(db, trainable, by=people["lee"], now=NOW)
    assert scheduling.request_if_due(db, projects.project(db, trainable), now=NOW) is None
    archiving.bring_back(db, trainable, by=people["lee"], now=NOW)
    assert scheduling.request_round(db, trainable, by=people["lee"], now=NOW) != job


def test_its_links_do_not_work_meanwhile_and_only_its_leads_may(db, project_id, people) -> None:
    token = inviting.invite(db, project_id, "annotator", days=3, by=people["lee"], now=NOW)
    for name in ("ann", "rae"):
        with pytest.raises(NotAllowed):
            archiving.archive(db, project_id, by=people[name], now=NOW)
    archiving.archive(db, project_id, by=people["lee"], now=NOW)
    with pytest.raises(BadInvitation):
        inviting.look(db, token, client="c", now=NOW)
    membership.remove(db, project_id, people["lee"], by=None, now=NOW)
    with pytest.raises(NotMember):
        archiving.bring_back(db, project_id, by=people["lee"], now=NOW)
    archiving.bring_back(db, project_id, by=people["ada"], now=NOW)
    membership.add(db, project_id, people["lee"], by=None, now=NOW)
    assert inviting.look(db, token, client="c", now=NOW).role == "annotator"
