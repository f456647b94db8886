"""The bench of losses runs every one of them, and its power of growth is what it says."""

from __future__ import annotations

import pytest

from bench import losses
from core.losses.registry import LOSSES


def test_every_loss_has_its_time() -> None:
    found = losses.steps(5, turns=1, seed=0)
    assert set(found["ms"]) == {"no_loss", *LOSSES}
    assert all(each > 0 for each in found["ms"].values())
    assert found["peak_mb"] > 0


@pytest.mark.parametrize(("first", "last", "times", "power"), [(2, 20, 10, 1.0), (2, 200, 10, 2.0), (3, 3, 10, 0.0)])
def test_growth_is_a_power(first: float, last: float, times: float, power: float) -> None:
    assert losses.growth(first, last, times) == power
