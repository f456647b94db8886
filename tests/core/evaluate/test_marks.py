from __future__ import annotations

import numpy as np
import pytest

from core.evaluate.marks import marks


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5], ids=["none", "few", "many"])
def test_both_ways_count_as_a_product_does(share: float) -> None:
    rng = np.random.default_rng(0)
    part = rng.random((80, 30)) < share
    part[:, 7] = False
    draws = rng.multinomial(80, np.full(80, 1 / 80), size=50)
    found = marks(part)
    assert (found.dense is not None) == (share == 0.5)
    np.testing.assert_array_equal(found.sums(draws), draws @ part.astype(int))
    np.testing.assert_array_equal(found.sums(draws[:0]), np.zeros((0, 30)))
