"""What a pretraining is to be: the sizes of encoders, and settings that decide its result."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from core.config import CONVERSIONS
from core.errors import BadSetting


@dataclass(frozen=True, kw_only=True)
class Size:
    """An encoder of ALBERT's form: one layer's weights used again and again, embeddings narrower than layers."""

    width: int
    layers: int
    heads: int
    inner: int
    embedding: int
    vocabulary: int  # at most
    max_tokens: int
    lr: float
    batch_tokens: int  # a step, padding included


SIZES: dict[str, Size] = {
    "tiny": Size(
        width=128, layers=3, heads=4, inner=512, embedding=64, vocabulary=8_000, max_tokens=256, lr=2e-3,
        batch_tokens=4_096,
    ),
    "mini": Size(
        width=256, layers=6, heads=4, inner=1_024, embedding=128, vocabulary=16_000, max_tokens=256, lr=1e-3,
        batch_tokens=8_192,
    ),
    # as albert_small_zh_google, which the published four heads stand on
    "small": Size(
        width=384, layers=6, heads=12, inner=1_536, embedding=128, vocabulary=21_128, max_tokens=512, lr=6e-4,
        batch_tokens=16_384,
    ),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class PretrainPlan:
    """All that decides the result, beside the texts."""

    size: str = "tiny"
    epochs: int = 1
    steps: int = 0  # 0: as many as the epochs have
    seed: int = 0
    conversion: str = ""
    start: str = ""  # folder or name of an encoder to go on from; then only the size's rate and batch count
    batch_tokens: int = 0  # 0: the size's
    lr: float = 0.0  # 0: the size's
    max_tokens: int = 0  # 0: the size's, or as long as the encoder reads
    mask_share: float = 0.15
    warm_up: float = 0.1
    weight_decay: float = 0.01
    clip: float = 1.0

    def __post_init__(self) -> None:
        bounds: dict[str, tuple[float, float]] = {
            "epochs": (1, 1000), "steps": (0, 10**7), "batch_tokens": (0, 10**6), "lr": (0, 0.1),
            "max_tokens": (0, 512), "mask_share": (0.01, 0.5), "warm_up": (0, 1),
        }  # fmt: skip
        for name, (low, high) in bounds.items():
            if not low <= getattr(self, name) <= high:
                raise BadSetting(field=name, value=getattr(self, name), why=f"{low:g} … {high:g}")
        if self.size not in SIZES:
            raise BadSetting(field="size", value=self.size, why=" | ".join(SIZES))
        if self.conversion not in CONVERSIONS:
            raise BadSetting(field="conversion", value=self.conversion, why=" | ".join(filter(None, CONVERSIONS)))
        if 0 < self.max_tokens < 8:
            raise BadSetting(field="max_tokens", value=self.max_tokens, why="≥ 8")

    @property
    def shape(self) -> Size:
        return SIZES[self.size]

    @property
    def rate(self) -> float:
        return self.lr or self.shape.lr

    @property
    def tokens_a_step(self) -> int:
        return self.batch_tokens or self.shape.batch_tokens

    def settings(self) -> dict[str, Any]:
        return asdict(self)
