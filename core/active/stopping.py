"""When labelling may stop: four signals of a round, and a rule on each.

Each signal compares what the models of two rounds say of the same texts, or asks one model how unsure it is; all are
pure functions on arrays. A rule looks at the signals of the last rounds and says *go on*, *may stop*, or that it is
*too early* to say: before there are as many rounds as its window wants, and where there are too few texts to tell.

The papers speak of one label and of learners that start where they were. A mean over rare labels and networks that
start anew never get to κ = .99 or to no change at all, so these two thresholds are ours; when the rules fire on
simulated curves is in docs/acquisition.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.evaluate.intervals import around
from core.seeds import numbers

Verdict = Literal["go_on", "may_stop", "too_early"]
Why = Literal["", "rounds", "texts", "gold", "labels"]

RULES = ("uncertainty", "change", "kappa", "f1")
WINDOWS = {"uncertainty": 2, "change": 2, "kappa": 3, "f1": 3}  # signals in a row; the last two compare two rounds each
THRESHOLDS = {"uncertainty": 0.05, "change": 0.02, "kappa": 0.9, "f1": 0.02}
MIN_TEXTS = 100  # that both rounds have scored
MIN_GOLD = 100  # texts, and
MIN_POSITIVES = 10  # gold positives of a label, on the mean over labels
STOP_SET = 2_000  # texts at most on which two rounds are compared
RESAMPLES = 500


@dataclass(frozen=True)
class Gain:
    """By how much macro-F1 on the same gold texts rose, with the paired bootstrap's 80 % interval."""

    f1: float
    low: float
    high: float
    n: int  # gold texts
    positives: float  # gold positives a label, mean


@dataclass(frozen=True, kw_only=True)
class Signals:
    """What is known of one round. ``against``: the round that it was compared with; None for the first."""

    uncertainty: float | None = None  # bits; None where nothing is left to label
    n_pool: int = 0
    against: int | None = None
    n_both: int = 0  # texts of the stop set: scored by both rounds
    decisions_changed: float | None = None
    texts_changed: float | None = None
    kappa: float | None = None
    kappa_by_label: dict[str, float] = field(default_factory=dict)  # where it is defined


@dataclass(frozen=True)
class Ruling:
    """One rule's verdict, with what it rests on: ``value``, between low and high, is held against ``threshold``."""

    rule: str
    verdict: Verdict
    threshold: float
    window: int
    have: int  # signals that there are
    value: float | None = None
    low: float | None = None
    high: float | None = None
    why: Why = ""  # it is too early: too few rounds, texts in common, gold, or labels that kappa is defined for


def overall_uncertainty(probs: NDArray) -> float | None:
    """Mean binary entropy over texts and labels; None without a text. Shapes: (P, K). Units: bits, 0 … 1.

    Source: zhu2008 (overall uncertainty); the mean over labels is ours.
    """
    p = np.asarray(probs, dtype=np.float64)
    if not p.size:
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        bits = -np.nan_to_num(p * np.log2(p)) - np.nan_to_num((1 - p) * np.log2(1 - p))
    return float(bits.mean())


def changed(before: NDArray, after: NDArray) -> tuple[float, float] | None:
    """Share of decisions that differ, and of texts with a decision that does. Shapes: (P, K) of 0 and 1 each.

    Source: zhu2008 (classification change), which waits for no change at all; networks that start anew each round never
    get there, so the rule allows a few decisions in a hundred.
    """
    a, b = _same_shape(before, after)
    if not a.size:
        return None
    return float((a != b).mean()), float((a != b).any(axis=1).mean())


def kappas(before: NDArray, after: NDArray) -> NDArray[np.float64]:
    """Cohen's κ of two rounds for each label; NaN where both say always the same, for κ is not defined there.

    Shapes: (P, K) of 0 and 1 each → (K,). Source: bloodgood2009; cohen1960.
    """
    a, b = _same_shape(before, after)
    if not len(a):
        return np.full(a.shape[1], np.nan)
    agreed, p, q = (a == b).mean(axis=0), a.mean(axis=0), b.mean(axis=0)
    expected = p * q + (1 - p) * (1 - q)
    return np.divide(agreed - expected, 1 - expected, out=np.full(a.shape[1], np.nan), where=expected < 1 - 1e-12)


