"""The report of an experiment as one HTML file that needs nothing else, and the files beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.config import RoundConfig
from core.evaluate.crossval import shares
from core.evaluate.significance import RESAMPLES, ratios
from core.experiments.corpus import Corpus, describe
from core.experiments.directory import publish
from core.experiments.drawing import escape
from core.experiments.page import bullets, document, escape_lines, p_value, tabulated
from core.messages import say
from core.reproduce import figures, published
from core.reproduce.plan import RECIPE_SAYS, RECIPES, Plan
from core.reproduce.run import folds_of
from core.reproduce.store import Store
from core.reproduce.table import (
    Comparison,
    LabelRow,
    Row,
    comparisons,
    gather,
    labels,
    rows_csv,
    table,
    table_csv,
    unused_labels,
)

METRICS = published.METRICS
HEADS = {"micro": "micro-F1", "macro": "macro-F1", "weighted": "weighted F1", "subset": "subset accuracy"}
NAMES = {
    "-": "character 1–4-grams", "textcnn.v1": "TextCNN", "textrnn.v1": "TextRNN", "han.v1": "HAN",
    "gru_att.v1": "GRU-Att", "textcnn_att.v1": "TextCNN, label attention",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Findings:
    """Everything that the report says."""

    rows: list[Row]
    labels: list[LabelRow]
    comparisons: list[Comparison]
    notes: list[str]


def write(plan: Plan, corpus: Corpus, store: Store, *, command: str, resamples: int = RESAMPLES) -> Path:
    """table.csv, per_label.csv, significance.csv, the figures and report.html of a finished plan; the report's path."""
    answers = gather(plan, corpus, store)
    found = Findings(
        rows=table(plan, corpus, answers),
        labels=labels(corpus, answers),
        comparisons=list(comparisons(plan, corpus, answers, resamples=resamples)),
        notes=[*corpus.notes, *unused_labels(plan, corpus), *_warnings(plan, store)],
    )
    drawings = _drawings(plan, corpus, found)
    contents = {
        "table.csv": table_csv(found.rows),
        "per_label.csv": rows_csv(found.labels, LabelRow),
        "significance.csv": rows_csv(found.comparisons, Comparison),
        **{f"{name}.svg": drawing for name, drawing in drawings.items()},
        "report.html": _html(plan, corpus, found, drawings, command, resamples),
    }
    for name, content in contents.items():
        publish(store.out / name, content.encode("utf-8"))
    return store.out / "report.html"


def _warnings(plan: Plan, store: Store) -> list[str]:
    """What cells have to say, each sentence once with how many cells say it; several code versions too."""
    told: dict[str, int] = {}
    versions = set()
    for key in plan.cells():
        cell = store.read(key)
        assert cell is not None, key
        versions.add(str(cell.meta.get("code_version")))
        for code, fields in cell.meta.get("warnings", []):
            sentence = say(code, fields, "en") or f"{code}: {fields}"
            told[sentence] = told.get(sentence, 0) + 1
    out = [f"{sentence} ({n} cells)" for sentence, n in told.items()]
    if len(versions) > 1:
        out.append(f"Cells were made by different versions of the program: {', '.join(sorted(versions))}.")
    return out


def _drawings(plan: Plan, corpus: Corpus, found: Findings) -> dict[str, str]:
    out = {}
    for arch in plan.archs:
        rows = [row for row in found.labels if row.arch in ("-", arch) and not row.model.endswith(" teachers")]
        name = "per_label_f1" if len(plan.archs) == 1 else f"per_label_f1_{arch.removesuffix('.v1')}"
        out[name] = figures.per_label_f1(rows, title=f"F1 of each label, {NAMES.get(arch, arch)}, cut at 0.5")
    for seed in plan.seeds:
        numbers = folds_of(plan, corpus, seed)
        name = "fold_labels" if len(plan.seeds) == 1 else f"fold_labels_seed{seed}"
        title = f"Share of each fold's texts that carry each label, per cent (seed {seed})"
        sizes = np.bincount(numbers, minlength=plan.folds).tolist()
        out[name] = figures.fold_violins(shares(corpus.y, numbers), corpus.label_keys, sizes, title=title)
    return out


