"""An encoder to measure speed with: the form and vocabulary that pretraining would give it, weights drawn at random."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def make(place: Path, texts: Sequence[str], *, size: str = "tiny", seed: int = 0) -> Path:
    """A folder that ``core.encoders.load.load`` takes. Raises EncoderUnavailable: the extra is not installed."""
    from core.encoders.pretrain.network import fresh
    from core.encoders.pretrain.plan import PretrainPlan
    from core.encoders.pretrain.vocabulary import train

    plan = PretrainPlan(size=size, seed=seed)
    tokenizer = train(texts, plan.shape.vocabulary, plan.shape.max_tokens)
    fresh(plan, len(tokenizer)).base_model.save_pretrained(place)
    tokenizer.save_pretrained(place)
    return place
