"""Everything by which a round departs from the published protocol has a name, and a sentence in both languages."""

from __future__ import annotations

import re
from dataclasses import fields, replace

import pytest

from core.approximations import _RULES, ADDITION, APPROXIMATION, approximations, deeper, departures
from core.config import ARCHS, HEAD_ARCHS, RoundConfig

PUBLISHED = RoundConfig(
    segmenter="ckip", max_tokens=300, sweep="exact", patience=10, soft_targets="in_sample", hard_share=0.0, spliced=0.0,
    student_epoch="best",
    teachers="neural", teacher_arch="", teacher_patience=0, teacher_steps=0, arch="textcnn.v1",
    trainable_vectors=False, conversion="",
)  # fmt: skip
UNSTATED = {"own_vectors", "sizes", "teacher_choice", "thresholds", "one_gold_set"}  # in any round
# Each field of a round in another than the published way, and what then has to be named.
OTHER = {
    "arch": ("textcnn_att.v1", "label_attention"),
    "segmenter": ("rjieba", "segmenter"),
    "conversion": ("t2s", "conversion"),
    "max_tokens": (512, "max_tokens"),
    "vector_size": (100, "vector_size"),
    "vectors_file": ("/somewhere/mine.bin", "given_vectors"),
    "trainable_vectors": (True, "trainable_vectors"),
    "class_weights": ((0.5, 1.0), "class_weights"),
    "sweep": ("fast", "fast_sweep"),
    "teachers": ("best", "best_teachers"),
    "teacher_arch": ("han.v1", "teacher_arch"),
    "soft_targets": ("out_of_fold", "out_of_fold"),
    "thresholds": ("micromacro", "threshold_rule"),
    "calibration": ("auto", "calibration"),
    "neighbours": ("auto", "neighbours"),
    "loss": ("db.v1", "loss"),
    "soft_loss": ("fl.v1", "soft_loss"),
    "teacher_loss": ("cb_ntr.v1", "teacher_loss"),
    "hard_share": (0.5, "hard_share"),
    "spliced": (2.0, "spliced"),
    "student_epoch": ("last", "student_epoch"),
    "batch_size": (64, "batch_size"),
    "lr": (0.002, "lr"),
    "max_epochs": (10, "max_epochs"),
    "patience": (5, "patience"),
    "teacher_patience": (3, "teacher_patience"),
    "teacher_steps": (200, "teacher_steps"),
    "teacher_batch_size": (64, "teacher_batch_size"),
    "precision": ("bfloat16", "precision"),
    "valid_share": (0.2, "valid_share"),
}
SIZES = {
    "filters": "textcnn.v1", "chunks": "textcnn.v1", "hidden": "textcnn.v1", "rnn_hidden": "textrnn.v1",
    "gru_hidden": "gru_att.v1", "han_hidden": "han.v1", "sentence_tokens": "han.v1", "dropout": "textcnn.v1",
}  # fmt: skip
OF_ENCODERS = {"encoder", "encoder_tokens", "encoder_frozen", "encoder_epochs", "encoder_lr", "head_lr"}  # heads alone
OF_TREES = {"label_model", "tree_from"}  # in place of all of it: see test_label_model
WITHOUT_EFFECT = {"threads", "seed", "oof_folds"}  # of the protocol; the folds are told with out_of_fold


def test_the_published_protocol_names_only_what_the_paper_leaves_open() -> None:
    assert set(approximations(PUBLISHED)) == UNSTATED
    gru = replace(PUBLISHED, arch="gru_att.v1", batch_size=128)
    assert set(approximations(gru)) == UNSTATED
    assert "batch_size" in approximations(replace(gru, batch_size=32))


@pytest.mark.parametrize("name", OTHER)
def test_each_field_that_differs_is_named(name: str) -> None:
    value, code = OTHER[name]
    assert code not in approximations(PUBLISHED)
    assert code in approximations(replace(PUBLISHED, **{name: value}))


