"""An encoder with a head, as one model: built, saved as a folder, loaded again."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.encoders import load
from core.encoders.decoder import DecoderHead
from core.encoders.heads import ClsHead, DensesHead, Head, TextCNNHead, draw
from core.encoders.load import OURS, Encoder
from core.encoders.reading import Batch, batch_of, hidden_of
from core.errors import BadSetting, EncoderUnavailable, HeadNeedsHard
from core.text.batches import by_length
from core.text.hub import first_line, quiet
from core.train.checkpoint import published

HEADS: dict[str, type[Head]] = {
    "cls.v1": ClsHead,
    "textcnn.v1": TextCNNHead,
    "denses.v1": DensesHead,
    "seq2seq.v1": DecoderHead,
}
HEAD, META = "head.safetensors", "classifier.json"
_BATCH = 32


def build_head(name: str, encoder: Encoder, labels: int, *, seed: int = 0) -> Head:
    """An untrained head. Raises BadSetting: no head of that name, or no label."""
    if name not in HEADS:
        raise BadSetting(field="head", value=name, why=" | ".join(HEADS))
    if labels < 1:
        raise BadSetting(field="labels", value=labels, why="≥ 1")
    with torch.random.fork_rng(devices=[]):  # layers draw as they are made; what counts is drawn by seed
        made = HEADS[name](encoder.width, labels, mark_at_end=encoder.mark_at_end)
    draw(made, seed, encoder.pooler)
    return made


def refuse_soft(name: str, targets: NDArray) -> None:
    """Raises HeadNeedsHard: the head learns whole label sets, and these are probabilities."""
    if not HEADS[name].soft and not np.isin(targets, (0, 1)).all():
        raise HeadNeedsHard(head=name, known=", ".join(each for each, made in HEADS.items() if made.soft))


@dataclass(frozen=True, kw_only=True)
class Classifier:
    """What answers for texts. Positions of labels are those of ``label_keys``."""

    encoder: Encoder
    head: Head
    name: str  # of the head
    label_keys: tuple[str, ...]
    max_tokens: int

    def hidden(self, rows: Sequence[NDArray[np.int64]]) -> tuple[Tensor, Tensor]:
        """Shapes: → (B, T, D), mask (B, T)."""
        device = next(self.head.parameters()).device
        batch = batch_of(rows, self.encoder.pad, device=device)
        return hidden_of(self.encoder.network, batch), batch.mask

    def to(self, device: torch.device) -> Classifier:
        """The same one, moved in place."""
        self.encoder.network.to(device)
        self.head.to(device)
        return self

    @property
    def finite(self) -> bool:
        """Whether every weight is a number."""
        states = (self.encoder.network.state_dict(), self.head.state_dict())
        return all(bool(value.sum().isfinite()) for state in states for value in state.values())

    @torch.no_grad()
    def logits(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Shapes: → (N, K)."""
        self.encoder.network.eval()
        self.head.eval()
        rows = self.encoder.rows(texts, self.max_tokens)
        out = np.zeros((len(rows), len(self.label_keys)), dtype=np.float32)
        for at in by_length(rows, _BATCH):
            out[at] = self.head(*self.hidden([rows[n] for n in at])).float().cpu().numpy()
        return out


class Whole(nn.Module):
    """Tokens and mask to logits: what is exported."""

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self.network, self.head = classifier.encoder.network, classifier.head

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        return self.head(hidden_of(self.network, Batch(tokens, mask)), mask)


def save(directory: Path, classifier: Classifier) -> None:
    """The encoder's folder with a head beside it; whole or absent."""
    with published(directory) as place:
        write(place, classifier)


def write(place: Path, classifier: Classifier) -> None:
    """The same into a folder that is there; each file is on the disk afterwards."""
    from safetensors.torch import save_file

    with quiet():
        classifier.encoder.network.save_pretrained(str(place))
        classifier.encoder.tokenizer.save_pretrained(str(place))
    (place / OURS).write_text(json.dumps({"conversion": classifier.encoder.conversion}), encoding="utf-8")
    state = {name: value.detach().cpu().contiguous() for name, value in classifier.head.state_dict().items()}
    save_file(state, place / HEAD)
    meta = {"head": classifier.name, "label_keys": classifier.label_keys, "max_tokens": classifier.max_tokens}
    (place / META).write_text(json.dumps(meta, ensure_ascii=False), encoding="utf-8")
    for each in place.iterdir():
        if each.is_file():
            with open(each, "rb") as file:
                os.fsync(file.fileno())


def load_classifier(directory: Path) -> Classifier:
    """Raises EncoderUnavailable: a file is absent, damaged, or of another head."""
    load.library()
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    encoder = load.load(str(directory))
    try:
        meta: dict[str, Any] = json.loads((directory / META).read_text(encoding="utf-8"))
        head = build_head(meta["head"], encoder, len(meta["label_keys"]))
        head.load_state_dict(load_file(directory / HEAD))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError, BadSetting) as error:
        raise EncoderUnavailable(name=str(directory), why="corrupt", detail=first_line(error)) from error
    return Classifier(
        encoder=encoder, head=head.eval(), name=meta["head"], label_keys=tuple(meta["label_keys"]),
        max_tokens=int(meta["max_tokens"]),
    )  # fmt: skip
