"""Do thresholds that are chosen on few positives overfit? Each rule's F1 on validation and on everything else.

    python -m bench.thresholds                          200 draws of the validation set, 1,000 texts each
    python -m bench.thresholds --separation 3 --draws 20

A label's scores are binormal (those of its texts lie so much above the others, in units of spread) and honest: a score
is the label's probability. So F1 on fresh texts is known exactly, of any threshold, and nothing of it is noise. Each of
the levels of rarity has five labels, beside five of the head; all are cut together, for some rules look at all labels.
``optimism`` is F1 on the validation texts less F1 on fresh ones. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import norm

from core.evaluate.threshold_rules import best_per_label, of_probabilities
from core.evaluate.thresholds import choose

LEVELS = (2, 3, 5, 10, 20, 50)  # validation positives
LABELS = 5  # of each level
HEAD = 300  # validation positives of a head label, of a thousand texts
SEPARATION = 2.5  # an area under the ROC curve of 0.96
TRAINING = 5  # so many training texts for each validation text: a label's frequency is known from these

Rule = Callable[[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]], NDArray[np.float64]]
RULES: dict[str, Rule] = {
    "half": lambda p, y, shares: of_probabilities("half", p, y),
    "global": lambda p, y, shares: of_probabilities("global", p, y),
    "per_label, in one part": lambda p, y, shares: best_per_label(p, y),  # as it is usually tuned
    "per_label": lambda p, y, shares: of_probabilities("per_label", p, y),
    "scutfbr": lambda p, y, shares: of_probabilities("scutfbr", p, y),
    "micromacro": lambda p, y, shares: of_probabilities("micromacro", p, y),
    "smoothed (auto)": lambda p, y, shares: choose(p, y, shares),
}


def shares_of(valid: int) -> NDArray[np.float64]:
    """The share of texts that carry each label: the levels, then the head. Shapes: → (K,)."""
    counts = np.repeat([*LEVELS, HEAD * valid / 1000], LABELS)
    return counts / valid


def draw(
    shares: NDArray[np.float64], valid: int, apart: float, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """A validation set as a stratified split gives it: probabilities, labels, and frequencies counted in training.

    Shapes: → (N, K), (N, K), (K,).
    """
    y = np.zeros((valid, len(shares)), dtype=bool)
    for k, count in enumerate(np.rint(shares * valid).astype(int)):
        y[rng.permutation(valid)[:count], k] = True
    places = rng.normal(size=y.shape) + apart * y
    counted = rng.binomial(TRAINING * valid, shares) / (TRAINING * valid)
    return expit(np.log(shares / (1 - shares)) + apart * places - apart**2 / 2), y, counted


def fresh_f1(cuts: NDArray[np.float64], shares: NDArray[np.float64], apart: float) -> NDArray[np.float64]:
    """F1 of each cut on texts without number. Shapes: cuts (..., K), shares (K,) → (..., K)."""
    with np.errstate(divide="ignore"):
        logit = np.log(cuts) - np.log1p(-cuts)
    at = (logit - np.log(shares / (1 - shares)) + apart**2 / 2) / apart  # where a score has that probability
    hits, false = shares * norm.sf(at - apart), (1 - shares) * norm.sf(at)
    return np.asarray(2 * hits / (hits + false + shares))


def best_f1(shares: NDArray[np.float64], apart: float) -> NDArray[np.float64]:
    """Of the best threshold there is. Shapes: (K,) → (K,)."""
    grid = expit(np.linspace(-12, 6, 4000))[:, None]
    return np.asarray(fresh_f1(grid, shares, apart).max(axis=0))


def seen_f1(cuts: NDArray[np.float64], p: NDArray[np.float64], y: NDArray[np.bool_]) -> NDArray[np.float64]:
    named = p >= cuts
    return np.asarray(2 * (named & y).sum(axis=0) / np.maximum(named.sum(axis=0) + y.sum(axis=0), 1))


def simulate(
    draws: int, valid: int, apart: float = SEPARATION, seed: int = 0
) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Each rule's F1 on validation and on fresh texts. Shapes: → (R, K) each."""
    shares = shares_of(valid)
    found = {rule: {"seen": np.empty((draws, len(shares))), "fresh": np.empty((draws, len(shares)))} for rule in RULES}
    for number in range(draws):
        p, y, counted = draw(shares, valid, apart, np.random.default_rng([seed, number]))
        for rule, choosing in RULES.items():
            cuts = choosing(p, y, counted).clip(1e-12, 1 - 1e-12)
            found[rule]["seen"][number] = seen_f1(cuts, p, y)
            found[rule]["fresh"][number] = fresh_f1(cuts, shares, apart)
    return found


def by_level(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean over draws and the labels of a level. Shapes: (R, K) → (levels + head,)."""
    return np.asarray(values.reshape(len(values), -1, LABELS).mean(axis=(0, 2)))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="F1 of each threshold rule by the positives it was chosen on")
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--valid", type=int, default=1000, help="validation texts")
    parser.add_argument("--separation", type=float, default=SEPARATION, help="of a label's texts from the others")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(arguments)
    found = simulate(args.draws, args.valid, args.separation, args.seed)
    best = by_level(best_f1(shares_of(args.valid), args.separation)[None])
    columns = [f"n⁺ = {n}" for n in (*LEVELS, round(HEAD * args.valid / 1000))]
    out: dict[str, dict[str, list[float]]] = {"best there is": {"fresh": [round(float(v), 4) for v in best]}}
    print(f"{'F1 on fresh texts (optimism)':30}" + "".join(f"{c:>16}" for c in columns))
    print(f"{'best there is':30}" + "".join(f"{v:>16.3f}" for v in best))
    for rule, both in found.items():
        fresh, seen = by_level(both["fresh"]), by_level(both["seen"])
        out[rule] = {"fresh": np.round(fresh, 4).tolist(), "optimism": np.round(seen - fresh, 4).tolist()}
        print(f"{rule:30}" + "".join(f"{f'{f:.3f} ({s - f:+.3f})':>16}" for f, s in zip(fresh, seen, strict=True)))
    print(
        json.dumps(
            {"draws": args.draws, "valid": args.valid, "separation": args.separation, "positives": LEVELS, "rules": out}
        )
    )


if __name__ == "__main__":
    main()
