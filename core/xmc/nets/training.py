"""How a matcher or a large head learns: AdamW, a linear warm-up and decay, gradients cut at length one."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.encoders.memory import refuse_too_little
from core.errors import BadSetting, TrainingDiverged
from core.seeds import numbers
from core.text.batches import shuffled

_NUMBER = 4  # bytes
_MOMENTS = 3  # a gradient and Adam's two moments
_ANSWERS = 6  # targets, logits, what the loss keeps of them, their gradients


@dataclass(frozen=True, kw_only=True)
class Training:
    """Units: ``warm_up`` and ``steps`` in batches; ``lr`` of what reads, ``head_lr`` of what stands on it."""

    steps: int = 1_000
    batch_size: int = 256
    lr: float = 5e-5
    head_lr: float = 5e-5
    warm_up: int = 100
    weight_decay: float = 0.0
    clip: float = 1.0

    def __post_init__(self) -> None:
        for field, least in (("steps", 1), ("batch_size", 1), ("warm_up", 0), ("weight_decay", 0)):
            if not getattr(self, field) >= least:
                raise BadSetting(field=field, value=getattr(self, field), why=f"≥ {least}")
        for field in ("lr", "head_lr", "clip"):
            if not 0 < getattr(self, field) < float("inf"):
                raise BadSetting(field=field, value=getattr(self, field), why="> 0")

    def share(self, step: int) -> float:
        """What of the learning rate counts at that step: it rises over ``warm_up`` steps, then falls to 0."""
        if step < self.warm_up:
            return (step + 1) / self.warm_up
        return (self.steps - step) / max(self.steps - self.warm_up, 1)


def trained(
    loss: Callable[[NDArray[np.int64]], Tensor],
    groups: Sequence[tuple[nn.Module, float]],
    texts: int,
    training: Training,
    *,
    seed: int,
    outputs: int = 0,
) -> Generator[float, None, None]:
    """Lessen ``loss`` of batches of positions; yields it after each step. ``groups`` are modules and their rates.

    ``outputs`` are the numbers that the modules answer a text with. Raises TooLittleMemory: before the first step, for
    gradients, moments and a batch's answers. TrainingDiverged: a loss that is no number; the modules keep the weights
    of the step before.
    """
    learned = sum(weight.numel() for module, _ in groups for weight in module.parameters())
    held = _MOMENTS * learned + _ANSWERS * min(training.batch_size, texts) * outputs
    refuse_too_little("training", _NUMBER * held, torch.device("cpu"))
    parts = [{"params": list(module.parameters()), "lr": lr} for module, lr in groups]
    adam = torch.optim.AdamW([part for part in parts if part["params"]], weight_decay=training.weight_decay)
    rates = [part["lr"] for part in adam.param_groups]
    weights = [weight for part in adam.param_groups for weight in part["params"]]
    for step, at in zip(range(training.steps), _batches(texts, training.batch_size, seed), strict=False):
        for part, rate in zip(adam.param_groups, rates, strict=True):
            part["lr"] = rate * training.share(step)
        value = loss(at)
        if not torch.isfinite(value):
            raise TrainingDiverged(lr=max(rates))
        adam.zero_grad(set_to_none=True)
        value.backward()
        nn.utils.clip_grad_norm_(weights, training.clip)
        adam.step()
        yield float(value.detach())


def _batches(texts: int, size: int, seed: int) -> Iterator[NDArray[np.int64]]:
    epoch = 0
    while True:
        yield from shuffled(texts, size, numbers(seed, "xmc", epoch))
        epoch += 1
