"""Vectors of a frozen encoder are read once and kept."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from core.encoders import features as kept_vectors
from core.encoders.features import KEPT, OPEN, Features
from core.encoders.load import Encoder, assembled
from core.encoders.reading import batch_of, hidden_of, padded_hidden
from core.steps import drained
from tests.core.encoders.making import TEXTS, network, tokenizer


@pytest.fixture
def encoder() -> Encoder:
    return assembled("small", network(), tokenizer())


def test_what_is_kept_is_what_the_encoder_says(encoder: Encoder, tmp_path: Path):
    found = drained(Features(encoder, tmp_path).of(TEXTS))
    rows = encoder.rows(TEXTS)
    with torch.no_grad():
        direct = hidden_of(encoder.network, batch_of(rows, encoder.pad))
    hidden, mask = padded_hidden(found)
    assert [len(each) for each in found] == [len(row) for row in rows]
    torch.testing.assert_close(hidden, direct, atol=2e-3, rtol=2e-3)
    assert mask.sum(dim=1).tolist() == [len(row) for row in rows]


def test_a_text_is_read_once_and_another_encoder_reads_its_own(encoder: Encoder, tmp_path: Path):
    first = Features(encoder, tmp_path)
    drained(first.of([*TEXTS, TEXTS[0]]))
    assert first.read_texts == len(TEXTS)
    again = Features(encoder, tmp_path)
    found = drained(again.of([TEXTS[2], "新的", TEXTS[2]]))
    assert again.read_texts == 1
    assert np.array_equal(found[0], found[2])
    other = Features(assembled("other", network(seed=1), tokenizer()), tmp_path)
    drained(other.of(TEXTS))
    assert other.read_texts == len(TEXTS)
    shorter = Features(encoder, tmp_path, max_tokens=4)
    assert max(map(len, drained(shorter.of(TEXTS)))) == 4


@pytest.mark.parametrize("ending", ["npy", "json"])
@pytest.mark.parametrize("damage", ["cut", "empty", "other", "absent"])
def test_a_damaged_file_is_made_again(encoder: Encoder, tmp_path: Path, damage: str, ending: str):
    expected = [np.array(each) for each in drained(Features(encoder, tmp_path).of(TEXTS))]
    (path,) = tmp_path.rglob(f"*.{ending}")
    content = {"cut": path.read_bytes()[:-99], "empty": b"", "other": b"[]"}.get(damage)
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    again = Features(encoder, tmp_path)
    found = drained(again.of(TEXTS))
    assert again.read_texts == len(TEXTS)
    assert all(np.array_equal(one, two) for one, two in zip(found, expected, strict=True))


def test_a_text_says_whether_it_is_kept(encoder: Encoder, tmp_path: Path):
    features = Features(encoder, tmp_path)
    drained(features.of(TEXTS[:2]))
    assert [text in features for text in TEXTS[:3]] == [True, True, False]


def test_the_vectors_of_the_encoders_used_last_stay(encoder: Encoder, tmp_path: Path):
    old = [tmp_path / f"digest{n}-64" for n in range(KEPT + 1)]
    for n, each in enumerate(old):
        each.mkdir()
        os.utime(each, (1_000 + n, 1_000 + n))
    made = Features(encoder, tmp_path)
    drained(made.of(TEXTS[:1]))
    assert [each.exists() for each in old] == [False, False, *[True] * (KEPT - 1)]
    os.utime(made.folder, (1, 1))  # the oldest, but it is used again
    Features(encoder, tmp_path)
    assert made.folder.exists()
    assert made.folder.stat().st_mtime > 1_000 + KEPT


HANDLES = """
import resource, sys
from pathlib import Path
import numpy as np
from core.encoders import features
from core.encoders.features import Features
from core.encoders.load import assembled
from core.encoders.reading import padded_hidden
from core.steps import drained
from tests.core.encoders.making import network, tokenizer

features._BLOCK = 2
texts = [f"頭痛{n}" for n in range(2 * int(sys.argv[2]))]
resource.setrlimit(resource.RLIMIT_NOFILE, (96, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
encoder = assembled("small", network(), tokenizer())
first = drained(Features(encoder, Path(sys.argv[1])).of(texts))
again = Features(encoder, Path(sys.argv[1]))
found = drained(again.of(texts))
hidden, _ = padded_hidden(found)
assert len(hidden) == len(texts)
assert all(np.array_equal(one, other) for one, other in zip(first, found, strict=True))
print(again.read_texts, len(list(Path(sys.argv[1]).rglob("*.npy"))))
"""


def test_more_files_than_a_process_may_hold_open_are_read(tmp_path: Path):
    files = 150
    out = subprocess.run(
        [sys.executable, "-c", HANDLES, str(tmp_path), str(files)], capture_output=True, text=True, timeout=300,
        cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert out.returncode == 0, out.stderr
    assert out.stdout.split()[-2:] == ["0", str(files)], "nothing was read again, and every file is still there"


def test_a_file_that_cannot_be_opened_now_is_no_damaged_one(
    encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    drained(Features(encoder, tmp_path).of(TEXTS))
    before = sorted(tmp_path.rglob("*.*"))

    def refused(*_: object, **__: object) -> None:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as given:
        given.setattr(kept_vectors.np, "load", refused)
        with pytest.raises(OSError, match="Too many open files"):
            Features(encoder, tmp_path)
    assert sorted(tmp_path.rglob("*.*")) == before
    again = Features(encoder, tmp_path)
    drained(again.of(TEXTS))
    assert again.read_texts == 0


def test_so_many_files_are_open_at_a_time(encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(kept_vectors, "_BLOCK", 1)
    texts = [f"發燒{n}" for n in range(OPEN + 9)]
    features = Features(encoder, tmp_path)
    padded_hidden(drained(features.of(texts)))
    assert len(features._files.mapped) == OPEN
