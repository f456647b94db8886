"""What ranking costs: each figure in a process of its own, bound to one core, with the peak of its memory.

``rank``: probabilities, labels and rows of so many texts are there; from there to a queue with its reasons. The values
are drawn: a few likely texts a label among many unlikely ones, TF-IDF-like rows, some of them near-duplicates.
``cpu_s`` counts this process' own time, which a busy machine does not lengthen much.
``fast_lane``: a project of real questions in a database; a person labels five more, and the tick that answers is timed.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import scipy.sparse as sp

from core.active import queue
from core.active.candidates import Candidates
from core.config import ProjectSettings
from core.labels import Label
from core.services import accounts, annotating, curating, projects
from core.services.curating import ImportOptions
from core.worker.fast_lane import FastLanes
from db import members
from db.connect import open_database, writing

ROOT = Path(__file__).resolve().parents[2]
LABELS = 9
_GRAMS, _COLUMNS = 60, 50_000  # of a drawn row
_NEAR = 0.05  # of the drawn texts are near-duplicates of another
_WORDS = ("头痛", "发烧", "血压", "怀孕", "手术", "咳嗽", "糖尿病", "过敏", "维生素")  # that stand for labels
_LABELLED, _TURNS, _MORE = 500, 5, 5


def rank(size: int, *, seed: int = 0) -> dict[str, Any]:
    """Seconds to a queue of ``size`` texts, and how much memory the ranking took beyond what it was given."""
    rng = np.random.default_rng(seed)
    given = _drawn(size, rng)
    cut = np.full(LABELS, 0.5)
    before = _now_mb()
    started, worked = time.perf_counter(), time.process_time()
    found = queue.ranked(
        queue.FALLBACK, Candidates(thresholds=cut, **given), np.random.default_rng(seed), limit=queue.LENGTH
    )
    spent, worked = time.perf_counter() - started, time.process_time() - worked
    assert len({each.position for each in found}) == min(queue.LENGTH, size)
    extra = round(_peak_mb() - before)
    return {"s": round(spent, 3), "cpu_s": round(worked, 3), "extra_mb": extra, "peak_mb": round(_peak_mb())}


def _drawn(size: int, rng: np.random.Generator) -> dict[str, Any]:
    probs = rng.beta(0.4, np.geomspace(0.6, 8, LABELS), (size, LABELS))
    y = (rng.random((_LABELLED, LABELS)) < np.geomspace(0.7, 0.04, LABELS)).astype(np.int8)
    columns = (rng.random((size, _GRAMS), dtype=np.float32) ** 3 * _COLUMNS).astype(np.int32)
    copies = rng.choice(size, round(_NEAR * size), replace=False)
    columns[copies, 2:] = columns[rng.permutation(copies), 2:]
    weights = np.full(size * _GRAMS, _GRAMS**-0.5, dtype=np.float32)
    ends = np.arange(0, size * _GRAMS + 1, _GRAMS, dtype=np.int64 if size * _GRAMS > 2**31 else np.int32)
    rows = sp.csr_matrix((weights, columns.ravel(), ends), shape=(size, _COLUMNS))
    return {"probs": probs, "labelled_y": y, "embeddings": rows}


def fast_lane(data: Path, size: int) -> dict[str, Any]:
    """Seconds from five more labels to the new queue, median of some turns; and of the first tick, which vectorises."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speed.db"
        texts = Path(folder) / "texts.jsonl"
        _written(data, size, texts)
        with closing(open_database(path, create=True)) as db:
            project, person = _project(db, texts)
            lanes = FastLanes()
            _label(db, project, person, _LABELLED)
            started = time.perf_counter()
            assert lanes.tick(db) == 1
            first, spent, worked = time.perf_counter() - started, [], []
            for _ in range(_TURNS):
                _label(db, project, person, _MORE)
                started, before = time.perf_counter(), time.process_time()
                assert lanes.tick(db) == 1
                spent.append(time.perf_counter() - started)
                worked.append(time.process_time() - before)
    return {
        "s": round(median(spent), 3), "cpu_s": round(median(worked), 3), "worst_s": round(max(spent), 3),
        "first_s": round(first, 2), "texts": size, "labelled": _LABELLED, "peak_mb": round(_peak_mb()),
    }  # fmt: skip


def _written(data: Path, size: int, out: Path) -> None:
    """So many distinct real texts; where there are fewer, the rest are two of them put together."""
    with gzip.open(data, "rt", encoding="utf-8") as stream:
        found = list(dict.fromkeys(json.loads(line)["text"] for line in stream))
    rng = np.random.default_rng(0)
    while len(found) < size:
        one, other = rng.choice(len(found), 2, replace=False)
        found.append(f"{found[one]} {found[other]}")
    with out.open("w", encoding="utf-8") as file:
        for n, text in enumerate(found[:size]):
            file.write(json.dumps({"id": f"t{n}", "text": text, "split": "pool"}, ensure_ascii=False) + "\n")


def _project(db: Any, texts: Path) -> tuple[int, int]:
    now = time.time()
    labels = tuple(Label(key=f"l{k}", zh=word) for k, word in enumerate(_WORDS))
    with writing(db):
        project = projects.insert_project(
            db, key="speed", name="speed", name_en="", guideline="", labels=labels, by=None, now=now,
            settings=ProjectSettings(overlap=1, gold_double_share=0.0),
        )  # fmt: skip
        person = accounts.insert_user(
            db, name="speed", password_hash="", role="lead", lang="en", by=None, now=now
        ).id  # fmt: skip
        members.add(db, project, person, now=now)
    curating.run_import(db, project, texts, options=ImportOptions(), by=None, now=now)
    return project, person


def _label(db: Any, project: int, person: int, count: int) -> None:
    """A text has the labels whose word stands in it, else the commonest."""
    done = 0
    while done < count:
        for each in annotating.next_texts(db, project, person, n=min(20, count - done), now=time.time()):
            chosen = [f"l{k}" for k, word in enumerate(_WORDS) if word in each.text] or ["l0"]
            op = {"uid": f"text-{each.id}", "kind": "save", "document": each.id, "decision": "labelled", "ms": 0}
            found = annotating.apply(db, project, person, [{**op, "labels": chosen}], now=time.time())
            assert not found.refused, found.refused
            done += 1


def alone(what: str, size: int, data: Path) -> dict[str, Any]:
    """One of the above in a fresh process on one core."""
    command = [sys.executable, "-m", "bench.acquire.speed", what, str(size), str(data)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.decode().strip().splitlines()[-1])


def _now_mb() -> float:
    return _status("VmRSS")


def _peak_mb() -> float:
    return _status("VmHWM")


def _status(name: str) -> float:
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith(name))) / 1024


def main() -> int:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    what, size, data = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    print(json.dumps(rank(size) if what == "rank" else fast_lane(data, size)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