@pytest.mark.parametrize("name", SIZES)
def test_each_size_is_told(name: str) -> None:
    config = replace(PUBLISHED, arch=SIZES[name], **{name: 0.25 if name == "dropout" else 7})
    (sizes,) = (each for each in departures(config) if each.code == "sizes")
    assert f"{name} = {getattr(config, name)}" in sizes.zh
    assert f"{name} = {getattr(config, name)}" in sizes.en


def test_no_field_of_a_round_is_forgotten() -> None:
    elsewhere = OF_ENCODERS | OF_TREES | WITHOUT_EFFECT
    assert {field.name for field in fields(RoundConfig)} == OTHER.keys() | SIZES.keys() | elsewhere


@pytest.mark.parametrize("arch", ARCHS)
def test_every_sentence_is_whole_in_both_languages(arch: str) -> None:
    configs = [RoundConfig(arch=arch), *(replace(RoundConfig(arch=arch), **{k: v}) for k, (v, _) in OTHER.items())]
    configs.append(RoundConfig(arch=arch, teachers="stack"))
    configs.append(RoundConfig(arch=arch, teachers="linear"))
    for config in configs:
        assert [each.code for each in departures(config)] == list(approximations(config))
        for each in departures(config):
            assert each.kind in (APPROXIMATION, ADDITION)
            assert re.search(r"[\u4e00-\u9fff]", each.zh)
            assert not re.search(r"[\u4e00-\u9fff]", each.en)
            assert "{" not in each.zh + each.en


def test_a_vectors_file_is_told_by_its_name_alone() -> None:
    told = " ".join(each.zh + each.en for each in departures(RoundConfig(vectors_file="/home/me/secret/wiki.bin")))
    assert "wiki.bin" in told
    assert "secret" not in told


def test_linear_teachers_are_not_told_of_networks() -> None:
    told = set(approximations(RoundConfig(teachers="linear", teacher_arch="han.v1", class_weights=(1.0,))))
    of_networks = {"fast_sweep", "class_weights", "teacher_arch", "teacher_choice", "teacher_patience", "teacher_steps"}
    assert not told & of_networks
    assert len({rule.code for rule in _RULES}) == len(_RULES)


def test_a_deeper_round_approximates_less() -> None:
    deep = deeper(RoundConfig(max_epochs=12))
    assert not {"patience", "max_epochs"} & set(approximations(deep))
    assert deep.spliced > RoundConfig().spliced
    assert deeper(deep) == deep
    assert (deep.seed, deep.valid_share, deep.segmenter) == (0, 0.15, RoundConfig().segmenter), (
        "the same texts held out"
    )


@pytest.mark.parametrize("arch", HEAD_ARCHS)
@pytest.mark.parametrize("frozen", [True, False])
def test_heads_are_named_as_teachers_and_as_students(arch: str, frozen: bool) -> None:
    given = {"encoder": "/home/me/secret/albert", "encoder_frozen": frozen, "encoder_epochs": 7}
    taught = RoundConfig(teacher_arch=arch, **given)
    assert "head_teacher" in approximations(taught)
    assert not {"fast_sweep", "class_weights", "teacher_choice", "teacher_steps"} & set(approximations(taught))
    alone = RoundConfig(arch=arch, teacher_arch="", hard_share=1.0, spliced=0.0, **given)
    assert {"head_student", "head_teacher"} <= set(approximations(alone))
    assert not {"sizes", "segmenter", "own_vectors", "max_tokens", "student_epoch"} & set(approximations(alone))
    for each in (*departures(taught), *departures(alone)):
        assert "{" not in each.zh + each.en
        assert "secret" not in each.zh + each.en
    (said,) = (each for each in departures(alone) if each.code == "head_student")
    assert "albert" in said.en
    assert "7" in said.zh
    assert ("stays" in said.en) == frozen


def test_a_deeper_round_keeps_the_head_that_teaches() -> None:
    assert deeper(RoundConfig(teacher_arch="encoder_cls.v1", encoder="albert")).teacher_arch == "encoder_cls.v1"
    alone = RoundConfig(arch="encoder_seq2seq.v1", encoder="albert", hard_share=1.0, spliced=0.0)
    assert deeper(alone).spliced == 0.0
