from __future__ import annotations

from dataclasses import replace

import pytest

from core.config import ARCHS, RoundConfig
from core.errors import BadSetting
from core.reproduce import published
from core.reproduce.plan import (
    BEST_LOSSES,
    PUBLISHED_ARCHS,
    RECIPE_SAYS,
    RECIPES,
    STANDALONE,
    TEACHER,
    Key,
    Plan,
    changes_text,
    is_teacher,
)

AT = Key(0, 0, "textcnn.v1", "kd")


def test_the_published_settings_are_the_papers() -> None:
    plan = Plan()
    for arch in PUBLISHED_ARCHS:
        config = plan.config(replace(AT, arch=arch))
        assert (config.lr, config.max_epochs, config.patience, config.max_tokens) == (1e-3, 30, 10, 300)
        assert config.class_weights == (0.05, 0.1, 0.5, 1, 2, 3, 5)
        assert (config.valid_share, config.soft_targets, config.teachers) == (0.15, "in_sample", "neural")
        assert config.batch_size == (128 if arch == "gru_att.v1" else 32)


def test_every_recipe_gives_a_valid_config_is_explained_and_leaves_the_texts_alone() -> None:
    assert set(RECIPES) == set(RECIPE_SAYS)
    for recipe in RECIPES:
        assert not changes_text(recipe)
        assert recipe not in (TEACHER, STANDALONE, "linear")
        assert isinstance(Plan().config(replace(AT, model=recipe)), RoundConfig)


def test_teachers_come_before_their_students_and_are_made_once() -> None:
    plan = Plan(archs=ARCHS, recipes=tuple(RECIPES), folds=2)
    cells = list(plan.cells())
    assert len(cells) == len(set(cells)) == len({key.name for key in cells})
    for at, key in enumerate(cells):
        taught = plan.teachers_of(key)
        assert taught is None or taught in cells[:at]


def test_recipes_that_change_only_the_student_share_the_published_teachers() -> None:
    plan = Plan()
    for recipe, own in (
        ("kd", TEACHER), ("mixed", TEACHER), ("trainable", TEACHER), ("label_attention", TEACHER),
        ("oof", "oof-teacher"), ("oof_mixed", "oof-teacher"), ("hetero", "hetero-teacher"),
        ("spliced", "spliced-teacher"),
    ):  # fmt: skip
        found = plan.teachers_of(replace(AT, model=recipe))
        assert found is not None
        assert found.model == own
        assert is_teacher(own)
    assert plan.teachers_of(replace(AT, model=STANDALONE)) is None
    assert plan.teachers_of(replace(AT, model="trainable_standalone")) is None


def test_best_learns_from_the_same_teachers_in_every_architecture() -> None:
    plan = Plan(archs=("han.v1", "gru_att.v1", "textcnn.v1"), recipes=("best",), folds=2)
    own = {plan.teachers_of(replace(AT, arch=arch, model="best")) for arch in plan.archs}
    (teachers,) = own
    assert teachers is not None
    assert (teachers.arch, plan.config(teachers).batch_size) == ("gru_att.v1", 128)
    assert list(plan.cells()).count(teachers) == 1


def test_what_only_the_student_of_best_does_otherwise_leaves_its_teachers() -> None:
    plan = Plan(archs=("textcnn.v1",), recipes=("best", *(f"best_{loss}" for loss in BEST_LOSSES), "best_attention"))
    own = plan.teachers_of(replace(AT, arch="textcnn.v1", model="best_attention"))
    assert own is not None
    assert own.arch == "gru_att.v1"
    for loss in BEST_LOSSES:
        found = plan.teachers_of(replace(AT, arch="textcnn.v1", model=f"best_{loss}"))
        assert found == plan.teachers_of(replace(AT, arch="textcnn.v1", model="best"))
        assert plan.config(replace(AT, model=f"best_{loss}")).loss == f"{loss}.v1"
    assert not plan.applies("best_attention", "gru_att.v1")


def test_a_recipe_of_one_architecture_is_left_out_for_others() -> None:
    plan = Plan(archs=("textcnn.v1", "han.v1"), recipes=("kd", "label_attention"))
    models = {(key.arch, key.model) for key in plan.cells()}
    assert ("textcnn.v1", "label_attention") in models
    assert ("han.v1", "label_attention") not in models


def test_each_fold_and_seed_has_a_seed_of_its_own_that_the_architecture_does_not_move() -> None:
    plan = Plan(seeds=(0, 1))
    seeds = {plan.config(replace(AT, seed=seed, fold=fold)).seed for seed in (0, 1) for fold in range(5)}
    assert len(seeds) == 10
    assert plan.config(AT).seed == plan.config(replace(AT, arch="han.v1", model=TEACHER)).seed


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"archs": ("nothing.v1",)}, "arch"), ({"archs": ()}, "arch"), ({"recipes": ("kd", "kd")}, "recipes"),
        ({"recipes": ("best of all",)}, "recipes"), ({"seeds": ()}, "seeds"), ({"seeds": (-1,)}, "seeds"),
        ({"folds": 1}, "folds"), ({"settings": {"nothing": 1}}, "nothing"), ({"settings": {"seed": 1}}, "seed"),
        ({"settings": {"filters": "many"}}, "filters"), ({"settings": {"patience": 0}}, "patience"),
    ],
)  # fmt: skip
def test_what_cannot_be_planned_is_refused_by_name(changes: dict, field: str) -> None:
    with pytest.raises(BadSetting) as caught:
        Plan(**changes)
    assert caught.value.fields["field"] == field


def test_the_published_table_has_the_gains_that_the_paper_names() -> None:
    assert {arch for arch, _ in published.TABLE} == set(PUBLISHED_ARCHS)
    assert len(published.TABLE) == 12
    gains = {
        arch: [
            round(kd - alone, 2)
            for kd, alone in zip(published.TABLE[arch, "kd"], published.TABLE[arch, "standalone"], strict=True)
        ]
        for arch in PUBLISHED_ARCHS
    }
    assert [gains[arch][0] for arch in PUBLISHED_ARCHS] == [3.20, 2.25, 2.91, 3.27]
    assert [gains[arch][1] for arch in PUBLISHED_ARCHS] == [6.61, 4.11, 4.92, 6.19]
    assert [gains[arch][3] for arch in PUBLISHED_ARCHS] == [0.39, 0.95, 2.12, 1.83]
