"""Logits made to say how often they are right: fitted on validation, label by label, then kept with the model.

Which map a label gets depends on what validation holds of it, so that none is fitted on a handful of texts:

- ``temperature``: with FEW positives and FEW negatives at least, a temperature of its own; else the one that fits all
  labels together.
- ``platt``: as above, and an offset beside the label's own temperature. A model whose logits were moved, by a class
  weight or to its best cut, needs one.
- ``isotonic``: with MANY positives and MANY negatives at least, any rising curve; else as ``temperature``.
- ``auto``: as ``isotonic``, but what has no curve is treated as by ``platt``.

Every map rises strictly: it changes no label's ranking, ties nothing, and says neither 0 nor 1.
Source: guo2017 (temperature), platt1999 (offset; smoothed targets, which bound both), zadrozny2002 (isotonic).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.evaluate.curves import reliability

RULES = ("none", "temperature", "platt", "isotonic", "auto")
FEW, MANY = 10, 100  # a curve on half as many was worse on new texts than no curve
SMOOTHED = 0.01  # how much of a curve's answer is the straight map's: no two texts tie
APART = 0.1  # of a curve's places, in logits, at least: a step would turn a rounding error into an answer
MOST = 400  # places of a curve
LIMIT = 30.0  # of a calibrated logit
_READ = 11  # points of a curve for each place
_SCALES = (0.05, 20.0)  # of 1 / temperature
_OFFSETS = (-20.0, 20.0)

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]  # rising logits, and the share that is right there


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """z → z / T + b for each label, or a curve. Shapes: scale (K,) of 1 / T, offset (K,).

    ``methods`` names what each label got: none, shared, temperature, platt or isotonic.
    """

    scale: NDArray[np.float64]
    offset: NDArray[np.float64]
    curves: Mapping[int, Curve]
    methods: tuple[str, ...]

    def __call__(self, logits: ArrayLike) -> NDArray[np.float64]:
        """Calibrated logits. Shapes: (..., K) → (..., K)."""
        given = np.asarray(logits, dtype=np.float64)
        out = given * self.scale + self.offset
        for k, (places, shares) in self.curves.items():
            straight = _sigmoid(out[..., k])
            p = (1 - SMOOTHED) * np.interp(given[..., k], places, shares) + SMOOTHED * straight
            with np.errstate(divide="ignore"):
                out[..., k] = np.log(p) - np.log1p(-p)
        return np.asarray(out.clip(-LIMIT, LIMIT))

    def to_json(self) -> dict[str, Any]:
        curves = {str(k): [part.tolist() for part in curve] for k, curve in self.curves.items()}
        return {
            "scale": self.scale.tolist(), "offset": self.offset.tolist(), "curves": curves,
            "methods": list(self.methods),
        }  # fmt: skip

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Raises KeyError, ValueError: these are not the values of a calibration."""
        curves = {
            int(k): (np.array(x, dtype=float), np.array(p, dtype=float)) for k, (x, p) in values["curves"].items()
        }
        scale, offset = (np.array(values[name], dtype=np.float64) for name in ("scale", "offset"))
        if not scale.shape == offset.shape == (len(values["methods"]),):
            raise ValueError(f"scale {scale.shape}, offset {offset.shape}, {len(values['methods'])} methods")
        return cls(scale=scale, offset=offset, curves=curves, methods=tuple(values["methods"]))


def unchanged(labels: int) -> Calibration:
    """Logits as they are."""
    return Calibration(scale=np.ones(labels), offset=np.zeros(labels), curves={}, methods=("none",) * labels)


