from __future__ import annotations

import numpy as np
import pytest

from core.errors import ModelUnavailable, TrainingDiverged
from core.evaluate.metrics import aggregate
from core.reproduce.losses import bag
from core.steps import drained
from tests.core import making


def parts(n: int = 800) -> tuple:
    """Texts of two topics, a third label on a few of the first; words stand between blanks."""
    rng = np.random.default_rng(0)
    y = np.zeros((n, 3), dtype=int)
    texts = []
    for at in range(n):
        y[at] = [at % 2, 1 - at % 2, at % 20 == 1]
        words = ("fever", "cough") if at % 2 else ("sleep", "rest")
        texts.append(" ".join([*rng.choice(words, 4), *(["surgery"] if y[at, 2] else []), f"noise{rng.integers(30)}"]))
    cut = int(0.6 * n), int(0.8 * n)
    return texts[: cut[0]], y[: cut[0]], texts[cut[0] : cut[1]], y[cut[0] : cut[1]], texts[cut[1] :], y[cut[1] :]


@pytest.mark.parametrize("loss", ["bce.v1", "fl.v1", "cb_ntr.v1", "db.v1"])
def test_it_learns_what_words_tell_by_each_loss(loss: str) -> None:
    *given, test_y = parts()
    shares, found = making.drained(bag.trained(*given, loss=loss, seed=0, words=True))
    assert shares == sorted(shares)
    assert 1 <= found.epoch <= bag.EPOCHS
    assert found.valid.shape == (len(given[2]), 3)
    assert aggregate(found.test >= 0, test_y)["macro"][2] > 0.9


def test_a_seed_is_the_same_each_time_and_another_is_not() -> None:
    *given, _ = parts(60)
    first, again, other = (drained(bag.trained(*given, loss="db.v1", seed=s, words=True)).test for s in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_characters_stand_for_words_where_there_are_no_blanks() -> None:
    data = making.small_data(n=160)
    texts, y = data.train_texts, data.train_y
    given = texts[:120], y[:120], texts[120:140], y[120:140], texts[140:]
    found = drained(bag.trained(*given, loss="bce.v1", seed=0, words=False))
    assert aggregate(found.test >= 0, y[140:])["macro"][2] > 0.8


def test_answers_that_are_no_numbers_are_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    *given, _ = parts(60)
    monkeypatch.setattr(bag, "LR", float("inf"))
    with pytest.raises(TrainingDiverged):
        drained(bag.trained(*given, loss="bce.v1", seed=0, words=True))


def test_a_loss_that_is_none_is_refused() -> None:
    *given, _ = parts(60)
    with pytest.raises(ModelUnavailable):
        drained(bag.trained(*given, loss="magic.v1", seed=0, words=True))
