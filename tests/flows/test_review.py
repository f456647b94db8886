"""What annotators flag reaches a reviewer, and goes back to the pool on a reviewer's word alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlite_utils import Database

from core.errors import NotAllowed
from core.services import adjudicating, annotating, curating, reviewing
from db.connect import rows, value
from db.errors import NotFound
from tests.conftest import NOW, make_project
from tests.flows.test_click import fill, save


def flag(db: Database, project: int, user: int, name: str, *labels: str) -> int:
    """The next text, flagged by that person."""
    text = annotating.next_texts(db, project, user, n=1, now=NOW)[0]
    op = {**save(f"{name}{text.id}", text.id, *labels, decision="flagged"), "comment": "文字不完整"}
    assert annotating.apply(db, project, user, [op], now=NOW).acked
    return text.id


def flags(db: Database, project: int, by: int) -> tuple[adjudicating.Case, ...]:
    return adjudicating.docket(db, project, by=by, kind="flagged").cases


def test_a_flag_is_listed_with_who_why_and_what_was_chosen(db, project_id, people, tmp_path: Path) -> None:
    fill(db, project_id, tmp_path)
    first, second = flag(db, project_id, people["ann"], "a", "k1"), flag(db, project_id, people["bob"], "b")
    found = flags(db, project_id, people["rae"])
    assert [(each.document_id, each.choices[0].who, each.choices[0].labels) for each in found] == [
        (second, "bob", ()),
        (first, "ann", ("k1",)),
    ]
    assert (found[1].choices[0].comment, found[1].choices[0].at) == ("文字不完整", NOW)
    assert "健康文字" in found[1].text


def test_a_text_that_is_put_back_can_be_labelled_again_and_the_log_says_by_whom(
    db, project_id, people, tmp_path: Path
) -> None:
    fill(db, project_id, tmp_path, n=1)
    text = flag(db, project_id, people["ann"], "a", "k1")
    assert annotating.next_texts(db, project_id, people["ann"], n=1, now=NOW) == []
    assert reviewing.put_back(db, project_id, text, by=people["rae"], now=NOW) == 1
    assert flags(db, project_id, people["rae"]) == ()
    assert [t.id for t in annotating.next_texts(db, project_id, people["ann"], n=1, now=NOW)] == [text]
    assert annotating.apply(db, project_id, people["ann"], [save("again", text, "k0")], now=NOW).acked
    assert len(curating.label_sets(db, project_id, "pool")) == 1
    event = rows(db, "SELECT user_id, document_id FROM events WHERE kind = 'put_back'")
    assert event == [{"user_id": people["rae"], "document_id": text}]
    with pytest.raises(NotFound):
        reviewing.put_back(db, project_id, text, by=people["rae"], now=NOW)


def test_the_label_of_a_second_person_stays_when_a_flag_goes(db, people, tmp_path: Path) -> None:
    project = make_project(db, key="two", overlap=2)
    fill(db, project, tmp_path, n=1)
    text = flag(db, project, people["ann"], "a")
    annotating.next_texts(db, project, people["bob"], n=1, now=NOW)
    annotating.apply(db, project, people["bob"], [save("b", text, "k0")], now=NOW)
    assert value(db, "SELECT state FROM documents") == "done"
    reviewing.put_back(db, project, text, by=people["rae"], now=NOW)
    assert value(db, "SELECT state FROM documents") == "open"
    assert value(db, "SELECT decision FROM current_annotations") == "labelled"


def test_only_a_reviewer_puts_back_and_only_in_that_project(db, project_id, people, tmp_path: Path) -> None:
    fill(db, project_id, tmp_path)
    other = make_project(db, key="other")
    text = flag(db, project_id, people["ann"], "a")
    with pytest.raises(NotAllowed):
        reviewing.put_back(db, project_id, text, by=people["ann"], now=NOW)
    with pytest.raises(NotFound):
        reviewing.put_back(db, other, text, by=people["rae"], now=NOW)
    assert len(flags(db, project_id, people["rae"])) == 1
