"""A click's way: leased once, saved once, undone whole, whatever the network, the clock or a colleague does."""

from __future__ import annotations

import dataclasses
import itertools
import json
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from core.errors import NotAllowed
from core.services import accounts, annotating, curating, scheduling
from core.services.curating import ImportOptions
from db.connect import open_database, rows, value
from tests.conftest import NOW, everybody_joins, make_project


def fill(db: Database, project_id: int, tmp_path: Path, n: int = 12, **more: object) -> None:
    """n pool texts; ``more`` are further fields of each row."""
    file = tmp_path / "texts.jsonl"
    file.write_text(
        "".join(json.dumps({"text": f"第{i}段健康文字", **more}, ensure_ascii=False) + "\n" for i in range(n)),
        encoding="utf-8",
    )
    curating.run_import(db, project_id, file, options=ImportOptions(), by=None, now=NOW)


def save(uid: str, document: int, *labels: str, decision: str = "labelled") -> dict:
    return {"uid": uid, "kind": "save", "document": document, "decision": decision, "labels": list(labels), "ms": 900}


@pytest.fixture
def desk(db: Database, project_id: int, people: dict[str, int], tmp_path: Path) -> tuple[Database, int, dict[str, int]]:
    fill(db, project_id, tmp_path)
    return db, project_id, people


def test_two_people_never_hold_the_same_text(desk) -> None:
    db, project, who = desk
    a = {t.id for t in annotating.next_texts(db, project, who["ann"], n=6, now=NOW)}
    b = {t.id for t in annotating.next_texts(db, project, who["bob"], n=6, now=NOW)}
    assert len(a) == len(b) == 6
    assert not a & b
    assert annotating.next_texts(db, project, who["lee"], n=3, now=NOW) == []


def test_asking_again_gives_the_same_texts_in_the_same_order(desk) -> None:
    db, project, who = desk
    first = [t.id for t in annotating.next_texts(db, project, who["ann"], n=4, now=NOW)]
    assert [t.id for t in annotating.next_texts(db, project, who["ann"], n=4, now=NOW + 5)] == first


def test_a_lapsed_lease_goes_to_a_colleague_and_the_late_click_is_still_kept(desk) -> None:
    db, project, who = desk
    mine = annotating.next_texts(db, project, who["ann"], n=12, now=NOW)
    later = NOW + 901
    theirs = annotating.next_texts(db, project, who["bob"], n=12, now=later)
    assert {t.id for t in theirs} == {t.id for t in mine}
    result = annotating.apply(db, project, who["ann"], [save("u1", mine[0].id, "k0")], now=later + 1)
    assert result.acked == ("u1",)
    assert value(db, "SELECT count(*) FROM annotations WHERE submission_id = 'u1'") == 1
    held = {t.id for t in annotating.next_texts(db, project, who["bob"], n=12, now=later + 2)}
    assert mine[0].id not in held, "settled by a colleague: it vanishes from the texts held"


def test_a_replay_saves_once_and_is_acked_each_time(desk, path: Path) -> None:
    db, project, who = desk
    text = annotating.next_texts(db, project, who["ann"], n=1, now=NOW)[0]
    op = save("u1", text.id, "k0", "k2")
    for _ in range(3):
        assert annotating.apply(db, project, who["ann"], [op, op], now=NOW).acked == ("u1", "u1")
    db.close()
    again = open_database(path)
    found = rows(again, "SELECT labels, decision, ms FROM annotations")
    again.close()
    assert [(json.loads(f["labels"]), f["decision"], f["ms"]) for f in found] == [(["k0", "k2"], "labelled", 900)]


