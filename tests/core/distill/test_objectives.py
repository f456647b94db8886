"""What student, standalone and teachers minimise under each loss: the right targets, and training that learns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits as bce

from core.config import BINARY_LOSSES, LOSSES, SOFT_LOSSES
from core.distill.objectives import of_standalone, of_student, of_teachers
from core.distill.soft_targets import syllabus, teach
from core.distill.student import train_pair
from core.distill.sweep import sweep
from core.losses.frequencies import frequencies
from core.losses.registry import made
from tests.core.distill.test_sweep import EXACT, ROWS, SMALL, Y, encode, lessons
from tests.core.making import drained


@pytest.fixture(scope="module")
def taught():
    return drained(teach(lessons()))[1]


def spliced_lessons(taught, **settings):
    given = replace(lessons(replace(EXACT, spliced=0.5, hard_share=0.4, **settings)), encode=encode)
    return drained(syllabus(given, taught))[1]


def test_the_two_parts_of_a_student_are_what_was_mixed(taught) -> None:
    more, mixed = spliced_lessons(taught, loss="fl.v1")
    found = of_student(more, mixed).targets
    np.testing.assert_allclose(found[:48, :4], taught.soft, atol=1e-5)
    np.testing.assert_array_equal(found[:48, 4:8], Y[:48])
    np.testing.assert_array_equal(found[:, 8], np.r_[np.full(48, 0.4), np.zeros(24)].astype(np.float32))
    np.testing.assert_allclose(found[48:, :4], mixed[48:], atol=1e-6)


def test_with_cross_entropy_in_both_places_the_split_loss_is_the_mixed_one(taught) -> None:
    """Focal is asked for so that the split form is built, and then cross-entropy is put in by hand."""
    from core.distill.objectives import _both

    more, mixed = spliced_lessons(taught, loss="fl.v1")
    split = torch.from_numpy(of_student(more, mixed).targets)
    z = torch.randn(len(mixed), 4, generator=torch.Generator().manual_seed(1))
    plain = made("bce.v1", frequencies(Y[:48]))
    expected = bce(z, torch.from_numpy(mixed), reduction="none")
    torch.testing.assert_close(_both(plain, plain, 4)(z, split), expected, atol=1e-5, rtol=1e-5)


def test_spliced_texts_are_not_counted(taught) -> None:
    more, mixed = spliced_lessons(taught, loss="cb.v1")
    z = torch.zeros(1, 4)
    share_of_one = torch.tensor([[0.0] * 4 + [1.0] * 4 + [1.0]])
    loss = of_student(more, mixed).loss
    assert loss is not None
    torch.testing.assert_close(loss(z, share_of_one), made("cb.v1", frequencies(Y[:48]))(z, torch.ones(1, 4)))


def test_plain_cross_entropy_trains_as_ever(taught) -> None:
    more, mixed = spliced_lessons(taught)
    assert of_student(more, mixed).loss is None
    assert of_standalone(lessons(), Y[:48]).loss is None
    columns = torch.zeros(2, 5, 1)
    assert of_teachers(EXACT, columns, torch.ones(2, 1)) == (columns, None)


@pytest.mark.parametrize("name", LOSSES)
def test_student_and_standalone_learn_under_it(taught, name: str) -> None:
    """On the texts that it learned the positives of a plain label rank above the negatives."""
    soft = name if name in SOFT_LOSSES else "bce.v1"
    config = replace(EXACT, loss=name, soft_loss=soft, hard_share=0.5, max_epochs=6, lr=0.02)
    given = lessons(config)
    pair = drained(train_pair(given, *drained(syllabus(given, taught))[1]))[1]
    for model in pair:
        with torch.no_grad():
            found = np.array([model(torch.from_numpy(row)[None])[0, 1].item() for row in ROWS[:48]])
        assert np.isfinite(found).all()
        assert found[Y[:48, 1] > 0].mean() > found[Y[:48, 1] == 0].mean()


@pytest.mark.parametrize("name", BINARY_LOSSES)
def test_teachers_learn_under_it(name: str) -> None:
    found = drained(sweep(lessons(replace(SMALL, teacher_loss=name, max_epochs=6, lr=0.02))))[1].logits(ROWS[:48])
    assert np.isfinite(found).all()
    assert found[Y[:48, 1] > 0, 1].mean() > found[Y[:48, 1] == 0, 1].mean()


def test_a_teachers_class_weight_multiplies_the_loss_of_positives() -> None:
    columns = torch.tensor([[[1.0], [0.0]], [[1.0], [0.0]]])
    targets, loss = of_teachers(replace(SMALL, teacher_loss="fl.v1"), columns, torch.tensor([[1.0], [5.0]]))
    assert loss is not None
    found = loss(torch.full((2, 2, 1), 0.3), targets)
    torch.testing.assert_close(found[1, 0], 5 * found[0, 0])
    torch.testing.assert_close(found[1, 1], found[0, 1])