def fit(rule: str, logits: ArrayLike, y: ArrayLike) -> Calibration:
    """By one of RULES, from texts that the model has not learned from; without any, logits stay as they are.

    Shapes: logits, y (N, K). Raises ValueError: no such rule, unlike shapes, a logit that is no number.
    """
    z, truth = np.asarray(logits, dtype=np.float64), np.asarray(y) > 0
    if rule not in RULES:
        raise ValueError(f"{rule!r} is none of {', '.join(RULES)}")
    if z.ndim != 2 or z.shape != truth.shape or not np.isfinite(z).all():
        raise ValueError(f"logits {z.shape}, labels {truth.shape}, all finite")
    labels = z.shape[1]
    if rule == "none" or not len(z):
        return unchanged(labels)
    scale, offset = np.full(labels, _temperature(z, _smoothed(truth))), np.zeros(labels)
    methods, curves = ["shared"] * labels, {}
    rarer = np.minimum(truth.sum(axis=0), (~truth).sum(axis=0))
    for k in range(labels):
        own, target = z[:, k], _smoothed(truth[:, k])
        if rarer[k] >= FEW and rule in ("platt", "auto"):
            (scale[k], offset[k]), methods[k] = _platt(own, target), "platt"
        elif rarer[k] >= FEW:
            scale[k], methods[k] = _temperature(own, target), "temperature"
        if rarer[k] >= MANY and rule in ("isotonic", "auto"):
            curves[k], methods[k] = _isotonic(own, truth[:, k]), "isotonic"
    return Calibration(scale=scale, offset=offset, curves=curves, methods=tuple(methods))


@dataclass(frozen=True)
class Quality:
    """How far probabilities can be taken at their word, the mean over labels; None without a text."""

    ece: float | None  # expected calibration error, in ten bins
    brier: float | None  # mean square of probability less outcome

    @classmethod
    def of(cls, probs: ArrayLike, y: ArrayLike) -> Self:
        """Shapes: (N, K) each."""
        p, truth = np.asarray(probs, dtype=np.float64), np.asarray(y) > 0
        if not p.size:
            return cls(None, None)
        errors = [reliability(truth[:, k], p[:, k]).error or 0.0 for k in range(p.shape[1])]
        return cls(float(np.mean(errors)), float(np.square(p - truth).mean()))


def counted(methods: Sequence[str]) -> dict[str, int]:
    """How many labels got which map."""
    return {name: methods.count(name) for name in dict.fromkeys(methods)}


def _smoothed(y: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Targets short of 0 and 1, the more so the fewer texts speak: no label that is told apart gets infinite logits."""
    positives, negatives = y.sum(axis=0), (~y).sum(axis=0)
    return np.where(y, (positives + 1) / (positives + 2), 1 / (negatives + 2))


def _temperature(z: NDArray[np.float64], target: NDArray[np.float64]) -> float:
    """1 / T of the least negative log-likelihood."""
    from scipy.optimize import minimize_scalar

    def loss(log_scale: float) -> float:
        scaled = z * np.exp(log_scale)
        return float((np.logaddexp(0, scaled) - target * scaled).mean())

    return float(np.exp(minimize_scalar(loss, bounds=np.log(_SCALES), method="bounded").x))


def _platt(z: NDArray[np.float64], target: NDArray[np.float64]) -> tuple[float, float]:
    """1 / T and offset of the least negative log-likelihood."""
    from scipy.optimize import minimize

    def loss(at: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scaled = z * at[0] + at[1]
        error = _sigmoid(scaled) - target
        return float((np.logaddexp(0, scaled) - target * scaled).mean()), np.array([(error * z).mean(), error.mean()])

    scale, offset = minimize(loss, np.array([1.0, 0.0]), jac=True, bounds=(_SCALES, _OFFSETS)).x
    return float(scale), float(offset)


def _isotonic(z: NDArray[np.float64], y: NDArray[np.bool_]) -> Curve:
    """The best rising curve, read at places APART from each other; there its mean as far as half-way to the next."""
    from sklearn.isotonic import IsotonicRegression

    rising = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(z, y.astype(np.float64))
    low, high = float(z.min()), float(z.max())
    apart = max(APART, (high - low) / MOST)
    places = np.asarray(low + apart * np.arange(int((high - low) / apart) + 2), dtype=np.float64)
    around = apart * np.linspace(-0.5, 0.5, _READ)
    return places, rising.predict((places[:, None] + around).ravel()).reshape(-1, _READ).mean(axis=1)


def _sigmoid(z: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * z)))
