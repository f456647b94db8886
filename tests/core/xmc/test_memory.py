"""What a round of a tree is estimated to take: it grows with what grows, and is refused with both numbers."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from core.errors import TreeNeedsMemory
from core.messages import sentence
from core.xmc import memory


def made(texts: int, labels: int) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    rows = sp.random(texts, 5_000, density=0.02, format="csr", rng=np.random.default_rng(0))
    return rows, sp.random(texts, labels, density=3 / labels, format="csr", rng=np.random.default_rng(1))


def test_it_grows_with_texts_and_labels_and_what_is_asked() -> None:
    least = memory.bytes_needed(*made(200, 100), asked=10)
    assert memory.bytes_needed(*made(400, 100), asked=10) > least
    assert memory.bytes_needed(*made(200, 2_000), asked=10) > least
    assert memory.bytes_needed(*made(200, 100), asked=100_000) > least + 2**26


def test_too_little_is_refused_with_both_numbers_and_unknown_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, y = made(200, 100)
    monkeypatch.setattr(memory, "free_bytes", lambda: None)
    memory.refuse_too_little(rows, y, asked=10)
    monkeypatch.setattr(memory, "free_bytes", lambda: memory.bytes_needed(rows, y, asked=10))
    memory.refuse_too_little(rows, y, asked=10)
    monkeypatch.setattr(memory, "free_bytes", lambda: 3 * 2**20)
    with pytest.raises(TreeNeedsMemory) as caught:
        memory.refuse_too_little(rows, y, asked=10)
    assert caught.value.fields["have_mb"] == 3
    assert caught.value.fields["need_mb"] > 3
    for lang in ("zh", "en"):
        assert "100" in sentence(caught.value, lang)
