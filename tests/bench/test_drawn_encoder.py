"""The encoder that speed is measured with is one that the product takes."""

from pathlib import Path

import numpy as np

from bench.drawn_encoder import make
from core.encoders.load import load
from tests.core.encoders.making import TEXTS


def test_a_drawn_encoder_is_loaded_and_reads_and_the_seed_decides_it(tmp_path: Path) -> None:
    one, two = (load(str(make(tmp_path / str(seed), TEXTS * 3, seed=seed))) for seed in (0, 1))
    assert one.width == 128
    assert [row.tolist() for row in one.rows(TEXTS)] == [row.tolist() for row in two.rows(TEXTS)]
    assert one.digest != two.digest
    assert all(np.isfinite(value.numpy()).all() for value in one.network.state_dict().values())
