"""What the first look at each page costs with very many labels: ``python -m bench.xmc.pages``, JSON on the last line.

A made project for each of ``--labels``: 20,000 texts with labels by Zipf's law, 2,000 of them gold and 13,000 others
labelled by two people each, 5,000 waiting, two rounds of a tree with their figures, answers and lists. ``cpu_s``: CPU
seconds of each service call behind a page, in a process that has asked for nothing before it but what the server reads
when it starts (``standing`` and ``worklog``); ``peak_mb``: the most that process held.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sqlite_utils import Database

from core.config import RoundConfig
from core.evaluate import wide
from core.export.report import Document
from core.predictions import KEPT, Likeliest, packed
from core.services import (
    accounts,
    adjudicating,
    agreeing,
    annotating,
    assigning,
    doubting,
    forecasting,
    going_back,
    label_effects,
    labelling,
    looking_back,
    membership,
    projects,
    reporting,
    scheduling,
)
from core.services.dashboard import long_tail, one_label, overview, people, per_label, report, rounds, together
from core.services.standing import standing
from core.services.worklog import worklog
from db import answers, events, jobs, users
from db import rounds as round_rows
from db.connect import open_database, reading, writing
from tests.conftest import NOW
from tests.core.services.dashboard.modelled import rank
from tests.many_labels import PEOPLE, Size, document_ids, label_rows, make

GOLD, DONE = 0.1, 0.65  # of the texts
LEAD = "lead"
Call = Callable[[Database, int, int], object]  # of a lead and an annotator

CALLS: dict[str, Call] = {
    "start": lambda db, lead, one: None,
    "overview": lambda db, lead, one: overview.glance(db, 1),
    "overview_live": lambda db, lead, one: overview.live(db, 1, now=NOW),
    "when_to_stop": lambda db, lead, one: forecasting.when_to_stop(db, 1),
    "labels": lambda db, lead, one: per_label.labels(db, 1),
    "one_label": lambda db, lead, one: one_label.one_label(db, 1, "l0003"),
    "long_tail": lambda db, lead, one: long_tail.long_tail(db, 1),
    "together": lambda db, lead, one: together.view(db, 1),
    "people_work": lambda db, lead, one: people.work(db, 1),
    "people_agreement": lambda db, lead, one: people.agreement(db, 1),
    "people_suggestions": lambda db, lead, one: people.suggestions(db, 1),
    "report": lambda db, lead, one: _report(db),
    "tables": lambda db, lead, one: reporting.overview(db, 1),
    "rounds": lambda db, lead, one: (rounds.timeline(db, 1), going_back.earlier(db, 1), scheduling.readiness(db, 1)),
    "rounds_compared": lambda db, lead, one: rounds.compare(db, 1, 2, 1),
    "label_set": lambda db, lead, one: (label_effects.uses(db, 1), labelling.notes(db, 1)),
    "review": lambda db, lead, one: adjudicating.docket(db, 1, by=lead),
    "doubts": lambda db, lead, one: doubting.to_read(db, 1, by=lead),
    "desks": lambda db, lead, one: assigning.desks(db, 1, by=lead, now=NOW),
    "agreement": lambda db, lead, one: agreeing.agreement(db, 1, by=lead),
    "desk": lambda db, lead, one: annotating.next_texts(db, 1, one, n=4, now=NOW),
    "mine": lambda db, lead, one: (looking_back.history(db, 1, one, n=50), looking_back.my_days(db, 1, one, now=NOW)),
    "my_agreement": lambda db, lead, one: looking_back.my_agreement(db, 1, one),
}


def _report(db: Database) -> Document:
    return report.report(db, 1, report.Wanted(), now=NOW)


def main() -> int:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    arguments.add_argument("--labels", type=int, nargs="+", default=[1_000, 5_000])
    arguments.add_argument("--texts", type=int, default=20_000)
    arguments.add_argument("--only", nargs="+", help="some calls alone")
    arguments.add_argument("--kept", type=Path, help="where projects are made, and found again")
    arguments.add_argument("--ask", nargs=2, metavar=("FOLDER", "CALL"), help=argparse.SUPPRESS)
    args = arguments.parse_args()
    if args.ask:
        print(json.dumps(asked(Path(args.ask[0]), args.ask[1])))
        return 0
    with tempfile.TemporaryDirectory() as unkept:
        found = [
            {"labels": n, **measured(made(args.kept or Path(unkept), n, args.texts), args.only or list(CALLS))}
            for n in args.labels
        ]
    print(json.dumps({"texts": args.texts, "projects": found}))
    return 0


def measured(folder: Path, calls: list[str]) -> dict[str, Any]:
    """Each call in a process of its own."""
    told = {}
    for call in calls:
        command = [sys.executable, "-m", "bench.xmc.pages", "--ask", str(folder), call]
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        told[call] = json.loads(out.splitlines()[-1])
        print(call, told[call], file=sys.stderr, flush=True)
    return {
        "cpu_s": {call: each["cpu_s"] for call, each in told.items()},
        "peak_mb": max((each["peak_mb"] for each in told.values()), default=0),
    }


def asked(folder: Path, call: str) -> dict[str, Any]:
    """One call's CPU seconds; ``start`` is what the server reads when it starts."""
    db = open_database(folder / "tagtail.db")
    people = {each.name: each.id for each in users.all_people(db)}
    before = time.process_time()
    with reading(db):
        standing(db, 1)
        worklog(db, 1)
    if call != "start":
        before = time.process_time()
        CALLS[call](db, people[LEAD], people[PEOPLE[0]])
    spent = time.process_time() - before
    db.close()
    return {"cpu_s": round(spent, 2), "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)}


def made(kept: Path, labels: int, texts: int) -> Path:
    """The project, or the one that was made there before."""
    folder = kept / f"pages-{labels}-{texts}"
    if (folder / "whole").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    size = Size(labels=labels, texts=texts, gold=round(GOLD * texts), done=round(DONE * texts))
    db = open_database(folder / "tagtail.db", create=True)
    make(db, size)
    lead = accounts.create_user(db, LEAD, "a-long-enough-password", "lead", by=None, now=NOW).id
    membership.add(db, 1, lead, by=None, now=NOW)
    y, ids = sp.csr_matrix(label_rows(size).astype(np.float32)), document_ids(db, 1)
    for number in (1, 2):
        _publish(db, size, y, ids, number)
    db.close()
    (folder / "whole").touch()
    return folder


def _publish(db: Database, size: Size, y: sp.csr_matrix, ids: Sequence[int], number: int) -> None:
    """A round of a tree: figures and answers on gold, the likeliest labels of the texts that wait, and a queue."""
    label_set = projects.project(db, 1).label_set
    said = _listed(y, number)
    truth, found = y[: size.gold], said.at(slice(0, size.gold))
    cut = np.full(size.labels, 0.4)
    figures = wide.rows(found.matrix(), truth, cut, keys=label_set.keys, model="student", split="gold")
    now = NOW + 86_400 * number
    with writing(db):
        jobs.enqueue(db, 1, "round", dedupe_key=f"made:{number}", payload={}, by=None, now=now)
        job = jobs.claim(db, lease_s=60, max_attempts=3, now=now)
        assert job is not None
        round_id, _ = round_rows.begin(
            db, 1, job.id, snapshot_annotation=0, config=RoundConfig().to_json(), code_version="made", now=now
        )
        round_rows.insert_metrics(db, round_id, [asdict(each) for each in figures])
        kept = answers.Answers(
            documents=ids[: size.gold], keys=label_set.keys, truth=truth.toarray(), probs=found.dense()
        )
        answers.keep(db, round_id, "student", kept)
        round_rows.publish(
            db, round_id, n_train=size.done, n_valid=0, n_gold=size.gold, timings={}, warnings=(), now=now
        )
        jobs.finish(db, job, "done", now=now)
        model = round_rows.set_current_model(
            db, 1, round_id, kind="student", path="made", sha256="0" * 64, fingerprint=label_set.fingerprint,
            thresholds=dict(zip(label_set.keys, cut.tolist(), strict=True)), now=now,
        )  # fmt: skip
        waiting = slice(size.gold + size.done, size.texts)
        blobs = packed(said.at(waiting))
        round_rows.replace_predictions(db, 1, model, zip(ids[waiting], blobs, strict=True))
        events.append(db, "round_published", now=now, project_id=1, after={"round": number})
    first = said.labels[waiting, 0].tolist()
    rank(db, 1, [{"label": label_set.keys[k], "p": 0.5} for k in first])


def _listed(y: sp.csr_matrix, seed: int) -> Likeliest:
    """Each text's own labels, most of them likely, and others that are not."""
    rng, (texts, labels) = np.random.default_rng(seed), y.shape
    most = min(KEPT, labels)
    found, probs = np.full((texts, most), -1, np.int64), np.zeros((texts, most), np.float32)
    for n in range(texts):
        own: NDArray = y.indices[y.indptr[n] : y.indptr[n + 1]]
        drawn = np.setdiff1d(rng.integers(labels, size=2 * most), own)
        listed = np.concatenate([own, rng.permutation(drawn)])[:most]
        p = np.concatenate([rng.beta(4, 2, len(own)), rng.beta(1, 9, len(listed) - len(own))])
        order = np.argsort(-p, kind="stable")
        found[n, : len(listed)], probs[n, : len(listed)] = listed[order], p[order]
    return Likeliest(found, probs, labels)


if __name__ == "__main__":
    sys.exit(main())
