import os
import subprocess
import sys
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
    whole = cached.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1  # one bit of one value
    for content in (b"", b"half a file", whole[:-1], whole[: len(whole) // 2], bytes(flipped), b"PK\x03\x04" + whole):
        cached.write_bytes(content)
        np.testing.assert_array_equal(train_vectors(CORPUS, vocab, size=8, seed=1, cache_dir=tmp_path), first)
        assert cached.read_bytes() == whole
    assert list(tmp_path.iterdir()) == [cached]


def test_each_thing_that_vectors_depend_on_has_a_cache_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    vocab = Vocab.build(CORPUS, min_count=2)
    fewer = Vocab(vocab.tokens[:-1])

    def made(corpus=CORPUS, vocab=vocab, size=4, seed=1) -> int:
        train_vectors(corpus, vocab, size=size, seed=seed, cache_dir=tmp_path)
        return len(list(tmp_path.iterdir()))

    assert [made(), made(), made(CORPUS[1:]), made(vocab=fewer), made(size=5), made(seed=2)] == [1, 1, 2, 3, 4, 5]
    for n, constant in enumerate(("SAMPLE_TOKENS", "BUDGET_TOKENS", "MAX_EPOCHS", "_SPREAD"), start=6):
        monkeypatch.setattr(module, constant, getattr(module, constant) // 2 or 0.1)
        assert made() == n


def test_the_cache_keeps_what_was_used_last_within_its_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    vocab = Vocab.build(CORPUS, min_count=2)

    def use(seed: int) -> set[str]:
        for path in tmp_path.iterdir():  # as if it had all been an hour ago
            known = path.stat()
            os.utime(path, (known.st_atime - 3600, known.st_mtime - 3600))
        before = {path.name for path in tmp_path.iterdir()}
        train_vectors(CORPUS, vocab, size=4, seed=seed, cache_dir=tmp_path)
        return {path.name for path in tmp_path.iterdir()} - before

    (first,), (second,), (third,) = use(1), use(2), use(3)
    size = (tmp_path / first).stat().st_size
    monkeypatch.setattr(module, "CACHE_BYTES", 3 * size)
    assert use(1) == set()  # read, and so the last one used
    (tmp_path / "vectors-dead.77.part").write_text("half")
    os.utime(tmp_path / "vectors-dead.77.part", (0, 0))
    (tmp_path / "vectors-busy.78.part").write_text("half")
    (tmp_path / "other.npy").write_text("not ours")
    (fourth,) = use(4)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {first, third, fourth, "vectors-busy.78.part", "other.npy"}
    assert second not in left
    monkeypatch.setattr(module, "CACHE_BYTES", 0)
    (fifth,) = use(5)
    assert {path.name for path in tmp_path.glob("*.npy")} == {fifth, "other.npy"}, "the one in use stays"


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path):
    (tmp_path / "file").write_text("no folder")
    vocab = Vocab.build(CORPUS, min_count=2)
    found = train_vectors(CORPUS, vocab, size=4, seed=1, cache_dir=tmp_path / "file")
    np.testing.assert_array_equal(found, train_vectors(CORPUS, vocab, size=4, seed=1, cache_dir=None))


def test_two_processes_may_write_the_same_cache(tmp_path: Path):
    code = (
        "import sys; from pathlib import Path; from core.text.vectors import train_vectors;"
        "from core.text.vocab import Vocab; corpus = [['a', 'b', 'c'] * 9] * 20;"
        "vocab, cache = Vocab.build(corpus, 1), Path(sys.argv[1]);"
        "print(train_vectors(corpus, vocab, size=4, seed=0, cache_dir=cache).tobytes().hex())"
    )
    root = Path(__file__).resolve().parents[3]
    command = [sys.executable, "-c", code, str(tmp_path)]
    both = [subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    first, second = (one.communicate(timeout=120)[0] for one in both)
    assert first == second != ""
    (cached,) = tmp_path.iterdir()
    assert cached.suffix == ".npy"


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
