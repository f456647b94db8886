"""The comparison of heads: which, over which encoder, on which folds; and the published figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from core.errors import BadSetting

# Precision, recall, F1 in per cent, and time relative to the first. hellonlp's classifier-multi-label: an ALBERT of six
# layers pretrained on large Chinese corpora, product reviews that are not public, most of them without a label, and a
# figure that counts per text what share of labels was right, not micro-F1.
PUBLISHED: dict[str, tuple[float, float, float, float]] = {
    "cls.v1": (96.03, 85.20, 90.29, 1.0),
    "textcnn.v1": (95.70, 86.66, 90.95, 1.1),
    "denses.v1": (96.18, 86.22, 90.93, 1.1),
    "seq2seq.v1": (95.89, 86.78, 91.11, 6.0),
}
GIVEN, DRAWN = "given", "drawn"  # the encoder as it is, or its form with weights drawn at random
STUDENT, ALONE = "student", "alone"  # a TextCNN taught by the head over the given encoder, and the same without it
SMALL = (STUDENT, ALONE)


class Key(NamedTuple):
    """One head over one encoder, tested on one fold."""

    encoder: str  # GIVEN, DRAWN, STUDENT or ALONE
    head: str
    seed: int
    fold: int

    @property
    def name(self) -> str:
        return f"{self.encoder}-{self.head}-{self.seed}-{self.fold}"


@dataclass(frozen=True, kw_only=True)
class HeadsPlan:
    """All that decides the result, beside corpus and encoder."""

    heads: tuple[str, ...] = tuple(PUBLISHED)
    encoders: tuple[str, ...] = (GIVEN,)
    seeds: tuple[int, ...] = (0,)
    folds: int = 5
    tested: int = 0  # so many of the folds are tested; 0: all
    epochs: int = 5
    batch_size: int = 32
    lr: float = 5e-5
    head_lr: float = 1e-3
    max_tokens: int = 256
    frozen: bool = False

    def __post_init__(self) -> None:
        for name in self.heads:
            if name not in PUBLISHED:
                raise BadSetting(field="heads", value=name, why=" | ".join(PUBLISHED))
        if not self.heads or not self.seeds:
            raise BadSetting(field="seeds" if self.heads else "heads", value="", why="≥ 1")
        if STUDENT in self.encoders and GIVEN not in self.encoders[: self.encoders.index(STUDENT)]:
            raise BadSetting(field="encoders", value=self.encoders, why=f"{GIVEN} < {STUDENT}")
        if self.folds < 2 or not 0 <= self.tested <= self.folds:
            raise BadSetting(field="folds", value=f"{self.tested}/{self.folds}", why="2 …")

    def cells(self) -> Iterator[Key]:
        for seed in self.seeds:
            for fold in range(self.tested or self.folds):
                for encoder in self.encoders:
                    for head in self.heads[:1] if encoder == ALONE else self.heads:
                        yield Key(encoder, head, seed, fold)

    def settings(self) -> dict[str, Any]:
        return asdict(self)
