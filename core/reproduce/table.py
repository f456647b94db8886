"""From finished cells to figures: means over folds, figures of each label, and how sure a difference is."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.evaluate.metrics import AGGREGATES, aggregate, per_label
from core.evaluate.significance import RESAMPLES, Difference, corrected_t, paired, ratios, resampled
from core.experiments.corpus import Corpus
from core.reproduce.plan import LINEAR, STANDALONE, TEACHER, Key, Plan
from core.reproduce.run import folds_of
from core.reproduce.store import Store

CUTS = ("0.5", "tuned")


@dataclass(frozen=True)
class Answers:
    """What one model said of every text by the fold that tested it; S repetitions.

    Shapes: numbers (S, N) of folds; predicted of each of CUTS (S, N, K).
    """

    arch: str
    model: str
    numbers: NDArray[np.int64]
    predicted: dict[str, NDArray[np.bool_]]
    seconds: float  # of all its cells

    def by_fold(self, y: NDArray, cut: str) -> list[tuple[NDArray[np.bool_], NDArray]]:
        """(predicted, labels) of each repetition's folds."""
        return [
            (predicted[numbers == number], y[numbers == number])
            for predicted, numbers in zip(self.predicted[cut], self.numbers, strict=True)
            for number in range(int(numbers.max()) + 1)
        ]


@dataclass(frozen=True)
class Row:
    """A model's mean and spread over folds and repetitions, as shares of one."""

    arch: str
    model: str
    cut: str
    seeds: int
    folds: int
    mean: dict[str, float]
    sd: dict[str, float]
    seconds: float


@dataclass(frozen=True)
class LabelRow:
    arch: str
    model: str
    cut: str
    label: str
    positives: int
    precision: float
    recall: float
    f1: float
    f1_sd: float


@dataclass(frozen=True)
class Comparison:
    """One model against another of the same architecture, or the linear baseline, in one figure by one test."""

    arch: str
    model: str
    against: str
    cut: str
    metric: str
    test: str  # corrected_t (corrected_t_learned: by the more careful ratio), or paired_bootstrap
    difference: float
    low: float
    high: float
    p: float
    n: int


def gather(plan: Plan, corpus: Corpus, store: Store) -> list[Answers]:
    """Every model of a finished plan: the linear baseline, then each architecture's, a recipe beside its own teachers.

    Teachers that several recipes share, also over architectures, are told with each of them.
    """
    numbers = np.stack([folds_of(plan, corpus, seed) for seed in plan.seeds])
    known: dict[tuple[str, str], Answers] = {}

    def of(key: Key) -> Answers:
        name = (key.arch, key.model)
        if name not in known:
            known[name] = _answers(plan, corpus, store, numbers, *name)
        return known[name]

    out = [of(Key(plan.seeds[0], 0, "-", LINEAR))]
    for arch in plan.archs:
        at = Key(plan.seeds[0], 0, arch, TEACHER)
        out += [of(at), of(replace(at, model=STANDALONE))]
        for recipe in (one for one in plan.recipes if plan.applies(one, arch)):
            own = plan.teachers_of(replace(at, model=recipe))
            if own is not None:
                out.append(replace(of(own), arch=arch, model=teachers_name(recipe)))
            out.append(of(replace(at, model=recipe)))
    return out


def teachers_name(recipe: str) -> str:
    """How a recipe's own teachers are called in tables."""
    return f"{recipe} teachers"


def _answers(plan: Plan, corpus: Corpus, store: Store, numbers: NDArray, arch: str, model: str) -> Answers:
    predicted = {cut: np.zeros((len(plan.seeds), *corpus.y.shape), dtype=bool) for cut in CUTS}
    seconds = 0.0
    for s, seed in enumerate(plan.seeds):
        for number in range(plan.folds):
            cell = store.read(Key(seed, number, arch, model))
            if cell is None:
                raise FileNotFoundError(store.path(Key(seed, number, arch, model)))
            predicted["0.5"][s, cell.test] = cell.test_probs >= 0.5
            predicted["tuned"][s, cell.test] = cell.test_probs >= cell.thresholds
            seconds += float(cell.meta["seconds"])
    return Answers(arch, model, numbers, predicted, seconds)


def table(plan: Plan, corpus: Corpus, answers: Sequence[Answers]) -> list[Row]:
    out = []
    for each in answers:
        for cut in CUTS:
            scores = _scores(each, corpus.y, cut)
            out.append(
                Row(
                    each.arch, each.model, cut, len(plan.seeds), plan.folds,
                    {name: float(values.mean()) for name, values in scores.items()},
                    {name: float(values.std(ddof=1)) for name, values in scores.items()},
                    each.seconds,
                )
            )  # fmt: skip
    return out


def _scores(answers: Answers, y: NDArray, cut: str) -> dict[str, NDArray[np.float64]]:
    """A figure for each fold and repetition. Shapes: → (J,) each."""
    found = [aggregate(predicted, labels) for predicted, labels in answers.by_fold(y, cut)]
    return {name: np.array([each[name][2] for each in found]) for name in AGGREGATES}


