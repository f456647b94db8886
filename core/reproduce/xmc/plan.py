"""What the comparison of ways for large label sets consists of: its cells, and the settings of all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from core.errors import BadSetting

BASELINES = ("svm", "linear", "ranker")  # one cell each: they draw nothing
SEEDED = ("recursive", "tree", "aplc")
MODELS = (*BASELINES, *SEEDED)
CHANGING = ("models", "seeds")  # may grow under one output directory
OF_ENCODER = ("encoder", "tokens", "encoder_lr")


@dataclass(frozen=True, kw_only=True)
class XmcPlan:
    """``depth`` of the tree (-1: by the published rule), ``kept`` clusters of a text, ``parts`` of adaptive clusters.

    Units: ``width`` of the reader, a projection of weighted words; ``steps`` and ``batch`` of the networks. With an
    ``encoder``, the digest of one, tree and clusters read by it, ``tokens`` of a text, and it learns at ``encoder_lr``.
    Raises BadSetting: a model that is not one of MODELS, none, one twice, no seed, a number out of bounds.
    """

    models: tuple[str, ...] = MODELS
    seeds: tuple[int, ...] = (0, 1, 2)
    depth: int = -1
    kept: int = 10
    parts: int = 2
    width: int = 128
    steps: int = 1_500
    batch: int = 64
    lr: float = 5e-3
    encoder: str = ""
    tokens: int = 128
    encoder_lr: float = 5e-4

    def __post_init__(self) -> None:
        for name in self.models:
            if name not in MODELS:
                raise BadSetting(field="models", value=name, why=" | ".join(MODELS))
        if not self.models or len(set(self.models)) < len(self.models):
            raise BadSetting(field="models", value=", ".join(self.models), why="one or more, each once")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds) or min(self.seeds) < 0:
            raise BadSetting(field="seeds", value=", ".join(map(str, self.seeds)), why="one or more, each once, ≥ 0")
        for field, least in (("depth", -1), ("kept", 1), ("parts", 1), ("width", 2), ("steps", 1), ("batch", 1)):
            if getattr(self, field) < least:
                raise BadSetting(field=field, value=getattr(self, field), why=f"≥ {least}")
        for field in ("lr", "encoder_lr"):
            if not 0 < getattr(self, field) < float("inf"):
                raise BadSetting(field=field, value=getattr(self, field), why="> 0")
        if not 8 <= self.tokens <= 512:
            raise BadSetting(field="tokens", value=self.tokens, why="8 … 512")

    def cells(self) -> Iterator[tuple[str, int]]:
        """(model, seed), in the order in which they are made."""
        for name in self.models:
            for seed in self.seeds if name in SEEDED else (0,):
                yield name, seed

    def frozen(self) -> dict[str, Any]:
        """What must not change under one output directory."""
        idle = () if self.encoder else OF_ENCODER
        return {name: value for name, value in asdict(self).items() if name not in (*CHANGING, *idle)}
