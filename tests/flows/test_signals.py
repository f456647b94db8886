"""What a published round keeps of how far its student differs from the one before it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sqlite_utils import Database

from core.active.stopping import Signals, changed, overall_uncertainty
from core.worker.rounds import RoundRunner
from core.worker.signals import of_round
from db import rounds, signals
from db.connect import value, writing
from tests.flows.test_round import claimed


def publish(db: Database, project: int, by: int, tmp_path: Path) -> None:
    job = claimed(db, project, by)
    RoundRunner(
        db, job, tmp_path / "models", stopping=lambda: False, beside=lambda: None
    ).run()  # fmt: skip


def test_two_rounds_are_compared_on_the_texts_that_both_have_scored(ready, tmp_path: Path) -> None:
    db, project, who = ready
    publish(db, project, who["lee"], tmp_path)
    first = signals.everything(db, project)[1]
    student = rounds.current_model(db, project, "student")
    before = rounds.predictions(db, student["id"])
    assert (first["against"], first["kappa"], first["n_pool"]) == (None, None, 30)
    probs = np.array([np.frombuffer(each, "<f2") for each in before.values()])
    assert first["uncertainty"] == pytest.approx(overall_uncertainty(probs))

    waiting = [row["id"] for row in db.query("SELECT id FROM documents WHERE role = 'pool' AND state = 'open'")]
    with writing(db):
        db.conn.execute("UPDATE documents SET state = 'done' WHERE id = ?", (waiting[0],))
    publish(db, project, who["lee"], tmp_path)
    second = signals.everything(db, project)[2]
    later = rounds.current_model(db, project, "student")
    after = rounds.predictions(db, later["id"])
    both = sorted(set(before) & set(after))
    cuts = [np.array([model["thresholds"][key] for key in ("k0", "k1", "k2")]) for model in (student, later)]
    was, now = (
        np.array([np.frombuffer(found[n], "<f2") for n in both]) >= cut
        for found, cut in zip((before, after), cuts, strict=True)
    )
    assert (second["against"], second["n_both"]) == (1, len(both))
    assert (second["decisions_changed"], second["texts_changed"]) == changed(was, now)
    assert set(second["kappa_by_label"]) <= {"k0", "k1", "k2"}
    assert Signals(**second).n_pool == len(after)


def test_the_same_student_changes_nothing_and_another_label_set_is_not_compared(ready, tmp_path: Path) -> None:
    db, project, who = ready
    publish(db, project, who["lee"], tmp_path)
    student = rounds.current_model(db, project, "student")
    found = rounds.predictions(db, student["id"])
    keys = list(student["thresholds"])
    given = {
        "keys": keys, "pool_ids": list(found),
        "probs": np.array([np.frombuffer(each, "<f2") for each in found.values()]),
        "thresholds": np.array([student["thresholds"][key] for key in keys]),
    }  # fmt: skip
    same = of_round(db, project, fingerprint=student["fingerprint"], **given)
    assert (same["against"], same["n_both"], same["decisions_changed"], same["texts_changed"]) == (1, 30, 0.0, 0.0)
    assert all(kappa == 1 for kappa in same["kappa_by_label"].values())
    assert of_round(db, project, fingerprint="another", **given)["against"] is None
    new = of_round(db, project, fingerprint=student["fingerprint"], **{**given, "pool_ids": list(range(900, 930))})
    assert (new["against"], new["n_both"], new["decisions_changed"], new["kappa"]) == (1, 0, None, None)


def test_a_round_of_before_there_were_signals_has_none(ready, tmp_path: Path) -> None:
    db, project, who = ready
    publish(db, project, who["lee"], tmp_path)
    with writing(db):
        db.conn.execute("UPDATE rounds SET signals = NULL")
    assert signals.everything(db, project) == {}
    assert value(db, "SELECT count(*) FROM rounds WHERE state = 'published'") == 1
