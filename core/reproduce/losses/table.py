"""From finished cells to figures: groups of labels and of texts, the published pair beside ours, and differences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.evaluate.metrics import aggregate, per_label
from core.evaluate.significance import RESAMPLES, paired, paired_t, resampled
from core.evaluate.threshold_rules import best_global, of_probabilities
from core.experiments.parted import Parted
from core.experiments.reuters import NAME
from core.reproduce.losses.plan import BASELINES, LossPlan
from core.reproduce.losses.published import GROUPS, TABLE
from core.reproduce.plan import Key
from core.reproduce.store import Cell, Store
from core.reproduce.table import csv_text

WIDE = tuple(np.round(np.arange(0.01, 1.0, 0.01), 2))
CUTS = ("published", "wide", "each")
CUT_SAYS = {
    "published": "one cut for all labels, of .40 to .60 the best for micro-F1 on validation, as published",
    "wide": "the same of .01 to .99",
    "each": "a cut for each label by micromacro on validation",
}
# What the paper says of tail labels: which loss is above which.
ORDER = (
    ("fl.v1", "bce.v1"), ("ntr_fl.v1", "fl.v1"), ("cb_ntr.v1", "fl.v1"), ("db.v1", "fl.v1"), ("ntr_fl.v1", "bce.v1"),
    ("cb_ntr.v1", "bce.v1"), ("db.v1", "bce.v1"),
)  # fmt: skip
FIGURES = {"tail macro": ("tail", "macro"), "macro": ("total", "macro"), "micro": ("total", "micro")}


@dataclass(frozen=True)
class Answers:
    """What one model predicts of the test texts; a baseline has one seed. Shapes: predicted of each cut (S, T, K)."""

    arch: str
    model: str
    predicted: dict[str, NDArray[np.bool_]]
    seconds: float  # of all its cells


@dataclass(frozen=True)
class Row:
    """Mean and standard deviation over seeds, per cent; the published pair is None where there is none."""

    arch: str
    model: str
    cut: str
    group: str
    seeds: int
    micro: float
    micro_sd: float
    macro: float
    macro_sd: float
    published_micro: float | None
    published_macro: float | None
    seconds: float


@dataclass(frozen=True)
class LabelRow:
    """A label's F1 on test texts, mean and standard deviation over seeds, as shares of one."""

    arch: str
    model: str
    cut: str
    label: str
    band: str
    training_texts: int
    test_texts: int
    f1: float
    f1_sd: float


@dataclass(frozen=True)
class Comparison:
    """How much better one loss is, per cent: paired over seeds, and by drawing test texts anew.

    ``ahead`` of ``seeds`` have the first above the second. With a single seed there is no test over seeds.
    """

    arch: str
    model: str
    against: str
    cut: str
    figure: str
    difference: float
    ahead: int
    seeds: int
    seeds_low: float | None
    seeds_high: float | None
    seeds_p: float | None
    texts_low: float
    texts_high: float
    texts_p: float


def gather(plan: LossPlan, data: Parted, store: Store) -> list[Answers]:
    """Baselines first, then the losses of each architecture in the plan's order."""
    kinds = [[key] for key in BASELINES]
    kinds += [[Key(seed, 0, arch, loss) for seed in plan.seeds] for arch in plan.archs for loss in plan.losses]
    out = []
    for keys in kinds:
        found = [_read(store, key) for key in keys]
        predicted = {cut: np.stack([_predicted(cell, data, cut) for cell in found]) for cut in CUTS}
        seconds = sum(float(cell.meta["seconds"]) for cell in found)
        out.append(Answers(keys[0].arch, keys[0].model, predicted, seconds))
    return out


def _read(store: Store, key: Key) -> Cell:
    cell = store.read(key)
    if cell is None:
        raise FileNotFoundError(store.path(key))
    return cell


def _predicted(cell: Cell, data: Parted, cut: str) -> NDArray[np.bool_]:
    """Every cut is chosen on validation texts alone. Shapes: → (T, K)."""
    return np.asarray(cell.test_probs >= cut_of(cell, data.y[data.valid], cut))


def cut_of(cell: Cell, valid_y: NDArray, cut: str) -> NDArray[np.float64] | float:
    """One for all labels or one each; the support vector machines bring the published one with them."""
    if cut == "published":
        own = cell.meta.get("chosen", {}).get("cut")
        return float(own) if own is not None else best_global(cell.valid_probs, valid_y)
    if cut == "wide":
        return best_global(cell.valid_probs, valid_y, WIDE)
    return of_probabilities("micromacro", cell.valid_probs, valid_y)


