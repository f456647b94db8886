"""Assignment: never beyond the overlap, a lease after one's own pace, skips to others first, as fast for any size."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from core.config import ProjectSettings
from core.errors import NotAllowed
from core.predictions import unpacked
from core.services import accounts, adjudicating, annotating, assigning, curating, projects
from core.services.curating import ImportOptions
from db import annotations as annotation_rows
from db import documents, leases, rounds
from db.annotations import NewAnnotation
from db.connect import open_database, row, rows, value, writing
from db.records import NewDocument
from tests import many_labels
from tests.conftest import NOW, PASSWORD, everybody_joins, make_project
from tests.core.services.test_settling import decide
from tests.db.test_tallies import check_tallies
from tests.flows.test_click import fill, save


def given_to(db: Database, project: int, user: int, *, n: int = 1, now: float = NOW) -> list[int]:
    return [each.id for each in assigning.next_texts(db, project, user, n=n, now=now)]


# -- how long


def timed(db: Database, project: int, user: int, *seconds: float) -> None:
    """That person decides on as many texts, each in so many seconds."""
    for n, each in enumerate(seconds):
        text = given_to(db, project, user)[0]
        op = {**save(f"t{user}-{n}", text, "k0"), "ms": round(each * 1000)}
        assert annotating.apply(db, project, user, [op], now=NOW).acked


@pytest.mark.parametrize(
    ("pace", "n", "expected"),
    [
        ((), 4, 900),  # nothing known yet: lease_s
        ((60, 60, 60, 60), 4, 900),  # too little
        ((60, 60, 60, 60, 60), 4, 720),  # 3 · 60 · 4
        ((60, 60, 60, 60, 3000), 4, 720),  # once at lunch: the median does not mind
        ((5, 5, 5, 5, 5), 4, 300),  # lease_min_s
        ((600, 600, 600, 600, 600), 4, 3600),  # lease_max_s
        ((60, 60, 60, 60, 60), 2, 360),
    ],
)
def test_a_lease_is_three_times_my_own_pace_within_bounds(db, people, tmp_path: Path, pace, n, expected) -> None:
    project = make_project(db)
    fill(db, project, tmp_path, n=12)
    timed(db, project, people["ann"], *pace)
    timed(db, project, people["bob"], *[1] * 6)
    texts = assigning.next_texts(db, project, people["ann"], n=n, now=NOW)
    assert {each.lease_until for each in texts} == {NOW + expected}


def test_changing_old_decisions_is_no_pace(db, project_id, people, tmp_path: Path) -> None:
    fill(db, project_id, tmp_path, n=12)
    timed(db, project_id, people["ann"], *[100] * 5)
    decided = value(db, "SELECT min(document_id) FROM annotations")
    for n in range(9):
        op = {**save(f"r{n}", decided, "k1"), "kind": "revise", "ms": 1}
        assert annotating.apply(db, project_id, people["ann"], [op], now=NOW).acked
    assert assigning.lease_s(db, projects.project(db, project_id), people["ann"], n=1) == 300


# -- back to others


def test_what_i_skip_goes_to_somebody_else_first_and_to_me_only_when_i_ask(
    db, project_id, people, tmp_path: Path
) -> None:
    fill(db, project_id, tmp_path, n=6)
    given = given_to(db, project_id, people["ann"], n=6)
    annotating.release(db, project_id, people["ann"], now=NOW)
    last = given[-1]
    with writing(db):
        leases.lease(db, project_id, last, people["ann"], until=NOW + 900, now=NOW)
    op = save("skip", last, decision="skipped")
    assert annotating.apply(db, project_id, people["ann"], [op], now=NOW).acked
    assert last not in given_to(db, project_id, people["ann"], n=6)
    annotating.release(db, project_id, people["ann"], now=NOW)
    assert given_to(db, project_id, people["bob"])[0] == last, "the last of the order comes first to others"
    annotating.release(db, project_id, people["bob"], now=NOW)
    assert annotating.reopen_skipped(db, project_id, people["ann"], now=NOW) == 1
    assert last in given_to(db, project_id, people["ann"], n=6)


def test_a_text_that_all_have_skipped_waits_for_whoever_asks(db, project_id, people, tmp_path: Path) -> None:
    fill(db, project_id, tmp_path, n=1)
    for name in ("ann", "bob", "lee"):
        decide(db, project_id, people[name], 1, decision="skipped")
    assert [given_to(db, project_id, people[name]) for name in ("ann", "bob", "lee")] == [[], [], []]
    assert value(db, "SELECT state FROM documents") == "open"


# -- given back


def test_a_lead_gives_back_what_somebody_holds_and_what_they_save_later_still_counts(
    db, project_id, people, tmp_path: Path
) -> None:
    fill(db, project_id, tmp_path, n=4)
    held = given_to(db, project_id, people["ann"], n=4)
    found = assigning.desks(db, project_id, by=people["lee"], now=NOW + 60)
    assert found == (assigning.Desk(user_id=people["ann"], who="ann", n=4, since=NOW, until=NOW + 900, live=True),)
    assert not assigning.desks(db, project_id, by=people["lee"], now=NOW + 901)[0].live
    assert assigning.release_of(db, project_id, people["ann"], by=people["lee"], now=NOW) == 4
    assert assigning.desks(db, project_id, by=people["lee"], now=NOW) == ()
    assert set(given_to(db, project_id, people["bob"], n=4)) == set(held)
    assert annotating.apply(db, project_id, people["ann"], [save("late", held[0], "k0")], now=NOW).acked
    event = row(db, "SELECT user_id, after FROM events WHERE kind = 'released'")
    assert event == {"user_id": people["lee"], "after": f'{{"user": {people["ann"]}, "leases": 4}}'}


def test_nobody_below_a_lead_sees_desks_or_clears_them(db, project_id, people, tmp_path: Path) -> None:
    fill(db, project_id, tmp_path, n=1)
    given_to(db, project_id, people["ann"])
    for name in ("bob", "rae"):
        with pytest.raises(NotAllowed):
            assigning.release_of(db, project_id, people["ann"], by=people[name], now=NOW)
        with pytest.raises(NotAllowed):
            assigning.desks(db, project_id, by=people[name], now=NOW)
    assert value(db, "SELECT count(*) FROM leases WHERE state = 'open'") == 1


def test_signing_out_gives_back_everywhere(db, people, tmp_path: Path) -> None:
    made = [make_project(db, key=key) for key in ("one", "two")]
    for project in made:
        fill(db, project, tmp_path, n=3)
        given_to(db, project, people["ann"], n=2)
        given_to(db, project, people["bob"], n=1)
    token, _ = accounts.sign_in(db, "ann", PASSWORD, client="here", now=NOW)
    accounts.sign_out(db, token, now=NOW)
    assert rows(db, "SELECT DISTINCT user_id FROM leases WHERE state = 'open'") == [{"user_id": people["bob"]}]
    assert value(db, "SELECT count(*) FROM events WHERE kind = 'released' AND after = '2'") == 2


def test_a_closed_account_holds_nothing(db, project_id, people, tmp_path: Path) -> None:
    fill(db, project_id, tmp_path, n=3)
    given_to(db, project_id, people["ann"], n=2)
    accounts.set_active(db, people["ann"], False, by=people["ada"], now=NOW)
    assert value(db, "SELECT count(*) FROM leases WHERE state = 'open'") == 0


def test_who_only_looks_elsewhere_keeps_the_text_on_the_desk(db, project_id, people, tmp_path: Path) -> None:
    fill(db, project_id, tmp_path, n=6)
    first, *others = given_to(db, project_id, people["ann"], n=4)
    assert assigning.release(db, project_id, people["ann"], keep=1, now=NOW) == 3
    assert set(others) <= set(given_to(db, project_id, people["bob"], n=6))
    assert given_to(db, project_id, people["ann"], n=6)[0] == first


# -- gold


def gold(db: Database, project: int, tmp_path: Path, n: int) -> None:
    file = tmp_path / "gold.jsonl"
    file.write_text("".join(f'{{"text": "金{i}", "split": "gold"}}\n' for i in range(n)), encoding="utf-8")
    curating.run_import(db, project, file, options=ImportOptions(), by=None, now=NOW)


@pytest.mark.parametrize("overlap", [1, 3])
def test_a_share_of_gold_has_room_for_two(db, people, tmp_path: Path, overlap) -> None:
    project = make_project(db, overlap=overlap, gold_double_share=0.25)
    gold(db, project, tmp_path, 400)
    fill(db, project, tmp_path, n=50)
    found = Counter((each["role"], each["overlap"]) for each in rows(db, "SELECT role, overlap FROM documents"))
    assert found["pool", overlap] == 50
    double = found["gold", 2]
    assert (60 < double < 140) if overlap == 1 else found["gold", 3] == 400


def test_a_new_share_holds_for_gold_that_waits_and_picks_the_same_texts_as_an_import(
    db, people, tmp_path: Path
) -> None:
    first, second = make_project(db, key="a", gold_double_share=0.3), make_project(db, key="b", gold_double_share=0)
    for project in (first, second):
        gold(db, project, tmp_path, 60)
    now = projects.project(db, second).settings
    changed = ProjectSettings.from_mapping({**vars(now), "gold_double_share": 0.3, "round": now.round})
    projects.update_settings(db, second, changed, by=people["lee"], now=NOW)

    def doubles(project: int) -> set[str]:
        return {
            each["text"]
            for each in rows(db, "SELECT text FROM documents WHERE project_id = :p AND overlap = 2", p=project)
        }

    assert doubles(first) == doubles(second)
    assert 5 < len(doubles(first)) < 35


def test_whoever_has_done_all_gold_is_told_reasons_again_though_it_waits_for_a_second(
    db, people, tmp_path: Path
) -> None:
    project = make_project(db, gold_double_share=1, gold_every=1)
    gold(db, project, tmp_path, 2)
    fill(db, project, tmp_path, n=4)
    texts = assigning.next_texts(db, project, people["ann"], n=2, now=NOW)
    assert [each.text[0] for each in texts] == ["金", "金"]
    for n, text in enumerate(texts):
        assert assigning.next_texts(db, project, people["ann"], n=2, now=NOW)[0].reason is None
        annotating.apply(db, project, people["ann"], [save(f"g{n}", text.id, "k0")], now=NOW)
    assert assigning.next_texts(db, project, people["ann"], n=2, now=NOW)[0].reason == {"source": "random"}
    assert assigning.next_texts(db, project, people["bob"], n=2, now=NOW)[0].reason is None


# -- the law


MOVES = ("next", "save", "save", "skip", "flag", "undo", "revise", "release", "reopen", "settle")
MOVE = st.tuples(st.integers(0, 3), st.sampled_from(MOVES), st.integers(0, 7))


def crowded(db: Database, project: int, *, now: float) -> list[dict]:
    """Texts on which more people have decided, or hold live leases, than are to."""
    return rows(
        db,
        "SELECT d.id, d.overlap FROM documents d WHERE d.project_id = :p AND d.overlap < (SELECT count(*) FROM "
        "(SELECT user_id FROM current_annotations c WHERE c.document_id = d.id AND c.decision != 'skipped' UNION "
        "SELECT user_id FROM leases l WHERE l.document_id = d.id AND l.state = 'open' AND l.until > :now))",
        p=project, now=now,
    )  # fmt: skip


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.lists(MOVE, min_size=20, max_size=60), overlap=st.integers(1, 3), patient=st.booleans())
def test_no_schedule_gives_a_text_to_more_people_than_are_to_label_it(
    tmp_path_factory, moves, overlap, patient
) -> None:
    """Four people do anything in any order. Where no lease runs out, no text is ever crowded; where leases do, nobody
    is handed one that others have filled."""
    folder = tmp_path_factory.mktemp("law")
    db = open_database(folder / "t.db", create=True)
    project = make_project(db, overlap=overlap, gold_double_share=0.5, gold_every=2)
    names = ("ann", "bob", "cat", "dan")
    who = [accounts.create_user(db, name, PASSWORD, "reviewer", by=None, now=NOW).id for name in names]
    everybody_joins(db)
    fill(db, project, folder, n=5)
    gold(db, project, folder, 2)
    mine: dict[int, list[dict]] = {user: [] for user in who}
    now, dice = NOW, random.Random(len(moves))
    for n, (person, move, which) in enumerate(moves):
        user = who[person]
        now += 1 if patient else dice.choice([1, 1, 400, 1000])
        held = assigning.next_texts(db, project, user, n=3, now=now)
        if not patient:
            for each in held:
                assert leases.has_room(db, each.id, user, now=now)
        ops = mine[user]
        past = ops[which % len(ops)] if ops else None
        op: dict | None = None
        if move in ("save", "skip", "flag") and which < len(held):
            decision = {"save": "labelled", "skip": "skipped", "flag": "flagged"}[move]
            op = save(f"{n}", held[which].id, *(["k1"] if move == "save" else []), decision=decision)
        elif move == "undo" and past:
            op = {"uid": f"{n}", "kind": "undo", "target": past["uid"]}
        elif move == "revise" and past:
            op = {**save(f"{n}", past["document"], "k0"), "kind": "revise"}
        elif move == "release":
            annotating.release(db, project, user, now=now)
        elif move == "reopen":
            annotating.reopen_skipped(db, project, user, now=now)
        elif move == "settle" and past and n_decided(db, past["document"]):
            seen = value(db, "SELECT at FROM adjudications WHERE document_id = :d", d=past["document"])
            adjudicating.settle(db, project, past["document"], ["k2"], seen=seen, by=user, now=now)
        if op and annotating.apply(db, project, user, [op], now=now).acked and op["kind"] == "save":
            ops.append(op)
        if patient:
            assert crowded(db, project, now=now) == []
    check_tallies(db)
    db.close()


def n_decided(db: Database, document: int) -> int:
    sql = "SELECT count(*) FROM current_annotations WHERE document_id = :d AND decision != 'skipped'"
    return int(value(db, sql, d=document))


# -- any size


def plan(db: Database, call: Callable[[], object]) -> list[tuple[str, str]]:
    """How SQLite goes about what ``call`` asks: each statement with each of its steps."""
    asked: list[str] = []
    db.conn.set_trace_callback(asked.append)
    call()
    db.conn.set_trace_callback(None)
    selects = [each for each in asked if each.lstrip().upper().startswith("SELECT")]
    return [(each, step[3]) for each in selects for step in db.conn.execute("EXPLAIN QUERY PLAN " + each)]


def test_the_next_text_is_found_by_indexes_alone(db, people, tmp_path: Path) -> None:
    project = make_project(db, overlap=2, gold_double_share=0.5)
    fill(db, project, tmp_path, n=10)
    gold(db, project, tmp_path, 4)
    ann = people["ann"]
    decide(db, project, ann, 1, "k0")
    decide(db, project, ann, 2, decision="skipped")
    steps = plan(db, lambda: assigning.next_texts(db, project, ann, n=6, now=NOW))
    steps += plan(db, lambda: annotating.apply(db, project, ann, [save("u9", 3, "k0")], now=NOW))
    assert len(steps) > 40
    # The last hundred of my own decisions, the index of live jobs, and no more labels than make a round due.
    short = ("a", "CONSTANT", "jobs", "(subquery-1)", "(subquery-3)")
    assert [each for each in steps if each[1].startswith("SCAN") and each[1].split()[1] not in short] == []
    few = ("FROM leases l JOIN documents", "FROM labels")  # my own desk, and the labels
    sorts = [each for each in steps if "TEMP B-TREE" in each[1] and not any(word in each[0] for word in few)]
    assert sorts == []


def work(db: Database, project: int, user: int, tag: str) -> int:
    """How many steps of SQLite's machine it takes to hand out texts and take one decision."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    db.conn.set_progress_handler(count, 100)
    text = given_to(db, project, user, n=5)[0]
    assert annotating.apply(db, project, user, [save(tag, text, "k0")], now=NOW).acked
    given_to(db, project, user, n=5)
    annotating.progress(db, project, user, now=NOW)
    db.conn.set_progress_handler(None, 0)
    return steps


