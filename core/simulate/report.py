"""What a finished simulation says: curves, table and differences as CSV, figures as SVG, a report as one HTML file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields
from pathlib import Path

import numpy as np

from core.active import queue
from core.experiments.corpus import Corpus, describe
from core.experiments.directory import publish
from core.experiments.drawing import escape
from core.experiments.page import bullets, document, escape_lines, p_value, tabulated
from core.simulate import figures
from core.simulate.cells import Split, tail
from core.simulate.curves import (
    MEASURES,
    SHARES,
    Comparison,
    Curves,
    Needed,
    Row,
    comparisons,
    gather,
    long_form,
    notes,
    table,
)
from core.simulate.plan import CHANCE, FULL, Plan
from core.simulate.store import Store

HEADS = {"micro": "micro-F1", "macro": "macro-F1", "tail": "tail macro-F1"}
LEARNERS = {
    "linear": "the fast lane's linear model, refitted after each batch",
    "student": "a round's student, trained anew after each batch; the fast lane ranks anew within a batch",
}


def write(plan: Plan, corpus: Corpus, store: Store, parts: dict[int, Split], *, command: str) -> Path:
    """curves.csv, table.csv, significance.csv, the figures and report.html of a finished plan; the report's path."""
    curves = gather(plan, store)
    rows, found = table(curves), list(comparisons(plan, curves))
    ordered = [curves[row.strategy] for row in rows if row.measure == "tail"]
    drawings = {
        measure: figures.learning_curves(ordered, curves[FULL], measure, title=_title(measure, corpus))
        for measure in MEASURES
    }
    said = [*corpus.notes, *notes(corpus, {seed: corpus.y[each.test].sum(axis=0) for seed, each in parts.items()})]
    contents = {
        "curves.csv": _csv(("strategy", "seed", "n_labelled", "measure", "value"), long_form(corpus, curves)),
        "table.csv": _table_csv(rows),
        "significance.csv": _csv([each.name for each in fields(Comparison)], (_short(each) for each in found)),
        **{f"curves_{measure}.svg": drawing for measure, drawing in drawings.items()},
        "report.html": document(
            f"Choosing what to label, simulated: {corpus.name}",
            _body(plan, corpus, parts, curves, rows, found, drawings, said, command),
        ),
    }
    for name, content in contents.items():
        publish(store.out / name, content.encode("utf-8"))
    return store.out / "report.html"


def _title(measure: str, corpus: Corpus) -> str:
    keys = corpus.label_keys
    over = f" ({'、'.join(keys[k] for k in tail(len(keys)))})" if measure == "tail" and len(keys) <= 12 else ""
    return f"{HEADS[measure]}{over} on texts never chosen from"


