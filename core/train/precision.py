"""Which numbers a training step is computed in: bfloat16 where the hardware multiplies it faster, else float32.

Weights, gradients' sums, Adam and every answer stay float32; only the products of a training step are rounded
(``torch.autocast``). A stack's own engines compute in float32, so rounded steps go through the modules.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from core.config import RoundConfig


def lowered(config: RoundConfig, device: torch.device) -> bool:
    """Whether training steps there are computed in bfloat16."""
    if config.precision == "auto":
        return device.type == "cuda" and torch.cuda.is_bf16_supported()
    return config.precision == "bfloat16"


def stepping(config: RoundConfig, device: torch.device) -> AbstractContextManager:
    """What a training step's forward pass runs in; the way back follows it by itself."""
    return torch.autocast(device.type, dtype=torch.bfloat16) if lowered(config, device) else nullcontext()
