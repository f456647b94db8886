"""The model card names everything by which its round departs from the published protocol."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from core.approximations import ADDITION, approximations, departures
from core.config import RoundConfig
from core.export.card import model_card

LABELS = [{"key": "a", "zh": "甲", "en": "A", "definition": "", "threshold": 0.4}]
CONFIGS = {
    "default": RoundConfig(),
    "everything": RoundConfig(
        arch="textcnn_att.v1", teacher_arch="textcnn.v1", teachers="stack", soft_targets="out_of_fold",
        hard_share=0.25, trainable_vectors=True, conversion="t2s", vectors_file="/home/me/wiki.bin", patience=3,
        teacher_patience=2, max_epochs=9, batch_size=8, lr=0.01, valid_share=0.2, vector_size=12,
        class_weights=(1.0, 5.0),
    ),
    "linear": RoundConfig(teachers="linear"),
}  # fmt: skip


def card(config: RoundConfig, **told: object) -> str:
    return model_card(LABELS, asdict(config), {"n_valid": 18, **told}, tokens=100)


@pytest.mark.parametrize("name", CONFIGS)
def test_every_departure_is_named_with_its_sentence_in_both_languages(name: str) -> None:
    config = CONFIGS[name]
    said = card(config)
    assert approximations(config)
    for each in departures(config):
        assert f"- `{each.code}`：{each.zh}{each.en}" in said
    additions = said.partition("## 論文之外 Beyond the paper")[2]
    assert bool(additions) == any(each.kind == ADDITION for each in departures(config))


def test_in_sample_targets_come_with_their_warning_and_others_without() -> None:
    told = "as published; they lean to 0 and 1"
    assert told in card(RoundConfig(soft_targets="in_sample"))
    assert told not in card(replace(RoundConfig(), soft_targets="out_of_fold"))


def test_a_student_of_moved_teachers_is_said_to_be_cut_at_one_half() -> None:
    moved = card(RoundConfig(soft_targets="out_of_fold"), n_valid=9)
    published = card(RoundConfig(soft_targets="in_sample", teachers="neural"), n_valid=9)
    assert "moved so that one half is the best cut" in moved
    assert "chosen on" not in moved
    assert "Thresholds were chosen on 9 validation texts." in published
    assert "`thresholds`" in published


def test_warnings_are_sentences_and_an_unheard_of_one_is_kept_as_it_is() -> None:
    said = card(RoundConfig(), warnings=[("TeacherDiverged", {"labels": "甲"}), ("NewCode", {"have": 3})])
    assert "老師模型的訓練數值失控：甲" in said
    assert "Training broke down for the teachers of: 甲" in said
    assert "`NewCode` have = 3" in said


def test_a_deeper_round_is_marked_and_no_place_of_this_machine_is_told() -> None:
    said = card(CONFIGS["everything"], round=4, deeper=True)
    assert "4（深入訓練 a deeper round）" in said
    assert "/home/me" not in said
    assert "wiki.bin" in said
    assert "a deeper round" not in card(RoundConfig(), round=4)


def test_an_older_students_settings_are_shown_as_they_are() -> None:
    old = {"arch": "textcnn.v1", "segmenter": "rjieba", "patience": 5}
    said = model_card(LABELS, old, {}, tokens=1)
    assert "`fast_sweep`" not in said, "it trained each teacher"
    assert "`segmenter`" in said
    assert "not understood" in model_card(LABELS, {"arch": "gone.v0"}, {}, tokens=1)