def _csv(names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
    return stream.getvalue()


def _short(each: Comparison) -> list[object]:
    return [f"{value:.6g}" if isinstance(value, float) else value for value in astuple(each)]


def _table_csv(rows: Sequence[Row]) -> str:
    names = ["strategy", "measure", "area", "area_sd", "last", "last_sd", "full"]
    for share in SHARES:
        names += [f"labels_to_{100 * share:.0f}", f"seeds_to_{100 * share:.0f}"]
    flat = []
    for row in rows:
        line: list[object] = [row.strategy, row.measure]
        figures_of = (row.area, row.area_sd, row.last, row.last_sd, row.full)
        line += ["" if value != value else f"{value:.6g}" for value in figures_of]
        for share in SHARES:
            labels, seeds = row.needed[share].labels, row.needed[share].seeds
            line += ["" if labels is None else f"{labels:.1f}", seeds]
        flat.append([*line, f"{row.seconds:.2f}", f"{row.learn_s:.3f}"])
    return _csv([*names, "seconds", "seconds_a_ranking"], flat)


def _body(
    plan: Plan, corpus: Corpus, parts: dict[int, Split], curves: dict[str, Curves], rows: list[Row],
    found: list[Comparison], drawings: dict[str, str], said: list[str], command: str,
) -> list[str]:  # fmt: skip
    about, settings = describe(corpus), json.dumps(plan.frozen(), ensure_ascii=False, indent=1)
    pool, test = (int(np.median([len(getattr(each, name)) for each in parts.values()])) for name in ("pool", "test"))
    return [
        f"<h1>Choosing what to label, simulated: {escape(corpus.name)}</h1>",
        f"<p>{about['texts']:,} texts, {about['labels']} labels. Seeds: {plan.seeds}; each splits anew into {pool:,} "
        f"texts to choose from and {test:,} to measure on, the same for all strategies. {plan.first} texts by chance, "
        f"then batches of {plan.batch} up to {plan.budget}. Learner: {LEARNERS[plan.learner]}. "
        f"{100 * plan.explore_share:.0f} % of every queue's places are random (more while a label has no positive), as "
        "in the product. Import, queue, answers, learning, ranking and cuts are the product's own code.</p>",
        *(f'<div class="wide">{drawings[measure]}</div>' for measure in reversed(MEASURES)),
        "<p class='quiet'>Lines: means over seeds; bands: one standard deviation each way.</p>",
        *_tables(rows, plan),
        "<h2>Is the difference real?</h2>",
        _what_seeds_show(plan),
        _differences(found),
        "<h2>Label by label</h2>",
        f"<p>Mean F1 of each label after {plan.budget} texts, and positives among them.</p>",
        _labels(corpus, curves, rows),
        "<h2>Strategies</h2>",
        _strategies(plan),
        "<h2>Notes</h2>",
        bullets(said) if said else "<p>Nothing out of the ordinary.</p>",
        "<h2>Settings</h2>",
        f"<pre>{escape_lines(command)}\n\n{escape_lines(settings)}</pre>",
        f"<p class='quiet'>Data {corpus.digest}.</p>",
    ]


def _tables(rows: Sequence[Row], plan: Plan) -> Iterable[str]:
    by_chance = {row.measure: row.needed[SHARES[-1]].labels for row in rows if row.strategy == CHANCE}
    for measure in reversed(MEASURES):
        full = next(row.full for row in rows if row.measure == measure)
        yield f"<h2>{HEADS[measure]}</h2><p>With every label of the pool: {full:.3f}.</p>"
        heads = ["strategy", "area under the curve", "at the end", *(f"labels to {100 * s:.0f} %" for s in SHARES)]
        body = []
        for row in (each for each in rows if each.measure == measure):
            body.append(
                [
                    escape(row.strategy), f"{row.area:.4f} {_spread(row.area_sd, 4)}",
                    f"{row.last:.3f} {_spread(row.last_sd, 3)}",
                    *(_needed(row.needed[share], plan) for share in SHARES),
                    _ratio(row.needed[SHARES[-1]].labels, by_chance[measure]),
                    f"{row.seconds:,.1f}", f"{row.learn_s:.2f}",
                ]
            )  # fmt: skip
        yield tabulated([*heads, "of chance’s", "seconds a curve", "seconds a ranking"], body)
    yield (
        "<p>Labels to a share of the full-data score: where the mean curve first reaches it, straight between "
        "points; in brackets how many seeds' own curves do. “Of chance's”: the last of these over what chance needs."
        " A ranking is one refit of the learner with the choice that follows.</p>"
    )


def _spread(sd: float, digits: int) -> str:
    return "" if sd != sd else f"<small>± {sd:.{digits}f}</small>"


def _needed(each: Needed, plan: Plan) -> str:
    said = f"&gt; {plan.budget}" if each.labels is None else f"{each.labels:.0f}"
    return f"{said} <small>({each.seeds} of {plan.seeds})</small>"


def _ratio(labels: float | None, by_chance: float | None) -> str:
    if labels is None:
        return "–"
    return "not reached by chance" if by_chance is None else f"{labels / by_chance:.2f}"


def _what_seeds_show(plan: Plan) -> str:
    if plan.seeds < 2:
        return "<p>One seed shows nothing of this.</p>"
    least = 2.0 ** (1 - plan.seeds)
    exact = f"With {plan.seeds} seeds its p cannot fall below {least:.4g}" + (
        ", so it cannot show a difference at .05; six seeds could." if least > 0.05 else "."
    )
    return (
        "<p>Area under the curve, points of a hundred, paired by seed; two-sided; not corrected for the number of "
        "comparisons. <i>Paired t</i>: would other seeds of these same texts show it? Pools of different seeds share "
        "texts, so it is too sure of other texts. <i>Corrected t</i> (Nadeau and Bengio 2003) raises the variance for "
        "that: would other texts like these show it? <i>Sign flips</i>: as the first, exact, for any distribution. "
        f"{exact} The best of the others was found on the same seeds, which favours it. No test speaks for other data "
        "sets or another learner.</p>"
    )


def _differences(found: Sequence[Comparison]) -> str:
    if not found:
        return ""
    by_pair: dict[tuple[str, str, str, str], dict[str, Comparison]] = {}
    for each in found:
        by_pair.setdefault((each.measure, each.strategy, each.against, each.role), {})[each.test] = each
    body = []
    for (measure, name, against, role), tests in sorted(
        by_pair.items(), key=lambda each: MEASURES[::-1].index(each[0][0])
    ):
        t, corrected, flips = tests["paired_t"], tests["corrected_t"], tests["sign_flips"]
        what = against if role == "chance" else f"{against} (best other)"
        body.append(
            [
                f"{escape(name)} – {escape(what)}", HEADS[measure], f"{100 * t.difference:+.2f}", _interval(t),
                p_value(t.p), _interval(corrected), p_value(corrected.p), p_value(flips.p),
            ]
        )  # fmt: skip
    heads = ["compared", "figure", "difference", "95 %", "paired t p", "95 %", "corrected t p", "sign flips p"]
    return tabulated(heads, body)


def _interval(each: Comparison) -> str:
    return f"{100 * each.low:+.2f} … {100 * each.high:+.2f}"


def _labels(corpus: Corpus, curves: dict[str, Curves], rows: Sequence[Row]) -> str:
    names = [row.strategy for row in rows if row.measure == "tail"]
    body = []
    for k, key in enumerate(corpus.label_keys):
        cells = [escape(key), f"{int(corpus.y[:, k].sum())}", f"{curves[FULL].f1[:, -1, k].mean():.3f}"]
        for name in names:
            f1, positives = curves[name].f1[:, -1, k].mean(), curves[name].positives[:, -1, k].mean()
            cells.append(f"{f1:.3f} <small>{positives:.0f}</small>")
        body.append(cells)
    return tabulated(["label", "texts", "all labels", *(escape(name) for name in names)], body)


def _strategies(plan: Plan) -> str:
    known = queue.offered()
    said = [
        f"{name}: {known[name].what}" + (f" ({known[name].source})" if known[name].source else "")
        for name in plan.strategies
    ]
    return bullets(said)
