"""A trained student as a directory: weights, vocabulary, and what is needed to read them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import BadSetting, ModelUnavailable
from core.models.base import TextModel
from core.models.registry import build
from core.on_disk import published, sync
from core.stored_config import as_run
from core.text.vocab import Vocab

__all__ = ["FORMAT", "META", "MODEL", "NEIGHBOURS", "VOCAB", "load_model", "published", "save_model"]

FORMAT = 1
MODEL, VOCAB, META = "model.pt", "vocab.json", "student.json"
NEIGHBOURS = "neighbours.npz"  # where training texts lie and what they carry; only of a student that asks them


def save_model(
    directory: Path,
    model: TextModel,
    vocab: Vocab,
    meta: dict[str, Any],
    neighbours: Mapping[str, NDArray[Any]] | None = None,
) -> None:
    """Write the files and see them on disk; ``meta`` holds config, label_keys and thresholds."""
    torch.save(model.state_dict(), directory / MODEL)
    (directory / VOCAB).write_text(vocab.to_json(), encoding="utf-8")
    text = json.dumps({"format": FORMAT, **meta}, ensure_ascii=False, indent=1, sort_keys=True)
    (directory / META).write_text(text, encoding="utf-8")
    if neighbours:
        np.savez(directory / NEIGHBOURS, allow_pickle=False, **neighbours)
    for name in (MODEL, VOCAB, META, *((NEIGHBOURS,) if neighbours else ())):
        sync(directory / name)


def load_model(directory: Path) -> tuple[TextModel, Vocab, dict[str, Any]]:
    """Raises ModelUnavailable: a file is absent or damaged, or written by newer code."""
    try:
        meta = json.loads((directory / META).read_text(encoding="utf-8"))
        vocab = Vocab.from_json((directory / VOCAB).read_text(encoding="utf-8"))
        state = torch.load(directory / MODEL, weights_only=True, map_location="cpu")
        if meta["format"] > FORMAT:
            raise ModelUnavailable(name=str(directory), why=f"format {meta['format']} > {FORMAT}")
        config = as_run(meta["config"])
        model = build(config.arch, state["vectors"], len(meta["label_keys"]), config, breaks=state.get("breaks"))
        model.load_state_dict(state)
    except (OSError, ValueError, KeyError, RuntimeError, BadSetting) as error:
        raise ModelUnavailable(name=str(directory), why=f"{type(error).__name__}: {error}") from error
    return model.eval(), vocab, meta
