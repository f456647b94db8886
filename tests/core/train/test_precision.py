"""Steps in bfloat16 end where steps in float32 end, within what the rounding of a product allows."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.config import ARCHS, RoundConfig
from core.train.precision import lowered, stepping
from tests.core.making import SMALL, run, small_data


def test_a_processor_computes_in_float32_unless_told_otherwise() -> None:
    here = torch.device("cpu")
    assert not lowered(RoundConfig(), here)
    assert not lowered(RoundConfig(precision="float32"), torch.device("cuda"))
    assert lowered(RoundConfig(precision="bfloat16"), here)


def test_only_the_products_of_a_step_are_rounded() -> None:
    x = torch.randn(4, 4)
    with stepping(RoundConfig(precision="bfloat16"), x.device):
        assert (x @ x).dtype == torch.bfloat16
    with stepping(RoundConfig(), x.device):
        assert (x @ x).dtype == torch.float32


@pytest.mark.parametrize("arch", ARCHS)
def test_a_round_ends_where_one_in_float32_ends(arch: str, tmp_path) -> None:
    config = replace(SMALL, arch=arch, precision="float32", student_epoch="last")
    data = small_data()
    _, usual = run(data, config, tmp_path / "usual")
    _, rounded = run(data, replace(config, precision="bfloat16"), tmp_path / "rounded")
    assert rounded.pool_probs.dtype == np.float32
    assert not np.array_equal(usual.pool_probs, rounded.pool_probs)
    assert np.abs(usual.pool_probs - rounded.pool_probs).max() < 0.1
    assert np.corrcoef(usual.pool_probs.ravel(), rounded.pool_probs.ravel())[0, 1] > 0.99
