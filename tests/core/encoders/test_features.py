"""Vectors of a frozen encoder are read once and kept."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from core.encoders.features import KEPT, Features
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
    expected = [each.copy() for each in drained(Features(encoder, tmp_path).of(TEXTS))]
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
