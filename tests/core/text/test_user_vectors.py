"""Vectors that somebody brings along: both forms of word2vec, and every way in which such a file is wrong."""

import gzip
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gensim.models import KeyedVectors

from core.errors import BadFile
from core.text import user_vectors
from core.text.vectors import load_user_vectors, train_vectors, vector_steps
from core.text.vocab import Vocab

D = 6
WORDS = ["血壓", "藥", "，", "😀", "aspirin", "睡眠", "飲食", "運動", "水", "糖", "其他"]
VOCAB = Vocab(("<pad>", "<unk>", *WORDS[:10], "沒有"))
ROWS = np.random.default_rng(3).normal(2, 5, (len(WORDS), D)).astype(np.float32)


def save(path: Path, words=WORDS, rows=ROWS, binary=False) -> Path:
    vectors = KeyedVectors(rows.shape[1])
    vectors.add_vectors(words, rows)
    vectors.save_word2vec_format(str(path), binary=binary)
    return path


def run(steps) -> tuple[list, Any]:
    """What was reported on the way, and the result."""
    reports = []
    while True:
        try:
            reports.append(next(steps))
        except StopIteration as finished:
            return reports, finished.value


def failed(path: Path, **wanted) -> BadFile:
    with pytest.raises(BadFile) as caught:
        load_user_vectors(path, VOCAB, D)
    fields = caught.value.fields
    assert {name: fields[name] for name in wanted} == wanted
    return caught.value


@pytest.fixture(params=[1 << 23, 200], ids=["whole", "in crumbs"])
def read_size(request, monkeypatch):
    monkeypatch.setattr(user_vectors, "_READ", request.param)


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
@pytest.mark.usefixtures("read_size")
def test_both_forms_are_read_as_they_were_written(tmp_path: Path, binary: bool):
    path = save(tmp_path / "v", binary=binary)
    reports, (rows, found) = run(user_vectors.vector_rows(path, VOCAB, D))
    assert all(0 < done <= total == path.stat().st_size for done, total in reports)
    assert list(found) == list(range(2, 12))
    np.testing.assert_allclose(rows[2:12], ROWS[:10], rtol=1e-6)


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_they_are_scaled_as_learned_ones_and_unseen_tokens_get_the_same_rows(tmp_path: Path, binary: bool):
    found = load_user_vectors(save(tmp_path / "v", binary=binary), VOCAB, D, seed=5)
    assert (found.shape, found.dtype) == ((len(VOCAB), D), np.float32)
    kept = found[2:12]
    np.testing.assert_allclose(kept.mean(axis=0), 0, atol=1e-6)
    assert kept.std() == pytest.approx(0.3, rel=1e-5)
    order = np.corrcoef(kept.ravel(), (ROWS[:10] - ROWS[:10].mean(axis=0)).ravel())[0, 1]
    assert order == pytest.approx(1, abs=1e-6)
    assert not found[0].any()
    np.testing.assert_array_equal(found[1], kept[-1:].mean(axis=0))
    learned = train_vectors([], VOCAB, size=D, seed=5, cache_dir=None)  # nothing to learn from: all unseen
    np.testing.assert_array_equal(found[12], learned[12])


def test_gzip_other_case_and_tokens_of_several_words(tmp_path: Path):
    rows = ["5 2", "Aspirin 1 1", "aspirin 2 2", "水 x 9 9", "水 3 4\r", "藥 5 6"]
    path = tmp_path / "v.vec.gz"
    path.write_bytes(gzip.compress("\n".join(rows).encode()))
    _, (table, found) = run(user_vectors.vector_rows(path, VOCAB, 2))
    words = {VOCAB.tokens[n]: list(table[n]) for n in found}
    assert words == {"aspirin": [2, 2], "水": [3, 4], "藥": [5, 6]}


def test_one_token_in_common_is_enough(tmp_path: Path):
    found = load_user_vectors(save(tmp_path / "v", ["藥", "別的"], ROWS[:2]), VOCAB, D)
    assert found[3].std() > 0
    assert np.isfinite(found).all()


def test_what_is_wrong_with_a_file_is_said(tmp_path: Path):
    assert failed(tmp_path / "none.txt", why="missing", name="none.txt")
    wide = failed(save(tmp_path / "wide", WORDS, np.hstack([ROWS, ROWS])), why="vectors_width", have=12, need=6)
    assert "set it to 12" in wide.fields["detail"]
    failed(save(tmp_path / "foreign", ["mot", "wort"], ROWS[:2]), why="vectors_foreign", need=11)
    text, binary = save(tmp_path / "t").read_bytes(), save(tmp_path / "b", binary=True).read_bytes()
    damages = {
        "cut text": text[: len(text) // 2],
        "cut binary": binary[:-5],
        "header only": text.split(b"\n")[0],
        "no header": text.split(b"\n", 1)[1],
        "empty": b"",
        "noise": bytes(range(256)) * 9,
        "a number lost": text.replace(b" ", b"", 30),
        "a word for a number": b"1 6\n" + "藥 1 2 3 4 5 x\n".encode(),
        "more numbers": b"2 6\nq 1 2 3 4 5 6\n" + "藥 1 2 3 4 5 6 7\n".encode(),
        "not a number": b"1 6\n" + "藥 1 2 3 4 5 nan\n".encode(),
        "endless": b"9 6\n" + b"x" * 200_000,
    }
    for name, content in damages.items():
        (tmp_path / name).write_bytes(content)
        assert failed(tmp_path / name, why="vectors_damaged").fields["detail"], name
    (tmp_path / "v.gz").write_bytes(gzip.compress(text)[:-20])
    failed(tmp_path / "v.gz", why="unreadable")
    failed(tmp_path, why="unreadable")


def test_the_cache_knows_the_content_of_the_file_and_not_its_date(tmp_path: Path):
    cache, path = tmp_path / "cache", save(tmp_path / "v")

    def made() -> np.ndarray:
        return run(vector_steps([], VOCAB, size=D, seed=1, cache_dir=cache, user_file=str(path)))[1]

    first = made()
    np.testing.assert_array_equal(first, load_user_vectors(path, VOCAB, D, seed=1))
    np.testing.assert_array_equal(made(), first)
    (cached,) = cache.iterdir()
    before = path.stat()
    content = bytearray(path.read_bytes())
    at = content.index("藥".encode()) + 5
    content[at] = ord("9") if content[at] != ord("9") else ord("8")  # same length
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert not np.array_equal(made(), first)
    assert len(list(cache.iterdir())) == 2
    assert cached.exists()
