"""All labels' machines in one pass: the same as one by one, and what is asked of labels without examples."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.svm import LinearSVC

from core.models import margins
from core.models.margins import fit, out_of_fold


def world(texts: int = 240, columns: int = 40, labels: int = 6, seed: int = 0):
    """Rows of length one; label k says whether column k is in the text, with one text in twenty wrong."""
    draw = np.random.default_rng(seed)
    rows = sp.random(texts, columns, density=0.2, random_state=draw, format="csr", dtype=np.float32)
    rows = sp.diags(1 / np.maximum(sp.linalg.norm(rows, axis=1), 1e-9)) @ rows
    y = rows.toarray()[:, :labels] > 0
    return rows.tocsr().astype(np.float32), y ^ (draw.random(y.shape) < 0.05)


@pytest.mark.parametrize("cost", [0.3, 1.0, 5.0])
def test_each_label_is_what_a_machine_by_itself_finds(cost: float) -> None:
    rows, y = world()
    found = fit(rows, y, cost=cost, passes=2000, tolerance=1e-6).margins(rows)
    for k in range(y.shape[1]):
        alone = LinearSVC(C=cost, tol=1e-8, max_iter=200_000, random_state=0).fit(rows.astype(np.float64), y[:, k])
        assert np.abs(found[:, k] - alone.decision_function(rows)).max() < 2e-3


def test_without_compiled_code_it_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, y = world()
    y[:, 0], y[:, 1] = False, True
    compiled = fit(rows, y, passes=500, tolerance=1e-6).margins(rows)
    monkeypatch.setattr(margins, "descend", None)
    plain = fit(rows, y).margins(rows)
    assert np.abs(compiled[:, 2:] - plain[:, 2:]).max() < 5e-3
    assert ((compiled[:, :2] > 0) == (plain[:, :2] > 0)).all()


def test_the_texts_that_are_left_out_teach_nothing() -> None:
    rows, y = world()
    taught = np.arange(0, 240, 2)
    other = y.copy()
    other[1::2] = ~other[1::2]
    assert (fit(rows, y, taught).weights == fit(rows, other, taught).weights).all()
    assert (fit(rows, y, taught).weights != fit(rows, y).weights).any()


def test_a_label_that_none_or_all_have_is_given_to_none_or_all() -> None:
    rows, y = world()
    y[:, 0], y[:, 1] = False, True
    found = fit(rows, y).margins(rows)
    assert (found[:, 0] < -0.5).all()
    assert (found[:, 1] > 0.5).all()


def test_the_seed_alone_decides() -> None:
    rows, y = world()
    assert (fit(rows, y, seed=3).weights == fit(rows, y, seed=3).weights).all()
    assert (fit(rows, y, seed=3, passes=2).weights != fit(rows, y, seed=4, passes=2).weights).any()


def test_a_text_is_answered_by_machines_that_have_not_learned_from_it() -> None:
    rows, y = world()
    known, folds = y[:200], np.arange(200) % 4
    found = out_of_fold(rows, known, folds)
    turned = known.copy()
    turned[7] = ~turned[7]
    other = out_of_fold(rows, turned, folds)
    assert found.shape == (240, 6)
    same = np.flatnonzero(folds == folds[7])
    assert (found[same] == other[same]).all()
    assert (found[:200][folds != folds[7]] != other[:200][folds != folds[7]]).any()
    assert np.abs(found[200:] - fit(rows[:200], known).margins(rows[200:])).max() == 0


def test_what_cannot_be_learned_from_is_refused() -> None:
    rows, y = world()
    for given in ((rows, y[:10], None, 1.0), (rows, y, [], 1.0), (rows, y, None, 0.0), (rows, y[:, 0], None, 1.0)):
        with pytest.raises(ValueError):
            fit(*given[:3], cost=given[3])
    with pytest.raises(ValueError, match="folds"):
        out_of_fold(rows, y, np.zeros(5))
