"""Arithmetic for compiled loops, written once in LLVM's own vectors: a matrix product's register tile, and formulas.

The recurrence of a network is thousands of products of a few rows by a small square matrix, one after another. Called
from Python each costs more in calls than in sums; from here each runs at the machine's full width. The vectors are
LLVM's, not a processor's: a machine without AVX-512 gets the same sums from narrower registers.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from core.models.kernel_cache import can_be_kept

_WIDE = bool(llvm.get_host_cpu_features().get("avx512f", False))
LANES = 16 if _WIDE else 8  # numbers in a register
VECTORS = 4 if _WIDE else 2  # registers across a tile
PANEL = LANES * VECTORS  # columns of a tile
ROWS = 6  # and its rows: with 4 vectors 24 sums, 4 factors and one broadcast of 32 registers

OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}

_NUMBER, _WHOLE = ir.FloatType(), ir.IntType(64)
_VECTOR = ir.VectorType(_NUMBER, LANES)
_MASK = ir.VectorType(ir.IntType(1), LANES)


def constant(value: int) -> Any:
    return ir.Constant(_WHOLE, value)


OPTIONS["cache"] = can_be_kept(Path(__file__).parent)


def external(builder: Any, name: str, result: Any, arguments: list[Any]) -> Any:
    known = builder.module.globals.get(name)
    return known or ir.Function(builder.module, ir.FunctionType(result, arguments), name)


def pointer(builder: Any, address: Any, floats: Any) -> Any:
    return builder.inttoptr(builder.add(address, builder.mul(floats, constant(4))), ir.PointerType())


def spread(builder: Any, one: Any) -> Any:
    first = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), one, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, first, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))


class Vec:
    """LANES numbers in the code being generated; arithmetic on it generates more code."""

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.value = builder, value

    def _other(self, other: Vec | float) -> Any:
        return other.value if isinstance(other, Vec) else ir.Constant(_VECTOR, [float(other)] * LANES)

    def _do(self, name: str, left: Any, right: Any) -> Vec:
        return Vec(self.builder, getattr(self.builder, name)(left, right, flags=("contract", "nsz")))

    def __add__(self, other: Vec | float) -> Vec:
        return self._do("fadd", self.value, self._other(other))

    def __mul__(self, other: Vec | float) -> Vec:
        return self._do("fmul", self.value, self._other(other))

    def __sub__(self, other: Vec | float) -> Vec:
        return self._do("fsub", self.value, self._other(other))

    def __rsub__(self, other: float) -> Vec:
        return self._do("fsub", self._other(other), self.value)

    def __truediv__(self, other: Vec) -> Vec:
        return self._do("fdiv", self.value, other.value)

    __radd__, __rmul__ = __add__, __mul__

    def where(self, kind: str, other: Vec, yes: Vec, no: Vec | float) -> Vec:
        """``yes`` where the comparison holds (never with NaN), ``no`` elsewhere."""
        holds = self.builder.fcmp_ordered(kind, self.value, other.value)
        return Vec(self.builder, self.builder.select(holds, yes.value, self._other(no)))

    def within(self, end: float) -> Vec:
        """Cut to ± end; NaN stays NaN."""
        top, bottom = self._other(end), self._other(-end)
        value = self.builder.select(self.builder.fcmp_ordered(">", self.value, top), top, self.value)
        return Vec(self.builder, self.builder.select(self.builder.fcmp_ordered("<", value, bottom), bottom, value))


# tanh as a quotient of polynomials, within 4e-7 (the coefficients that Eigen uses)
_TOP = (
    -2.76076847742355e-16,
    2.00018790482477e-13,
    -8.60467152213735e-11,
    5.12229709037114e-08,
    1.48572235717979e-05,
    6.37261928875436e-04,
    4.89352455891786e-03,
)
_BOTTOM = (1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03)


def tanh(x: Vec) -> Vec:
    x = x.within(7.90531110763549805)
    square = x * x
    top, bottom = square * _TOP[0] + _TOP[1], square * _BOTTOM[0] + _BOTTOM[1]
    for c in _TOP[2:]:
        top = top * square + c
    for c in _BOTTOM[2:]:
        bottom = bottom * square + c
    return top * x / bottom


def sigmoid(x: Vec) -> Vec:
    return tanh(x * 0.5) * 0.5 + 0.5


class Lines:
    """Up to LANES neighbouring numbers at an address; what lies past ``left`` is neither read nor written."""

    def __init__(self, builder: Any, address: Any, units: Any, left: Any) -> None:
        self.builder, self.address, self.units = builder, address, units
        steps = ir.Constant(ir.VectorType(_WHOLE, LANES), list(range(LANES)))
        whole = ir.VectorType(_WHOLE, LANES)
        first = builder.insert_element(ir.Constant(whole, ir.Undefined), left, ir.Constant(ir.IntType(32), 0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        self.mask = builder.icmp_signed("<", steps, builder.shuffle_vector(first, first, zeros))

    @property
    def one(self) -> Vec:
        """The number at the address itself, on every lane."""
        at = self.builder.inttoptr(self.address, ir.PointerType())
        return Vec(self.builder, spread(self.builder, self.builder.load(at, align=4, typ=_NUMBER)))

    def _at(self, block: int) -> Any:
        return pointer(self.builder, self.address, self.builder.mul(self.units, constant(block)))

    def __getitem__(self, block: int) -> Vec:
        """The block-th stretch of ``units`` numbers on."""
        name = f"llvm.masked.load.v{LANES}f32.p0"
        load = external(self.builder, name, _VECTOR, [ir.PointerType(), ir.IntType(32), _MASK, _VECTOR])
        nothing = ir.Constant(_VECTOR, [0.0] * LANES)
        return Vec(
            self.builder,
            self.builder.call(load, [self._at(block), ir.Constant(ir.IntType(32), 4), self.mask, nothing]),
        )

    def __setitem__(self, block: int, value: Vec) -> None:
        name = f"llvm.masked.store.v{LANES}f32.p0"
        store = external(self.builder, name, ir.VoidType(), [_VECTOR, ir.PointerType(), ir.IntType(32), _MASK])
        self.builder.call(store, [value.value, self._at(block), ir.Constant(ir.IntType(32), 4), self.mask])


def formula(arguments: int) -> Callable[[Callable[..., None]], Any]:
    """An intrinsic from a formula over ``Lines``: its addresses, then the units of a stretch and how many are left."""

    def of(body: Callable[..., None]) -> Any:
        def generate(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            *addresses, units, left = args
            body(*(Lines(builder, address, units, left) for address in addresses))
            return context.get_dummy_value()

        def build(typingctx, *args):
            return types.void(*[types.intp] * (arguments + 2)), generate

        names = ["typingctx", *(f"address{n}" for n in range(arguments)), "units", "left"]
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        build.__signature__ = inspect.Signature([inspect.Parameter(n, kind) for n in names])  # type: ignore[attr-defined]
        build.__name__ = body.__name__
        return intrinsic(build)

    return of


@njit(**OPTIONS)
def panels(w, out):
    """A matrix as its column panels, filled up with zeros. Shapes: w (K, N) → out (⌈N/PANEL⌉, K, PANEL)."""
    for k in range(w.shape[0]):
        for j in range(w.shape[1]):
            out[j // PANEL, k, j % PANEL] = w[k, j]


def _tile(rows: int) -> Any:
    """An intrinsic C ← [C +] A·B for ``rows`` rows and PANEL columns; the sums stay in registers over the whole depth.

    Addresses are numbers; strides count floats. A's element (r, k) lies at r·a_row + k·a_step, B's row k at k·b_step.
    """
    cells = [(r, v) for r in range(rows) for v in range(VECTORS)]

    def generate(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        a, a_row, a_step, b, b_step, c, c_row, depth, add = args
        keep, clear, loop, body, end = (builder.append_basic_block(f"tile.{n}") for n in range(5))

        def vector(address: Any, floats: Any, v: int) -> Any:
            return pointer(builder, address, builder.add(floats, constant(LANES * v)))

        targets = [vector(c, builder.mul(c_row, constant(r)), v) for r, v in cells]
        builder.cbranch(builder.icmp_signed("!=", add, constant(0)), keep, clear)
        builder.position_at_end(keep)
        held = [builder.load(target, align=4, typ=_VECTOR) for target in targets]
        builder.branch(loop)
        builder.position_at_end(clear)
        builder.branch(loop)
        builder.position_at_end(loop)
        k, sums = builder.phi(_WHOLE), [builder.phi(_VECTOR) for _ in cells]
        for value, before, zero in zip(
            [k, *sums],
            [constant(0), *held],
            [constant(0)] + [ir.Constant(_VECTOR, [0.0] * LANES)] * len(cells),
            strict=True,
        ):
            value.add_incoming(before, keep)
            value.add_incoming(zero, clear)
        builder.cbranch(builder.icmp_signed("<", k, depth), body, end)
        builder.position_at_end(body)
        fma = external(builder, f"llvm.fma.v{LANES}f32", _VECTOR, [_VECTOR] * 3)
        factors = [builder.load(vector(b, builder.mul(k, b_step), v), align=4, typ=_VECTOR) for v in range(VECTORS)]
        column = builder.mul(k, a_step)
        for r in range(rows):
            at = pointer(builder, a, builder.add(builder.mul(a_row, constant(r)), column))
            one = spread(builder, builder.load(at, align=4, typ=_NUMBER))
            for v in range(VECTORS):
                total = sums[r * VECTORS + v]
                total.add_incoming(builder.call(fma, [one, factors[v], total]), body)
        k.add_incoming(builder.add(k, constant(1)), body)
        builder.branch(loop)
        builder.position_at_end(end)
        for target, total in zip(targets, sums, strict=True):
            builder.store(total, target, align=4)
        return context.get_dummy_value()

    def tile(typingctx, a, a_row, a_step, b, b_step, c, c_row, depth, add):
        return types.void(*[types.intp] * 9), generate

    return intrinsic(tile)


_tile1, _tile2, _tile3, _tile4, _tile5, _tile6 = (_tile(rows) for rows in range(1, ROWS + 1))


@njit(inline="never", **OPTIONS)
def product(a, a_row, a_step, b, b_step, c, c_row, rows, depth, add):
    """C ← [C +] A·B over PANEL columns: addresses, strides in floats. Shapes: A (rows, depth), B (depth, PANEL)."""
    r = 0
    while r < rows:
        left = rows - r
        here, there = a + 4 * r * a_row, c + 4 * r * c_row
        if left >= 10 or left == 6:
            _tile6(here, a_row, a_step, b, b_step, there, c_row, depth, add)
            r += 6
        elif left == 9 or left == 5:
            _tile5(here, a_row, a_step, b, b_step, there, c_row, depth, add)
            r += 5
        elif left >= 7 or left == 4:
            _tile4(here, a_row, a_step, b, b_step, there, c_row, depth, add)
            r += 4
        elif left == 3:
            _tile3(here, a_row, a_step, b, b_step, there, c_row, depth, add)
            r += 3
        elif left == 2:
            _tile2(here, a_row, a_step, b, b_step, there, c_row, depth, add)
            r += 2
        else:
            _tile1(here, a_row, a_step, b, b_step, there, c_row, depth, add)
            r += 1


@njit(**OPTIONS)
def multiply(at, a_row, rows, w, c, add):
    """c's first rows ← [+] rows at an address times the panels' matrix.

    Shapes: w (p, K, PANEL), c (≥ rows, ≥ p·PANEL).
    """
    step = 4 * w.shape[1] * PANEL
    for p in range(w.shape[0]):
        to = c.ctypes.data + 4 * p * PANEL
        product(at, a_row, 1, w.ctypes.data + p * step, PANEL, to, c.shape[1], rows, w.shape[1], add)


@njit(**OPTIONS)
def add_outer(at, a_row, d, first, rows, total):
    """total += Aᵀ·d over ``rows`` rows of A at an address and of d from ``first`` on: a weight's gradient.

    Shapes: d (≥ first + rows, ≥ N), total (units, N), N whole panels.
    """
    by = d.ctypes.data + 4 * first * d.shape[1]
    for p in range(total.shape[1] // PANEL):
        to = total.ctypes.data + 4 * p * PANEL
        product(at, 1, a_row, by + 4 * p * PANEL, d.shape[1], to, total.shape[1], len(total), rows, 1)
