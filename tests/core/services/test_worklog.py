"""The log in memory says what the tables, the progress chart and everybody's own page say."""

from __future__ import annotations

import datetime as dt
import json
import random
import statistics
from pathlib import Path

import numpy as np
import pytest
from sqlite_utils import Database

from core.services import annotating, labelling, looking_back, worklog
from core.services.dashboard import people as tab
from core.services.worklog import Worklog, least_ms
from db import past
from db.connect import execute, reading, rows, writing
from db.errors import NotFound
from tests.conftest import LABELS, NOW, make_project
from tests.flows.test_click import fill

KEYS = tuple(f"k{n}" for n in range(len(LABELS)))
DAY_S = 86_400


def look(db: Database, project: int) -> Worklog:
    with reading(db):
        return worklog.worklog(db, project)


def lived(db: Database, people: dict[str, int], tmp_path: Path, seed: int, *, turns: int = 60) -> int:
    """A project in which two people label, skip, flag, undo and change their minds over some days."""
    draw = random.Random(seed)
    project = make_project(db, overlap=2)
    fill(db, project, tmp_path, n=14)
    done: list[tuple[str, str, int]] = []
    for turn in range(turns):
        now = NOW + turn * DAY_S / 7
        name = draw.choice(["ann", "bob"])
        who, uid = people[name], f"t{turn}"
        kind = draw.choices(["save", "undo", "revise", "reopen"], [8, 2, 2, 1])[0]
        decision = draw.choices(["labelled", "skipped", "flagged"], [6, 2, 1])[0]
        chosen = draw.sample(KEYS, draw.randint(1, 2)) if decision == "labelled" else []
        mine = [each for each in done if each[0] == name]
        op: dict = {"uid": uid, "kind": kind, "decision": decision, "labels": chosen, "ms": draw.choice([0, 300, 4000])}
        if kind == "save":
            held = annotating.next_texts(db, project, who, n=2, now=now)
            if not held:
                continue
            op["document"] = draw.choice(held).id
            if draw.random() < 0.6:
                op["shown"] = {key: round(draw.random(), 3) for key in KEYS}
                op["cuts"] = dict.fromkeys(KEYS, 0.5)
            done.append((name, uid, op["document"]))
        elif kind == "undo" and mine:
            op["target"] = mine[-1][1]
        elif kind == "revise" and mine:
            op["document"] = draw.choice(mine)[2]
        elif kind != "reopen":
            continue
        annotating.apply(db, project, who, [op], now=now)
        if turn % 9 == 0:
            tab.work(db, project)  # so that it is brought up to date in steps
    return project


@pytest.mark.parametrize("seed", range(8))
def test_whatever_people_do_it_says_what_the_tables_say(db, people, tmp_path: Path, seed: int) -> None:
    project = lived(db, people, tmp_path, seed)
    found = tab.work(db, project)
    per_day = sorted(past.per_day(db, project))
    assert [(day.isoformat(), name, n) for day, name, n in found.per_day] == per_day
    now = NOW + 60 * DAY_S / 7
    current = {
        (each["user_id"], each["decision"]): each["n"]
        for each in rows(db, "SELECT user_id, decision, count(*) AS n FROM current_annotations GROUP BY 1, 2")
    }
    assert [each.name for each in found.people] == ["ann", "bob"]
    for each in found.people:
        pace = looking_back.my_days(db, project, each.user_id, now=now)
        assert (each.texts, each.days) == (pace.n, pace.active)
        assert each.texts == annotating.progress(db, project, each.user_id, now=now).total
        if each.seconds is not None:
            assert each.seconds[2] == pytest.approx(pace.median_s)
        n = sum(count for (user, _), count in current.items() if user == each.user_id)
        for share, decision in ((each.skipped, "skipped"), (each.flagged, "flagged")):
            assert share is not None
            assert (share.k, share.n) == (current.get((each.user_id, decision), 0), n)
    assert found.texts == sum(n for _, _, n in per_day)


