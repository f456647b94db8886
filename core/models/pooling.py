"""Dynamic max pooling: the maximum of each of p equal stretches of a document's own length (liu2017xmlcnn)."""

from __future__ import annotations

import torch
from torch import Tensor


def dynamic_max_pool(features: Tensor, lengths: Tensor, chunks: int) -> Tensor:
    """Position t of a document of length n belongs to chunk ⌊t·p/n⌋; positions past the length to none.

    A chunk without a position (a document shorter than p) is zero. Written with masks and ``amax`` because adaptive
    pooling neither respects each document's own length nor exports to ONNX.
    Shapes: features (B, T, F), non-negative; lengths (B,) → (B, p·F), chunk by chunk.
    """
    positions = torch.arange(features.shape[1], device=features.device)
    chunk_of = positions * chunks // lengths.clamp(min=1).unsqueeze(1)  # (B, T)
    real = positions < lengths.unsqueeze(1)
    pooled = [
        torch.where((real & (chunk_of == chunk)).unsqueeze(2), features, 0.0).amax(dim=1)  # (B, F)
        for chunk in range(chunks)
    ]
    return torch.cat(pooled, dim=1)
