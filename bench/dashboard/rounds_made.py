"""Published rounds with figures, answers, a queue and predictions, as the worker leaves them; no model is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from core.evaluate.metrics import rows as metric_rows
from core.services.projects import Project
from db import annotations as annotation_rows
from db import answers, documents, events, jobs
from db import rounds as round_rows
from db.connect import writing
from db.records import QueueRow

STRENGTH = {"student": 1.6, "teacher": 1.7, "standalone": 1.4, "linear": 1.2}


def publish(
    db: Database, project: Project, *, rounds: int, gold_ids: Sequence[int], truth: NDArray, at: NDArray,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """So many rounds, evenly over the decisions' times ``at``; each is a little better than the one before."""
    valid = truth[rng.integers(len(truth), size=200)]
    for number in range(1, rounds + 1):
        last = number == rounds
        mark = annotation_rows.latest_id(db, project.id) if last else number * len(at) // rounds
        grown = 0.5 + 0.5 * number / rounds
        gold = {model: _answers(truth, strength * grown, rng) for model, strength in STRENGTH.items()}
        held_out = _answers(valid, STRENGTH["student"] * grown, rng)
        moment = float(at[min(len(at), max(1, mark)) - 1])
        _publish(db, project, mark, moment, gold_ids, truth, gold, (held_out, valid))


def _answers(truth: NDArray, strength: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Probabilities that tell a label the better, the commoner it is. Shapes: (N, K) → (N, K)."""
    ease = 0.4 + truth.mean(axis=0)
    logits = (2.0 * truth - 1) * 3 * strength * ease + rng.normal(0, 1.5, truth.shape)
    return (1 / (1 + np.exp(-logits))).astype(np.float32)


def _publish(
    db: Database, project: Project, mark: int, now: float, gold_ids: Sequence[int], truth: NDArray,
    gold: dict[str, NDArray], valid: tuple[NDArray, NDArray],
) -> None:  # fmt: skip
    keys, cut = project.label_set.keys, np.full(len(project.label_set), 0.5)
    figures = [
        row
        for model, probs in gold.items()
        for row in metric_rows(probs, truth, cut, keys=keys, model=model, split="gold")
    ]
    figures += metric_rows(valid[0], valid[1], cut, keys=keys, model="student", split="valid")
    with writing(db):
        jobs.enqueue(db, project.id, "round", dedupe_key=f"round:{project.id}", payload={}, by=None, now=now)
        job = jobs.claim(db, lease_s=60, max_attempts=3, now=now)
        assert job is not None
        round_id, number = round_rows.begin(
            db, project.id, job.id, snapshot_annotation=mark, config=project.settings.round.to_json(),
            code_version="made", now=now,
        )  # fmt: skip
        round_rows.insert_metrics(db, round_id, [asdict(each) for each in figures])
        for model, probs in gold.items():
            kept = answers.Answers(documents=gold_ids, keys=keys, truth=truth, probs=probs)
            answers.keep(db, round_id, model, kept)
        answers.prune(db, project.id)
        timings = {"text": 5.0, "vectors": 9.0, "teachers": 260.0, "student": 80.0, "evaluate": 3.0, "score": 20.0}
        round_rows.publish(
            db, round_id, n_train=mark // 12, n_valid=len(valid[0]), n_gold=len(truth), timings=timings, warnings=(),
            now=now + 380,
        )  # fmt: skip
        jobs.finish(db, job, "done", now=now + 380)
        events.append(db, "round_published", now=now + 380, project_id=project.id, after={"round": number})
        model_id = round_rows.set_current_model(
            db, project.id, round_id, kind="student", path=f"{project.key}/round-{number}", sha256="0" * 64,
            fingerprint=project.label_set.fingerprint, thresholds=dict.fromkeys(keys, 0.5), now=now + 380,
        )  # fmt: skip
        if mark == annotation_rows.latest_id(db, project.id):
            _rank(db, project, round_id, model_id, now=now)


def _rank(db: Database, project: Project, round_id: int, model_id: int, *, now: float) -> None:
    """A queue of the open texts, each with its reason, and what the student says of them."""
    rng = np.random.default_rng(round_id)
    waiting = [document for document, _ in documents.unlabelled_pool(db, project.id)]
    keys = project.label_set.keys
    probs = rng.random((len(waiting), len(keys))).astype("<f2")
    blobs = ((document, probs[n].tobytes()) for n, document in enumerate(waiting))
    round_rows.replace_predictions(db, project.id, model_id, blobs)
    chosen = rng.integers(len(keys), size=len(waiting))
    ranked = [
        QueueRow(
            document_id=document, rank=n, score=1 - n / len(waiting),
            reason={
                "label": keys[chosen[n]], "probability": float(round(probs[n, chosen[n]], 4)), "threshold": 0.5,
                "random": n % 10 == 0, "words": n % 10 == 5,
            },
        )
        for n, document in enumerate(waiting)
    ]  # fmt: skip
    round_rows.replace_queue(db, project.id, ranked, source="student", round_id=round_id)
    mark = annotation_rows.latest_id(db, project.id)
    round_rows.set_fast_lane(db, project.id, annotation_id=mark, n_labelled=len(waiting), seconds=1.0, now=now)
