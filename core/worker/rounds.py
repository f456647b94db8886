"""One round, from the rows of a snapshot to a publication: the only place where tables and models meet."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import shutil
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from core.active import queue
from core.approximations import deeper
from core.config import RoundConfig
from core.distill.pipeline import RoundReport, RoundResult, run_round
from core.errors import Cancelled
from core.export.bundle import write_bundle
from core.predictions import packed
from core.services import projects, scheduling
from core.steps import drained, through
from core.stored_config import whole
from core.version import VERSION
from core.worker import baselines, signals, tree_rounds
from core.worker.eta import Clock, comparable
from core.worker.learned import Learned, Pack
from core.worker.ranking import ranked_pool
from core.worker.snapshots import Snapshot, snapshot
from db import answers, events, jobs, places
from db import rounds as round_rows
from db import signals as signal_rows
from db.connect import writing
from db.errors import DatabaseBusy
from db.records import Job

log = logging.getLogger("tagtail.worker")

JOB_LEASE_S = 60.0
TEACHERS_SCORE = 20_000  # pool texts; beyond, teachers are not asked, for they take many times what the student takes
PUBLISH_TRIES = 3
KEEP_ROUNDS = 3  # published students kept on disk


class Stopped(Exception):
    """The worker is told to stop: the job goes back, nothing is kept."""


class LabelsChanged(Exception):
    """The label set is another than the one that this round trains for: the job goes back, to start over."""


class GaveWay(Exception):
    """A deeper round makes room for a normal one, or for labels that it does not know."""


class RoundRunner:
    """Runs one claimed job to its end: published, cancelled, failed or handed back."""

    def __init__(
        self, db: Database, job: Job, models: Path, *, stopping: Callable[[], bool], beside: Callable[[], None],
        pack: Pack = write_bundle,
    ) -> None:  # fmt: skip
        self.db, self.job, self.models = db, job, models
        self.stopping, self.beside, self.pack = stopping, beside, pack
        self.round_id = self.number = 0
        self.deeper = job.kind == scheduling.DEEPER
        self.compared: dict[str, Any] = {}  # a deeper round's figure against the present one's
        self.label_set = ""  # the fingerprint of the one that is trained for
        self._last_beat, self._last_stage = 0.0, ""

    def run(self) -> None:
        """Raises Cancelled, Stopped, LabelsChanged, GaveWay, NotYet, LeaseLost; the present round stays until then."""
        seen = snapshot(self.db, self.job.project_id)
        self.label_set = seen.project.label_set.fingerprint
        config = self._config(seen)
        with writing(self.db):
            jobs.check_fence(self.db, self.job)
            self.round_id, self.number = round_rows.begin(
                self.db, self.job.project_id, self.job.id, snapshot_annotation=seen.annotation_id,
                config=config.to_json(), code_version=VERSION, now=time.time(),
            )  # fmt: skip
        out = self.models / seen.project.key / f"round-{self.number}-{self.job.token}"
        self.clock = Clock(self._timings_before(config), now=time.monotonic())
        try:
            if config.label_model == "tree":
                found = tree_rounds.learn(seen, config, out, self.number, self._report)
            else:
                found = self._flat(seen, config, out)
            if self.deeper and not self._is_as_good(found):
                self._set_aside(found)
                shutil.rmtree(out, ignore_errors=True)
                return
            self._bundle(seen, config, found, out)
            self._publish_patiently(seen, found, out)
        except BaseException:
            shutil.rmtree(out, ignore_errors=True)
            raise
        with contextlib.suppress(OSError):
            self._sweep(seen.project.key)

    def _config(self, seen: Snapshot) -> RoundConfig:
        """As the project has it, or deeper. Raises GaveWay: there is other work, or nothing to deepen any more."""
        config = seen.project.settings.round.settled(len(seen.project.label_set))
        if not self.deeper:
            return config
        present = int(self.job.payload.get("present", 0))
        if scheduling.must_give_way(self.db) or not scheduling.still_present(self.db, self.job.project_id, present):
            raise GaveWay()
        if config.label_model == "tree":
            raise GaveWay()  # a tree has nothing that more epochs would deepen
        return deeper(config)

    def _flat(self, seen: Snapshot, config: RoundConfig, out: Path) -> Learned:
        """Teachers, student and twin, and the baselines beside them."""
        result = self._train(seen, config, out)
        self._report(RoundReport("publish", 0, 2))
        measured, linear = self._told_through(baselines.linear_steps(seen.data, config.seed))
        return Learned(
            metrics=[*result.metrics, *measured, *self._told_through(baselines.svm_steps(seen.data, config))],
            thresholds=result.thresholds["student"], gold={**result.gold_probs, "linear": linear},
            pool_probs=result.pool_probs, ranked=ranked_pool(seen.project, seen.data, result, self.number),
            student_dir=result.student_dir, pack=self.pack, n_train=result.n_train, n_valid=result.n_valid,
            timings=result.timings, warnings=result.warnings, teacher_weights=result.teacher_weights,
        )  # fmt: skip

    def _train(self, seen: Snapshot, config: RoundConfig, out: Path) -> RoundResult:
        asked = queue.looks_at(seen.project.settings.acquisition) & {"committee", "teacher"}
        ask = bool(asked) and len(seen.data.pool_texts) <= TEACHERS_SCORE
        steps = run_round(seen.data, config, out, self.models.parent / "cache", ask_teachers=ask)
        try:
            while True:
                self._report(next(steps))
        except StopIteration as finished:
            return finished.value
        finally:
            steps.close()

    def _timings_before(self, config: RoundConfig) -> dict[str, float]:
        """Of the latest round that took its time for the same things."""
        now = json.loads(config.to_json())
        for each in round_rows.all_rounds(self.db, self.job.project_id):
            if each.state == "published" and comparable(whole(each.config), now):
                return each.timings
        return {}

    def _report(self, report: RoundReport) -> None:
        """Heartbeat, progress, and the chance to stop; at most once a second and at each stage, for it writes."""
        if self.stopping():
            raise Stopped()
        eta_s = self.clock.eta_s(report.stage, report.done, report.total, now=time.monotonic())
        if time.monotonic() - self._last_beat < 1.0 and report.stage == self._last_stage:
            return
        self._last_beat, self._last_stage = time.monotonic(), report.stage
        self.beside()
        progress = {**asdict(report), "eta_s": eta_s, "number": self.number}
        with writing(self.db):
            cancel = jobs.beat(self.db, self.job, progress=progress, lease_s=JOB_LEASE_S, now=time.time())
            other = self.deeper and scheduling.must_give_way(self.db)
            self._check_labels()
        if cancel:
            raise Cancelled()
        if other:
            raise GaveWay()

    def _check_labels(self) -> None:
        """A student of labels that are no more would be used by nobody. Raises LabelsChanged; GaveWay when deeper."""
        if projects.project(self.db, self.job.project_id).label_set.fingerprint != self.label_set:
            raise GaveWay() if self.deeper else LabelsChanged()

    def _told_through(self, steps: Generator[None, None, Any]) -> Any:
        """What the steps come to, with a heartbeat at each."""
        return drained(through(steps, lambda _: self._report(RoundReport("publish", 0, 2))))

    def _is_as_good(self, result: Learned) -> bool:
        """Whether a deeper round may replace the present one: same labels, same validation texts, macro-F1 no lower."""
        present = round_rows.last_published(self.db, self.job.project_id)
        if present is None:
            raise GaveWay()
        known = round_rows.metrics(self.db, self.job.project_id, number=present.number)
        before = [m.f1 for m in known if (m.model, m.split, m.scope) == ("student", "valid", "macro")]
        after = [m.f1 for m in result.metrics if (m.model, m.split, m.scope) == ("student", "valid", "macro")]
        self.compared = {
            "deeper": f"{after[0]:.3f}",
            "present": f"{before[0]:.3f}" if before else "–",
            "number": present.number,
        }
        return not before or after[0] >= before[0]

    def _set_aside(self, result: Learned) -> None:
        """Keep the figures of a deeper round that is no better, and nothing else of it."""
        now, told = time.time(), {"code": "DeeperNotBetter", "fields": self.compared}
        with writing(self.db):
            jobs.check_fence(self.db, self.job)
            round_rows.insert_metrics(self.db, self.round_id, [asdict(each) for each in result.metrics])
            round_rows.end(self.db, self.round_id, "cancelled", error=told, timings=result.timings, now=now)
            jobs.finish(self.db, self.job, "done", now=now)
            after = {"round": self.number, **self.compared}
            events.append(self.db, "deeper_round_set_aside", now=now, project_id=self.job.project_id, after=after)

    def _bundle(self, seen: Snapshot, config: RoundConfig, result: Learned, out: Path) -> None:
        self._report(RoundReport("publish", 0, 2))
        labels = [
            {"key": each.key, "zh": each.zh, "en": each.en, "definition": each.definition}
            for each in seen.project.label_set.labels
        ]
        card = {
            "project": seen.project.name,
            "round": self.number,
            "code_version": VERSION,
            "finished": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
            "n_train": result.n_train,
            "n_valid": result.n_valid,
            "n_gold": len(seen.gold_ids),
            "config": asdict(config),
            "deeper": self.deeper,
            "metrics": [asdict(each) for each in result.metrics if each.split == "gold"],
            "teacher_weights": result.teacher_weights,
            "warnings": [*result.warnings, *self._told()],
            **result.card,
        }
        result.pack(result.student_dir, labels, card, out / "student.zip")
        self._report(RoundReport("publish", 1, 2))

    def _told(self) -> list[tuple[str, dict[str, Any]]]:
        """What is to be said of a deeper round beside the trainer's warnings."""
        return [("DeeperTaken", self.compared)] if self.deeper else []

    def _publish_patiently(self, *found: Any) -> None:
        """A busy database must not cost a whole round."""
        for turn in range(PUBLISH_TRIES):
            try:
                return self._publish(*found)
            except DatabaseBusy:
                if turn + 1 == PUBLISH_TRIES:
                    raise
        return None

    def _publish(self, seen: Snapshot, result: Learned, out: Path) -> None:
        """Everything that the round found, in one transaction behind the job's fence."""
        db, project_id, now = self.db, self.job.project_id, time.time()
        keys = seen.project.label_set.keys
        thresholds = {key: float(t) for key, t in zip(keys, result.thresholds, strict=True)}
        blobs = list(zip(seen.pool_ids, packed(result.pool_probs), strict=True))
        truth = seen.project.label_set.encode([each.labels for each in seen.gold])
        digest = hashlib.sha256((out / "student.zip").read_bytes()).hexdigest()
        where = out.relative_to(self.models).as_posix()
        compared = signals.of_round(
            db, project_id, keys=keys, fingerprint=self.label_set, pool_ids=seen.pool_ids,
            probs=result.pool_probs, thresholds=result.thresholds,
        )  # fmt: skip
        with writing(db):
            jobs.check_fence(db, self.job)
            asked = jobs.peek(db, self.job.id)
            if asked and asked.cancel_requested:
                raise Cancelled()
            if self.deeper and scheduling.must_give_way(db):
                raise GaveWay()
            self._check_labels()
            round_rows.publish(
                db, self.round_id, n_train=result.n_train, n_valid=result.n_valid, n_gold=len(seen.gold_ids),
                timings=result.timings, warnings=[*_named(result.warnings, seen.project), *self._told()], now=now,
            )  # fmt: skip
            round_rows.insert_metrics(db, self.round_id, [asdict(each) for each in result.metrics])
            places.keep(db, self.round_id, [asdict(each) for each in result.at_k])
            for model, probs in result.gold.items():
                found = answers.Answers(documents=seen.gold_ids, keys=tuple(keys), truth=truth, probs=probs)
                answers.keep(db, self.round_id, model, found)
            answers.prune(db, project_id)
            signal_rows.keep(db, self.round_id, compared)
            model_id = round_rows.set_current_model(
                db, project_id, self.round_id, kind="student", path=where, sha256=digest,
                fingerprint=seen.project.label_set.fingerprint, thresholds=thresholds, now=now,
            )  # fmt: skip
            round_rows.replace_predictions(db, project_id, model_id, blobs)
            round_rows.replace_queue(db, project_id, result.ranked, source="student", round_id=self.round_id)
            round_rows.set_fast_lane(  # labels that came during the round re-rank at the next tick
                db, project_id, annotation_id=seen.annotation_id, n_labelled=result.n_train, seconds=0.0, now=now
            )
            jobs.finish(db, self.job, "done", now=now)
            events.append(
                db, "round_published", now=now, project_id=project_id, after={"round": self.number, **self.compared}
            )

    def _sweep(self, key: str) -> None:
        """Remove students that neither the last rounds nor a half-finished one of a dead worker need."""
        whole = [path.parent for path in (self.models / key).glob("round-*-*/student.zip")]
        for path in (self.models / key).iterdir():
            if path not in whole:
                shutil.rmtree(path, ignore_errors=True)
        kept = sorted(whole, key=lambda path: int(path.name.split("-")[1]), reverse=True)
        for path in kept[KEEP_ROUNDS:]:
            shutil.rmtree(path, ignore_errors=True)


def _named(
    warnings: Sequence[tuple[str, dict[str, Any]]], project: projects.Project
) -> list[tuple[str, dict[str, Any]]]:
    """One warning a kind, with the labels as people call them; what is about no label stays as it is."""
    names = {label.key: label.zh for label in project.label_set.labels}
    by_kind: dict[str, list[str]] = {}
    for code, fields in warnings:
        if "labels" not in fields:
            continue
        by_kind.setdefault(code, []).append(names.get(fields["labels"], str(fields["labels"])))
    whole = [(code, fields) for code, fields in warnings if "labels" not in fields]
    return [*whole, *((code, {"labels": "、".join(labels)}) for code, labels in by_kind.items())]
