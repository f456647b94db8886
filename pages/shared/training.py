"""How rounds are trained: the settings in words, and the fields of the form."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import streamlit as st

from core.approximations import Departure
from core.config import (
    ARCHS,
    BINARY_LOSSES,
    CALIBRATIONS,
    CONVERSIONS,
    HEAD_ARCHS,
    LABEL_MODELS,
    LOSSES,
    NEIGHBOURS,
    PRECISIONS,
    SEGMENTERS,
    SOFT_LOSSES,
    SOFT_TARGETS,
    STUDENT_EPOCHS,
    SWEEPS,
    TEACHERS,
    THRESHOLDS,
    RoundConfig,
)
from core.errors import BadSetting, HeadNeedsEncoder, HeadNeedsHard
from pages.shared.i18n import catalogue, lang, listed, spoken, t

CHOICES: dict[str, tuple[str, ...]] = {
    "arch": (*ARCHS, *HEAD_ARCHS),
    "sweep": SWEEPS,
    "soft_targets": SOFT_TARGETS,
    "teachers": TEACHERS,
    "label_model": LABEL_MODELS,
    "segmenter": SEGMENTERS,
    "conversion": CONVERSIONS,
    "teacher_arch": ("", *ARCHS, *HEAD_ARCHS),
    "student_epoch": STUDENT_EPOCHS,
    "precision": PRECISIONS,
    "loss": LOSSES,
    "thresholds": THRESHOLDS,
    "calibration": CALIBRATIONS,
    "neighbours": NEIGHBOURS,
    "soft_loss": SOFT_LOSSES,
    "teacher_loss": BINARY_LOSSES,
}
AS = {"teacher_arch": "arch", "soft_loss": "loss", "teacher_loss": "loss"}  # whose values go by the same words
MAIN = ("arch", "segmenter", "sweep", "soft_targets", "teachers")  # what matters first, and in whose words a round is
FIRST = ("arch", "teacher_arch", "encoder", "segmenter", "sweep", "soft_targets", "teachers")  # on the form
EXPERT: dict[str, tuple[str, ...]] = {
    "labels": ("label_model", "tree_from"),
    "text": ("conversion", "max_tokens", "vectors_file", "vector_size", "trainable_vectors"),
    "targets": ("class_weights", "oof_folds", "hard_share", "spliced", "student_epoch"),
    "losses": ("loss", "soft_loss", "teacher_loss", "thresholds", "calibration", "neighbours"),
    "course": (
        "patience", "teacher_patience", "teacher_steps", "max_epochs", "batch_size", "teacher_batch_size", "lr",
        "dropout", "valid_share", "precision", "threads", "seed",
    ),
    "encoder": ("encoder_frozen", "encoder_epochs", "encoder_tokens", "encoder_lr", "head_lr"),
    "sizes": ("filters", "chunks", "hidden", "rnn_hidden", "gru_hidden", "han_hidden", "sentence_tokens"),
}  # fmt: skip


def value_words(name: str, value: str) -> str:
    """A chosen value as people call it; one without words is shown as it is."""
    slug = value.replace(".", "_")
    key = f"training.{AS.get(name, name) if value else name}_{slug}"
    return t(key) if key in catalogue() else value


def summary(config: RoundConfig) -> str:
    """A round's main settings on one line."""
    if config.label_model == "tree":
        return value_words("label_model", "tree")
    teacher = config.used_archs[-1]
    more = [t("training.taught_by", name=value_words("arch", teacher))] if teacher in HEAD_ARCHS else []
    return " · ".join([*(value_words(name, getattr(config, name)) for name in MAIN), *more])


def said(departure: Departure) -> str:
    """A departure in the reader's language."""
    return departure.en if lang() == "en" else departure.zh


def main_fields(now: RoundConfig, project_id: int) -> dict[str, Any]:
    """The handful that matters, two a line. A key holds the project, so that another project shows its own values."""
    return _columns(FIRST, now, project_id, 2)


def expert_fields(now: RoundConfig, project_id: int) -> dict[str, Any]:
    """All the others, by what they concern."""
    found: dict[str, Any] = {}
    for group, names in EXPERT.items():
        st.markdown(f"**{t(f'training.group_{group}')}**")
        found |= _columns(names, now, project_id, 3)
    return found


def read(now: RoundConfig, entered: dict[str, Any]) -> RoundConfig:
    """The config with what was entered. Raises BadSetting, HeadNeedsEncoder, HeadNeedsHard: in the form's words."""
    try:
        weights = numbers(entered["class_weights"])
        typed = {name: entered[name].strip() for name in ("vectors_file", "encoder")}
        return replace(now, **{**entered, "class_weights": weights, **typed})
    except BadSetting as error:
        name = str(error.fields["field"])
        raise BadSetting(**{**error.fields, "field": t(f"training.{name}")}) from error
    except (HeadNeedsEncoder, HeadNeedsHard) as error:
        told = {name: _named(str(value)) for name, value in error.fields.items()}
        raise type(error)(**told) from error


def _named(archs: str) -> str:
    """Architectures between commas, as people call them."""
    return listed(value_words("arch", one) for one in archs.split(", "))


def numbers(text: str) -> tuple[float, ...]:
    """Numbers between commas or blanks. Raises BadSetting."""
    try:
        return tuple(float(part) for part in re.split(r"[,，、;；\s]+", text.strip()) if part)
    except ValueError as error:
        raise BadSetting(field="class_weights", value=text, why="0.5, 1, 2") from error


def _columns(names: tuple[str, ...], now: RoundConfig, project_id: int, n: int) -> dict[str, Any]:
    """Line by line: a switch, which is lower than a field, stands beside its neighbours, and on a telephone all keep
    their order.
    """
    found = {}
    for line in (names[at : at + n] for at in range(0, len(names), n)):
        for name, column in zip(line, st.columns(n, gap="small", vertical_alignment="bottom"), strict=False):
            with column:
                found[name] = _field(name, getattr(now, name), f"round_{name}_{project_id}")
    return found


def _field(name: str, value: Any, key: str) -> Any:
    """The widget that fits a value. Bounds are not the widget's: RoundConfig knows them, and says them."""
    more: dict[str, Any] = {"key": key, "help": t(f"training.{name}_help")}
    label = t(f"training.{name}")
    if name in CHOICES:
        choices = CHOICES[name]
        words: Callable[[str], str] = lambda one: value_words(name, one)  # noqa: E731
        return st.selectbox(
            label, choices, index=choices.index(value), format_func=words, **more | {"key": spoken(key)}
        )
    kind = type(getattr(RoundConfig(), name))  # not the value's: the command line may have stored 0 for 0.0
    if kind is bool:
        return st.toggle(label, value=value, **more)
    if kind is int:
        return int(st.number_input(label, value=value, step=1, **more))
    if kind is float:
        step = {"lr": 0.0005, "head_lr": 0.0005, "encoder_lr": 0.00001}.get(name, 0.05)
        return float(st.number_input(label, value=float(value), step=step, format="%g", **more))
    return st.text_input(label, value=", ".join(f"{w:g}" for w in value) if isinstance(value, tuple) else value, **more)