def test_undo_brings_the_text_back_first_with_what_was_chosen(desk) -> None:
    db, project, who = desk
    first, second = annotating.next_texts(db, project, who["ann"], n=2, now=NOW)
    ops = [save("u1", first.id, "k1", "k0"), save("u2", second.id, "k2"), {"uid": "u3", "kind": "undo", "target": "u1"}]
    result = annotating.apply(db, project, who["ann"], ops, now=NOW)
    assert result.acked == ("u1", "u2", "u3")
    back = annotating.next_texts(db, project, who["ann"], n=4, now=NOW)[0]
    assert (back.id, back.chosen) == (first.id, ("k0", "k1"))
    assert annotating.progress(db, project, who["ann"], now=NOW).total == 1
    again = annotating.apply(db, project, who["ann"], [save("u4", first.id, "k2")], now=NOW)
    assert again.acked == ("u4",)
    assert {
        (r["document_id"], r["labels"]) for r in rows(db, "SELECT document_id, labels FROM current_annotations")
    } == {
        (first.id, '["k2"]'),
        (second.id, '["k2"]'),
    }


def test_undoing_twice_or_what_is_not_mine_changes_nothing(desk) -> None:
    db, project, who = desk
    text = annotating.next_texts(db, project, who["ann"], n=1, now=NOW)[0]
    annotating.apply(db, project, who["ann"], [save("u1", text.id, "k0")], now=NOW)
    stolen = annotating.apply(db, project, who["bob"], [{"uid": "b1", "kind": "undo", "target": "u1"}], now=NOW)
    assert stolen.refused[0].code == "NotFound"
    undo = {"uid": "u2", "kind": "undo", "target": "u1"}
    assert annotating.apply(db, project, who["ann"], [undo, undo], now=NOW).acked == ("u2", "u2")
    assert value(db, "SELECT count(*) FROM annotations WHERE decision = 'undone'") == 1


def test_one_bad_op_is_refused_and_its_neighbours_are_saved(desk) -> None:
    db, project, who = desk
    a, b = annotating.next_texts(db, project, who["ann"], n=2, now=NOW)
    ops = [save("u1", a.id, "k0"), save("u2", b.id, "nonsense"), save("u3", b.id), save("u4", b.id, "k1")]
    result = annotating.apply(db, project, who["ann"], ops, now=NOW)
    assert result.acked == ("u1", "u4")
    assert [(r.uid, r.code) for r in result.refused] == [("u2", "UnknownLabel"), ("u3", "NoLabels")]


@pytest.mark.parametrize(
    "op",
    [
        {},
        {"uid": "x" * 101, "kind": "save"},
        {"uid": "u", "kind": "save", "document": "1", "decision": "labelled", "labels": ["k0"]},
        {"uid": "u", "kind": "save", "document": True, "decision": "labelled", "labels": ["k0"]},
        {"uid": "u", "kind": "save", "document": 1, "decision": "undone", "labels": []},
        {"uid": "u", "kind": "save", "document": 1, "decision": "labelled", "labels": "k0"},
        {"uid": "u", "kind": "save", "document": 999_999, "decision": "skipped", "labels": []},
        {"uid": "u", "kind": "drop"},
    ],
)
def test_hostile_ops_are_refused_and_write_nothing(desk, op: dict) -> None:
    db, project, who = desk
    result = annotating.apply(db, project, who["ann"], [op], now=NOW)
    assert len(result.refused) == 1
    assert value(db, "SELECT count(*) FROM annotations") == 0


def test_a_text_that_was_never_leased_to_me_cannot_be_labelled_by_me(desk) -> None:
    db, project, who = desk
    text = annotating.next_texts(db, project, who["ann"], n=1, now=NOW)[0]
    assert annotating.apply(db, project, who["bob"], [save("u", text.id, "k0")], now=NOW).refused[0].code == "NotFound"


def test_a_deactivated_person_writes_nothing_more(desk) -> None:
    db, project, who = desk
    text = annotating.next_texts(db, project, who["ann"], n=1, now=NOW)[0]
    accounts.set_active(db, who["ann"], False, by=who["ada"], now=NOW)
    with pytest.raises(NotAllowed):
        annotating.apply(db, project, who["ann"], [save("u", text.id, "k0")], now=NOW)
    with pytest.raises(NotAllowed):
        annotating.next_texts(db, project, who["ann"], n=1, now=NOW)


