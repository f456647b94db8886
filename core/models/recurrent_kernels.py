"""LSTM and GRU over packed rows, compiled: one model after another, so that its matrix stays in the core's own cache.

Rows lie step by step, the longest document first, so that the rows of a step are the first of the step before. What
is kept for the way back lies in one record a row.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from core.models.tiles import LANES, OPTIONS, PANEL, Lines, add_outer, formula, multiply, panels, sigmoid, tanh

_CHUNK = 64  # rows whose part of the weight gradient is added up together
_GAP = 16  # floats more to a row, since rows a power of two apart share cache sets
LSTM_RECORD = 6  # stretches of H numbers


@formula(5)
def _lstm_step(a: Lines, x: Lines, c: Lines, h: Lines, kept: Lines) -> None:
    i, f, g, o = sigmoid(a[0] + x[0]), sigmoid(a[1] + x[1]), tanh(a[2] + x[2]), sigmoid(a[3] + x[3])
    for n, value in enumerate((i, f, g, o, c[0], h[0])):
        kept[n] = value
    cell = f * c[0] + i * g
    c[0] = cell
    h[0] = o * tanh(cell)


@formula(4)
def _lstm_look(a: Lines, x: Lines, c: Lines, h: Lines) -> None:
    cell = sigmoid(a[1] + x[1]) * c[0] + sigmoid(a[0] + x[0]) * tanh(a[2] + x[2])
    c[0] = cell
    h[0] = sigmoid(a[3] + x[3]) * tanh(cell)


@formula(5)
def _lstm_back(kept: Lines, dh: Lines, dc: Lines, d: Lines, dx: Lines) -> None:
    i, f, g, o, before = (kept[n] for n in range(5))
    t = tanh(f * before + i * g)
    of_h = dh[0]
    of_c = dc[0] + of_h * o * (1.0 - t * t)
    dc[0] = of_c * f
    gates = (
        of_c * g * i * (1.0 - i),
        of_c * before * f * (1.0 - f),
        of_c * i * (1.0 - g * g),
        of_h * t * o * (1.0 - o),
    )
    for n, value in enumerate(gates):
        d[n] = value
        dx[n] = dx[n] + value


@formula(5)
def _gru_step(a: Lines, x: Lines, bias: Lines, h: Lines, out: Lines) -> None:
    r, z = sigmoid(a[0] + x[0]), sigmoid(a[1] + x[1])
    new = tanh(x[2] + r * (a[2] + bias[0]))
    after = new + z * (h[0] - new)
    h[0] = after
    out[0] = after


@formula(9)
def _gru_back(
    a: Lines, x: Lines, bias: Lines, h: Lines, d_out: Lines, dh: Lines, d: Lines, dx: Lines, d_bias: Lines
) -> None:
    r, z, rest, before = sigmoid(a[0] + x[0]), sigmoid(a[1] + x[1]), a[2] + bias[0], h[0]
    new = tanh(x[2] + r * rest)
    of_h = dh[0] + d_out[0]
    of_new = of_h * (1.0 - z) * (1.0 - new * new)
    of_r, of_z = of_new * rest * r * (1.0 - r), of_h * (before - new) * z * (1.0 - z)
    of_rest = of_new * r
    dh[0] = of_h * z
    for n, (here, there) in enumerate(((of_r, of_r), (of_z, of_z), (of_rest, of_new))):
        d[n] = here
        dx[n] = dx[n] + there
    d_bias[0] = d_bias[0] + of_rest


@formula(2)
def _copy(x: Lines, out: Lines) -> None:
    out[0] = x[0]


@njit(**OPTIONS)
def lstm_forward(table, tokens, sizes, w, last, kept):
    """The state after each row's last step; ``kept`` of no rows keeps nothing.

    Shapes: table (M, U, 4H), tokens (P,), sizes (T,), w (M, H, 4H) → last (M, B, H), kept (M, P, 6H): i f g o c h.
    """
    models, batch, units = last.shape
    wide = -(-4 * units // PANEL)
    w_panels = np.zeros((wide, units, PANEL), dtype=np.float32)
    a = np.zeros((batch, wide * PANEL + _GAP), dtype=np.float32)
    c = np.zeros((batch, units), dtype=np.float32)
    keep, row = kept.shape[1] > 0, 16 * units
    for m in range(models):
        panels(w[m], w_panels)
        last[m] = 0
        c[:] = 0
        record = kept.ctypes.data + 4 * m * kept.shape[1] * kept.shape[2]
        x, h = table.ctypes.data + m * table.shape[1] * row, last[m].ctypes.data
        p = 0
        for t in range(len(sizes)):
            multiply(h, units, sizes[t], w_panels, a, 0)
            for b in range(sizes[t]):
                gates, of_token = a.ctypes.data + 4 * b * a.shape[1], x + tokens[p] * row
                cell, state = c.ctypes.data + 4 * b * units, h + 4 * b * units
                for j in range(0, units, LANES):
                    o, left = 4 * j, units - j
                    if keep:
                        _lstm_step(gates + o, of_token + o, cell + o, state + o, record + o, units, left)
                    else:
                        _lstm_look(gates + o, of_token + o, cell + o, state + o, units, left)
                record += 4 * kept.shape[2]
                p += 1


@njit(**OPTIONS)
def lstm_backward(d_last, tokens, sizes, w, kept, d_table, d_w):
    """Shapes: d_last (M, B, H) → d_table (M, U, 4H), zero before, and d_w (M, H, 4H)."""
    models, batch, units = d_last.shape
    wide, narrow = -(-4 * units // PANEL), -(-units // PANEL)
    w_panels = np.zeros((narrow, 4 * units, PANEL), dtype=np.float32)
    dh, dc = np.zeros((batch, narrow * PANEL), dtype=np.float32), np.zeros((batch, units), dtype=np.float32)
    d = np.zeros((_CHUNK + batch, wide * PANEL + _GAP), dtype=np.float32)
    row, kept_row = 16 * units, kept.shape[2]
    for m in range(models):
        panels(w[m].T, w_panels)
        total = np.zeros((units, wide * PANEL), dtype=np.float32)
        dh[:, :units] = d_last[m]
        dc[:] = 0
        records, dx = kept[m].ctypes.data, d_table[m].ctypes.data
        end = p = len(tokens)
        for t in range(len(sizes) - 1, -1, -1):
            p -= sizes[t]
            first = len(d) - (end - p)
            for b in range(sizes[t]):
                record, own = records + 4 * (p + b) * kept_row, d.ctypes.data + 4 * (first + b) * d.shape[1]
                of_token = dx + tokens[p + b] * row
                state, cell = dh.ctypes.data + 4 * b * dh.shape[1], dc.ctypes.data + 4 * b * units
                for j in range(0, units, LANES):
                    o = 4 * j
                    _lstm_back(record + o, state + o, cell + o, own + o, of_token + o, units, units - j)
            multiply(d.ctypes.data + 4 * first * d.shape[1], d.shape[1], sizes[t], w_panels, dh, 0)
            if end - p >= _CHUNK or t == 0:
                add_outer(records + 4 * (p * kept_row + 5 * units), kept_row, d, first, end - p, total)
                end = p
        d_w[m] = total[:, : 4 * units]


@njit(**OPTIONS)
def gru_forward(table, tokens, place, sizes, w, bias, out):
    """Every step's state in each direction, a row where ``place`` says.

    Shapes: table (M, U, C·3H), tokens and place (C, P), sizes (T,), w (M, C, H, 3H), bias (M, C, H) of the new state's
    recurrent part → out (M, P, C·H).
    """
    models, ways, units = bias.shape
    batch = sizes[0] if len(sizes) else 0
    wide = -(-3 * units // PANEL)
    w_panels = np.zeros((wide, units, PANEL), dtype=np.float32)
    a = np.zeros((batch, wide * PANEL + _GAP), dtype=np.float32)
    h = np.zeros((batch, units), dtype=np.float32)
    row = 12 * units
    for m in range(models):
        for way in range(ways):
            panels(w[m, way], w_panels)
            h[:] = 0
            x, to = table[m].ctypes.data + way * row, out[m].ctypes.data + 4 * way * units
            less = bias[m, way].ctypes.data
            p = 0
            for t in range(len(sizes)):
                multiply(h.ctypes.data, units, sizes[t], w_panels, a, 0)
                for b in range(sizes[t]):
                    gates, of_token = a.ctypes.data + 4 * b * a.shape[1], x + tokens[way, p] * row * ways
                    state, there = h.ctypes.data + 4 * b * units, to + 4 * place[way, p] * units * ways
                    for j in range(0, units, LANES):
                        o = 4 * j
                        _gru_step(gates + o, of_token + o, less + o, state + o, there + o, units, units - j)
                    p += 1


@njit(**OPTIONS)
def gru_backward(d_out, states, table, over, weights, gradients):
    """The gates are computed a second time: to keep them would cost more, in a memory that all cores share.

    Shapes: as ``gru_forward``: over its tokens, place and sizes, weights w and bias; d_out and states (M, P, C·H) →
    gradients of table, w and bias, the first and last zero before.
    """
    tokens, place, sizes = over
    w, bias = weights
    d_table, d_w, d_bias = gradients
    models, ways, units = bias.shape
    batch = sizes[0] if len(sizes) else 0
    wide, narrow = -(-3 * units // PANEL), -(-units // PANEL)
    w_panels = np.zeros((wide, units, PANEL), dtype=np.float32)
    turned = np.zeros((narrow, 3 * units, PANEL), dtype=np.float32)
    a = np.zeros((batch, wide * PANEL + _GAP), dtype=np.float32)
    dh = np.zeros((batch, narrow * PANEL), dtype=np.float32)
    d = np.zeros((_CHUNK + batch, wide * PANEL + _GAP), dtype=np.float32)
    h = np.zeros((_CHUNK + batch, units + _GAP), dtype=np.float32)
    row, across = 12 * units, 4 * units * ways
    for m in range(models):
        for way in range(ways):
            panels(w[m, way], w_panels)
            panels(w[m, way].T, turned)
            total = np.zeros((units, wide * PANEL), dtype=np.float32)
            dh[:] = 0
            less, d_less = bias[m, way].ctypes.data, d_bias[m, way].ctypes.data
            x, dx = table[m].ctypes.data + way * row, d_table[m].ctypes.data + way * row
            given, seen = d_out[m].ctypes.data + 4 * way * units, states[m].ctypes.data + 4 * way * units
            end = p = tokens.shape[1]
            for t in range(len(sizes) - 1, -1, -1):
                p -= sizes[t]
                first = len(d) - (end - p)
                before = h.ctypes.data + 4 * first * h.shape[1]
                if t == 0:
                    h[first : first + sizes[0]] = 0
                else:
                    for b in range(sizes[t]):
                        source = seen + place[way, p - sizes[t - 1] + b] * across
                        for j in range(0, units, LANES):
                            _copy(source + 4 * j, before + 4 * (b * h.shape[1] + j), units, units - j)
                multiply(before, h.shape[1], sizes[t], w_panels, a, 0)
                own = d.ctypes.data + 4 * first * d.shape[1]
                for b in range(sizes[t]):
                    token, back = tokens[way, p + b] * row * ways, given + place[way, p + b] * across
                    for j in range(0, units, LANES):
                        o = 4 * j
                        _gru_back(
                            a.ctypes.data + 4 * b * a.shape[1] + o,
                            x + token + o,
                            less + o,
                            before + 4 * b * h.shape[1] + o,
                            back + o,
                            dh.ctypes.data + 4 * b * dh.shape[1] + o,
                            own + 4 * b * d.shape[1] + o,
                            dx + token + o,
                            d_less + o,
                            units,
                            units - j,
                        )
                multiply(own, d.shape[1], sizes[t], turned, dh, 1)
                if end - p >= _CHUNK or t == 0:
                    add_outer(before, h.shape[1], d, first, end - p, total)
                    end = p
            d_w[m, way] = total[:, : 3 * units]
