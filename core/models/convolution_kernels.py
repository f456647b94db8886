"""TextCNN's convolutions, pooling and bottleneck for training, compiled; one model after another.

One panel of filters of one window at a time: its table of taps stays in the core's own cache, and from it up to a
segment's maximum nothing leaves the registers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from core.models.tiles import (
    LANES,
    OPTIONS,
    PANEL,
    VECTORS,
    constant,
    external,
    pointer,
    product,
    spread,
)

_PART = 5  # registers of a short sum of rows; a long one has twice as many
ROW = _PART * LANES  # a row of vectors is filled up with zeros to a multiple of this

_NUMBER, _WHOLE, _SMALL = ir.FloatType(), ir.IntType(64), ir.IntType(32)
_VECTOR, _PLACES = ir.VectorType(_NUMBER, LANES), ir.VectorType(_SMALL, LANES)


def _whole(builder: Any, address: Any, item: Any) -> Any:
    """The item-th int64 from an address on."""
    return builder.load(pointer(builder, address, builder.mul(item, constant(2))), align=8, typ=_WHOLE)


def _everywhere(builder: Any, one: Any) -> Any:
    """A small whole number on every lane."""
    first = builder.insert_element(ir.Constant(_PLACES, ir.Undefined), one, ir.Constant(_SMALL, 0))
    return builder.shuffle_vector(first, first, ir.Constant(_PLACES, [0] * LANES))


def _loop(builder: Any, count: Any, starts: list[Any]) -> tuple[Any, list[Any], Any, Any]:
    """Opens a loop at its body: its step, what it carries, its head (for ``add_incoming``) and its end."""
    before = builder.block
    head, body, end = (builder.append_basic_block(f"loop.{n}") for n in range(3))
    builder.branch(head)
    builder.position_at_end(head)
    t = builder.phi(_WHOLE)
    t.add_incoming(constant(0), before)
    carried = [builder.phi(start.type) for start in starts]
    for value, start in zip(carried, starts, strict=True):
        value.add_incoming(start, before)
    builder.cbranch(builder.icmp_signed("<", t, count), body, end)
    builder.position_at_end(body)
    return t, carried, head, end


def _close(builder: Any, loop: tuple[Any, list[Any], Any, Any], after: list[Any]) -> None:
    t, carried, head, end = loop
    for value, new in zip(carried, after, strict=True):
        value.add_incoming(new, builder.block)
    t.add_incoming(builder.add(t, constant(1)), builder.block)
    builder.branch(head)
    builder.position_at_end(end)


def _strongest(window: int) -> Any:
    """An intrinsic: of ``count`` neighbouring positions the largest sum of taps and where it first is, for a panel.

    NaN is the largest of all. Addresses are numbers. Shapes: table (U, window, PANEL), tokens (count + window - 1,)
    int64 → best (PANEL,), at (PANEL,) int32, counted from ``first`` on.
    """

    def generate(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        table, tokens, first, count, best, at = args
        nothing = ir.Constant(_VECTOR, [float("-inf")] * LANES)
        start = _everywhere(builder, builder.trunc(first, _SMALL))
        loop = _loop(builder, count, [nothing] * VECTORS + [start] * VECTORS)
        t, held = loop[:2]
        here = _everywhere(builder, builder.trunc(builder.add(first, t), _SMALL))
        rows = []
        for j in range(window):
            token = _whole(builder, tokens, builder.add(t, constant(j)))
            rows.append(builder.add(builder.mul(token, constant(window * PANEL)), constant(j * PANEL)))
        largest, where = [], []
        for v in range(VECTORS):
            parts = [
                builder.load(pointer(builder, table, builder.add(row, constant(v * LANES))), align=4, typ=_VECTOR)
                for row in rows
            ]
            while len(parts) > 1:
                parts = [builder.fadd(a, b) for a, b in zip(parts[::2], parts[1::2], strict=True)]
            more = builder.fcmp_ordered(">", parts[0], held[v])
            more = builder.or_(more, builder.fcmp_unordered("uno", parts[0], parts[0]))
            largest.append(builder.select(more, parts[0], held[v]))
            where.append(builder.select(more, here, held[VECTORS + v]))
        _close(builder, loop, largest + where)
        for v in range(VECTORS):
            builder.store(held[v], pointer(builder, best, constant(v * LANES)), align=4)
            builder.store(held[VECTORS + v], pointer(builder, at, constant(v * LANES)), align=4)
        return context.get_dummy_value()

    def strongest(typingctx, table, tokens, first, count, best, at):
        return types.void(*[types.intp] * 6), generate

    return intrinsic(strongest)


def _weighted(vectors: int) -> Any:
    """An intrinsic: out = Σ signal·row of the token at each place, over ``vectors`` registers of the rows.

    Addresses are numbers; ``left`` numbers of out are written at most. Shapes: x (U, row) from the first register
    on, tokens int64, places (count,) int64 positions among the tokens, signals (count,).
    """

    def generate(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        x, row, tokens, places, signals, count, out, left = args
        loop = _loop(builder, count, [ir.Constant(_VECTOR, [0.0] * LANES)] * vectors)
        n, sums = loop[:2]
        token = _whole(builder, tokens, _whole(builder, places, n))
        signal = spread(builder, builder.load(pointer(builder, signals, n), align=4, typ=_NUMBER))
        fma = external(builder, f"llvm.fma.v{LANES}f32", _VECTOR, [_VECTOR] * 3)
        first, after = builder.mul(token, row), []
        for v in range(vectors):
            at = pointer(builder, x, builder.add(first, constant(v * LANES)))
            after.append(builder.call(fma, [signal, builder.load(at, align=4, typ=_VECTOR), sums[v]]))
        _close(builder, loop, after)
        mask = ir.VectorType(ir.IntType(1), LANES)
        name = f"llvm.masked.store.v{LANES}f32.p0"
        store = external(builder, name, ir.VoidType(), [_VECTOR, ir.PointerType(), _SMALL, mask])
        end = _everywhere(builder, builder.trunc(left, _SMALL))
        for v in range(vectors):
            steps = ir.Constant(_PLACES, list(range(v * LANES, (v + 1) * LANES)))
            to = pointer(builder, out, constant(v * LANES))
            builder.call(store, [sums[v], to, ir.Constant(_SMALL, 4), builder.icmp_signed("<", steps, end)])
        return context.get_dummy_value()

    def weighted(typingctx, x, row, tokens, places, signals, count, out, left):
        return types.void(*[types.intp] * 8), generate

    return intrinsic(weighted)


def _transposing(typingctx, a, row, out, rows, left):
    """LANES rows of LANES numbers at an address as columns of a panel; zero past ``rows`` and ``left``."""

    def generate(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        a, row, out, rows, left = args
        mask = ir.VectorType(ir.IntType(1), LANES)
        name = f"llvm.masked.load.v{LANES}f32.p0"
        load = external(builder, name, _VECTOR, [ir.PointerType(), _SMALL, mask, _VECTOR])
        nothing, steps = ir.Constant(_VECTOR, [0.0] * LANES), ir.Constant(_PLACES, list(range(LANES)))
        lines = []
        for r in range(LANES):
            some = builder.select(builder.icmp_signed("<", constant(r), rows), left, constant(0))
            real = builder.icmp_signed("<", steps, _everywhere(builder, builder.trunc(some, _SMALL)))
            at = pointer(builder, a, builder.mul(row, constant(r)))
            lines.append(builder.call(load, [at, ir.Constant(_SMALL, 4), real, nothing]))
        step = 1
        while step < LANES:  # blocks of ``step`` change places across the diagonal
            upper = [n - step + LANES if n & step else n for n in range(LANES)]
            lower = [n + LANES if n & step else n + step for n in range(LANES)]
            for r in range(LANES):
                if not r & step:
                    pair = lines[r], lines[r + step]
                    lines[r] = builder.shuffle_vector(*pair, ir.Constant(_PLACES, upper))
                    lines[r + step] = builder.shuffle_vector(*pair, ir.Constant(_PLACES, lower))
            step *= 2
        for r, line in enumerate(lines):
            builder.store(line, pointer(builder, out, constant(r * PANEL)), align=4)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 5), generate


_transpose: Any = intrinsic(_transposing)
_strongest2, _strongest4, _strongest8 = (_strongest(k) for k in (2, 4, 8))
_weighted_short, _weighted_long = _weighted(_PART), _weighted(2 * _PART)


@njit(**OPTIONS)
def _turn(kernels, first, out):
    """A tap's filters from ``first`` on as one panel, zero past the last. Shapes: kernels (F, D) → out (≥ D, PANEL)."""
    filters, depth = kernels.shape
    for f in range(0, PANEL, LANES):
        here, rows = kernels.ctypes.data + 4 * (first + f) * depth, filters - first - f
        for d in range(0, depth, LANES):
            _transpose(here + 4 * d, depth, out.ctypes.data + 4 * (d * PANEL + f), rows, depth - d)


