"""Settings are checked when made, survive JSON, and refuse what must not run."""

from __future__ import annotations

import pytest

from core.approximations import departures
from core.config import HEAD_ARCHS, SET_HEADS, ProjectSettings, RoundConfig, Runtime
from core.errors import BadSetting, CannotStart, HeadNeedsEncoder, HeadNeedsHard


def test_settings_survive_json() -> None:
    made = ProjectSettings(round_every=7, suggestions=True, round=RoundConfig(class_weights=(1.0, 2.0), seed=3))
    assert ProjectSettings.from_json(made.to_json()) == made


@pytest.mark.parametrize(
    ("cls", "values"),
    [
        (ProjectSettings, {"round_every": 0}),
        (ProjectSettings, {"overlap": 21}),
        (ProjectSettings, {"gold_share": -0.1}),
        (ProjectSettings, {"lease_s": True}),
        (ProjectSettings, {"nonsense": 1}),
        (RoundConfig, {"class_weights": []}),
        (RoundConfig, {"class_weights": [0.0]}),
        (RoundConfig, {"lr": "fast"}),
        (RoundConfig, {"max_tokens": 0}),
        (ProjectSettings, {"round": {"dropout": 2}}),
    ],
)
def test_a_setting_outside_its_bounds_is_refused_by_name(cls: type, values: dict) -> None:
    with pytest.raises(BadSetting) as caught:
        cls.from_mapping(values)  # type: ignore[attr-defined]
    assert caught.value.fields["field"] in str(values)


def test_the_default_listens_on_this_computer_alone() -> None:
    assert Runtime.from_env({}).host == "127.0.0.1"


def test_an_open_network_needs_a_list_of_hosts() -> None:
    for hosts in ("", "*", "a.example, *"):
        with pytest.raises(CannotStart):
            Runtime.from_env({"HOST": "0.0.0.0", "ALLOWED_HOSTS": hosts})
    opened = Runtime.from_env({"HOST": "0.0.0.0", "ALLOWED_HOSTS": "lab.example.org, 10.0.0.5"})
    assert {"lab.example.org", "10.0.0.5"} <= set(opened.allowed_hosts)


@pytest.mark.parametrize("port", ["0", "70000", "abc", "-1"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(CannotStart):
        Runtime.from_env({"PORT": port})


@pytest.mark.parametrize(
    ("name", "value"),
    [("trainable_vectors", "False"), ("batch_size", 32.5), ("vectors_file", 5), ("class_weights", 3),
     ("class_weights", (1, float("nan"))), ("seed", "x"), ("max_tokens", True)],
)  # fmt: skip
def test_a_setting_of_another_kind_is_refused(name: str, value: object):
    with pytest.raises(BadSetting):
        RoundConfig.from_mapping({name: value})


def test_a_teacher_learns_for_so_many_steps_in_whole_epochs() -> None:
    config = RoundConfig(teacher_steps=360, max_epochs=30, batch_size=32)
    assert config.teacher_epochs(texts=320) == 30  # ten steps an epoch: 36 would be asked for, 30 are allowed
    assert config.teacher_epochs(texts=1_600) == 8  # fifty steps
    assert config.teacher_epochs(texts=100_000) == 5  # never fewer
    assert RoundConfig(teacher_steps=0).teacher_epochs(texts=100_000) == 30
    assert RoundConfig(teacher_steps=10, max_epochs=3).teacher_epochs(texts=1_600) == 3
    assert RoundConfig(teacher_steps=360, teacher_batch_size=64).teacher_epochs(texts=3_200) == 8


@pytest.mark.parametrize("arch", HEAD_ARCHS)
def test_a_head_asks_for_an_encoder_wherever_it_stands(arch: str) -> None:
    for given in ({"arch": arch}, {"teacher_arch": arch}, {"teacher_arch": arch, "encoder": "  "}):
        with pytest.raises(HeadNeedsEncoder):
            RoundConfig.from_mapping(given)
    taught = RoundConfig(teacher_arch=arch, encoder="albert")
    assert taught.of_teachers.arch == arch
    assert taught.uses_encoder
    assert taught.uses_vectors
    unused = RoundConfig(teacher_arch=arch, teachers="linear")  # linear teachers alone: no network is asked
    assert not unused.uses_encoder


def test_a_head_of_whole_sets_learns_no_probabilities() -> None:
    (arch,) = SET_HEADS
    for given in ({}, {"hard_share": 1.0}, {"spliced": 0.0}):
        with pytest.raises(HeadNeedsHard) as error:
            RoundConfig.from_mapping({"arch": arch, "encoder": "albert", **given})
        assert arch not in error.value.fields["known"]
    alone = RoundConfig(arch=arch, encoder="albert", hard_share=1.0, spliced=0.0, teacher_arch="")
    assert not alone.uses_vectors
    with pytest.raises(BadSetting):
        RoundConfig(teacher_arch=arch, encoder="albert", teacher_loss="fl.v1")


def test_heads_are_not_asked_for_neighbours() -> None:
    with pytest.raises(BadSetting) as error:
        RoundConfig(arch="encoder_cls.v1", encoder="albert", neighbours="auto")
    assert error.value.fields["field"] == "neighbours"


def test_a_config_of_before_there_were_encoders_loads() -> None:
    old = {name: value for name, value in vars(RoundConfig()).items() if "encoder" not in name and name != "head_lr"}
    assert RoundConfig.from_mapping(old) == RoundConfig()


@pytest.mark.parametrize(
    "given",
    [
        {"teacher_arch": "encoder_cls.v1", "neighbours": "auto"},
        {"teacher_arch": "encoder_seq2seq.v1", "loss": "db.v1"},
        {"teacher_arch": "encoder_seq2seq.v1", "spliced": 3.0, "hard_share": 0.3},
        {"teachers": "linear", "teacher_arch": "encoder_cls.v1", "encoder": ""},
    ],
)
def test_what_only_the_student_does_is_not_asked_of_its_teachers(given: dict) -> None:
    """What is accepted for a round has to be so for its teachers, by whom pages and cards tell what was done."""
    config = RoundConfig.from_mapping({"encoder": "some-folder", **given})
    teachers = config.of_teachers
    assert teachers.neighbours == "off" or teachers.arch not in HEAD_ARCHS
    assert departures(config)
    if config.teachers == "linear":
        assert not teachers.uses_encoder
