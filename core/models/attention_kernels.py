"""Projection of distinct tokens, and attention over stretches of rows, compiled; one model after another."""

from __future__ import annotations

import numpy as np
from numba import njit

from core.models.tiles import LANES, OPTIONS, PANEL, Lines, add_outer, formula, multiply, panels, tanh

_BLOCK = 96  # rows projected together


@formula(3)
def _plus(a: Lines, bias: Lines, out: Lines) -> None:
    out[0] = a[0] + bias[0]


@formula(3)
def _copy_and_add(a: Lines, copy: Lines, total: Lines) -> None:
    copy[0] = a[0]
    total[0] = total[0] + a[0]


@formula(5)
def _score(a: Lines, bias: Lines, context: Lines, u: Lines, total: Lines) -> None:
    u[0] = tanh(a[0] + bias[0])
    total[0] = total[0] + u[0] * context[0]


@formula(3)
def _add_weighted(h: Lines, weight: Lines, out: Lines) -> None:
    out[0] = out[0] + h[0] * weight.one


@formula(6)
def _pool(h: Lines, weight: Lines, share: Lines, step: Lines, out: Lines, top: Lines) -> None:
    """Attention's sum, maximum (and where) and mean: stretches 0, 1 and 2 of ``out``."""
    out[0] = out[0] + h[0] * weight.one
    best = out[1]
    top[0] = h[0].where(">", best, step.one, top[0])
    out[1] = h[0].where(">", best, h[0], best)
    out[2] = out[2] + h[0] * share.one


@formula(3)
def _dot(x: Lines, y: Lines, total: Lines) -> None:
    total[0] = total[0] + x[0] * y[0]


@formula(6)
def _score_back(u: Lines, of_score: Lines, context: Lines, d: Lines, d_bias: Lines, d_context: Lines) -> None:
    signal = of_score.one
    back = signal * context[0] * (1.0 - u[0] * u[0])
    d[0] = back
    d_bias[0] = d_bias[0] + back
    d_context[0] = d_context[0] + signal * u[0]


@formula(4)
def _state_back(e: Lines, weight: Lines, d_out: Lines, dh: Lines) -> None:
    dh[0] = e[0] + d_out[0] * weight.one


@formula(7)
def _pool_back(e: Lines, weight: Lines, share: Lines, step: Lines, d_out: Lines, top: Lines, dh: Lines) -> None:
    most = top[0].where("==", step.one, d_out[1], 0.0)
    dh[0] = e[0] + d_out[0] * weight.one + d_out[2] * share.one + most


