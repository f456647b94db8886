from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.errors import BadFile, BadRows
from core.experiments import reuters
from core.messages import sentence
from tests.core.reproduce.making import corpus_file
from tests.shared_data import shared_data


def made() -> list[dict]:
    """As many texts, labels and parts as the corpus has, but with other frequencies."""
    names = [f"label{k}" for k in range(reuters.LABELS)]
    return [
        {"id": f"{split}/{10_000 + n}", "text": f"{split} {n}", "labels": [names[n % len(names)]], "split": split}
        for split, count in (("train", reuters.TRAINING), ("test", reuters.TEST))
        for n in range(count)
    ]


def without(field: str) -> Callable[[list[dict]], list[dict]]:
    return lambda rows: [{k: v for k, v in row.items() if k != field} for row in rows]


@pytest.mark.shared_data
def test_the_published_parts_are_found_again() -> None:
    found = reuters.load(shared_data("reuters90.jsonl.gz"))
    assert [len(part) for part in (found.train, found.valid, found.test)] == [6_769, 1_000, 3_019]
    assert len({*found.train, *found.valid, *found.test}) == 10_788 == len(found.texts)
    counts = found.counts
    np.testing.assert_allclose(np.quantile(counts, [0.25, 0.33, 0.5, 0.66, 0.75]), [5, 9, 17.5, 33.74, 59.75])
    assert reuters.mean_r(found.y[found.train]) == pytest.approx(0.8118253777884384, abs=1e-15)
    assert [found.bands.count(band) for band in ("head", "medium", "tail")] == [30, 31, 29]
    assert counts.min() == 1
    assert (np.diff(counts) <= 0).all()
    assert found.label_keys[0] == "earn"
    assert found.y.sum() == 13_328
    carried = found.y[found.test].sum(axis=1)
    assert ((carried == 1).sum(), (carried > 1).sum()) == (2_583, 436)
    assert "1656 was left out" in found.notes[0]


@pytest.mark.shared_data
def test_each_of_the_three_extra_texts_gives_the_published_figures_and_another_does_not(tmp_path: Path) -> None:
    rows, _ = reuters.labelled_rows(shared_data("reuters90.jsonl.gz"))
    plain = [{"id": r.id, "text": r.text, "labels": list(r.labels or ()), "split": r.split} for r in rows]
    for extra in reuters.EXTRA:
        kept = corpus_file(tmp_path / f"{extra}.jsonl", [row for row in plain if row["id"] != f"train/{extra}"])
        assert reuters.load(kept).notes == ()
    other = corpus_file(tmp_path / "other.jsonl", [row for row in plain if row["id"] != "train/1"])
    with pytest.raises(BadFile) as caught:
        reuters.load(other)
    assert "frequencies" in caught.value.fields["detail"]


def test_the_mean_weight_is_that_of_the_formula() -> None:
    y = np.array([[1, 0], [1, 0], [1, 1]])  # n = 3, 1: r is 1, 1, (1/3) / (4/3), 1 / (4/3)
    assert reuters.mean_r(y) == pytest.approx((1 + 1 + 0.25 + 0.75) / 4)


def test_the_groups_are_those_of_the_paper() -> None:
    assert reuters.bands_of(np.array([2000, 35, 34, 9, 8, 1])) == ("head", "head", "medium", "medium", "tail", "tail")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows, "frequencies"),
        (lambda rows: rows[:-1], "3,018 test texts, not 3,019"),
        (lambda rows: rows[2:], "7,767 training texts, not 7,769"),
        (lambda rows: [{**row, "labels": ["one"]} for row in rows], "1 labels, not 90"),
        (lambda rows: [*rows[:-1], rows[-2]], "10,787 distinct ids, not 10,788"),
        (without("labels"), "10,788 rows have no labels"),
        (without("split"), "0 rows of the splits"),
        (without("id"), "row 1 has the id “”"),
        (lambda rows: [{**row, "id": "train/x"} for row in rows], "row 1 has the id “train/x”"),
    ],
)
def test_another_corpus_is_refused_with_what_is_otherwise(
    change: Callable[[list[dict]], list[dict]], said: str, tmp_path: Path
) -> None:
    with pytest.raises(BadFile) as caught:
        reuters.load(corpus_file(tmp_path / "made.jsonl", change(made())))
    for lang in ("zh", "en"):
        assert said in sentence(caught.value, lang)
        assert "made.jsonl" in sentence(caught.value, lang)


def test_rows_without_a_text_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadRows):
        reuters.load(corpus_file(tmp_path / "made.jsonl", without("text")(made())))


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadFile) as caught:
        reuters.load(tmp_path / "none.jsonl")
    assert caught.value.fields["why"] == "missing"
