"""Each loss against its formula, written out with plain numbers an entry at a time, and what all must hold."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from core import config
from core.errors import LossUndefined
from core.losses.frequencies import Frequencies, frequencies
from core.losses.registry import LOSSES, made

# Ten texts, three labels: six, three and one of them.
Y = np.array(
    [[1, 1, 0], [1, 0, 0], [1, 0, 0], [1, 0, 1], [1, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]]
)
COUNTS, TEXTS = (6, 3, 1), 10
SEEN = frequencies(Y)
Z = np.array([[0.3, -1.2, 2.0], [-0.4, 0.9, -3.0], [1.5, 0.1, 0.7]])
ROWS = np.array([[1, 1, 0], [0, 0, 0], [1, 0, 1]])


def sigma(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def bce(z: float, y: int) -> float:
    return -math.log(sigma(z)) if y else -math.log(1 - sigma(z))


def focal(z: float, y: int, w: float = 1.0) -> float:
    return 0.5 * (1 - math.exp(-bce(z, y))) ** 2 * w * bce(z, y)


def cb_weight(n: int) -> float:
    return (1 - 0.9) / (1 - 0.9**n)


def r_weight(i: int, row: np.ndarray) -> float:
    carried = sum(1 / COUNTS[j] for j in range(3) if row[j])
    r = (1 / COUNTS[i]) / carried if carried else math.inf
    pairs = [(1 / COUNTS[a]) / sum(1 / COUNTS[j] for j in range(3) if t[j]) for t in Y for a in range(3) if t[a]]
    mu = (np.mean(pairs) + np.median(pairs)) / 2
    return 0.1 + (1.0 if math.isinf(r) else sigma(10 * (r - mu)))


def moved(z: float, y: int, i: int) -> float:
    v = 0.05 * math.log(TEXTS / COUNTS[i] - 1)
    return (z - v) if y else 2 * (z - v)


def zlpr(z: np.ndarray, row: np.ndarray) -> float:
    up = sum(math.exp(-s) for s, y in zip(z, row, strict=True) if y)
    down = sum(math.exp(s) for s, y in zip(z, row, strict=True) if not y)
    return math.log(1 + up) + math.log(1 + down)


def asl(z: float, y: int) -> float:
    shifted = max(sigma(z) - 0.05, 0)
    return -math.log(sigma(z)) if y else -(shifted**2) * math.log(1 - shifted)


def hill(z: float, y: int) -> float:
    return -((1 - sigma(z - 1)) ** 2) * math.log(sigma(z - 1)) if y else (1.5 - sigma(z)) * sigma(z) ** 2


FORMULAS = {
    "bce.v1": lambda z, y, i, n: bce(z[i], y[i]),
    "fl.v1": lambda z, y, i, n: focal(z[i], y[i]),
    "cb.v1": lambda z, y, i, n: 10 * focal(z[i], y[i], cb_weight(COUNTS[i])),
    "r_fl.v1": lambda z, y, i, n: focal(z[i], y[i], r_weight(i, y)),
    "ntr_fl.v1": lambda z, y, i, n: focal(moved(z[i], y[i], i), y[i]),
    "ntr_fl_paper.v1": lambda z, y, i, n: focal(moved(z[i], y[i], i), y[i], 1 if y[i] else 0.5),
    "db_0fl.v1": lambda z, y, i, n: 0.5 * bce(moved(z[i], y[i], i), y[i]) * r_weight(i, y) * (1 if y[i] else 0.5),
    "cb_ntr.v1": lambda z, y, i, n: 10
    * focal(moved(z[i], y[i], i), y[i], cb_weight(COUNTS[i]) * (1 if y[i] else 0.5)),
    "db.v1": lambda z, y, i, n: focal(moved(z[i], y[i], i), y[i], r_weight(i, y) * (1 if y[i] else 0.5)),
    "asl.v1": lambda z, y, i, n: asl(z[i], y[i]),
    "hill.v1": lambda z, y, i, n: hill(z[i], y[i]),
    "zlpr.v1": lambda z, y, i, n: zlpr(z, y),
    "la.v1": lambda z, y, i, n: bce(z[i] + math.log(COUNTS[i] / (TEXTS - COUNTS[i])), y[i]),
}  # fmt: skip


def of(name: str, z: np.ndarray, y: np.ndarray, seen: Frequencies = SEEN) -> torch.Tensor:
    return made(name, seen)(torch.tensor(z, dtype=torch.float64), torch.tensor(y, dtype=torch.float64))


@pytest.mark.parametrize("name", LOSSES)
def test_it_is_its_formula(name: str) -> None:
    expected = [[FORMULAS[name](Z[n], ROWS[n], i, n) for i in range(3)] for n in range(3)]
    np.testing.assert_allclose(of(name, Z, ROWS), expected, rtol=1e-6)


def test_one_value_by_hand() -> None:
    """DB of a text with the rarest label alone: r = 1, v = .05·log 9, and no focal factor left at p → 0."""
    seen = Frequencies(torch.tensor([6.0, 3.0, 1.0]), 10, centre=0.9)
    u = 0.7 - 0.05 * 2.1972245773
    p = 1 / (1 + math.exp(-u))
    expected = 0.5 * (1 - p) ** 2 * (0.1 + 1 / (1 + math.exp(-1.0))) * -math.log(p)
    found = of("db.v1", np.array([[-9.0, -9.0, 0.7]]), np.array([[0, 0, 1]]), seen)
    assert found[0, 2].item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_it_stays_finite_where_logits_are_extreme(name: str) -> None:
    z = torch.tensor([[80.0, -80.0, 80.0], [-80.0, 80.0, -80.0]], requires_grad=True)
    found = made(name, SEEN)(z, torch.tensor([[1.0, 0.0, 0.0], [1.0, 0.0, 1.0]]))
    assert torch.isfinite(found).all()
    assert (found >= 0).all()
    found.mean().backward()
    assert z.grad is not None
    assert torch.isfinite(z.grad).all()


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("counts", [(0, 10, 5), (10, 0, 1)])
def test_a_label_that_nobody_or_everybody_has_gives_finite_numbers(name: str, counts) -> None:
    y = np.zeros((10, 3))
    for k, n in enumerate(counts):
        y[:n, k] = 1
    assert torch.isfinite(of(name, np.zeros((10, 3)), y, frequencies(y))).all()


@pytest.mark.parametrize("name", LOSSES)
def test_stacks_and_orders_change_nothing(name: str) -> None:
    one = of(name, Z, ROWS)
    stacked = of(name, np.stack([Z, Z]), np.stack([ROWS, ROWS]))
    torch.testing.assert_close(stacked[1], one)
    texts, labels = [2, 0, 1], [1, 2, 0]
    turned = Frequencies(SEEN.counts[labels], SEEN.texts, SEEN.centre)
    torch.testing.assert_close(of(name, Z[texts][:, labels], ROWS[texts][:, labels], turned), one[texts][:, labels])


@pytest.mark.parametrize("name", [name for name, each in LOSSES.items() if name != "hill.v1"])
def test_it_pulls_positives_up_and_negatives_down(name: str) -> None:
    z = torch.tensor([[0.5, 0.5, 0.5]], dtype=torch.float64, requires_grad=True)
    made(name, SEEN)(z, torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64)).sum().backward()
    assert z.grad is not None
    assert (z.grad[0] * torch.tensor([-1.0, 1.0, 1.0]) > 0).all()


@pytest.mark.parametrize("name", [name for name, each in LOSSES.items() if each.soft])
def test_a_loss_for_soft_targets_is_least_where_the_answer_is_the_target(name: str) -> None:
    """Of logit adjustment the adjusted answer."""
    z = torch.linspace(-6, 6, 4001, dtype=torch.float64)[:, None].expand(-1, 3)
    found = made(name, SEEN, soft=True)(z, torch.full_like(z, 0.3)).argmin(dim=0)
    shift = torch.log(SEEN.counts / (TEXTS - SEEN.counts)).double() if name == "la.v1" else torch.zeros(3)
    torch.testing.assert_close(torch.sigmoid(z[found, 0] + shift), torch.full((3,), 0.3).double(), atol=2e-3, rtol=0)


def test_what_has_no_meaning_is_refused_by_name() -> None:
    with pytest.raises(LossUndefined) as caught:
        made("db.v1", SEEN, soft=True)
    assert caught.value.fields["where"] == "soft"
    with pytest.raises(LossUndefined):
        made("db.v1", SEEN, binary=True)


def test_the_settings_name_what_there_is() -> None:
    assert set(config.LOSSES) == set(LOSSES)
    assert set(config.SOFT_LOSSES) == {name for name, each in LOSSES.items() if each.soft}
    assert set(config.BINARY_LOSSES) == {name for name, each in LOSSES.items() if each.binary}


@pytest.mark.parametrize("y", [np.zeros((0, 3)), np.full((2, 3), 0.5), np.zeros(3)])
def test_frequencies_are_of_hard_labels(y) -> None:
    with pytest.raises(ValueError, match="labels of shape"):
        frequencies(y)
