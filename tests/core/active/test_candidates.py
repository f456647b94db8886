"""What strategies may look at is checked once, and can be narrowed to some candidates."""

import numpy as np
import pytest

from core.active.candidates import Candidates


def state(**more: object) -> Candidates:
    probs = np.array([[0.1, 0.9], [0.4, 0.6], [0.5, 0.2]])
    given = {"probs": probs, "thresholds": [0.5, 0.4], "labelled_y": [[1, 0], [1, 1]], **more}
    return Candidates(**given)  # type: ignore[arg-type]


def test_positives_are_counted() -> None:
    assert state().positives.tolist() == [2, 1]
    assert len(state()) == 3
    assert state().n_labels == 2


def test_nothing_labelled_is_a_state_too() -> None:
    assert state(labelled_y=np.zeros((0, 2))).positives.tolist() == [0, 0]


def test_some_candidates_keep_what_belongs_to_them() -> None:
    members = np.stack([np.full((3, 2), 0.3), np.array([[0.1, 0.1], [0.2, 0.2], [0.3, 0.3]])])
    rows = np.eye(3)
    some = state(committee=members, embeddings=rows, teacher=members[1]).at(np.array([2, 0]))
    assert np.asarray(some.committee)[1].tolist() == [[0.3, 0.3], [0.1, 0.1]]
    assert np.asarray(some.teacher).tolist() == [[0.3, 0.3], [0.1, 0.1]]
    assert np.asarray(some.embeddings).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert np.asarray(some.probs).tolist() == [[0.5, 0.2], [0.1, 0.9]]


@pytest.mark.parametrize(
    "wrong",
    [
        {"probs": [[0.1, np.nan]]},
        {"thresholds": [0.5]},
        {"labelled_y": [[1, 2]]},
        {"labelled_y": [[1]]},
        {"labelled_probs": [[0.1, 0.2]]},
        {"committee": np.full((2, 2, 2), 0.5)},
        {"teacher": np.full((3, 2), 1.5)},
        {"embeddings": np.eye(2)},
        {"need": [1.0, -1.0]},
        {"need": [np.inf, 1.0]},
    ],
)
def test_what_does_not_fit_is_refused(wrong: dict) -> None:
    with pytest.raises(ValueError):
        state(**wrong)