@njit(**OPTIONS)
def convolve_and_pool(x, tokens, segments, kernels, biases, space, out, chosen):
    """ReLU(the largest convolution of each segment + bias), and where it is; empty segments are left as they are.

    Shapes: x (U, row ≥ D, filled up with zeros), tokens (T,), segments (S, 3): first position, size (may be 0) and
    place d·p + c; for each window kernels (M, k, F, D) and biases (M, F); space (≥ PANEL·(row + 8·U),)
    → out (M, B, 3, p, F), chosen likewise, int32 positions among the tokens.
    """
    models, chunks, filters, depth = len(out), out.shape[3], out.shape[4], kernels[0].shape[3]
    row = x.shape[1]
    panel = space[: row * PANEL].reshape(row, PANEL)
    table = space[row * PANEL :].ctypes.data
    best, at = np.empty(PANEL, dtype=np.float32), np.empty(PANEL, dtype=np.int32)
    to, of = best.ctypes.data, at.ctypes.data
    for m in range(models):
        for w in range(3):
            k = 2 << w
            for f in range(0, filters, PANEL):
                for j in range(k):
                    _turn(kernels[w][m, j], f, panel)
                    here = table + 4 * j * PANEL
                    product(x.ctypes.data, row, 1, panel.ctypes.data, PANEL, here, k * PANEL, len(x), depth, 0)
                for s in range(len(segments)):
                    first, size, place = segments[s]
                    if size == 0:
                        continue
                    seen = tokens.ctypes.data + 8 * first
                    if w == 0:
                        _strongest2(table, seen, first, size, to, of)
                    elif w == 1:
                        _strongest4(table, seen, first, size, to, of)
                    else:
                        _strongest8(table, seen, first, size, to, of)
                    d, c = place // chunks, place % chunks
                    for i in range(min(PANEL, filters - f)):
                        total = best[i] + biases[w][m, f + i]
                        out[m, d, w, c, f + i] = np.float32(0) if total <= 0 else total
                        chosen[m, d, w, c, f + i] = at[i]


