"""What a configuration that lies on disk means today, where it is older than some setting.

Two kinds. What a lead set for a project is a *wish*: what it never named follows today's defaults, so it is stored as
no more than what differs from them (``ProjectSettings.wishes``) and read by ``ProjectSettings.from_json``. What a
round, a student or a reproduced cell was made with is a *fact*: it is stored whole, and a setting that it does not
name did not exist yet; here stands what was done then, and no later default changes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from core.config import RoundConfig
from core.errors import BadSetting

# Every setting, so that none is forgotten: as the first version had it, or as rounds did before it came to be.
BEFORE: Mapping[str, Any] = {
    "arch": "textcnn.v1",
    "segmenter": "rjieba",
    "conversion": "",
    "max_tokens": 300,
    "vector_size": 100,
    "vectors_file": "",
    "trainable_vectors": False,
    "filters": 128,
    "chunks": 2,
    "hidden": 512,
    "rnn_hidden": 128,
    "gru_hidden": 64,
    "han_hidden": 50,
    "sentence_tokens": 40,
    "encoder": "",
    "encoder_tokens": 256,
    "encoder_frozen": True,
    "encoder_epochs": 20,
    "encoder_lr": 5e-5,
    "head_lr": 1e-3,
    "dropout": 0.5,
    "class_weights": (0.05, 0.1, 0.5, 1.0, 2.0, 3.0, 5.0),
    "sweep": "exact",
    "teachers": "neural",
    "teacher_arch": "",
    "soft_targets": "in_sample",
    "oof_folds": 3,
    "hard_share": 0.0,
    "loss": "bce.v1",
    "soft_loss": "bce.v1",
    "teacher_loss": "bce.v1",
    "spliced": 0.0,
    "student_epoch": "best",
    "batch_size": 32,
    "lr": 1e-3,
    "max_epochs": 30,
    "patience": 5,
    "teacher_patience": 0,
    "teacher_steps": 0,
    "teacher_batch_size": 0,
    "label_model": "flat",
    "tree_from": 200,
    "valid_share": 0.15,
    "thresholds": "auto",
    "calibration": "none",
    "neighbours": "off",
    "precision": "float32",
    "threads": 0,
    "seed": 0,
}


def whole(fact: Mapping[str, Any]) -> dict[str, Any]:
    """A stored fact with every setting named, as JSON has them; what it says beyond settings stays."""
    return {**json.loads(json.dumps(BEFORE)), **fact}


def as_run(fact: Mapping[str, Any]) -> RoundConfig:
    """The config that something was made with. Raises BadSetting: it names what this code does not know."""
    return RoundConfig.from_mapping(whole(fact))


def stored(fact: Mapping[str, Any]) -> RoundConfig | None:
    """The same, to be shown or compared: settings that are no more are passed over; None where it is not understood."""
    known = {field.name for field in fields(RoundConfig)}
    try:
        return as_run({name: value for name, value in fact.items() if name in known})
    except (BadSetting, TypeError):
        return None
