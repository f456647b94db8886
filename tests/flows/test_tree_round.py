"""The way of a label set that has a tree: a round, its queue, the fast lane after it, going back, what is exported."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlite_utils import Database

from bench.xmc.texts import texts_of
from core.config import ProjectSettings
from core.errors import Cancelled
from core.labels import Label
from core.messages import say
from core.predictions import listed
from core.services import accounts, annotating, assigning, curating, going_back, projects, reporting, scheduling
from core.services.curating import ImportOptions
from core.steps import drained
from core.worker import wide_lane
from core.worker.fast_lane import FastLanes
from core.worker.restoring import Restorer
from core.worker.rounds import RoundRunner
from core.xmc.student import load_tree
from db import answers, jobs, places, rounds
from db.connect import open_database, rows, value, writing
from tests.conftest import NOW, PASSWORD, everybody_joins

LABELS, TRAIN, GOLD, POOL = 210, 250, 40, 50


def make(folder: Path) -> tuple[Path, int]:
    """A project of 210 labels with labelled, gold and waiting texts."""
    texts, y = texts_of(LABELS, TRAIN + GOLD + POOL, seed=2)
    lines = []
    for n, text in enumerate(texts):
        split = "train" if n < TRAIN else "gold" if n < TRAIN + GOLD else "pool"
        labels = [f"標{k}" for k in y.indices[y.indptr[n] : y.indptr[n + 1]]]
        lines.append({"text": text, "split": split, **({} if split == "pool" else {"labels": labels})})
    file = folder / "c.jsonl"
    file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    db = open_database(folder / "tagtail.db", create=True)
    settings = ProjectSettings.from_mapping({"gold_share": 0, "fast_lane_every": 2, "suggestions": True})
    labels = tuple(Label(key=f"k{n}", zh=f"標{n}", en=f"label {n}") for n in range(LABELS))
    with writing(db):
        project = projects.insert_project(
            db, key="p", name="p", name_en="", guideline="", settings=settings, labels=labels, by=None, now=NOW
        )
    lee = accounts.create_user(db, "lee", PASSWORD, "lead", by=None, now=NOW).id
    everybody_joins(db)
    curating.run_import(db, project, file, options=ImportOptions(), by=None, now=NOW)
    db.close()
    return folder, lee


def run(db: Database, folder: Path, by: int) -> RoundRunner:
    scheduling.request_round(db, 1, by=by, now=time.time())
    with writing(db):
        job = jobs.claim(db, lease_s=60, max_attempts=3, now=time.time())
    assert job is not None
    made = RoundRunner(db, job, folder / "models", stopping=lambda: False, beside=lambda: None)
    made.run()
    return made


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """With one round: to be read, never changed."""
    folder, lee = make(tmp_path_factory.mktemp("wide"))
    db = open_database(folder / "tagtail.db")
    run(db, folder, lee)
    db.close()
    return folder, lee


@pytest.fixture
def seen(published: tuple[Path, int]) -> Iterator[Database]:
    db = open_database(published[0] / "tagtail.db")
    yield db
    db.close()


@pytest.fixture
def own(published: tuple[Path, int], tmp_path: Path) -> Iterator[tuple[Database, Path, int]]:
    """A copy to be changed."""
    folder = tmp_path / "copy"
    shutil.copytree(published[0], folder)
    db = open_database(folder / "tagtail.db")
    yield db, folder, published[1]
    db.close()


def test_a_large_label_set_takes_the_tree_by_itself(seen: Database) -> None:
    done = rounds.last_published(seen, 1)
    assert done is not None
    assert done.config["label_model"] == "tree"
    assert set(done.timings) == {"text", "tree", "machines", "evaluate", "score", "save"}
    assert (done.n_train or 0) + (done.n_valid or 0) == TRAIN
    found = rounds.metrics(seen, 1)
    on_gold = {(m.model, m.scope): m for m in found if m.split == "gold"}
    assert len(on_gold) == 2 * (LABELS + 4)  # student and the linear model beside it
    assert {m.model for m in found} == {"student", "linear"}
    assert on_gold["student", "micro"].f1 > 0.3
    at = {(each.measure, each.k): each for each in places.of_rounds(seen, 1)[1]}
    assert at["P", 1].value > 0.5
    assert at["P", 1].low <= at["P", 1].value <= at["P", 1].high
    assert len(at) == 9


def test_what_is_kept_of_a_text_is_its_likeliest_labels(seen: Database) -> None:
    kept = rows(seen, "SELECT document_id, probabilities FROM predictions")
    assert len(kept) == POOL
    labels, probs = listed(kept[0]["probabilities"])
    assert 0 < len(labels) <= 64
    assert all(probs[n] >= probs[n + 1] for n in range(len(probs) - 1))
    said = assigning.suggested(seen, projects.project(seen, 1), kept[0]["document_id"])
    assert said is not None
    assert len(said) == assigning.SUGGESTED
    assert said[f"k{labels[0]}"] == round(float(probs[0]), 3)
    gold = answers.peek(seen, 1, 1, "student")
    assert gold is not None
    assert len(gold["probabilities"]) == 4 * GOLD * LABELS


def test_the_queue_names_likely_labels_and_says_why(seen: Database) -> None:
    head = rounds.queue_head(seen, 1, n=POOL)
    assert len(head) == POOL
    assert len({each["document_id"] for each in head}) == POOL
    assert all(0 <= each["reason"]["probability"] <= 1 for each in head)
    assert any(each["reason"]["words"] for each in head)  # rare labels are looked for by their names


def test_labels_without_examples_are_one_warning(seen: Database) -> None:
    done = rounds.last_published(seen, 1)
    assert done is not None
    codes = [code for code, _ in done.warnings]
    assert codes.count("LabelWithoutPositives") <= 1
    for code, fields in done.warnings:
        assert say(code, fields, "en")


def test_the_export_runs_alone_and_says_the_same(published: tuple[Path, int], seen: Database, tmp_path: Path) -> None:
    bundle = reporting.student_bundle(seen, 1)
    assert bundle is not None
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(tmp_path)
    texts = [
        each["text"] for each in rows(seen, "SELECT text FROM documents WHERE state = 'open' ORDER BY id LIMIT 20")
    ]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps({"text": t}) + "\n" for t in texts), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-E", "-W", "error", str(tmp_path / "predict.py"), "--file", str(tmp_path / "in.jsonl")],
        capture_output=True, text=True, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    student = load_tree(bundle.parent)
    ours = drained(student.answers(texts))
    for n, line in enumerate(done.stdout.splitlines()):
        said = json.loads(line)
        mine = [student.label_keys[k] for k in ours.labels[n, :10]]
        assert list(said["probabilities"]) == mine
        assert list(said["probabilities"].values()) == pytest.approx(ours.probs[n, :10].tolist(), abs=1e-5)
        cut = ours.probs[n] >= student.thresholds[ours.labels[n]]
        assert said["labels"] == [student.label_keys[k] for k in ours.labels[n][cut]]
    card = (tmp_path / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "P@1" in card
    assert "nan" not in card


def label(db: Database, by: int, n: int, *labels: str) -> list[int]:
    """The next texts are given these labels."""
    mine = annotating.next_texts(db, 1, by, n=n, now=time.time())
    for text in mine:
        op = {"uid": f"u{text.id}", "kind": "save", "document": text.id, "decision": "labelled", "labels": list(labels)}
        assert annotating.apply(db, 1, by, [op], now=time.time()).acked
    return [text.id for text in mine]


def test_a_few_labels_re_rank_the_queue_and_only_they_are_learned(own, monkeypatch: pytest.MonkeyPatch) -> None:
    db, _, lee = own
    asked: list[int] = []
    fit = wide_lane.LinearModel.fit_rows

    def counted(self, rows, y, *, seed):
        asked.append(y.shape[1])
        return fit(self, rows, y, seed=seed)

    monkeypatch.setattr(wide_lane.LinearModel, "fit_rows", counted)
    lanes = FastLanes()
    label(db, lee, 3, "k7", "k209")
    assert lanes.tick(db) == 1
    assert sum(asked) == 2
    head = rounds.queue_head(db, 1, n=POOL)
    assert len(head) == POOL - 3
    assert {each["reason"]["source"] for each in head} == {"blend"}
    label(db, lee, 2, "k7")
    assert lanes.tick(db) == 1
    assert sum(asked) == 3, "the label without a new example keeps what it has learned"


def test_before_there_is_a_student_the_rarest_labels_are_learned(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(wide_lane, "MOST", 20)
    folder, _ = make(tmp_path)
    db = open_database(folder / "tagtail.db")
    signs: list[float] = []
    assert FastLanes(alive=lambda: signs.append(time.time())).tick(db) == 1
    assert len(signs) == 3, "a sign of life before, and after sixteen labels and four"
    head = rounds.queue_head(db, 1, n=POOL)
    assert len(head) == POOL
    assert {each["reason"]["source"] for each in head} == {"linear"}
    db.close()


def test_an_earlier_tree_comes_back(own) -> None:
    db, folder, lee = own
    before = rows(db, "SELECT document_id, probabilities FROM predictions ORDER BY document_id")
    label(db, lee, 3, "k1")
    run(db, folder, lee)
    going_back.request(db, 1, 1, by=lee, now=time.time())
    with writing(db):
        job = jobs.claim(db, lease_s=60, max_attempts=3, now=time.time())
    assert job is not None
    Restorer(db, job, folder / "models", stopping=lambda: False, beside=lambda: None).run()
    used = rounds.in_use(db, 1)
    assert used is not None
    assert used.number == 1
    back = rows(db, "SELECT document_id, probabilities FROM predictions ORDER BY document_id")
    waiting = {each["document_id"] for each in back}
    assert back == [each for each in before if each["document_id"] in waiting]
    assert len(back) == POOL - 3
    assert value(db, "SELECT count(*) FROM queue") == POOL - 3
    assert rounds.last_published(db, 1) is not None
    told = value(db, "SELECT signals FROM rounds WHERE number = 2")
    assert json.loads(told)["n_both"] == POOL - 3, "the second round is compared with the first, text by text"


def test_a_cancelled_tree_leaves_nothing(own) -> None:
    db, folder, lee = own
    scheduling.request_round(db, 1, by=lee, now=time.time())
    with writing(db):
        job = jobs.claim(db, lease_s=60, max_attempts=3, now=time.time())
    assert job is not None
    stages: list[str] = []

    def beside() -> None:
        stages.append(scheduling.status(db, 1, now=time.time()).stage)
        if "tree" in stages:
            scheduling.cancel(db, job.id, by=lee, now=time.time())

    files = sorted(folder.rglob("*.npz"))
    with pytest.raises(Cancelled):
        RoundRunner(db, job, folder / "models", stopping=lambda: False, beside=beside).run()
    assert sorted(folder.rglob("*.npz")) == files
    used = rounds.in_use(db, 1)
    assert used is not None
    assert used.number == 1
