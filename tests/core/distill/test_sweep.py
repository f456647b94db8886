import numpy as np
import pytest
import torch

from core.distill.soft_targets import in_sample
from core.distill.student import train_pair
from core.distill.sweep import Lessons, pick, sweep, teacher_judge
from tests.core.making import SMALL, drained

RNG = np.random.default_rng(0)
VECTORS = RNG.normal(size=(30, 12)).astype(np.float32)
VECTORS[0] = 0
ROWS = [RNG.integers(2, 30, size=n) for n in RNG.integers(2, 15, size=60)]
Y = np.array([[(row == 3).any(), (row < 8).any(), False, True] for row in ROWS], dtype=np.int8)


def lessons() -> Lessons:
    return Lessons(
        vectors=VECTORS, train_rows=ROWS[:48], train_y=Y[:48], valid_rows=ROWS[48:], valid_y=Y[48:],
        label_keys=["rare", "common", "none", "all"], config=SMALL,
    )  # fmt: skip


def test_a_label_of_one_class_gets_its_prevalence_and_a_warning():
    reports, teachers = drained(sweep(lessons()))
    assert teachers.warnings == (
        ("LabelWithoutPositives", {"labels": "none"}),
        ("LabelWithoutNegatives", {"labels": "all"}),
    )
    assert set(teachers.weights) == {0, 1}
    probs = teachers.probabilities(ROWS)
    assert probs.shape == (60, 4)
    assert (probs[:, 2] < 0.001).all()
    assert (probs[:, 3] > 0.999).all()
    assert reports[-1].done == reports[-1].total == 2 * len(SMALL.class_weights)
    assert all(0 <= report.done <= report.total for report in reports)


def test_the_sweep_and_the_pair_are_the_same_each_time():
    first, again = (drained(sweep(lessons()))[1] for _ in range(2))
    assert first.weights == again.weights
    soft = in_sample(first, ROWS[:48])
    np.testing.assert_array_equal(soft, in_sample(again, ROWS[:48]))
    pairs = [drained(train_pair(lessons(), soft))[1] for _ in range(2)]
    for one, two in zip(*pairs, strict=True):
        for name, value in one.state_dict().items():
            assert torch.equal(value, two.state_dict()[name])


def test_with_hard_targets_the_student_is_its_twin():
    pair = drained(train_pair(lessons(), Y[:48].astype(np.float32)))[1]
    for name, value in pair.student.state_dict().items():
        assert torch.equal(value, pair.standalone.state_dict()[name])


def test_pick_prefers_f1_then_ranking_then_the_larger_weight():
    y = np.array([1, 1, 0, 0])
    good, worse, silent = [0.9, 0.8, 0.2, 0.1], [0.9, 0.2, 0.6, 0.1], [0.4, 0.3, 0.2, 0.1]
    assert pick(np.array([worse, good, silent]), y, [0.5, 1, 3]) == 1
    assert pick(np.array([good, good]), y, [0.5, 3]) == 1
    assert pick(np.array([silent, silent]), y, [3, 0.5]) == 0
    assert pick(np.array([good, silent]), np.zeros(4), [0.5, 3]) == 1


def test_pick_takes_the_better_ranking_where_f1_differs_by_one_text():
    y = np.repeat([1, 0], [70, 30])
    yes_to_all, ranks = np.full(100, 0.6), np.where(y, 0.8, 0.2)
    ranks[:22], ranks[70:72] = 0.45, 0.3  # finds fewer than all, but knows which
    ranks[72:] = 0.1
    assert pick(np.stack([yes_to_all, ranks]), y, [1, 0.1]) == 1


def test_the_judge_breaks_ties_by_the_weighted_loss():
    targets = torch.tensor([1.0, 0.0])[None, :, None].expand(2, -1, -1)
    judge = teacher_judge(targets, torch.tensor([[1.0], [5.0]]))
    found = np.array([[[2.0], [-2.0]], [[3.0], [1.0]]], dtype=np.float32)
    scores = judge(found, np.array([0, 1]))
    assert scores[:, 0] == pytest.approx([1.0, 0.66])
    assert scores[1, 1] == pytest.approx(-(5 * np.log1p(np.exp(-3)) + np.log1p(np.exp(1))) / 2, rel=1e-5)
    assert judge(found[1:], np.array([1])).tolist() == scores[1:].tolist()
