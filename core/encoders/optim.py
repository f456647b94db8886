"""How an encoder is fine-tuned: BERT's Adam, a learning rate a layer, warm-up and linear decay, clipped gradients."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

_LAYER = re.compile(r"(?:^|\.)(?:layer|layers|albert_layer_groups|h)\.(\d+)\.")
_PLAIN = ("bias", "LayerNorm.weight", "layer_norm.weight", "full_layer_layer_norm.weight")  # not decayed


class BertAdam(torch.optim.Optimizer):
    """Adam with decoupled weight decay and without correction of its first moments, as BERT was trained."""

    def __init__(self, groups: Iterable[dict[str, Any]], lr: float, *, eps: float = 1e-6) -> None:
        super().__init__(groups, {"lr": lr, "betas": (0.9, 0.999), "eps": eps, "weight_decay": 0.01})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            first, second = group["betas"]
            for value in group["params"]:
                if value.grad is None:
                    continue
                held = self.state[value]
                if not held:
                    held["mean"], held["square"] = torch.zeros_like(value), torch.zeros_like(value)
                held["mean"].lerp_(value.grad, 1 - first)
                held["square"].mul_(second).addcmul_(value.grad, value.grad, value=1 - second)
                change = held["mean"] / held["square"].sqrt().add_(group["eps"])
                value.add_(change.add_(value, alpha=group["weight_decay"]), alpha=-group["lr"])


def layered(
    network: nn.Module, head: nn.Module, *, lr: float, head_lr: float, decay: float, weight_decay: float
) -> list[dict[str, Any]]:
    """Groups of parameters: each layer learns ``decay`` times as fast as the one above, embeddings slowest.

    Where layers share their weights (ALBERT) there is one layer. Biases and norms are not decayed.
    """
    named = [(name, value) for name, value in network.named_parameters() if value.requires_grad]
    depths = [depth_of(name) for name, _ in named]
    top = max(depths, default=0)
    rates = [lr * decay ** (top - depth) for depth in depths]
    groups: dict[tuple[float, float], list[Tensor]] = {}
    for (name, value), rate in zip(named, rates, strict=True):
        groups.setdefault((rate, _weight_decay(name, weight_decay)), []).append(value)
    for name, value in head.named_parameters():
        groups.setdefault((head_lr, _weight_decay(name, weight_decay)), []).append(value)
    return [{"params": values, "lr": rate, "peak": rate, "weight_decay": wd} for (rate, wd), values in groups.items()]


def depth_of(name: str) -> int:
    """0 for embeddings and what follows them, layer n for n + 1."""
    found = _LAYER.search(name)
    return int(found[1]) + 1 if found else 0


def _weight_decay(name: str, value: float) -> float:
    return 0.0 if name.endswith(_PLAIN) else value


def share_of_rate(step: int, steps: int, warm_up: float) -> float:
    """From 0 up to 1 over the first ``warm_up`` share of all steps, then straight down to 0 after the last.

    ``step`` counts from 0; the first step already learns.
    """
    rising = max(1, int(steps * warm_up))
    if step < rising:
        return (step + 1) / rising
    return max(0.0, (steps - step) / max(1, steps - rising))


def set_rate(optimizer: torch.optim.Optimizer, share: float) -> None:
    """Each group at that share of its own peak."""
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * share