def test_a_skipped_text_goes_to_others_and_not_back_to_me(desk) -> None:
    db, project, who = desk
    text = annotating.next_texts(db, project, who["ann"], n=1, now=NOW)[0]
    annotating.apply(db, project, who["ann"], [save("u", text.id, decision="skipped")], now=NOW)
    assert text.id not in {t.id for t in annotating.next_texts(db, project, who["ann"], n=12, now=NOW)}
    annotating.release(db, project, who["ann"], now=NOW)
    assert text.id in {t.id for t in annotating.next_texts(db, project, who["bob"], n=12, now=NOW)}


def test_a_lone_annotator_takes_skipped_texts_back(desk) -> None:
    db, project, who = desk
    texts = annotating.next_texts(db, project, who["ann"], n=12, now=NOW)
    annotating.apply(db, project, who["ann"], [save(f"u{t.id}", t.id, decision="skipped") for t in texts], now=NOW)
    assert annotating.next_texts(db, project, who["ann"], n=12, now=NOW) == []
    seen = annotating.progress(db, project, who["ann"], now=NOW)
    assert (seen.waiting, seen.skipped) == (12, 12)
    reopen = {"uid": "r1", "kind": "reopen"}
    assert annotating.apply(db, project, who["ann"], [reopen], now=NOW).acked == ("r1",)
    assert {t.id for t in annotating.next_texts(db, project, who["ann"], n=12, now=NOW)} == {t.id for t in texts}
    assert annotating.progress(db, project, who["ann"], now=NOW).skipped == 0
    annotating.apply(db, project, who["ann"], [save("v", texts[0].id, decision="skipped")], now=NOW)
    assert annotating.apply(db, project, who["ann"], [reopen], now=NOW).acked == ("r1",)
    assert annotating.progress(db, project, who["ann"], now=NOW).skipped == 1, "a replay takes nothing back"
    assert annotating.reopen_skipped(db, project, who["ann"], now=NOW) == 1
    assert value(db, "SELECT count(*) FROM annotations WHERE decision = 'undone'") == 13
    assert value(db, "SELECT count(*) FROM events WHERE kind = 'skips_reopened'") == 2


def test_skips_that_a_colleague_has_by_now_stay_the_colleagues(desk) -> None:
    db, project, who = desk
    texts = annotating.next_texts(db, project, who["ann"], n=3, now=NOW)
    annotating.apply(db, project, who["ann"], [save(f"u{t.id}", t.id, decision="skipped") for t in texts], now=NOW)
    annotating.next_texts(db, project, who["bob"], n=12, now=NOW)
    annotating.apply(db, project, who["bob"], [save("b", texts[0].id, "k0")], now=NOW)
    assert annotating.progress(db, project, who["ann"], now=NOW).skipped == 0
    assert annotating.reopen_skipped(db, project, who["ann"], now=NOW) == 0
    annotating.release(db, project, who["bob"], now=NOW)
    assert annotating.reopen_skipped(db, project, who["ann"], now=NOW) == 2
    accounts.set_active(db, who["ann"], False, by=who["ada"], now=NOW)
    with pytest.raises(NotAllowed):
        annotating.reopen_skipped(db, project, who["ann"], now=NOW)


def test_leases_given_back_are_free_at_once(desk) -> None:
    db, project, who = desk
    annotating.next_texts(db, project, who["ann"], n=12, now=NOW)
    assert annotating.release(db, project, who["ann"], now=NOW) == 12
    assert len(annotating.next_texts(db, project, who["bob"], n=12, now=NOW)) == 12


def test_overlap_two_gives_a_text_to_two_people_and_to_no_third(db, people, tmp_path) -> None:
    project = make_project(db, key="two", overlap=2)
    fill(db, project, tmp_path, n=3)
    a = {t.id for t in annotating.next_texts(db, project, people["ann"], n=9, now=NOW)}
    b = {t.id for t in annotating.next_texts(db, project, people["bob"], n=9, now=NOW)}
    assert a == b
    assert len(a) == 3
    assert annotating.next_texts(db, project, people["lee"], n=9, now=NOW) == []
    annotating.apply(db, project, people["ann"], [save("u", min(a), "k0")], now=NOW)
    assert value(db, "SELECT state FROM documents WHERE id = ?".replace("?", str(min(a)))) == "open"
    annotating.apply(db, project, people["bob"], [save("v", min(a), "k1")], now=NOW)
    assert value(db, "SELECT state FROM documents WHERE id = " + str(min(a))) == "done"


