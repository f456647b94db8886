"""What rounds of many labels leave: figures of places, and answers that are compressed and read as they were."""

from __future__ import annotations

import numpy as np
from sqlite_utils import Database

from db import answers, places, rounds
from db.connect import value, writing


def begun(db: Database, project_id: int) -> int:
    db.conn.execute(
        "INSERT INTO jobs (id, project_id, kind, dedupe_key, created_at) VALUES (1, ?, 'round', 'x', 0)", (project_id,)
    )
    at, _ = rounds.begin(db, project_id, 1, snapshot_annotation=0, config="{}", code_version="", now=1.0)
    rounds.publish(db, at, n_train=1, n_valid=1, n_gold=1, timings={}, warnings=[], now=2.0)
    return at


def test_large_answers_are_short_on_disk_and_whole_again(db: Database, project_id: int, monkeypatch) -> None:
    monkeypatch.setattr(answers, "LARGE", 1_000)
    draw = np.random.default_rng(0)
    truth = (draw.random((40, 200)) < 0.01).astype(np.int8)
    sparse = np.where(draw.random(truth.shape) < 0.05, draw.random(truth.shape), 0).astype(np.float32)
    noise = draw.random(truth.shape).astype(np.float32)  # which no compression shortens much
    keys = tuple(f"k{n}" for n in range(200))
    with writing(db):
        at = begun(db, project_id)
        for model, probs in (("student", sparse), ("linear", noise)):
            answers.keep(db, at, model, answers.Answers(documents=range(40), keys=keys, truth=truth, probs=probs))
    assert value(db, "SELECT length(probabilities) FROM answers WHERE model = 'student'") < sparse.nbytes / 3
    for model, probs in (("student", sparse), ("linear", noise)):
        found = answers.peek(db, project_id, 1, model)
        assert found is not None
        assert found["keys"] == keys
        assert found["truth"] == truth.astype("u1").tobytes()
        assert found["probabilities"] == probs.tobytes()


def test_small_answers_stay_as_they_are(db: Database, project_id: int) -> None:
    one = np.zeros((3, 3), dtype=np.float32)
    with writing(db):
        at = begun(db, project_id)
        answers.keep(db, at, "student", answers.Answers(documents=range(3), keys=("a", "b", "c"), truth=one, probs=one))
    assert value(db, "SELECT length(probabilities) FROM answers") == one.nbytes


def test_places_are_read_by_round(db: Database, project_id: int) -> None:
    figure = {"model": "student", "split": "gold", "measure": "P", "value": 0.5, "low": 0.4, "high": 0.6, "n": 9}
    with writing(db):
        at = begun(db, project_id)
        places.keep(db, at, [{**figure, "k": k} for k in (5, 1)])
        places.keep(db, at, [{**figure, "k": 1, "value": 0.7}])
    found = places.of_rounds(db, project_id)
    assert [(each.k, each.value) for each in found[1]] == [(1, 0.7), (5, 0.5)]
    assert places.of_rounds(db, project_id + 1) == {}
