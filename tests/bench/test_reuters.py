"""The Reuters ladder's parts on made texts: what is read from a story, who votes, and what a step is measured on."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.special import expit

from bench.reuters import report, work
from bench.reuters.ladder import FOLDS, VOTERS, Task, climbed, figures, implied_by_others, named, rows_of, seen, votes
from bench.reuters.student import inputs, logits, students, targets, taught
from bench.reuters.views import Views, keywords_of, neighbours, stems, title_and_body, tokens, views
from core.distill.candidates import implied
from core.errors import BadProjectFile
from core.evaluate.bands import bands

ROOT = Path(__file__).resolve().parents[2]
LABELS = ("gold", "silver", "wheat", "corn", "soy-oil", "tea")
SAID = ("gold", "silver", "wheat", "maize", "soybean oil", "tea")


def stories(size: int, seed: int) -> tuple[list[str], np.ndarray]:
    """Stories whose titles name one label and whose bodies may name another; one in ten is about nothing it names."""
    draw = np.random.default_rng(seed)
    filler = [f"word{n}" for n in range(60)]
    texts, y = [], np.zeros((size, len(LABELS)), dtype=np.int8)
    for n in range(size):
        about = draw.choice(len(LABELS), 2, p=(0.35, 0.25, 0.18, 0.12, 0.06, 0.04))
        y[n, about] = 1
        words = [SAID[about[1]], *draw.choice(filler, 20), f"{draw.integers(10, 99)}.{draw.integers(10, 99)}"]
        first = "NOTHING" if draw.random() < 0.1 else SAID[about[0]].upper()
        texts.append(f"{first} {filler[n % 60].upper()} STORY {number(n)} The {' '.join(map(str, words))}.")
    return texts, y


def number(n: int) -> str:
    """Tells stories apart without a digit."""
    return "".join("ABCDEFGHIJ"[int(digit)] for digit in str(n))


def task(size: int = 150, asked: int = 60) -> Task:
    texts, y = stories(size + asked, 0)
    made = views(texts[:size], texts[size:], LABELS)
    return Task(texts[:size], y[:size], y[size:], bands(y[:size].sum(axis=0)), made)


def test_a_title_ends_where_small_letters_begin() -> None:
    assert title_and_body("MAGMA LOWERS COPPER 0.75 CENT Magma Copper Co said") == (
        "MAGMA LOWERS COPPER 0.75 CENT",
        "Magma Copper Co said",
    )
    assert title_and_body("BONUS WHEAT FOR YEMEN A survey") == ("BONUS WHEAT FOR YEMEN", "A survey")
    assert title_and_body("small words") == ("", "small words")
    assert title_and_body("ALL IN CAPITALS") == ("ALL IN CAPITALS", "")


def test_numbers_become_what_kind_they_are() -> None:
    assert tokens("CHAMPION <CH> up 1.25 dlrs to 3,456,789, 1986/87, in U.S. 12") == (
        ["champion", "<ticker>", "up", "0.00", "dlrs", "to", "0,0,0", "0/0", "in", "u.s", "00"]
    )


def test_keywords_are_found_without_their_plural() -> None:
    assert stems("Indonesia's palm oils, hogs and gas.") == ["indonesia", "palm", "oil", "hog", "and", "gas"]
    assert ["soybean", "oil"] in keywords_of(["soy-oil"])[0]
    assert keywords_of(["soy-oil"])[0][-1] == ["soy", "oil"]
    with pytest.raises(BadProjectFile):
        keywords_of(["gold", "unheard-of"])


def test_the_nearest_texts_are_training_texts_and_never_the_text_itself() -> None:
    draw = np.random.default_rng(0)
    rows = sp.csr_matrix(draw.random((90, 12)).astype(np.float32))
    near, alike = neighbours(rows, 80)
    cosine = (rows @ rows[:80].T).toarray()
    np.fill_diagonal(cosine[:80], -1)
    order = np.argsort(-cosine, axis=1)[:, : near.shape[1]]
    assert (near == order).all()
    assert alike == pytest.approx(np.take_along_axis(cosine, order, axis=1))


def test_only_neighbours_of_other_folds_vote() -> None:
    y = np.eye(4, dtype=np.int8)[[0, 1, 2, 3]]
    made = Views({}, np.array([[1, 2], [0, 3], [3, 0], [2, 1], [0, 1]]), np.full((5, 2), 0.5), np.zeros((5, 4, 8)), {})
    told = Task([""] * 4, y, np.zeros((1, 4)), ("tail",) * 4, made)
    found = votes(told, np.array([0, 0, 1, 1]))
    assert found.tolist() == [[0, 0, 1, 0], [0, 0, 0, 1], [1, 0, 0, 0], [0, 1, 0, 0], [0.5, 0.5, 0, 0]]
    assert VOTERS >= 2


def test_a_training_text_knows_counts_and_company_of_other_folds_alone() -> None:
    y = np.array([[1, 1], [1, 0], [1, 1], [0, 1], [1, 0]], dtype=np.int8)
    folds = np.arange(5)
    told = Task([""] * 5, y, np.zeros((1, 2)), ("tail", "tail"), Views({}, np.zeros(0), np.zeros(0), np.zeros(0), {}))
    assert seen(told, folds).tolist() == [[3, 2], [3, 3], [3, 2], [4, 2], [3, 3], [4, 3]]
    mean = np.zeros((6, 2))
    found = implied_by_others(mean, y, folds)
    assert found[5].tolist() == implied(mean[5:], y)[0].tolist()
    assert found[2].tolist() == implied(mean[2:3], y[folds != 2])[0].tolist()
    assert FOLDS == 5


def test_each_step_is_measured_and_keywords_help_where_examples_are_few() -> None:
    told = task()
    rows = rows_of(told, 0)
    steps = [row["step"] for row in rows]
    assert report.BEST in steps
    assert len(set(steps)) == len(steps) == 8
    assert all(0 <= row[name] <= 1 for row in rows for name in report.NAMES)
    found = {row["step"]: row for row in rows}
    assert found[report.BEST]["micro"] > 0.8
    assert rows_of(told, 0)[0] | {"seconds": 0} == rows[0] | {"seconds": 0}


def test_test_labels_are_measured_on_and_nothing_else() -> None:
    told = task()
    turned = Task(told.texts, told.y, 1 - told.test_y, told.bands, told.views)
    for (one, folds), (other, _) in zip(climbed(told, 0), climbed(turned, 0), strict=True):
        assert (one.scores == other.scores).all()
        assert figures(told, one.scores, folds)["micro"] != figures(turned, other.scores, folds)["micro"]


def test_figures_are_of_the_cuts_of_training_texts() -> None:
    told = task()
    scores = np.vstack([told.y, told.test_y]) - 0.5
    found = figures(told, scores, np.arange(150) % FOLDS)
    assert found["micro"] == found["macro"] == found["micro_train"] == 1
    nothing = figures(told, np.vstack([told.y - 0.5, np.full(told.test_y.shape, -1.0)]), np.arange(150) % FOLDS)
    assert (nothing["micro"], nothing["tail"]) == (0, 0)
    y = np.array([[1, 0], [1, 1]])
    assert named(np.array([[1, 1], [1, 0]]) > 0, y, ("head", "tail")) == pytest.approx(
        {"micro": 2 / 3, "macro": 0.5, "head": 1, "medium": 0, "tail": 0}
    )


def test_the_ladder_is_means_and_spreads_over_seeds(tmp_path: Path) -> None:
    def row(seed: int, step: str, value: float) -> dict:
        return {"seed": seed, "step": step, "seconds": 1.0, **dict.fromkeys(report.NAMES, value)}

    rows = [row(0, "a", 0.5), row(0, report.BEST, 0.9), row(1, "a", 0.7), row(1, report.BEST, 0.8)]
    result = report.summary(rows, dict.fromkeys(report.FIGURES, 0.25))
    assert [step["step"] for step in result["ladder"]] == ["published SVM", "a", report.BEST]
    assert (result["micro_f1"], result["svm_macro_f1"], result["seeds"]) == (85.0, 25.0, 2)
    assert result["ladder"][1]["macro_sd"] == pytest.approx(14.14)
    report.write(rows, result, tmp_path / "out")
    assert (tmp_path / "out" / "table.csv").read_text().count("\n") == 4
    assert (tmp_path / "out" / "seeds.csv").read_text().count("\n") == 5


def test_seeds_are_climbed_in_processes_of_their_own(tmp_path: Path) -> None:
    told, path = task(), tmp_path / "task.pickle"
    path.write_bytes(pickle.dumps(told))
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        (rows,) = work.climb(pool, path, [3])
    here = rows_of(told, 3)
    assert [row | {"seconds": 0} for row in rows] == [row | {"seconds": 0} for row in here]


def test_without_data_it_is_skipped_and_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.reuters", "--data", str(tmp_path / "none.jsonl")],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout.splitlines()[-1]) == {"skipped": True}
    assert "SKIPPED" in done.stderr


def test_a_student_learns_what_it_is_taught() -> None:
    told = task()
    given = inputs(told.views.rows, told.views.mentions, told.y.sum(axis=0))
    everyone = np.arange(150)
    soft = np.where(told.y, 0.9, 0.1)
    assert targets(told.y, None).tolist() == told.y.tolist()
    assert targets(told.y, soft) == pytest.approx(np.where(told.y, 0.93, 0.07))
    model = taught(given, targets(told.y, soft), everyone[:100], seed=0, epochs=300)
    found = expit(logits(model, given, everyone))
    assert found.shape == (150, 6)
    assert np.abs(found[:100] - np.where(told.y, 0.93, 0.07)[:100]).mean() < 0.05
    assert ((found[100:] > 0.5) == told.y[100:]).mean() > 0.9
    again = taught(given, targets(told.y, soft), everyone[:100], seed=0, epochs=300)
    assert (expit(logits(again, given, everyone)) == found).all()


def test_a_students_training_texts_are_answered_by_one_that_has_not_seen_them() -> None:
    told = task()
    given = inputs(told.views.rows, told.views.mentions, told.y.sum(axis=0))
    halves = np.arange(150) % 2
    turned = told.y.copy()
    turned[halves == 1] = 1 - turned[halves == 1]
    one, other = (students(given, targets(y, None), halves, seed=0) for y in (told.y, turned))
    assert one.shape == (210, 6)
    assert (one[:150][halves == 1] == other[:150][halves == 1]).all()
    assert (one[:150][halves == 0] != other[:150][halves == 0]).any()
    assert (one[150:] != other[150:]).any()
