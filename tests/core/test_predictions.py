"""Blobs of probabilities: what is packed comes out again, dense or the likeliest alone."""

from __future__ import annotations

import numpy as np
import pytest

from core.predictions import DENSE_LABELS, KEPT, Likeliest, likeliest, listed, packed, rows_of, unpacked


def test_few_labels_are_kept_as_they_always_were() -> None:
    probs = np.random.default_rng(0).random((3, 9)).astype(np.float32)
    blobs = packed(probs)
    assert blobs == [row.astype("<f2").tobytes() for row in probs]
    assert unpacked(blobs[1], 9) == pytest.approx(probs[1], abs=1e-3)


def test_of_many_labels_the_likeliest_are_kept_the_best_first() -> None:
    probs = np.random.default_rng(0).random((4, DENSE_LABELS + 1)).astype(np.float32)
    labels, kept = listed(packed(probs)[2])
    assert labels.tolist() == np.argsort(-probs[2])[:KEPT].tolist()
    assert (np.diff(kept) <= 0).all()
    assert len(packed(probs)[2]) < 2 * DENSE_LABELS
    all_of_them = unpacked(packed(probs)[2], DENSE_LABELS + 1)
    assert np.count_nonzero(all_of_them) == KEPT
    assert all_of_them[labels] == pytest.approx(probs[2, labels], abs=1e-3)


def test_a_list_that_ends_early_is_as_long_as_it_was() -> None:
    found = Likeliest(np.array([[2, 0], [-1, -1]]), np.array([[0.5, 0.25], [0, 0]], dtype=np.float32), 4)
    blobs = packed(found)
    assert [listed(each)[0].tolist() for each in blobs] == [[2, 0], []]
    assert unpacked(blobs[0], 4).tolist() == [0.25, 0, 0.5, 0]
    assert found.dense().tolist() == found.matrix().toarray().tolist()
    assert rows_of([blobs[0], None, blobs[1]], 4).toarray().tolist() == [[0.25, 0, 0.5, 0], [0] * 4, [0] * 4]
    assert rows_of([], 4).shape == (0, 4)


def test_dense_and_listed_blobs_stand_side_by_side() -> None:
    probs = np.array([[0.5, 0.0, 1.0]], dtype=np.float32)
    both = rows_of([packed(probs)[0], packed(likeliest(probs, 2))[0]], 3)
    assert both.toarray().tolist() == [[0.5, 0, 1], [0.5, 0, 1]]


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b[:2] + b"\x02\x00" + b[4:]])
def test_what_is_damaged_or_newer_is_refused(damage) -> None:
    blob = packed(likeliest(np.ones((1, 5)), 3))[0]
    with pytest.raises(ValueError, match="predictions of format"):
        listed(damage(blob))
    with pytest.raises(ValueError, match="5 labels, not 6"):
        unpacked(blob, 6)
