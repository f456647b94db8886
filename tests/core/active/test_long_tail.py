"""The default choice: shares by need, likely positives near the threshold, disagreement, no near-duplicates."""

import numpy as np
import pytest

from core.active.candidates import Candidates
from core.active.long_tail import FEW, benefit, choose, parts, shares, sought


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def state(probs: object, positives: list[int], **more: object) -> Candidates:
    rows = max(positives, default=0)
    y = np.array([[int(n < count) for count in positives] for n in range(rows)]).reshape(rows, len(positives))
    given = {"probs": probs, "thresholds": np.full(len(positives), 0.5), "labelled_y": y, **more}
    return Candidates(**given)  # type: ignore[arg-type]


def test_of_two_texts_as_near_to_the_threshold_the_likelier_positive_teaches_more() -> None:
    below, above = benefit(state([[0.4], [0.6]], [3]))[:, 0]
    assert above == pytest.approx(1.5 * below)
    assert above == pytest.approx(0.6 * (-0.6 * np.log2(0.6) - 0.4 * np.log2(0.4)))


def test_it_is_seen_from_the_labels_own_threshold() -> None:
    low = state([[0.1], [0.5]], [3], thresholds=[0.1])
    assert benefit(low)[0, 0] == pytest.approx(0.5)  # as 0.5 under a threshold of one half
    assert benefit(low)[1, 0] < 0.5


def test_disagreement_of_teachers_and_student_raises_it() -> None:
    probs = np.array([[0.5], [0.5]])
    agreed, disputed = benefit(state(probs, [3], teacher=np.array([[0.5], [0.99]])))[:, 0]
    assert agreed == pytest.approx(0.5)
    assert agreed < disputed < 2 * agreed


def test_shares_are_need_and_a_label_nobody_has_seen_has_no_say() -> None:
    np.testing.assert_allclose(shares(state([[0.5] * 3], [1, 3, 0])), [2 / 3, 1 / 3, 0])
    np.testing.assert_allclose(shares(state([[0.5] * 2], [0, 0])), [0.5, 0.5])
    np.testing.assert_allclose(shares(state([[0.5] * 2], [5, 5], need=[3.0, 1.0])), [0.75, 0.25])
    assert parts(state([[0.5] * 3], [1, 3, 0]))[0, 2] == 0


def test_labels_take_turns_by_need() -> None:
    half = np.zeros((200, 2))
    half[:100, 0], half[100:, 1] = rng(1).uniform(0.4, 0.6, 100), rng(2).uniform(0.04, 0.06, 100)
    thresholds = [0.5, 0.05]
    even = choose(state(half, [5, 5], thresholds=thresholds), 20, rng())
    assert (even >= 100).sum() == 10
    rarer = choose(state(half, [8, 5], thresholds=thresholds), 20, rng())
    assert (rarer >= 100).sum() == 12  # three fifths


def test_a_text_that_serves_two_labels_comes_before_one_that_serves_one() -> None:
    probs = np.array([[0.6, 0.01], [0.6, 0.6], [0.01, 0.6]])
    assert choose(state(probs, [4, 4]), 1, rng())[0] == 1


def test_a_near_duplicate_comes_last_and_is_not_lost() -> None:
    probs = np.array([[0.60], [0.59], [0.2], [0.1]])
    rows = np.array([[1.0, 0], [1, 0], [0, 1], [0.6, 0.8]])
    assert choose(state(probs, [4], embeddings=rows), 4, rng()).tolist() == [0, 2, 3, 1]
    assert choose(state(probs, [4], embeddings=rows), 2, rng()).tolist() == [0, 2]


def test_a_pool_of_the_same_text_is_still_a_queue() -> None:
    rows = np.ones((6, 1))
    batch = choose(state(np.full((6, 1), 0.5), [4], embeddings=rows), 6, rng())
    assert sorted(batch.tolist()) == list(range(6))


def test_a_label_with_hardly_a_positive_is_looked_for_by_its_words() -> None:
    probs, words = np.array([[0.5, 0.0], [0.0, 0.0], [0.0, 0.0]]), np.array([[0.0, 0.0], [1.0, 0.3], [0.0, 1.0]])
    pool = state(probs, [9, 0], words=words)
    assert sought(pool).tolist() == [False, True]
    np.testing.assert_allclose(benefit(pool), [[0.5, 0], [0, 0.15], [0, 0.5]])
    np.testing.assert_allclose(shares(pool), [1 / 11, 10 / 11])
    assert choose(pool, 1, rng())[0] == 2
    assert not sought(state(probs, [9, FEW])).any()
    assert shares(state(probs, [9, 0], words=words * [1, 0])).tolist() == [1, 0]  # it has no word that a text has


def test_from_no_label_at_all_words_alone_decide() -> None:
    words = np.array([[0.1, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    pool = Candidates(probs=np.zeros((4, 2)), thresholds=[0.5, 0.5], labelled_y=np.zeros((0, 2)), words=words)
    assert set(choose(pool, 2, rng()).tolist()) == {1, 2}
    assert choose(pool, 4, rng())[3] == 3