def half_done(db: Database, size: int, user: int, overlap: int) -> int:
    """A project of which one person has decided on the first half of the order."""
    project = make_project(db, key=f"of{size}", overlap=overlap)
    with writing(db):
        for n in range(size):
            new = NewDocument(
                external_id=f"x{n}", text=f"文{n}", sha256=f"{n * 7919 % 1_000_003:012x}{n:052x}", role="pool",
                labels=None, source="", meta={},
            )  # fmt: skip
            documents.insert(db, project, new, overlap=overlap, done=False, now=NOW)
        first = rows(
            db, "SELECT id FROM documents WHERE project_id = :p ORDER BY shuffle LIMIT :n", p=project, n=size // 2
        )
        for each in first:
            old = NewAnnotation(
                project_id=project, document_id=each["id"], user_id=user, decision="labelled", labels=("k0",),
                submission_id=f"old-{each['id']}",
            )  # fmt: skip
            annotation_rows.append(db, old, now=NOW)
            documents.refresh_state(db, each["id"])
    return project


@pytest.mark.parametrize("overlap", [1, 2])
def test_the_next_text_costs_no_more_among_five_thousand_of_which_half_are_done(db, people, overlap) -> None:
    """Counted in SQLite's own steps, which no busy machine changes."""
    small, large = (half_done(db, size, people["ann"], overlap) for size in (100, 5000))
    costs = [work(db, project, people["ann"], f"new-{project}") for project in (small, large)]
    assert costs[1] <= 2 * costs[0] + 10, costs


def test_of_many_labels_the_likeliest_alone_are_suggested(db: Database) -> None:
    size = many_labels.Size(labels=300, texts=30, gold=10, done=5)
    project_id = many_labels.make(db, size)
    many_labels.publish(db, project_id, size)
    project = projects.project(db, project_id)
    text = many_labels.document_ids(db, project_id)[20]
    found = assigning.suggested(db, project, text)
    kept = rounds.prediction(db, project_id, text)
    assert found is not None
    assert kept is not None
    every = dict(zip(project.label_set.keys, unpacked(kept[1], 300).tolist(), strict=True))
    best = sorted(every, key=lambda key: -every[key])[:20]
    assert list(found) == best
    assert list(found.values()) == pytest.approx([every[key] for key in best], abs=6e-4)
