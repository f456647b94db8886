"""Recurrence over documents of unequal length without any padding, for many models at once.

Documents are sorted by length, so that the rows of a step are the first of the step before; both directions of a
bidirectional layer then have the same shape. What multiplies frozen vectors is computed once for each distinct token.
On a CPU the loops are compiled (``core.models.recurrent_kernels``); without numba, and on a GPU, the same sums are
written in plain torch, which is also what the compiled ones are tested against.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

try:
    from core.models import attention_kernels, recurrent_kernels
except ImportError:  # no numba: the plain sums below
    COMPILED = False
else:
    COMPILED = True


@dataclass(frozen=True)
class Runs:
    """N sequences as rows, step by step for the recurrence (P rows in all), one after another for what follows it."""

    tokens: Tensor  # (C, P): for each way through the sequences, the row of the table that each step reads
    place: Tensor  # (C, P): where each step stands when sequences follow one another
    sizes: Tensor  # (T,), on the CPU: how many sequences are longer than each step
    starts: Tensor  # (N + 1,), on the CPU: where each sequence begins when they follow one another
    rank: Tensor  # (N,): each sequence's row within a step


def runs(local: NDArray[np.int64], lengths: NDArray[np.int64], ways: int, device: torch.device) -> Runs:
    """Shapes: local (P,) table rows of all sequences one after another; lengths (N,); ways 1 or 2 (also backwards)."""
    order = np.argsort(-lengths, kind="stable")
    ends = np.cumsum(lengths)
    longest = int(lengths.max(initial=0))
    sizes = len(lengths) - np.cumsum(np.bincount(lengths, minlength=longest + 1))[:longest]
    step = np.repeat(np.arange(longest), sizes)  # (P,)
    who = order[np.arange(len(local)) - np.repeat(np.cumsum(sizes) - sizes, sizes)]
    ahead = ends[who] - lengths[who] + step
    place = np.stack([ahead, ends[who] - 1 - step][:ways])
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return Runs(
        tokens=torch.from_numpy(local[place]).to(device),
        place=torch.from_numpy(place).to(device),
        sizes=torch.from_numpy(sizes.astype(np.int64)),
        starts=torch.from_numpy(np.concatenate([[0], ends]).astype(np.int64)),
        rank=torch.from_numpy(rank).to(device),
    )


def distinct(rows: Sequence[NDArray[np.int64]], vectors: Tensor) -> tuple[Tensor, NDArray[np.int64], NDArray[np.int64]]:
    """Vectors of the batch's distinct tokens (U, D), each token's row among them (P,), documents' lengths (B,)."""
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    flat = np.concatenate([*rows, np.empty(0, dtype=np.int64)])
    seen = np.zeros(len(vectors), dtype=bool)
    seen[flat] = True
    local = (np.cumsum(seen) - 1)[flat]
    return vectors[torch.from_numpy(np.flatnonzero(seen)).to(vectors.device)], local, lengths


def project(x: Tensor, w: Tensor, bias: Tensor) -> Tensor:
    """x·w + bias, nothing flowing back to x. Shapes: x (U, D), w (M, D, G), bias (M, G) → (M, U, G)."""
    if _compiled(x):
        return _Project.apply(x, w, bias)
    return torch.baddbmm(bias.unsqueeze(1), x.expand(len(w), -1, -1), w)


def lstm(table: Tensor, w: Tensor, over: Runs) -> Tensor:
    """The state after each sequence's last step, zero for an empty one.

    Shapes: table (M, U, 4H), what each distinct token adds to the gates i f g o; w (M, H, 4H) → (M, N, H).
    """
    if _compiled(table):
        last = _LSTM.apply(table, w, over, _learning(table, w))
    else:
        last = _plain_lstm(table, w, over)
    return last.index_select(1, over.rank)


def gru_attend(
    table: Tensor, gru: Sequence[Tensor], attention: Sequence[Tensor], over: Runs, pooled: bool = False
) -> Tensor:
    """Σ a·h over each sequence's states h, a = softmax(tanh(h·w + bias)·context); zero for an empty sequence.

    ``pooled`` adds their maximum and mean. A GRU's states stand beside those of the way back.
    Shapes: table (M, U, C·3H), what each distinct token adds to the gates r z n; gru: w (M, C, H, 3H) and the bias
    (M, C, H) of the new state's recurrent part; attention: w (M, C·H, A), bias and context (M, A) → (M, N, C·H or 3CH).
    """
    if _compiled(table):
        learning = _learning(table, *gru, *attention)
        return _GRUAttend.apply(table, over, pooled, learning, *gru, *attention)
    return _plain_attend(_plain_gru(table, gru[0], gru[1], over), attention, over, pooled)