def gain(before: NDArray, after: NDArray, y: NDArray, *, seed: int = 0) -> Gain:
    """Macro-F1 of the later round less that of the earlier one, on the same gold texts drawn anew with replacement.

    Shapes: (N, K) of 0 and 1 each. Raises ValueError: unlike shapes, or no text. Source: laws2008 (gradient of
    performance), with gold in place of an estimate; efron1993 for the interval.
    """
    a, b = _same_shape(before, after)
    truth = np.asarray(y) > 0
    if truth.shape != a.shape or not a.size:
        raise ValueError(f"decisions of shape {a.shape}, labels of shape {truth.shape}")
    n = len(truth)
    draws = numbers(seed, "gain").multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    counts = np.vstack([np.ones((1, n)), draws])
    rises = _macro(b, truth, counts) - _macro(a, truth, counts)
    low, high = around(rises[0], rises[1:], level=80, lowest=-1, highest=1)
    return Gain(float(rises[0]), float(low), float(high), n, float(truth.sum(axis=0).mean()))


def _same_shape(before: NDArray, after: NDArray) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    a, b = np.asarray(before) > 0, np.asarray(after) > 0
    if a.shape != b.shape or a.ndim != 2:
        raise ValueError(f"decisions of shapes {a.shape} and {b.shape}")
    return a, b


def _macro(found: NDArray[np.bool_], y: NDArray[np.bool_], counts: NDArray) -> NDArray[np.float64]:
    """Macro-F1 under each row of text counts; 0 for a label that is neither there nor found. → (R,)."""
    hits, named, held = (counts @ part.astype(np.float64) for part in (found & y, found, y))
    both = named + held
    return np.divide(2 * hits, both, out=np.zeros(both.shape), where=both > 0).mean(axis=1)


def rulings(history: Sequence[Signals], risen: Gain | None) -> tuple[Ruling, ...]:
    """A verdict by each of RULES. ``history``: rounds in their order; ``risen``: over the last WINDOWS["f1"] rounds."""
    compared = [each for each in history if each.against is not None]
    return (
        _level("uncertainty", history, lambda s: s.uncertainty, lambda v, t: max(v) <= t),
        _level("change", compared, lambda s: s.decisions_changed, lambda v, t: max(v) <= t),
        _level("kappa", compared, lambda s: s.kappa, lambda v, t: float(np.mean(v)) >= t),
        _f1(history, risen),
    )


def _level(
    rule: str,
    history: Sequence[Signals],
    signal: Callable[[Signals], float | None],
    stops: Callable[[Sequence[float], float], bool],
) -> Ruling:
    """A rule on the last signals of a kind, all of which have to be there."""
    window, threshold = WINDOWS[rule], THRESHOLDS[rule]
    last = history[-window:]
    values = [each for each in map(signal, last) if each is not None]
    shown = (float(np.mean(values)) if rule == "kappa" else values[-1]) if values else None
    texts = [each.n_pool if rule == "uncertainty" else each.n_both for each in last]
    why: Why = ""
    if len(last) < window:
        why = "rounds"
    elif min(texts) < MIN_TEXTS:
        why = "texts"
    elif len(values) < window:
        why = "labels"
    if why:
        return Ruling(rule, "too_early", threshold, window, len(history), shown, why=why)
    return Ruling(rule, "may_stop" if stops(values, threshold) else "go_on", threshold, window, len(history), shown)


def _f1(history: Sequence[Signals], risen: Gain | None) -> Ruling:
    """May stop when even the upper end of the gain's interval is small: no proof of a gain is no proof of none."""
    window, threshold = WINDOWS["f1"], THRESHOLDS["f1"]
    have = max(0, len(history) - 1)
    if risen is None or have < window:
        return Ruling("f1", "too_early", threshold, window, have, why="rounds")
    told = (threshold, window, have, risen.f1, risen.low, risen.high)
    if risen.n < MIN_GOLD or risen.positives < MIN_POSITIVES:
        return Ruling("f1", "too_early", *told, why="gold")
    return Ruling("f1", "may_stop" if risen.high <= threshold else "go_on", *told)


def stop_set(ids: ArrayLike, *, size: int = STOP_SET) -> NDArray[np.int64]:
    """Positions of the texts that rounds are compared on: those of least hash, so that they stay the same ones.

    Shapes: (P,) of document ids → (min(P, size),), ascending.
    """
    found = np.asarray(ids, dtype=np.uint64)
    mixed = found * np.uint64(0x9E3779B97F4A7C15)  # wraps; then the upper bits fold into the lower
    mixed ^= mixed >> np.uint64(32)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return np.sort(np.argsort(mixed, kind="stable")[:size])
