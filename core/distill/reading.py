"""A round's pretrained encoder: what heads stand on, and the vectors of texts that are asked more than once.

Frozen, it reads training, validation and gold texts once and keeps them under the data directory, and a round's
spliced texts for as long as the round lasts; the pool goes through it in a stream. Otherwise each head has a copy that
learns.
"""

from __future__ import annotations

import copy
import shutil
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from core.config import HEAD_ARCHS, RoundConfig
from core.encoders.classifier import Classifier, build_head
from core.encoders.features import Features
from core.encoders.load import Encoder, load
from core.encoders.reading import padded_hidden
from core.encoders.training import HeadPlan, Vectors
from core.errors import HeadNeedsEncoder
from core.models.base import best_device
from core.seeds import derive
from core.train.lanes import together

_BATCH = 32
_PREFIX = "encoder_"


def head_of(arch: str) -> str:
    """The name of an architecture's head. Raises HeadNeedsEncoder: it is none."""
    if arch not in HEAD_ARCHS:
        raise HeadNeedsEncoder(head=arch)
    return arch.removeprefix(_PREFIX)


class Reading:
    """The encoder that a config names, loaded."""

    def __init__(self, encoder: Encoder, cache: Path, config: RoundConfig) -> None:
        self.encoder, self.frozen, self.config = encoder, config.encoder_frozen, config
        self.max_tokens = min(config.encoder_tokens, encoder.longest)
        encoder.network.to(best_device())
        self.place = cache / "encoders"
        self.close()
        self.lasting = Features(encoder, self.place, max_tokens=self.max_tokens) if self.frozen else None
        self.passing = Features(encoder, self._spliced, max_tokens=self.max_tokens) if self.frozen else None

    @property
    def _spliced(self) -> Path:
        return self.place / "spliced"

    def close(self) -> None:
        """Forget what was kept for one round; also what a killed one has left."""
        shutil.rmtree(self._spliced, ignore_errors=True)

    def keep(self, texts: Sequence[str], *, passing: bool = False) -> Generator[float, None, None]:
        """Read texts that will be asked again, where that helps; yields the share that is read."""
        features = self.passing if passing else self.lasting
        if features is not None:
            with together(self.config):
                yield from features.of(texts)

    def vectors(self, texts: Sequence[str]) -> Vectors | None:
        """Those of texts that were kept; None where one was not."""
        parts = [each for each in (self.lasting, self.passing) if each is not None]
        found = [next((part for part in parts if text in part), None) for text in texts]
        if not all(each is not None for each in found):
            return None
        return [each.kept(text) for each, text in zip(found, texts, strict=True) if each is not None]

    def untrained(self, arch: str, label_keys: Sequence[str], seed: int) -> Classifier:
        """A head to be trained: over the one encoder where that is frozen, else over a copy of it."""
        own = self.encoder if self.frozen else replace(self.encoder, network=copy.deepcopy(self.encoder.network))
        head = build_head(head_of(arch), own, len(label_keys), seed=derive(seed, "head"))
        made = Classifier(
            encoder=own, head=head, name=head_of(arch), label_keys=tuple(label_keys), max_tokens=self.max_tokens
        )
        return made.to(best_device())

    def logit_steps(self, classifier: Classifier, texts: Sequence[str]) -> Generator[float, None, NDArray[np.float32]]:
        """What a head of this round says; kept vectors are used where there are any. Yields the share that is done.

        Shapes: → (N, K).
        """
        kept = self.vectors(texts) if self.frozen else None
        rows = kept if kept is not None else classifier.encoder.rows(texts, self.max_tokens)
        device = next(classifier.head.parameters()).device
        classifier.head.eval()
        classifier.encoder.network.eval()
        out = np.zeros((len(texts), len(classifier.label_keys)), dtype=np.float32)
        order = np.argsort([len(row) for row in rows], kind="stable")
        with together(self.config):
            for start in range(0, len(order), _BATCH):
                at = order[start : start + _BATCH]
                with torch.no_grad():
                    if kept is not None:
                        hidden, mask = (each.to(device) for each in padded_hidden([kept[n] for n in at]))
                    else:
                        hidden, mask = classifier.hidden([rows[n] for n in at])
                    out[at] = classifier.head(hidden, mask).float().cpu().numpy()
                yield min(1.0, (start + _BATCH) / len(order))
        return out


def plan_of(config: RoundConfig, seed: int) -> HeadPlan:
    """How a round trains a head."""
    return HeadPlan(
        head=head_of(config.arch), epochs=config.encoder_epochs, batch_size=config.batch_size, lr=config.encoder_lr,
        head_lr=config.head_lr, max_tokens=config.encoder_tokens, frozen=config.encoder_frozen,
        lowered=config.precision != "float32", seed=seed,
    )  # fmt: skip


def reading_of(config: RoundConfig, cache: Path) -> Reading | None:
    """None where no head is used. Raises EncoderUnavailable, TooLittleMemory: before a round spends its time."""
    if not config.uses_encoder:
        return None
    learning = not config.encoder_frozen
    encoder = load(config.encoder.strip(), batch=config.batch_size, tokens=config.encoder_tokens, learning=learning)
    return Reading(encoder, cache, config)