class _Pool(threading.local):
    """Large memory used again by the same thread: pages new from the system cost more than the sums on them."""

    def __init__(self) -> None:
        self.free: list[NDArray[np.float32]] = []

    def take(self, *shape: int) -> NDArray[np.float32]:
        need = math.prod(shape)
        fit = [n for n, held in enumerate(self.free) if held.size >= need]
        if need < _WORTH_KEEPING or not fit:
            return np.empty(need * 5 // 4, dtype=np.float32)[:need].reshape(shape)
        return self.free.pop(min(fit, key=lambda n: self.free[n].size))[:need].reshape(shape)

    def give(self, *arrays: NDArray[np.float32]) -> None:
        """Of arrays taken, whose numbers nobody will read again."""
        self.free += [array.base for array in arrays if array.base is not None and array.size >= _WORTH_KEEPING]
        self.free = sorted(self.free, key=len)[-_HELD:]


_WORTH_KEEPING, _HELD = 1 << 16, 6
POOL = _Pool()


def _compiled(tensor: Tensor) -> bool:
    return COMPILED and tensor.device.type == "cpu" and tensor.dtype == torch.float32


def _learning(*tensors: Tensor) -> bool:
    return torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)


def _arrays(*tensors: Tensor) -> list[NDArray[Any]]:
    return [tensor.detach().contiguous().numpy() for tensor in tensors]


class _Project(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, w: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        out = x.new_empty(len(w), len(x), w.shape[2])
        attention_kernels.project(*_arrays(x, w, bias), out.numpy())
        return out

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, ...]:
        (x,) = ctx.saved_tensors
        d_w, d_bias = grad.new_empty(len(grad), x.shape[1], grad.shape[2]), grad.new_zeros(len(grad), grad.shape[2])
        attention_kernels.project_back(*_arrays(x, grad), d_w.numpy(), d_bias.numpy())
        return None, d_w, d_bias


class _LSTM(torch.autograd.Function):
    @staticmethod
    def forward(ctx, table: Tensor, w: Tensor, over: Runs, learning: bool) -> Tensor:
        models, units, steps = len(w), w.shape[1], over.tokens.shape[1] if learning else 0
        last = table.new_empty(models, len(over.rank), units)
        kept = POOL.take(models, steps, recurrent_kernels.LSTM_RECORD * units)
        recurrent_kernels.lstm_forward(*_arrays(table, over.tokens[0], over.sizes, w), last.numpy(), kept)
        ctx.save_for_backward(w)
        ctx.over, ctx.shape, ctx.kept = over, table.shape, kept
        return last

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, ...]:
        (w,) = ctx.saved_tensors
        kept, ctx.kept = ctx.kept, None  # a second way back would find it overwritten
        d_table, d_w = grad.new_zeros(ctx.shape), torch.empty_like(w)
        recurrent_kernels.lstm_backward(
            *_arrays(grad, ctx.over.tokens[0], ctx.over.sizes, w), kept, *_arrays(d_table, d_w)
        )
        POOL.give(kept)
        return d_table, d_w, None, None