def _html(
    plan: Plan, corpus: Corpus, found: Findings, drawings: dict[str, str], command: str, resamples: int
) -> str:  # fmt: skip
    ratio = ratios(plan.folds, plan.valid_share)
    about, settings = describe(corpus), json.dumps(plan.frozen(), ensure_ascii=False, indent=1)
    seeds = f", {len(plan.seeds)} repetitions" if len(plan.seeds) > 1 else ""
    lead = (
        f"{about['texts']:,} texts, {about['labels']} labels, {about['labels_per_text']:.2f} labels a text; "
        f"{plan.folds}-fold cross-validation{seeds}."
    )
    parts = [
        f"<h1>Distillation, cross-validated: {escape(corpus.name)}</h1><p>{lead}</p>",
        "<h2>Beside the published figures</h2>",
        "<p><b>The data differ.</b> The published figures (Huang and others, ROCLING 2022; bibliography key "
        f"{published.SOURCE}) were measured on 2,724 texts that are not public, segmented by CKIP, with word vectors "
        "learned from Wikipedia as well. What can be compared is how the three trainings stand to each other, not the "
        "figures themselves.</p>",
        _beside_published(plan, found.rows),
        "<h2>All models</h2><p>Mean ± standard deviation over folds and repetitions, per cent. Best of each column and "
        "cut in bold. The linear baseline also learns from the validation texts, once its settings are chosen.</p>",
        f"<h3>Cut at 0.5, as published</h3>{_all_models(found.rows, '0.5')}",
        f"<h3>A cut for each label, chosen on validation</h3>{_all_models(found.rows, 'tuned')}",
        _recipes(plan),
        "<h2>Is the difference real?</h2>",
        f"<p>Points of a hundred, 95 % intervals. <i>Corrected t</i>: paired over folds, its variance raised because "
        f"training parts overlap (Nadeau and Bengio 2003): would other training and test texts show it too? Its ratio "
        f"of test to training texts is {ratio.standard:.3f}: training is all that a fold's learner is given, with "
        f"what it sets aside itself to stop and cut by. Counting only what weights learn from "
        f"({ratio.learned:.3f}) makes p a little larger: corrected_t_learned in significance.csv. "
        f"<i>Bootstrap</i>: {resamples:,} paired draws of documents from the pooled out-of-fold predictions: would "
        f"other test texts show it with these very models? Not corrected for the number of comparisons. "
        "p below 0.01 in bold; weighted F1 is in significance.csv.</p>",
        _differences(found.comparisons, "0.5"),
        f"<details><summary>With tuned cuts</summary>{_differences(found.comparisons, 'tuned')}</details>",
        "<h2>Label by label</h2>",
        *(f'<div class="wide">{svg}</div>' for name, svg in drawings.items() if name.startswith("per_label")),
        "<h2>Labels in the folds</h2>",
        *(f'<div class="wide">{svg}</div>' for name, svg in drawings.items() if name.startswith("fold_")),
        "<h2>Notes</h2>",
        bullets(found.notes) if found.notes else "<p>Nothing out of the ordinary.</p>",
        "<h2>Settings</h2>",
        f"<pre>{escape_lines(command)}\n\n{escape_lines(settings)}</pre>",
        f"<p class='quiet'>Data {corpus.digest}; seeds {', '.join(map(str, plan.seeds))}.</p>",
    ]
    title = f"Distillation, cross-validated: {corpus.name}"
    return document(title, parts)


def _beside_published(plan: Plan, rows: Sequence[Row]) -> str:
    by_name = {(row.arch, row.model): row for row in rows if row.cut == "0.5"}
    body = []
    for arch in plan.archs:
        for model in ("teacher", "standalone", "kd"):
            ours, theirs = by_name.get((arch, model)), published.TABLE.get((arch, model))
            if ours is None and theirs is None:
                continue
            cells = [NAMES.get(arch, arch), model]
            for at, name in enumerate(METRICS):
                cells.append("–" if theirs is None else f"{theirs[at]:.2f}")
                cells.append("–" if ours is None else f"{100 * ours.mean[name]:.2f}")
            body.append(cells)
    heads = ["architecture", "training"]
    for name in METRICS:
        heads += [f"{HEADS[name]}<br>published", "<br>ours"]
    return tabulated(heads, body)


def _all_models(rows: Iterable[Row], cut: str) -> str:
    rows = [row for row in rows if row.cut == cut]
    best = {name: max(row.mean[name] for row in rows) for name in METRICS}
    body = []
    for row in rows:
        cells = [NAMES.get(row.arch, row.arch), row.model]
        for name in METRICS:
            said = f"{100 * row.mean[name]:.2f} <small>± {100 * row.sd[name]:.2f}</small>"
            cells.append(f'<span class="best">{said}</span>' if row.mean[name] == best[name] else said)
        body.append([*cells, f"{row.seconds:,.0f}"])
    return tabulated(["architecture", "model", *HEADS.values(), "seconds"], body)


def _recipes(plan: Plan) -> str:
    said = [
        f"<b>{name}</b>: {escape(RECIPE_SAYS[name])} <small>{escape(str(RECIPES[name]))}</small>"
        for name in plan.recipes
    ]
    fixed = [
        "<b>linear</b>: TF-IDF of characters and logistic regression, tuned on validation",
        "<b>teacher</b>: a binary classifier for each label, its class weight chosen on validation",
        "<b>… teachers</b>: those that the recipe itself learns from, of whatever architecture",
        "<b>standalone</b>: the student's network, taught the labels themselves",
    ]
    if plan.settings.get("sweep", RoundConfig.sweep) == "fast":
        fixed[1] += (
            ". Approximate here: one network a label is trained without a weight, and log W added to its logit "
            "(<code>--sweep exact</code> trains one for each weight, as published)"
        )
    return "<ul>" + "".join(f"<li>{each}</li>" for each in (*fixed, *said)) + "</ul>"


def _differences(found: Iterable[Comparison], cut: str) -> str:
    by_pair: dict[tuple[str, str, str, str], dict[str, Comparison]] = {}
    for each in found:
        if each.cut == cut and each.metric != "weighted":
            by_pair.setdefault((each.arch, each.model, each.against, each.metric), {})[each.test] = each
    body = []
    for (arch, model, against, metric), tests in sorted(by_pair.items(), key=lambda item: METRICS.index(item[0][3])):
        t, drawn = tests["corrected_t"], tests["paired_bootstrap"]
        body.append(
            [
                NAMES.get(arch, arch), f"{model} – {against}", HEADS[metric],
                f"{100 * t.difference:+.2f}", _interval(t), p_value(t.p),
                f"{100 * drawn.difference:+.2f}", _interval(drawn), p_value(drawn.p),
            ]
        )  # fmt: skip
    heads = [
        "architecture",
        "compared",
        "figure",
        "over folds",
        "95 %",
        "corrected t p",
        "pooled",
        "95 %",
        "bootstrap p",
    ]
    return tabulated(heads, body)


def _interval(each: Comparison) -> str:
    return f"{100 * each.low:+.2f} … {100 * each.high:+.2f}"
