from pathlib import Path

import numpy as np
import pytest

from core.text import vectors as module
from core.text.vectors import train_vectors, vector_steps
from core.text.vocab import Vocab

RNG = np.random.default_rng(0)
CORPUS = [[f"w{n}" for n in RNG.zipf(1.5, size=30) if n < 60] for _ in range(60)]


def test_same_corpus_same_vectors_and_padding_is_zero():
    vocab = Vocab.build(CORPUS, min_count=2)
    first = train_vectors(CORPUS, vocab, size=8, seed=1, cache_dir=None)
    assert first.shape == (len(vocab), 8)
    assert first.dtype == np.float32
    assert not first[vocab.PAD].any()
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, train_vectors(CORPUS, vocab, size=8, seed=1, cache_dir=None))
    assert not np.array_equal(first, train_vectors(CORPUS, vocab, size=8, seed=2, cache_dir=None))


def test_cache_is_used_and_a_damaged_file_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    vocab = Vocab.build(CORPUS, min_count=2)
    first = train_vectors(CORPUS, vocab, size=8, seed=1, cache_dir=tmp_path)
    (cached,) = tmp_path.iterdir()
    assert list(vector_steps(CORPUS, vocab, size=8, seed=1, cache_dir=tmp_path)) == []  # no step: read
    cached.write_bytes(b"half a file")
    np.testing.assert_array_equal(train_vectors(CORPUS, vocab, size=8, seed=1, cache_dir=tmp_path), first)
    assert list(tmp_path.iterdir()) == [cached]


def test_cost_is_bounded_by_the_sample_and_the_budget(monkeypatch: pytest.MonkeyPatch):
    vocab = Vocab.build(CORPUS, min_count=1)
    monkeypatch.setattr(module, "SAMPLE_TOKENS", 300)
    monkeypatch.setattr(module, "BUDGET_TOKENS", 1000)
    *_, (done, total) = vector_steps(CORPUS, vocab, size=4, seed=0, cache_dir=None)
    assert done == total <= 1000


@pytest.mark.parametrize("corpus", [[], [[]], [["a"]], [["a", "a"]]])
def test_next_to_no_text_gives_vectors_all_the_same(corpus: list[list[str]]):
    vocab = Vocab.build(corpus, min_count=1)
    found = train_vectors(corpus, vocab, size=4, seed=0, cache_dir=None)
    assert found.shape == (len(vocab), 4)
    assert np.isfinite(found).all()