@njit(**OPTIONS)
def project(x, w, bias, out):
    """out = x·w + bias. Shapes: x (U, D), w (M, D, G), bias (M, G) → out (M, U, G)."""
    wide = -(-w.shape[2] // PANEL)
    w_panels = np.zeros((wide, w.shape[1], PANEL), dtype=np.float32)
    a = np.zeros((_BLOCK, wide * PANEL), dtype=np.float32)
    columns = w.shape[2]
    for m in range(len(w)):
        panels(w[m], w_panels)
        plus, to = bias[m].ctypes.data, out[m].ctypes.data
        for first in range(0, len(x), _BLOCK):
            rows = min(_BLOCK, len(x) - first)
            multiply(x.ctypes.data + 4 * first * x.shape[1], x.shape[1], rows, w_panels, a, 0)
            for r in range(rows):
                here, there = a.ctypes.data + 4 * r * a.shape[1], to + 4 * (first + r) * columns
                for j in range(0, columns, LANES):
                    _plus(here + 4 * j, plus + 4 * j, there + 4 * j, columns, columns - j)


@njit(**OPTIONS)
def project_back(x, d, d_w, d_bias):
    """Shapes: x (U, D), d (M, U, G) → d_w (M, D, G), d_bias (M, G), zero before."""
    columns = d.shape[2]
    wide = -(-columns // PANEL)
    block = np.zeros((_BLOCK, wide * PANEL + 16), dtype=np.float32)
    for m in range(len(d)):
        total = np.zeros((x.shape[1], wide * PANEL), dtype=np.float32)
        for first in range(0, len(x), _BLOCK):
            rows = min(_BLOCK, len(x) - first)
            for r in range(rows):
                row, sums = d[m, first + r].ctypes.data, d_bias[m].ctypes.data
                copy = block.ctypes.data + 4 * r * block.shape[1]
                for j in range(0, columns, LANES):
                    _copy_and_add(row + 4 * j, copy + 4 * j, sums + 4 * j, columns, columns - j)
            add_outer(x.ctypes.data + 4 * first * x.shape[1], x.shape[1], block, 0, rows, total)
        d_w[m] = total[:, :columns]


@njit(**OPTIONS)
def _softmax(scores):
    most = scores[0]
    for t in range(len(scores)):
        most = max(most, scores[t])
    total = np.float32(0)
    for t in range(len(scores)):
        scores[t] = np.exp(scores[t] - most)
        total += scores[t]
    for t in range(len(scores)):
        scores[t] /= total


@njit(**OPTIONS)
def attend(h, starts, w, bias, context, out, kept):
    """Σ a·h of each stretch of rows and, where ``out`` is three times as wide, its maximum and mean; 0 without a row.

    Shapes: h (M, P, W), starts (N + 1,), w (M, W, A), bias and context (M, A) → out (M, N, W or 3W), zero before,
    kept: alpha (M, P), u (M, P, A) or (M, 0, A) to keep nothing, top (M, N, W or 0), where the maximum is.
    """
    alpha, u, top = kept
    width, across = h.shape[2], w.shape[2]
    pooled = out.shape[2] > width
    longest = 0
    for n in range(len(starts) - 1):
        longest = max(longest, starts[n + 1] - starts[n])
    w_panels = np.zeros((-(-across // PANEL), width, PANEL), dtype=np.float32)
    a = np.zeros((longest, len(w_panels) * PANEL), dtype=np.float32)
    total, numbers = np.zeros(LANES, dtype=np.float32), np.zeros(2, dtype=np.float32)
    less, keep = numbers.ctypes.data, u.shape[1] > 0
    for m in range(len(h)):
        panels(w[m], w_panels)
        for n in range(len(starts) - 1):
            first, rows = starts[n], starts[n + 1] - starts[n]
            if rows == 0:
                continue
            here = h[m].ctypes.data + 4 * first * width
            multiply(here, width, rows, w_panels, a, 0)
            for t in range(rows):
                row = a.ctypes.data + 4 * t * a.shape[1]
                held = u[m].ctypes.data + 4 * (first + t) * across if keep else row
                total[:] = 0
                for j in range(0, across, LANES):
                    o = 4 * j
                    plus, by = bias[m].ctypes.data + o, context[m].ctypes.data + o
                    _score(row + o, plus, by, held + o, total.ctypes.data, across, across - j)
                alpha[m, first + t] = total.sum()
            _softmax(alpha[m, first : first + rows])
            to = out[m, n].ctypes.data
            if pooled:
                out[m, n, width : 2 * width] = -np.inf
                top[m, n] = -1
            numbers[0] = np.float32(1) / np.float32(rows)
            for t in range(rows):
                row, weight = here + 4 * t * width, alpha[m].ctypes.data + 4 * (first + t)
                numbers[1] = t
                for j in range(0, width, LANES):
                    o = 4 * j
                    if pooled:
                        _pool(row + o, weight, less, less + 4, to + o, top[m, n].ctypes.data + o, width, width - j)
                    else:
                        _add_weighted(row + o, weight, to + o, width, width - j)


@njit(**OPTIONS)
def attend_back(d_out, h, starts, w, context, kept, gradients):
    """``kept`` is alpha, u and top of ``attend``; gradients of h, w, bias and context, the last two zero before."""
    alpha, u, top = kept
    d_h, d_w, d_bias, d_context = gradients
    width, across = h.shape[2], w.shape[2]
    pooled = d_out.shape[2] > width
    longest = 0
    for n in range(len(starts) - 1):
        longest = max(longest, starts[n + 1] - starts[n])
    w_panels = np.zeros((-(-width // PANEL), across, PANEL), dtype=np.float32)
    wide = -(-across // PANEL) * PANEL
    e = np.zeros((longest, len(w_panels) * PANEL), dtype=np.float32)
    d = np.zeros((longest, wide + 16), dtype=np.float32)
    signal, total = np.zeros(longest, dtype=np.float32), np.zeros(LANES, dtype=np.float32)
    numbers = np.zeros(2, dtype=np.float32)
    less = numbers.ctypes.data
    for m in range(len(h)):
        panels(w[m].T, w_panels)
        sums = np.zeros((width, wide), dtype=np.float32)
        for n in range(len(starts) - 1):
            first, rows = starts[n], starts[n + 1] - starts[n]
            if rows == 0:
                continue
            here, given = h[m].ctypes.data + 4 * first * width, d_out[m, n].ctypes.data
            mean = np.float32(0)
            for t in range(rows):
                total[:] = 0
                for j in range(0, width, LANES):
                    o = 4 * j
                    _dot(here + 4 * t * width + o, given + o, total.ctypes.data, width, width - j)
                signal[t] = total.sum()
                mean += signal[t] * alpha[m, first + t]
            for t in range(rows):
                signal[t] = alpha[m, first + t] * (signal[t] - mean)
                held, own = u[m].ctypes.data + 4 * (first + t) * across, d.ctypes.data + 4 * t * d.shape[1]
                for j in range(0, across, LANES):
                    o = 4 * j
                    by, less_b = context[m].ctypes.data + o, d_bias[m].ctypes.data + o
                    of = signal.ctypes.data + 4 * t
                    _score_back(held + o, of, by, own + o, less_b, d_context[m].ctypes.data + o, across, across - j)
            multiply(d.ctypes.data, d.shape[1], rows, w_panels, e, 0)
            add_outer(here, width, d, 0, rows, sums)
            numbers[0] = np.float32(1) / np.float32(rows)
            for t in range(rows):
                row, weight = e.ctypes.data + 4 * t * e.shape[1], alpha[m].ctypes.data + 4 * (first + t)
                to = d_h[m].ctypes.data + 4 * (first + t) * width
                numbers[1] = t
                for j in range(0, width, LANES):
                    o, left = 4 * j, width - j
                    if pooled:
                        most = top[m, n].ctypes.data + o
                        _pool_back(row + o, weight, less, less + 4, given + o, most, to + o, width, left)
                    else:
                        _state_back(row + o, weight, given + o, to + o, width, left)
        d_w[m] = sums[:, :across]