def labels(corpus: Corpus, answers: Sequence[Answers]) -> list[LabelRow]:
    """Mean over folds and repetitions; a fold that tests no text of a label counts 0, as it does in macro-F1."""
    out = []
    for each in answers:
        for cut in CUTS:
            found = np.array([per_label(predicted, y) for predicted, y in each.by_fold(corpus.y, cut)])  # (J, 3, K)
            for k, key in enumerate(corpus.label_keys):
                precision, recall, f1 = (float(value) for value in found[:, :, k].mean(axis=0))
                spread = float(found[:, 2, k].std(ddof=1))
                positives = int(corpus.y[:, k].sum())
                out.append(LabelRow(each.arch, each.model, cut, key, positives, precision, recall, f1, spread))
    return out


def comparisons(
    plan: Plan, corpus: Corpus, answers: Sequence[Answers], *, resamples: int = RESAMPLES
) -> Iterator[Comparison]:
    """Each recipe against standalone, its own and the published teachers, the linear baseline and ``kd``."""
    by_name = {(each.arch, each.model): each for each in answers}
    ratio = ratios(plan.folds, plan.valid_share)
    for cut in CUTS:
        drawn: dict[int, NDArray[np.float64]] = {}  # shared teachers are drawn once
        for arch, model, other in _pairs(plan, by_name):
            sides = [by_name[arch, model], by_name[other.arch, other.model]]
            for side in sides:
                if id(side.predicted) not in drawn:
                    drawn[id(side.predicted)] = resampled(side.predicted[cut], corpus.y, resamples=resamples)
            a, b = (_scores(side, corpus.y, cut) for side in sides)
            tests = {
                "corrected_t": {name: corrected_t(a[name], b[name], ratio=ratio.standard) for name in AGGREGATES},
                "corrected_t_learned": {
                    name: corrected_t(a[name], b[name], ratio=ratio.learned) for name in AGGREGATES
                },
                "paired_bootstrap": paired(*(drawn[id(side.predicted)] for side in sides), documents=len(corpus.texts)),
            }
            for test, found in tests.items():
                for name in AGGREGATES:
                    yield _comparison((arch, model, other.model, cut, name, test), found[name])


def _comparison(names: tuple[str, str, str, str, str, str], found: Difference) -> Comparison:
    return Comparison(*names, found.mean, found.low, found.high, found.p, found.n)


def _pairs(plan: Plan, known: Mapping[tuple[str, str], Answers]) -> Iterator[tuple[str, str, Key]]:
    for arch in plan.archs:
        for recipe in plan.recipes:
            if (arch, recipe) not in known:
                continue
            at = Key(plan.seeds[0], 0, arch, recipe)
            own = replace(at, model=teachers_name(recipe))
            others = [replace(at, model=STANDALONE), replace(at, model=TEACHER)]
            if (arch, own.model) in known:
                others.insert(1, own)
            others.append(replace(at, arch="-", model=LINEAR))
            if recipe != "kd" and "kd" in plan.recipes:
                others.append(replace(at, model="kd"))
            for other in dict.fromkeys(others):
                yield arch, recipe, other


def unused_labels(plan: Plan, corpus: Corpus) -> list[str]:
    """Folds whose training or test part lacks a label, as sentences."""
    out = []
    for seed in plan.seeds:
        numbers = folds_of(plan, corpus, seed)
        for number in range(plan.folds):
            for where, part, then in (
                ("test", numbers == number, "its F1 there counts 0 in macro-F1"),
                ("training", numbers != number, "its models answer with its frequency"),
            ):
                for k in np.flatnonzero(~corpus.y[part].any(axis=0)):
                    out.append(
                        f"Seed {seed}, fold {number + 1}: no {where} text carries “{corpus.label_keys[k]}”; {then}."
                    )
    return out


def table_csv(rows: Iterable[Row]) -> str:
    """Per cent, two decimals."""
    names = [f"{name}_{what}" for name in ("micro", "macro", "weighted", "subset") for what in ("mean", "sd")]
    flat = [
        {
            "arch": row.arch, "model": row.model, "cut": row.cut, "seeds": row.seeds, "folds": row.folds,
            **{f"{name}_mean": f"{100 * row.mean[name]:.2f}" for name in AGGREGATES},
            **{f"{name}_sd": f"{100 * row.sd[name]:.2f}" for name in AGGREGATES},
            "seconds": f"{row.seconds:.1f}",
        }
        for row in rows
    ]  # fmt: skip
    return csv_text(["arch", "model", "cut", "seeds", "folds", *names, "seconds"], flat)


def rows_csv(rows: Sequence[LabelRow] | Sequence[Comparison], kind: type) -> str:
    """One column a field; shares of one, six digits."""
    names = [each.name for each in fields(kind)]
    return csv_text(names, [{name: _short(getattr(row, name)) for name in names} for row in rows])


def _short(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else value


def csv_text(names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()