class _GRUAttend(torch.autograd.Function):
    """A GRU and the attention over its states, which nobody else sees."""

    @staticmethod
    def forward(ctx, table: Tensor, over: Runs, pooled: bool, learning: bool, *weights: Tensor) -> Tensor:
        w, bias, *attention = weights
        models, ways, units = bias.shape
        steps, n, width = over.tokens.shape[1], len(over.rank), ways * units
        states = POOL.take(models, steps, width)
        recurrent_kernels.gru_forward(*_arrays(table, over.tokens, over.place, over.sizes, w, bias), states)
        out = table.new_zeros(models, n, 3 * width if pooled else width)
        across = attention[0].shape[2]
        looked = (
            POOL.take(models, steps),
            POOL.take(models, steps if learning else 0, across),
            POOL.take(models, n, width if pooled else 0),
        )
        attention_kernels.attend(states, *_arrays(over.starts, *attention), out.numpy(), looked)
        ctx.save_for_backward(table, *weights)
        ctx.over, ctx.held = over, (states, *looked)
        if not learning:
            POOL.give(*ctx.held)
        return out

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, ...]:
        table, w, bias, w_of, bias_of, context = ctx.saved_tensors
        over, (states, *looked) = ctx.over, ctx.held
        ctx.held = None  # a second way back would find them overwritten
        d_table, d_w, d_bias = torch.zeros_like(table), torch.empty_like(w), torch.zeros_like(bias)
        d_states = POOL.take(*states.shape)
        d_attention = torch.empty_like(w_of), torch.zeros_like(bias_of), torch.zeros_like(context)
        attention_kernels.attend_back(
            *_arrays(grad),
            states,
            *_arrays(over.starts, w_of, context),
            tuple(looked),
            (d_states, *_arrays(*d_attention)),
        )
        recurrent_kernels.gru_backward(
            d_states,
            states,
            *_arrays(table),
            tuple(_arrays(over.tokens, over.place, over.sizes)),
            tuple(_arrays(w, bias)),
            tuple(_arrays(d_table, d_w, d_bias)),
        )
        POOL.give(states, *looked, d_states)
        return d_table, None, None, None, d_w, d_bias, *d_attention


def _plain_lstm(table: Tensor, w: Tensor, over: Runs) -> Tensor:
    x = table.index_select(1, over.tokens[0])  # (M, P, 4H)
    h = c = table.new_zeros(len(w), len(over.rank), w.shape[1])
    ended, done = [], 0
    for size in over.sizes.tolist():
        ended.append(h[:, size:])
        gates = torch.baddbmm(x[:, done : done + size], h[:, :size], w)
        i, f, g, o = gates.chunk(4, dim=2)
        c = f.sigmoid() * c[:, :size] + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        done += size
    return torch.cat([h, *reversed(ended)], dim=1)


def _plain_gru(table: Tensor, w: Tensor, bias: Tensor, over: Runs) -> Tensor:
    units = bias.shape[2]
    both = []
    for way, place in enumerate(over.place):
        x = table[:, :, 3 * units * way : 3 * units * (way + 1)].index_select(1, over.tokens[way])  # (M, P, 3H)
        h = table.new_zeros(len(w), len(over.rank), units)
        states, done = [h[:, :0]], 0
        for size in over.sizes.tolist():
            now, before = x[:, done : done + size], h[:, :size]
            turned = before @ w[:, way]
            r, z = (now + turned)[:, :, : 2 * units].sigmoid().chunk(2, dim=2)
            new = (now[:, :, 2 * units :] + r * (turned[:, :, 2 * units :] + bias[:, way].unsqueeze(1))).tanh()
            h = new + z * (before - new)
            states.append(h)
            done += size
        both.append(torch.cat(states, dim=1).index_select(1, place.argsort()))
    return torch.cat(both, dim=2)


def _plain_attend(h: Tensor, attention: Sequence[Tensor], over: Runs, pooled: bool) -> Tensor:
    w, bias, context = attention
    lengths = over.starts.diff().to(h.device)
    steps = torch.arange(max(1, len(over.sizes)), device=h.device)
    real = (steps < lengths.unsqueeze(1)).unsqueeze(2)  # (N, T, 1)
    scores = (torch.baddbmm(bias.unsqueeze(1), h, w).tanh() @ context.unsqueeze(2)).squeeze(2)  # (M, P)
    at = over.starts[:-1].to(h.device).unsqueeze(1) + steps  # (N, T)
    at = torch.where(real.squeeze(2), at, 0)
    lowest = torch.finfo(h.dtype).min
    if not h.shape[1]:
        return h.new_zeros(len(h), len(lengths), (3 if pooled else 1) * h.shape[2])
    seen = h[:, at]  # (M, N, T, W)
    alpha = torch.where(real, scores[:, at].unsqueeze(3), lowest).softmax(dim=2) * real
    parts = [(alpha * seen).sum(dim=2)]
    if pooled:
        some = (lengths > 0).unsqueeze(1)
        parts.append(torch.where(some, torch.where(real, seen, lowest).amax(dim=2), 0.0))
        parts.append((seen * real).sum(dim=2) / lengths.clamp(min=1).unsqueeze(1))
    return torch.cat(parts, dim=2)