def test_gold_texts_come_blind_and_now_and_then(db, people, tmp_path) -> None:
    project = make_project(db, key="g", gold_every=3, suggestions=True)
    fill(db, project, tmp_path, n=60)
    file = tmp_path / "gold.jsonl"
    file.write_text(
        "".join(json.dumps({"text": f"金{i}", "split": "gold"}) + "\n" for i in range(60)), encoding="utf-8"
    )
    curating.run_import(db, project, file, options=ImportOptions(), by=None, now=NOW)
    given = annotating.next_texts(db, project, people["ann"], n=60, now=NOW)
    turns = [n for n, t in enumerate(given) if t.text.startswith("金")]
    assert 10 <= len(turns) <= 30
    assert len({b - a for a, b in itertools.pairwise(turns)}) > 1, "no rhythm that tells"
    assert all(t.suggestions is None and t.reason is None for t in given), "while gold waits nothing tells"


def test_a_round_is_requested_once_when_it_is_due(db, people, tmp_path) -> None:
    project = make_project(db, key="due", round_every=10, round_min_labels=10)
    fill(db, project, tmp_path, n=15)
    file = tmp_path / "gold.jsonl"
    file.write_text(json.dumps({"text": "金標", "split": "gold", "labels": ["甲"]}), encoding="utf-8")
    curating.run_import(db, project, file, options=ImportOptions(), by=None, now=NOW)
    for n, text in enumerate(annotating.next_texts(db, project, people["ann"], n=15, now=NOW)):
        annotating.apply(db, project, people["ann"], [save(f"u{n}", text.id, "k0")], now=NOW)
        queued = value(db, "SELECT count(*) FROM jobs")
        assert queued == (1 if n >= 9 else 0)
    assert scheduling.status(db, project, now=NOW).state == "queued"