def groups(data: Parted) -> dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Which test texts and which labels are in each of GROUPS; empty ones are left out. Shapes: (T,), (K,)."""
    carried = data.y[data.test].sum(axis=1)
    texts, labels = np.ones(len(data.test), dtype=bool), np.ones(len(data.label_keys), dtype=bool)
    band = np.array(data.bands)
    found = {
        "total": (texts, labels),
        **{name: (texts, band == name) for name in ("head", "medium", "tail")},
        "single": (carried == 1, labels),
        "multi": (carried > 1, labels),
    }
    return {name: found[name] for name in GROUPS if found[name][0].any() and found[name][1].any()}


def table(data: Parted, answers: Sequence[Answers]) -> list[Row]:
    """Macro-F1 of a group of texts is over all labels, those that none of its texts has counting 0, as published."""
    y, out = data.y[data.test], []
    for each in answers:
        for cut in CUTS:
            for group, (texts, labels) in groups(data).items():
                part = np.ix_(texts, labels)
                found = [aggregate(predicted[part], y[part]) for predicted in each.predicted[cut]]
                micro, macro = (_of_seeds([100 * one[name][2] for one in found]) for name in ("micro", "macro"))
                known = data.benchmark == NAME and cut == "published"
                theirs = TABLE.get((each.model, group)) if known else None
                their_micro, their_macro = theirs or (None, None)
                out.append(
                    Row(
                        each.arch, each.model, cut, group, len(found), *micro, *macro, their_micro, their_macro,
                        each.seconds,
                    )
                )  # fmt: skip
    return out


def _of_seeds(values: Sequence[float]) -> tuple[float, float]:
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def labels(data: Parted, answers: Sequence[Answers]) -> list[LabelRow]:
    """The commonest label first."""
    y, counts, out = data.y[data.test], data.counts, []
    for each in answers:
        for cut in CUTS:
            f1 = np.array([per_label(predicted, y)[2] for predicted in each.predicted[cut]])  # (S, K)
            for k, key in enumerate(data.label_keys):
                mean, sd = _of_seeds(f1[:, k].tolist())
                held = int(y[:, k].sum())
                out.append(
                    LabelRow(each.arch, each.model, cut, key, data.bands[k], int(counts[k]), held, mean, sd)
                )  # fmt: skip
    return out


def comparisons(
    plan: LossPlan, data: Parted, answers: Sequence[Answers], *, resamples: int = RESAMPLES
) -> Iterator[Comparison]:
    """The pairs of ORDER that the plan has, in each of FIGURES and cuts."""
    known, parts = {(each.arch, each.model): each for each in answers}, groups(data)
    pairs = [(arch, *pair) for arch in plan.archs for pair in ORDER if set(pair) <= set(plan.losses)]
    drawing = _drawn(data, resamples)
    for cut in CUTS:
        for arch, model, other in pairs:
            for figure, (group, name) in FIGURES.items():
                if group in parts:
                    sides = (known[arch, model], known[arch, other])
                    yield _comparison(data, sides, cut, figure, drawing, parts[group], name)


Drawing = Callable[[Answers, str, str], NDArray[np.float64]]


def _drawn(data: Parted, resamples: int) -> Drawing:
    """Figures of a model's answers on the same draws of test texts, each drawn once."""
    known: dict[tuple[str, str, str, str], NDArray[np.float64]] = {}
    parts, y = groups(data), data.y[data.test]

    def of(side: Answers, cut: str, group: str) -> NDArray[np.float64]:
        at = (side.arch, side.model, cut, group)
        if at not in known:
            _, labels = parts[group]
            known[at] = resampled(side.predicted[cut][:, :, labels], y[:, labels], resamples=resamples)
        return known[at]

    return of


def _comparison(
    data: Parted, sides: tuple[Answers, Answers], cut: str, figure: str, drawing: Drawing, part: Any, name: str
) -> Comparison:
    y, group, (_, labels) = data.y[data.test], FIGURES[figure][0], part
    first, second = (
        np.array([aggregate(one[:, labels], y[:, labels])[name][2] for one in side.predicted[cut]]) for side in sides
    )
    texts = paired(*(drawing(side, cut, group) for side in sides), documents=len(y))[name]
    low = high = p = None
    if len(first) > 1:
        seeds = paired_t(first, second)
        low, high, p = 100 * seeds.low, 100 * seeds.high, seeds.p
    return Comparison(
        sides[0].arch, sides[0].model, sides[1].model, cut, figure,
        100 * float((first - second).mean()), int((first > second).sum()), len(first),
        low, high, p, 100 * texts.low, 100 * texts.high, texts.p,
    )  # fmt: skip


def rows_csv(rows: Sequence[Row] | Sequence[LabelRow] | Sequence[Comparison], kind: type) -> str:
    """One column a field, empty where there is nothing."""
    names = [each.name for each in fields(kind)]
    return csv_text(names, [{name: _short(getattr(row, name)) for name in names} for row in rows])


def _short(value: Any) -> Any:
    return "" if value is None else f"{value:.4f}" if isinstance(value, float) else value
