"""A head and its encoder as a published student: a directory that needs nothing of what the encoder came from."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from core.encoders.classifier import Classifier, load_classifier, write
from core.errors import ModelUnavailable
from core.train.checkpoint import FORMAT, META

ENCODER = "encoder"


def save_head(directory: Path, classifier: Classifier, meta: dict[str, Any]) -> None:
    """Write the files and see them on disk; ``meta`` as ``core.train.checkpoint.save_model`` has it."""
    place = directory / ENCODER
    place.mkdir()
    write(place, classifier)
    text = json.dumps({"format": FORMAT, **meta}, ensure_ascii=False, indent=1, sort_keys=True)
    with (directory / META).open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def load_head(directory: Path, meta: dict[str, Any]) -> Classifier:
    """Raises EncoderUnavailable: a file is absent or damaged. ModelUnavailable: its labels are not the student's."""
    classifier = load_classifier(directory / ENCODER)
    if list(classifier.label_keys) != list(meta["label_keys"]):
        raise ModelUnavailable(name=str(directory), why="the head has other labels")
    return classifier
