"""The finder of a pool in the worker: what it reads, what it keeps, and what it says of labels without a model."""

from __future__ import annotations

import numpy as np
import pytest

from core.models.linear import FastLane
from core.worker import finding
from core.worker.finding import Finding
from tests.core.active.test_finder import made

TEXTS, Y = made(240)
TAUGHT, LEFT = np.arange(120), np.arange(120, 240)


@pytest.fixture(scope="module")
def lane() -> FastLane:
    return FastLane(TEXTS)


def look(found: Finding, y: np.ndarray = Y, left: np.ndarray = LEFT) -> finding.Looked:
    probs = np.full((len(left), y.shape[1]), 0.25)
    return found.look(TAUGHT, y[TAUGHT], left, probs, seed=0)


def test_likely_texts_stand_over_one_half_and_a_label_without_a_model_keeps_the_learners_word(lane: FastLane) -> None:
    y = np.hstack([Y, np.zeros_like(Y)])
    likely, yields = look(Finding(lane, TEXTS), y)
    assert likely.shape == (120, 2)
    assert ((likely[:, 0] > 0.5) == (Y[LEFT, 0] > 0)).mean() > 0.98
    assert (likely[:, 1] == 0.25).all()
    assert (yields[0] > 0.8, yields[1]) == (True, 1.0)


def test_where_nothing_is_left_to_find_the_yield_falls(lane: FastLane) -> None:
    found = Finding(lane, TEXTS)
    assert look(found, left=LEFT[Y[LEFT, 0] == 0]).yields[0] < 0.3
    assert look(found, left=LEFT[:0]).likely.shape == (0, 1)


def test_of_a_large_pool_the_highest_are_read_and_it_changes_nothing_among_them(
    lane: FastLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = look(Finding(lane, TEXTS)).likely[:, 0]
    monkeypatch.setattr(finding, "LOOKED_INTO", 40)
    found = Finding(lane, TEXTS)
    part = look(found).likely[:, 0]
    read = found._count[LEFT] > 0
    assert read.sum() == 40
    assert part[read].tolist() == whole[read].tolist()
    assert (Y[LEFT, 0] > 0)[read].sum() == Y[LEFT, 0].sum(), "the likely ones are among those that are read"


def test_passages_are_vectorised_once_and_forgotten_when_there_are_too_many(
    lane: FastLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Finding(lane, TEXTS)
    first = look(found).likely
    rows = found._rows
    assert look(found).likely.tolist() == first.tolist()
    assert found._rows is rows
    monkeypatch.setattr(finding, "KEPT", 130)
    assert look(found).likely.tolist() == first.tolist()
    tight = Finding(lane, TEXTS)
    assert look(tight).likely.tolist() == first.tolist()
    assert (tight._count > 0).sum() <= 130
