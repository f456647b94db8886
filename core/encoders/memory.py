"""How much memory an encoder takes, estimated before it starts: refused with the number rather than killed half-way."""

from __future__ import annotations

from typing import Any

import torch

from core.errors import TooLittleMemory
from core.free_memory import free_bytes

_NUMBER = 4  # bytes
_SPARE = 1.2  # the library itself, buffers, what an allocator leaves unused


def parameters_of(settings: Any) -> int:
    """How many numbers a network of these settings has, without making it."""
    from transformers import AutoModel

    with torch.device("meta"):
        return sum(value.numel() for value in AutoModel.from_config(settings).parameters())


def bytes_needed(
    settings: Any, parameters: int, *, batch: int, tokens: int, learning: bool, checkpointing: bool = False
) -> int:
    """Weights, gradient and two moments; and what the way back keeps of a batch, or one layer's where nothing learns.

    A layer keeps 17 numbers a token and unit of width, and 2.5 an attended pair and head; with ``checkpointing`` it
    keeps its input alone, and one layer at a time is worked out again. In float32.
    """
    width, layers = int(settings.hidden_size), int(settings.num_hidden_layers)
    heads = int(settings.num_attention_heads)
    one_layer = _NUMBER * batch * tokens * (17 * width + 2.5 * heads * tokens)
    inputs = _NUMBER * batch * tokens * width
    if not learning:
        held = one_layer
    elif checkpointing:
        held = layers * inputs + one_layer
    else:
        held = layers * one_layer
    copies = 4 if learning else 1
    return int(_SPARE * (_NUMBER * copies * parameters + held))


def bytes_free(device: torch.device) -> int | None:
    """What is free there, of the machine's or of what this container may have; None where nobody says."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return free_bytes()


def refuse_too_little(what: str, need: int, device: torch.device) -> None:
    """Raises TooLittleMemory: less is free than is needed."""
    have = bytes_free(device)
    if have is not None and need > have:
        raise TooLittleMemory(what=what, need_mb=-(-need // 2**20), have_mb=have // 2**20)