@pytest.mark.parametrize("days", [None, 3])
def test_one_persons_decision_leaves_everybody_elses_figures_as_they_are(db, people, tmp_path: Path, days) -> None:
    project = lived(db, people, tmp_path, 1)
    since = None if days is None else dt.datetime.fromtimestamp(NOW + 5 * DAY_S, dt.UTC).date()
    before = {each.name: each for each in tab.work(db, project, since=since).people}
    fill(db, project, tmp_path, n=20)
    now = NOW + 8 * DAY_S
    text = annotating.next_texts(db, project, people["ann"], n=1, now=now)[0]
    op = {"uid": "new", "kind": "save", "document": text.id, "decision": "labelled", "labels": ["k0"], "ms": 4000}
    assert annotating.apply(db, project, people["ann"], [op], now=now).acked
    kept = tab.work(db, project, since=since)
    after = {each.name: each for each in kept.people}
    assert after["ann"].texts == before["ann"].texts + 1
    assert after["bob"] is before["bob"]
    tab._done.forget()
    worklog._kept.forget()
    assert tab.work(db, project, since=since) == kept  # counted anew from the beginning


@pytest.mark.parametrize("seed", range(3))
def test_read_in_steps_it_is_what_it_is_read_at_once(db, people, tmp_path: Path, seed: int, monkeypatch) -> None:
    project = lived(db, people, tmp_path, seed)
    stepwise = look(db, project)
    for chunk in (50_000, 3):
        monkeypatch.setattr(worklog, "_CHUNK", chunk)
        worklog._kept.forget()
        anew = look(db, project)
        assert stepwise.mark == anew.mark
        for name in ("pairs", "stands", "answered", "first", "ms", "characters", "decided", "near"):
            assert getattr(stepwise, name).tolist() == getattr(anew, name).tolist(), name
        assert {k: v.tolist() for k, v in stepwise.suggested.items()} == {
            k: v.tolist() for k, v in anew.suggested.items()
        }


@pytest.mark.parametrize("seed", range(4))
def test_what_became_of_suggestions_counted_by_hand(db, people, tmp_path: Path, seed: int) -> None:
    project = lived(db, people, tmp_path, seed)
    want: dict[str, list[int]] = {key: [0, 0, 0, 0] for key in KEYS}
    seen = set()
    for each in rows(db, "SELECT * FROM annotations WHERE decision IN ('labelled', 'flagged') ORDER BY id"):
        pair = each["user_id"], each["document_id"]
        if pair in seen:
            continue
        seen.add(pair)
        if each["decision"] != "labelled" or each["suggestions"] is None:
            continue
        shown, chosen = json.loads(each["suggestions"]), json.loads(each["labels"])
        for key in KEYS:
            over = shown[key] >= shown[":thresholds"][key]
            for place, one in enumerate((over, over and key in chosen, not over and key in chosen, True)):
                want[key][place] += one
    found = tab.suggestions(db, project)
    for line in found.labels:
        suggested, accepted, added, n = want[line.name]
        assert line.accepted is not None
        assert line.added is not None
        assert (line.accepted.k, line.accepted.n) == (accepted, suggested)
        assert (line.added.k, line.added.n) == (added, n - suggested)
    total = np.sum(list(want.values()), axis=0)
    assert [sum(each.accepted.k for each in found.people), found.n] == [total[1], total[3]]
    assert sum(n for _, n, _ in found.near) <= found.n
    assert (found.jump, set(found.jumps.values())) == (None, {None}), "too few to say"


