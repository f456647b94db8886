"""Many TextCNNs as one computation: the same maths as the module, much less of it.

Two facts make it fast. A convolution over frozen vectors is a sum over taps of (E·W_j)[token], so only the distinct
tokens of a batch are multiplied, and the taps are gathered and added by one ``embedding_bag``. And a maximum passes
its gradient to one window, so the weight gradient is again a short weighted gather, not a convolution.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from core.config import RoundConfig
from core.models.base import TextModel
from core.models.engine import Rows, Weights
from core.models.packed import Packed, pack
from core.models.table import Buffers
from core.models.textcnn import WINDOWS

try:
    from core.models import convolution_kernels
except ImportError:  # no numba: plain torch
    COMPILED = False
else:
    COMPILED = True

_SPACE = Buffers()  # large memory used again by the same thread


class _ConvolveAndPool(torch.autograd.Function):
    """ReLU(convolution + bias), then the maximum of each segment.

    Shapes: kernels (M, k, F, D), bias (M, F) for each window → (M, S, 3·F), window by window.
    """

    @staticmethod
    def forward(ctx, packed: Packed, *weights: Tensor) -> Tensor:
        models, filters = weights[0].shape[0], weights[0].shape[2]
        segments = len(packed.spans)
        out = packed.embedded.new_empty(models, segments, len(WINDOWS) * filters)
        chosen = torch.empty(out.shape, dtype=torch.int32, device=out.device)
        rows = len(packed.embedded)
        table = packed.embedded.new_empty(rows * max(WINDOWS) * filters)  # reused: fresh pages cost more than sums
        for w, k in enumerate(WINDOWS):
            kernels, bias = weights[2 * w], weights[2 * w + 1]
            product = table[: rows * k * filters].view(rows, k * filters)
            here = slice(w * filters, (w + 1) * filters)
            for m in range(models):
                torch.mm(packed.embedded, kernels[m].flatten(0, 1).t(), out=product)  # (U, D) → (U, k·F)
                seen = F.embedding_bag(packed.plain.bags[k], product.view(rows * k, filters), mode="sum")  # (R, F)
                _pool(seen, packed.plain.groups, out[m, :, here], chosen[m, :, here])
            out[:, :, here] += bias.unsqueeze(1)
        ctx.packed, ctx.shapes = packed, (models, filters)
        out.relu_()
        ctx.save_for_backward(out, chosen)
        return out

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, ...]:
        out, chosen = ctx.saved_tensors
        packed, (models, filters) = ctx.packed, ctx.shapes
        grad = grad * (out > 0)
        result: list[Tensor | None] = [None]
        width = packed.embedded.shape[1]
        for w, k in enumerate(WINDOWS):
            here = slice(w * filters, (w + 1) * filters)
            kernels = grad.new_empty(models, k, filters, width)
            for m in range(models):
                signal = grad[m, :, here].t().contiguous()  # (F, S)
                tokens = packed.plain.windows[chosen[m, :, here].t(), :k]  # (F, S, k)
                taps = tokens.permute(2, 0, 1).reshape(k * filters, -1)  # (k·F, S)
                sums = F.embedding_bag(
                    taps, packed.embedded, mode="sum", per_sample_weights=signal.repeat(k, 1)
                )  # (k·F, D)
                kernels[m] = sums.view(k, filters, width)
            result += [kernels, grad[:, :, here].sum(dim=1)]
        return tuple(result)


def _pool(seen: Tensor, groups: Sequence[tuple[int, int, int]], out: Tensor, chosen: Tensor) -> None:
    """Maximum and its position for each segment. Shapes: seen (R, F) → out and chosen (S, F)."""
    done = 0
    for start, segments, length in groups:
        block = seen[start : start + segments * length].view(segments, length, -1)
        # channels-last (S, F, 1, L): the one maximum with positions that is vectorised on a CPU
        best, at = F.max_pool2d(block.permute(0, 2, 1).unsqueeze(2), (1, length), return_indices=True)
        here = slice(done, done + segments)
        out[here] = best[:, :, 0, 0]
        first = start + length * torch.arange(segments, device=seen.device).unsqueeze(1)
        chosen[here] = at[:, :, 0, 0] + first
        done += segments


class _Compiled(torch.autograd.Function):
    """The same on a CPU, a maximum's sum never leaving the registers.

    Shapes: kernels (M, k, F, D), bias (M, F) for each window → (M, B, 3, p, F), zero for an empty chunk.
    """

    @staticmethod
    def forward(ctx, packed: Packed, chunks: int, *weights: Tensor) -> Tensor:
        kernels, biases = _arrays(weights[::2]), _arrays(weights[1::2])
        models, _, filters, _ = kernels[0].shape
        x = packed.filled(convolution_kernels.ROW)
        out = x.new_zeros(models, packed.n_documents, len(WINDOWS), chunks, filters)
        chosen = torch.empty(out.shape, dtype=torch.int32)
        space = _SPACE.take(convolution_kernels.PANEL * (x.shape[1] + max(WINDOWS) * len(x))).numpy()
        convolution_kernels.convolve_and_pool(
            x.numpy(), packed.tokens, packed.spans, kernels, biases, space, out.numpy(), chosen.numpy()
        )
        ctx.packed, ctx.shapes = packed, [weight.shape for weight in weights]
        ctx.save_for_backward(x, out, chosen)
        return out

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, out, chosen = ctx.saved_tensors
        result = [grad.new_empty(shape) for shape in ctx.shapes]
        given = *_arrays([x]), ctx.packed.tokens, *_arrays([grad, out, chosen])
        convolution_kernels.convolve_back(*given, _arrays(result[::2]), _arrays(result[1::2]))
        return None, None, *result


class _Affine(torch.autograd.Function):
    """x·w + bias by the tile product. Shapes: x (M, B, N), w (M, N, G), bias (M, G) → (M, B, G)."""

    @staticmethod
    def forward(ctx, x: Tensor, w: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, w)
        out = x.new_empty(*x.shape[:2], w.shape[2])
        convolution_kernels.affine(*_arrays([x, w, bias, out]))
        return out

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, ...]:
        x, w = ctx.saved_tensors
        d_x, d_w = x.new_empty(x.shape), w.new_empty(w.shape)
        convolution_kernels.affine_back(*_arrays([x, w, grad, d_x, d_w]))
        return d_x, d_w, grad.sum(dim=1)


def _affine(x: Tensor, w: Tensor, bias: Tensor) -> Tensor:
    if _can_compile(x, w, bias) and not any(size % convolution_kernels.PANEL for size in w.shape[1:]):
        return _Affine.apply(x, w, bias)
    return torch.baddbmm(bias.unsqueeze(1), x, w)


def _can_compile(*tensors: Tensor) -> bool:
    return COMPILED and all(tensor.device.type == "cpu" and tensor.dtype == torch.float32 for tensor in tensors)


def _arrays(tensors: Sequence[Tensor]) -> tuple[NDArray[Any], ...]:
    return tuple(tensor.detach().contiguous().numpy() for tensor in tensors)


def features(weights: Weights, packed: Packed, chunks: int) -> Tensor:
    """Pooled features in the module's order; compiled where that can be. Shapes: → (M, B, 3·p·F)."""
    taps = [weights[f"convolutions.{w}.{part}"] for w in range(len(WINDOWS)) for part in ("weight", "bias")]
    if _can_compile(packed.vectors, *taps):
        return _Compiled.apply(packed, chunks, *taps).flatten(2)
    pooled = _ConvolveAndPool.apply(packed, *taps)  # (M, S, 3F)
    models, _, triple = pooled.shape
    full = pooled.new_zeros(models, packed.n_documents * chunks, triple)
    # a document shorter than p has an empty chunk: zero
    full = full.index_copy(1, packed.plain.segments, pooled)
    full = full.view(models, packed.n_documents, chunks, len(WINDOWS), triple // len(WINDOWS))
    return full.transpose(2, 3).reshape(models, packed.n_documents, chunks * triple)  # (M, B, p, 3, F) → (M, B, 3·p·F)


class StackedCNN:
    """The engine of TextCNN over frozen vectors."""

    def __init__(self, template: TextModel) -> None:
        """Nothing of the template is needed: its shapes are in the weights."""

    def stack(self, models: Sequence[TextModel]) -> Weights:
        named = [dict(model.named_parameters()) for model in models]
        return {
            name: torch.stack([_to_stack(name, own[name].detach()) for own in named]).contiguous() for name in named[0]
        }

    def unstack(self, weights: Weights, m: int) -> Weights:
        return {name: _from_stack(name, value[m].detach()).contiguous().clone() for name, value in weights.items()}

    def pack(self, rows: Rows, vectors: Tensor, config: RoundConfig) -> Packed:
        return pack(rows, vectors, config.chunks)

    def logits(self, weights: Weights, packed: Packed, config: RoundConfig, dropout: Tensor | None = None) -> Tensor:
        hidden = self.read(weights, packed, config)
        if dropout is not None:
            hidden = hidden * dropout
        return torch.baddbmm(weights["output.bias"].unsqueeze(1), hidden, weights["output.weight"])

    def read(self, weights: Weights, packed: Packed, config: RoundConfig) -> Tensor:
        seen = features(weights, packed, config.chunks)
        return _affine(seen, weights["hidden.weight"], weights["hidden.bias"]).relu()


def _to_stack(name: str, value: Tensor) -> Tensor:
    """Kernels (F, D, k) → (k, F, D) and linear weights (out, in) → (in, out): gradients then need no copy."""
    if not name.endswith(".weight"):
        return value
    return value.permute(2, 0, 1) if value.ndim == 3 else value.t()


def _from_stack(name: str, value: Tensor) -> Tensor:
    if not name.endswith(".weight"):
        return value
    return value.permute(1, 2, 0) if value.ndim == 3 else value.t()