def test_many_people_at_once_lose_nothing_and_share_nothing(path: Path, db, people, tmp_path) -> None:
    project = make_project(db, key="busy")
    fill(db, project, tmp_path, n=90)
    done: dict[str, list[int]] = {}
    failures: list[BaseException] = []

    def work(name: str) -> None:
        own = open_database(path)
        try:
            mine = done.setdefault(name, [])
            for turn in itertools.count():
                texts = annotating.next_texts(own, project, people[name], n=4, now=NOW)
                if not texts:
                    return
                ops = [save(f"{name}{turn}-{t.id}", t.id, "k1") for t in texts[:2]]
                result = annotating.apply(own, project, people[name], ops, now=NOW)
                mine.extend(t.id for t in texts[:2])
                assert len(result.acked) == len(ops)
        except BaseException as error:
            failures.append(error)
        finally:
            own.close()

    threads = [threading.Thread(target=work, args=(name,)) for name in ("ann", "bob", "lee")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    everyone = [document for mine in done.values() for document in mine]
    assert len(everyone) == len(set(everyone)) == 90
    assert value(db, "SELECT count(*) FROM annotations") == 90


def test_an_undo_does_not_take_a_text_from_a_colleague_who_has_it_by_now(desk) -> None:
    db, project, who = desk
    text = annotating.next_texts(db, project, who["ann"], n=1, now=NOW)[0]
    annotating.apply(db, project, who["ann"], [save("u1", text.id, decision="skipped")], now=NOW)
    assert text.id in {t.id for t in annotating.next_texts(db, project, who["bob"], n=12, now=NOW)}
    result = annotating.apply(db, project, who["ann"], [{"uid": "u2", "kind": "undo", "target": "u1"}], now=NOW)
    assert result.refused[0].code == "TakenMeanwhile"
    assert text.id not in {t.id for t in annotating.next_texts(db, project, who["ann"], n=12, now=NOW)}


def test_a_second_tab_does_not_overwrite_what_the_first_has_saved(desk) -> None:
    db, project, who = desk
    text = annotating.next_texts(db, project, who["ann"], n=1, now=NOW)[0]
    assert annotating.apply(db, project, who["ann"], [save("tab1", text.id, "k0")], now=NOW).acked
    late = annotating.apply(db, project, who["ann"], [save("tab2", text.id, "k1")], now=NOW)
    assert late.refused[0].code == "AlreadyDecided"
    assert rows(db, "SELECT labels FROM current_annotations") == [{"labels": '["k0"]'}]


def test_nobody_can_use_up_another_persons_or_an_imports_names(desk) -> None:
    db, project, who = desk
    a = annotating.next_texts(db, project, who["ann"], n=1, now=NOW)[0]
    b = annotating.next_texts(db, project, who["bob"], n=1, now=NOW)[0]
    assert annotating.apply(db, project, who["ann"], [save("import:7", a.id, "k0")], now=NOW).refused[0].code == "BadOp"
    assert annotating.apply(db, project, who["ann"], [save("u1", a.id, "k0")], now=NOW).acked
    assert annotating.apply(db, project, who["bob"], [save("u1", b.id, "k0")], now=NOW).refused[0].code == "BadOp"


def test_what_a_hostile_browser_sends_is_stored_as_far_as_it_can_be(desk) -> None:
    db, project, who = desk
    text = annotating.next_texts(db, project, who["ann"], n=1, now=NOW)[0]
    op = {**save("u1", text.id, "k0"), "comment": "x\ud83d" * 3000, "ms": float("inf"), "shown": {"k0": 9, "zz": "a"}}
    assert annotating.apply(db, project, who["ann"], [op], now=NOW).acked == ("u1",)
    found = rows(db, "SELECT comment, ms, suggestions FROM annotations")[0]
    assert (len(found["comment"]), found["ms"], found["suggestions"]) == (annotating.MAX_COMMENT, 0, "{}")


def test_what_two_people_disagree_on_wholly_is_not_trained_on(db, people, tmp_path) -> None:
    project = make_project(db, key="two", overlap=2)
    fill(db, project, tmp_path, n=2)
    for name, labels in (("ann", ["k0"]), ("bob", ["k1"])):
        for text in annotating.next_texts(db, project, people[name], n=2, now=NOW):
            op = save(f"{name}{text.id}", text.id, *(labels if text.id == 1 else ["k2", *labels]))
            annotating.apply(db, project, people[name], [op], now=NOW)
    assert [set(t.labels) for t in curating.label_sets(db, project, "pool")] == [{"k2"}]


def test_lowering_the_overlap_lets_texts_be_done(db, people, tmp_path) -> None:
    project = make_project(db, key="two", overlap=2)
    fill(db, project, tmp_path, n=3)
    for text in annotating.next_texts(db, project, people["ann"], n=3, now=NOW):
        annotating.apply(db, project, people["ann"], [save(f"u{text.id}", text.id, "k0")], now=NOW)
    assert annotating.progress(db, project, people["ann"], now=NOW).waiting == 0, "they wait for others"
    assert annotating.progress(db, project, people["bob"], now=NOW).waiting == 3
    now = curating.project(db, project).settings
    curating.update_settings(db, project, dataclasses.replace(now, overlap=1), by=people["lee"], now=NOW)
    assert annotating.progress(db, project, people["bob"], now=NOW).waiting == 0


def test_progress_moves_the_same_for_gold_and_pool(db, people, tmp_path) -> None:
    project = make_project(db, key="g", gold_every=1)
    fill(db, project, tmp_path, n=2)
    fill(db, project, tmp_path, n=4, split="gold")
    for n, text in enumerate(annotating.next_texts(db, project, people["ann"], n=4, now=NOW), start=1):
        annotating.apply(db, project, people["ann"], [save(f"u{n}", text.id, "k0")], now=NOW)
        seen = annotating.progress(db, project, people["ann"], now=NOW)
        assert (seen.today, seen.labelled, seen.pool) == (n, n, 4)


def test_a_round_that_was_cancelled_is_not_requested_again_by_the_next_click(db, people, tmp_path) -> None:
    project = make_project(db, key="due", round_every=5, round_min_labels=10)
    fill(db, project, tmp_path, n=24)
    file = tmp_path / "gold.jsonl"
    file.write_text(json.dumps({"text": "金標", "split": "gold", "labels": ["甲"]}), encoding="utf-8")
    curating.run_import(db, project, file, options=ImportOptions(), by=None, now=NOW)
    texts = annotating.next_texts(db, project, people["ann"], n=20, now=NOW)

    def label(part: list) -> int:
        for text in part:
            annotating.apply(db, project, people["ann"], [save(f"u{text.id}", text.id, "k0")], now=NOW)
        return int(value(db, "SELECT count(*) FROM jobs"))

    assert label(texts[:10]) == 1
    job = scheduling.status(db, project, now=NOW).job_id
    assert job is not None
    scheduling.cancel(db, job, by=people["lee"], now=NOW)
    assert label(texts[10:14]) == 1
    assert label(texts[14:15]) == 2, "five more labels make the next one due"


STEP = st.one_of(
    st.tuples(st.just("save"), st.integers(0, 2), st.sets(st.sampled_from(["k0", "k1", "k2"]), min_size=1)),
    st.tuples(st.just("skip"), st.integers(0, 2), st.none()),
    st.tuples(st.just("undo"), st.integers(0, 9), st.none()),
    st.tuples(st.just("replay"), st.integers(0, 9), st.none()),
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from(["ann", "bob"]), STEP), max_size=25))
def test_any_order_of_saves_skips_undos_and_replays_keeps_the_tables_true(tmp_path_factory, steps) -> None:
    """The current decisions equal those of a plain model that replays the acknowledged ops."""
    folder = tmp_path_factory.mktemp("any")
    db = open_database(folder / "t.db", create=True)
    project = make_project(db)
    who = {
        n: accounts.create_user(db, n, "correct horse battery", "annotator", by=None, now=NOW).id
        for n in ("ann", "bob")
    }
    everybody_joins(db)
    fill(db, project, folder, n=6)
    sent: dict[str, list[dict]] = {"ann": [], "bob": []}
    truth: dict[tuple[str, int], tuple[str, ...]] = {}
    for n, (name, (kind, which, labels)) in enumerate(steps):
        if kind in ("save", "skip"):
            texts = annotating.next_texts(db, project, who[name], n=3, now=NOW)
            if which >= len(texts):
                continue
            op = save(
                f"{name}{n}", texts[which].id, *sorted(labels or ()), decision="labelled" if labels else "skipped"
            )
        elif not sent[name]:
            continue
        elif kind == "replay":
            op = sent[name][which % len(sent[name])]
        else:
            target = sent[name][which % len(sent[name])]
            op = {"uid": f"{name}{n}", "kind": "undo", "target": target["uid"]}
            last = next((s for s in reversed(sent[name]) if s.get("document") == target.get("document")), None)
            undone = {s["target"] for s in sent[name] if s["kind"] == "undo"}
            takes_back = target["kind"] == "save" and last is target and target["uid"] not in undone
        result = annotating.apply(db, project, who[name], [op], now=NOW)
        if kind == "replay" or not result.acked:
            continue  # a refused op (an undo of a skip whose text a colleague has by now) changes nothing
        sent[name].append(op)
        if op["kind"] == "save":
            truth[name, op["document"]] = tuple(op["labels"])
        elif takes_back:
            truth.pop((name, target["document"]), None)
    found = {
        (r["name"], r["document_id"]): tuple(json.loads(r["labels"]))
        for r in rows(
            db, "SELECT u.name, c.document_id, c.labels FROM current_annotations c JOIN users u ON u.id = c.user_id"
        )
    }
    broken = value(
        db,
        "SELECT count(*) FROM documents d WHERE (state = 'done') != (overlap <= (SELECT count(*) FROM "
        "current_annotations c WHERE c.document_id = d.id AND c.decision != 'skipped'))",
    )
    db.close()
    assert found == truth
    assert broken == 0