def test_cuts_that_were_not_kept_with_a_decision_are_the_rounds(db, people, project_id, tmp_path: Path) -> None:
    fill(db, project_id, tmp_path, n=2)
    statements = (
        "INSERT INTO jobs (id, project_id, kind, dedupe_key, created_at) VALUES (5, :p, 'round', 'x', 1)",
        "INSERT INTO rounds (id, project_id, number, job_id, state, snapshot_annotation, config, code_version, "
        "started_at) VALUES (7, :p, 1, 5, 'published', 0, '{}', 'x', 1)",
        "INSERT INTO models (project_id, round_id, kind, path, sha256, fingerprint, thresholds, current, created_at) "
        "VALUES (:p, 7, 'student', 'x', 'x', 'x', :cuts, 1, 1)",
    )
    with writing(db):
        for statement in statements:
            execute(db, statement, p=project_id, cuts=json.dumps({"k0": 0.3, "k1": 0.6, "k2": 0.5}))
    text = annotating.next_texts(db, project_id, people["ann"], n=1, now=NOW)[0]
    op = {"uid": "u", "kind": "save", "document": text.id, "decision": "labelled", "labels": ["k0", "k2"], "ms": 900}
    annotating.apply(db, project_id, people["ann"], [op | {"shown": {"k0": 0.3, "k1": 0.59, "k2": 0.2}}], now=NOW)
    labels = {each.name: each for each in tab.suggestions(db, project_id).labels}
    assert (labels["k0"].accepted.k, labels["k0"].accepted.n) == (1, 1)
    assert (labels["k1"].accepted, labels["k2"].accepted) == (None, None)
    assert (labels["k2"].added.k, labels["k1"].added.k) == (1, 0)


def test_only_the_last_days_are_counted_when_asked(db, people, tmp_path: Path) -> None:
    project = lived(db, people, tmp_path, 1)
    since = dt.datetime.fromtimestamp(NOW + 5 * DAY_S, looking_back.TAIPEI).date()
    found, every = tab.work(db, project, since=since), tab.work(db, project)
    assert list(found.per_day) == [each for each in every.per_day if each[0] >= since]
    assert 0 < found.texts < every.texts
    for each in found.people:
        days = len({day for day, name, _ in found.per_day if name == each.name})
        pace = looking_back.my_days(db, project, each.user_id, now=NOW + 5 * DAY_S, days=1)
        assert each.days == days
        assert pace.days[0].day == since


def test_what_is_faster_than_reading_is_so_for_everybody_alike() -> None:
    assert least_ms(np.array([1, 15, 100, 250, 9000], np.int32)).tolist() == [600, 600, 4000, 10_000, 10_000]


def test_a_very_fast_decision_and_a_changed_one_are_counted(db, people, project_id, tmp_path: Path) -> None:
    fill(db, project_id, tmp_path, n=8)
    held = annotating.next_texts(db, project_id, people["ann"], n=8, now=NOW)
    spent = [0, 599, 600, 2000, 3000, 4000, 5000, 100]
    for n, (text, ms) in enumerate(zip(held, spent, strict=True)):
        op = {"uid": f"u{n}", "kind": "save", "document": text.id, "decision": "labelled", "labels": ["k0"], "ms": ms}
        annotating.apply(db, project_id, people["ann"], [op], now=NOW)
    change = {"uid": "r", "kind": "revise", "document": held[3].id, "decision": "labelled", "labels": ["k1"], "ms": 5}
    annotating.apply(db, project_id, people["ann"], [change], now=NOW)
    (ann,) = tab.work(db, project_id).people
    assert ann.fast is not None
    assert ann.changed is not None
    assert (ann.texts, ann.timed, ann.fast.k, ann.fast.n) == (8, 7, 2, 7)
    assert (ann.changed.k, ann.changed.n) == (1, 8)
    assert ann.seconds == pytest.approx(np.percentile(spent[1:], [10, 25, 50, 75, 90]) / 1000)
    assert ann.seconds[2] == statistics.median(spent[1:]) / 1000


def test_labels_that_change_are_counted_by_todays(db, people, tmp_path: Path) -> None:
    project = lived(db, people, tmp_path, 2)
    before = tab.suggestions(db, project)
    labelling.retire(db, project, "k2", by=people["lee"], now=NOW)
    after = tab.suggestions(db, project)
    assert [each.name for each in after.labels] == ["k0", "k1"]
    assert after.labels == before.labels[:2]


def test_nothing_yet_and_no_project(db, project_id) -> None:
    found = tab.work(db, project_id)
    assert (found.people, found.per_day, found.texts) == ((), (), 0)
    nothing = tab.suggestions(db, project_id)
    assert (nothing.n, nothing.people, nothing.jump) == (0, (), None)
    with pytest.raises(NotFound):
        look(db, 99)
