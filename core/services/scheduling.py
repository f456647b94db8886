"""When a round runs: on a lead's word, or by itself after enough new labels. Asking twice is asking once.

On an idle machine, where the project wants it, the present round is deepened: trained again on the same labels with
better teachers. Any normal round goes before that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlite_utils import Database

from core.approximations import deeper
from core.errors import Archived, NoGold, StillStopping, TooFewLabels
from core.hours import within
from core.labels import LabelSet
from core.services import accounts, membership, projects
from core.services.standing import standing
from core.stored_config import stored
from db import annotations as annotation_rows
from db import documents, events, jobs
from db import rounds as round_rows
from db.connect import reading, writing
from db.errors import NotFound
from db.records import Job, RoundRow

KIND = "round"
DEEPER = "deeper"  # a round on the labels of the one before, in idle time
RESTORE = "restore"  # no round: an earlier one's student comes back
GAVE_WAY = "GaveWay"  # the end of one that is tried again
NAMED = 10  # labels of one sentence
WORKER_SILENT_S = 30.0  # a worker that has not been heard of for so long is taken for dead


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """Whether a round can run now: ``have`` of ``need`` labelled pool texts, ``gold`` of ``gold_texts`` labelled."""

    ready: bool
    have: int
    need: int
    gold: int
    gold_texts: int
    since_last: int
    next_at: int
    hours: str = ""  # when it begins by itself; empty is always
    warnings: tuple[tuple[str, dict[str, Any]], ...] = ()


@dataclass(frozen=True, kw_only=True)
class RoundStatus:
    worker_alive: bool
    job_id: int | None
    state: str
    stage: str
    done: int
    total: int
    deeper: bool = False
    detail: dict[str, Any] = field(default_factory=dict)
    started_at: float | None = None
    eta_s: float | None = None
    attempts: int = 0
    last_error: tuple[str, dict[str, Any]] | None = None
    last_published: RoundRow | None = None
    in_use: RoundRow | None = None


def readiness(db: Database, project_id: int) -> Readiness:
    """What a round would train on, and what it would warn of; ``since_last`` counts no further than makes one due."""
    with reading(db):
        project = projects.project(db, project_id)
        now = standing(db, project_id)
        most = max(project.settings.round_every, 1)
        since = annotation_rows.n_labelled_since(db, project_id, round_rows.last_snapshot(db, project_id), most=most)
        gold_texts = documents.counts(db, project_id)["gold"]["documents"]
    have, gold = len(now.counting(gold=False)), len(now.counting(gold=True))
    missing = [key for key, n in zip(now.label_set.keys, now.support(gold=False), strict=True) if not n]
    need = project.settings.round_min_labels
    return Readiness(
        ready=have >= need and bool(gold),
        have=have,
        need=need,
        gold=gold,
        gold_texts=gold_texts,
        since_last=since,
        next_at=most,
        hours=project.settings.round_hours,
        warnings=(("LabelWithoutPositives", _named(project.label_set, missing)),) if missing else (),
    )


def _named(label_set: LabelSet, keys: list[str]) -> dict[str, Any]:
    """The first of these labels by name, for either reader, and how many there are where that is not all."""
    first = [label for label in label_set.labels if label.key in set(keys[:NAMED])]
    more = f" … ({len(keys):,})" if len(keys) > NAMED else ""
    zh, en = "、".join(label.zh for label in first), ", ".join(label.en or label.zh for label in first)
    return {"labels": zh + more, "labels_en": en + more}


def request_round(db: Database, project_id: int, *, by: int, now: float) -> int:
    """Queue a round; the one that is queued or running already is returned as it is.

    Raises TooFewLabels (have, need), NoGold, NotAllowed, Archived, StillStopping (the cancelled one is not gone yet).
    """
    membership.require_member(db, project_id, by, "lead")  # before a word is said of the project; the write asks again
    state = readiness(db, project_id)
    if state.have < state.need:
        raise TooFewLabels(have=state.have, need=state.need)
    if not state.gold:
        raise NoGold()
    with writing(db):
        membership.require_member(db, project_id, by, "lead")
        if projects.project(db, project_id).archived_at is not None:
            raise Archived(need="member")
        live = jobs.live(db, project_id, KIND)
        if live and live.cancel_requested:
            raise StillStopping()
        return _enqueue(db, project_id, by=by, now=now)


def _enqueue(db: Database, project_id: int, *, by: int | None, now: float) -> int:
    before = jobs.live(db, project_id, KIND)
    seen = {"annotation": annotation_rows.latest_id(db, project_id)}  # what comes later makes the next round due
    job_id = jobs.enqueue(db, project_id, KIND, dedupe_key=f"{KIND}:{project_id}", payload=seen, by=by, now=now)
    if before is None:
        events.append(db, "round_requested", now=now, project_id=project_id, user_id=by, after={"job": job_id})
    return job_id


def request_if_due(db: Database, project: projects.Project, *, now: float) -> int | None:
    """Inside a save's, a settlement's or the worker's transaction: queue a round when enough has changed for one.

    A settlement, and one taken back, count as much as a labelled decision.
    """
    most = project.settings.round_every
    if not within(project.settings.round_hours, now):
        return None  # the worker asks again when it may
    if jobs.live(db, project.id, KIND):
        return None
    since = annotation_rows.n_labelled_since(db, project.id, round_rows.last_snapshot(db, project.id), most=most)
    if since < most or not _trainable(db, project):
        return None
    return _enqueue(db, project.id, by=None, now=now)


def is_outdated(db: Database, project: projects.Project) -> bool:
    """Whether the current student was trained for another label set: nothing asks it until the next round."""
    model = round_rows.current_model(db, project.id, "student")
    return model is not None and model["fingerprint"] != project.label_set.fingerprint


def request_if_outdated(db: Database, project: projects.Project, *, by: int, now: float) -> int | None:
    """Inside the transaction that changed the label set: queue a round for it, if one can be trained."""
    if not is_outdated(db, project) or jobs.live(db, project.id, KIND) or not _trainable(db, project):
        return None
    return _enqueue(db, project.id, by=by, now=now)


def _trainable(db: Database, project: projects.Project) -> bool:
    if project.archived_at is not None:
        return False
    counts = documents.counts(db, project.id)
    enough = counts["pool"]["labelled"] >= project.settings.round_min_labels
    return enough and bool(counts["gold"]["labelled"])


def request_if_idle(db: Database, project: projects.Project, *, now: float) -> int | None:
    """Inside the worker's transaction, while no job waits: queue what an idle machine is good for.

    First a normal round for the labels that are too few to make one due, then the deeper form of that round, once.
    """
    settings = project.settings
    if not settings.deepen or not within(settings.round_hours, now):
        return None
    if now - annotation_rows.latest_at(db) < settings.deepen_after_s:
        return None
    if jobs.live(db, project.id, KIND) or jobs.live(db, project.id, DEEPER):
        return None
    present = round_rows.last_published(db, project.id)
    if present is None or not _trainable(db, project):
        return None
    if annotation_rows.n_labelled_since(db, project.id, round_rows.last_snapshot(db, project.id)):
        return _enqueue(db, project.id, by=None, now=now)
    if not _may_deepen(db, project, present):
        return None
    job_id = jobs.enqueue(
        db, project.id, DEEPER, dedupe_key=f"{DEEPER}:{project.id}", by=None, now=now,
        payload={"annotation": present.snapshot_annotation, "present": present.id},
    )  # fmt: skip
    events.append(db, "deeper_round_requested", now=now, project_id=project.id, after={"job": job_id})
    return job_id


def _may_deepen(db: Database, project: projects.Project, present: RoundRow) -> bool:
    """Whether the present round is a normal one on the labels of now, and has not been deepened before."""
    if present.kind != KIND or not still_present(db, project.id, present.id) or is_outdated(db, project):
        return False
    config = project.settings.round.settled(len(project.label_set))
    if config.label_model == "tree" or deeper(config) == stored(present.config):  # more epochs deepen no tree
        return False
    before = jobs.latest(db, project.id, DEEPER)
    if before is None or before.payload.get("present") != present.id:
        return True
    return bool(before.error and before.error["code"] == GAVE_WAY)


def still_present(db: Database, project_id: int, round_id: int) -> bool:
    """Whether that round is in use, and has seen every label that training uses."""
    present = round_rows.in_use(db, project_id)
    if present is None or present.id != round_id:
        return False
    return not annotation_rows.n_labelled_since(db, project_id, present.snapshot_annotation)


def must_give_way(db: Database) -> bool:
    """Whether a deeper round has to stop now: something that was asked for waits, in whichever project."""
    return jobs.waits(db, KIND) or jobs.waits(db, RESTORE)


def cancel(db: Database, job_id: int, *, by: int, now: float) -> None:
    """Ask a round to stop; the published one stays as it is. Raises NotAllowed, NotFound."""
    with writing(db):
        accounts.require_active(db, by, "lead")
        job = jobs.peek(db, job_id)
        if job is None:
            raise NotFound(what=f"job {job_id}")
        membership.require_member(db, job.project_id, by, "lead")
        if job.state in ("queued", "running") and not job.cancel_requested:
            jobs.request_cancel(db, job_id, now=now)
            events.append(
                db, "round_cancel_requested", now=now, project_id=job.project_id, user_id=by, after={"job": job_id}
            )


def worker_alive(db: Database, *, now: float) -> bool:
    """Whether a worker, whoever started it, has been heard of lately."""
    return _alive(jobs.worker(db), now=now)


def _alive(worker: dict[str, Any] | None, *, now: float) -> bool:
    return bool(worker and now - worker["beat_at"] < WORKER_SILENT_S)


def status(db: Database, project_id: int, *, now: float) -> RoundStatus:
    """What the worker is doing for this project, live."""
    with reading(db):
        normal = jobs.latest(db, project_id, KIND)
        job = normal if _state(normal) != "idle" else jobs.live(db, project_id, DEEPER) or normal
        worker = jobs.worker(db)
        published = round_rows.last_published(db, project_id)
        present = round_rows.in_use(db, project_id)
    state = _state(job)
    progress = job.progress if job and state in ("running", "cancelling") else {}
    return RoundStatus(
        worker_alive=_alive(worker, now=now),
        job_id=job.id if job and state != "idle" else None,
        state=state,
        stage=progress.get("stage", ""),
        done=progress.get("done", 0),
        total=progress.get("total", 0),
        deeper=bool(job and state != "idle" and job.kind == DEEPER),
        detail=progress.get("detail", {}),
        started_at=job.started_at if job and state != "idle" else None,
        eta_s=progress.get("eta_s"),
        attempts=job.attempts if job else 0,
        last_error=(normal.error["code"], normal.error.get("fields", {})) if normal and normal.error else None,
        last_published=published,
        in_use=present,
    )


def _state(job: Job | None) -> str:
    if job is None or job.state not in ("queued", "running"):
        return "idle"
    return "cancelling" if job.cancel_requested else job.state


def rounds(db: Database, project_id: int) -> list[RoundRow]:
    """Every round, newest first."""
    return round_rows.all_rounds(db, project_id)