@njit(**OPTIONS)
def convolve_back(x, tokens, grad, out, chosen, d_kernels, d_biases):
    """Gradients of each window's kernels and bias: only the chosen positions count, and only where out is not 0.

    Shapes: as ``convolve_and_pool``.
    """
    models, documents, _, chunks, filters = grad.shape
    depth, row = d_kernels[0].shape[3], x.shape[1]
    places = np.empty(documents * chunks, dtype=np.int64)
    signals = np.empty(documents * chunks, dtype=np.float32)
    for m in range(models):
        for w in range(3):
            for f in range(filters):
                count, total = 0, np.float32(0)
                for d in range(documents):
                    for c in range(chunks):
                        signal = grad[m, d, w, c, f]
                        if out[m, d, w, c, f] > 0 and signal != 0:
                            places[count], signals[count] = chosen[m, d, w, c, f], signal
                            total += signal
                            count += 1
                d_biases[w][m, f] = total
                for j in range(2 << w):
                    seen, to = tokens.ctypes.data + 8 * j, d_kernels[w][m, j, f].ctypes.data
                    v = 0
                    while v + 2 * ROW <= row:
                        at, left = x.ctypes.data + 4 * v, depth - v
                        by, of = places.ctypes.data, signals.ctypes.data
                        _weighted_long(at, row, seen, by, of, count, to + 4 * v, left)
                        v += 2 * ROW
                    if v < row:
                        at, left = x.ctypes.data + 4 * v, depth - v
                        by, of = places.ctypes.data, signals.ctypes.data
                        _weighted_short(at, row, seen, by, of, count, to + 4 * v, left)


@njit(**OPTIONS)
def affine(x, w, bias, out):
    """x·w + bias. Shapes: x (M, B, N), w (M, N, G), bias (M, G) → out (M, B, G); N and G whole panels."""
    models, rows, depth = x.shape
    columns = w.shape[2]
    panel = np.empty((depth, PANEL), dtype=np.float32)
    for m in range(models):
        for b in range(rows):
            out[m, b] = bias[m]
        for g in range(0, columns, PANEL):
            panel[:] = w[m, :, g : g + PANEL]
            to = out[m].ctypes.data + 4 * g
            product(x[m].ctypes.data, depth, 1, panel.ctypes.data, PANEL, to, columns, rows, depth, 1)


@njit(**OPTIONS)
def affine_back(x, w, d, d_x, d_w):
    """Shapes: as ``affine``; d (M, B, G)."""
    models, rows, depth = x.shape
    columns = w.shape[2]
    turned = np.empty((columns, PANEL), dtype=np.float32)
    signals = np.empty((rows, PANEL), dtype=np.float32)
    for m in range(models):
        for n in range(0, depth, PANEL):
            _turn(w[m], n, turned)
            to = d_x[m].ctypes.data + 4 * n
            product(d[m].ctypes.data, columns, 1, turned.ctypes.data, PANEL, to, depth, rows, columns, 0)
        for g in range(0, columns, PANEL):
            signals[:] = d[m, :, g : g + PANEL]
            to = d_w[m].ctypes.data + 4 * g
            product(x[m].ctypes.data, 1, depth, signals.ctypes.data, PANEL, to, columns, depth, rows, 0)
