"""The report of the comparison as one HTML file that needs nothing else, and the files beside it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.evaluate.significance import RESAMPLES
from core.experiments.directory import publish
from core.experiments.drawing import escape
from core.experiments.page import bullets, document, escape_lines, p_value, tabulated
from core.experiments.parted import Parted
from core.experiments.reuters import NAME
from core.reproduce.losses import bag, figures, published
from core.reproduce.losses.plan import BAG, BASELINES, LossPlan
from core.reproduce.losses.table import (
    CUT_SAYS,
    CUTS,
    Comparison,
    LabelRow,
    Row,
    comparisons,
    gather,
    labels,
    rows_csv,
    table,
)
from core.reproduce.report import NAMES as ARCH_NAMES
from core.reproduce.store import Store

NAMES = {**ARCH_NAMES, BAG: "TF-IDF of words, one layer"}
HEADS = {
    "total": "all",
    "head": "head",
    "medium": "medium",
    "tail": "tail",
    "single": "one label",
    "multi": "several labels",
}
ENCODER = (
    "The encoder. The published figures are those of BERT-base-cased, pretrained on billions of words; here it is "
    "{archs}, which knows the {texts:,} training texts alone. What can be compared is how losses stand to each other, "
    "not the figures themselves."
)
NETWORKS = (
    "So also the networks' learning rate of {lr:g} (published: 1e-4) and dropout of {dropout:g} (.1), batches of "
    "{batch} (32), patience {patience} (5), {epochs} epochs at most (40), and {tokens} tokens at most of a text in "
    "lower case (512 word pieces)."
)
BAGS = (
    "The one layer reads all of a text's words, by TF-IDF and in lower case, and has no hidden units: learning rate "
    "{lr:g}, no dropout, batches of {batch}, patience {patience}, {epochs} epochs at most."
)
SAME = (
    "As published: the parts, one constant learning rate, the losses with their constants, the rule by which an epoch "
    "is kept (micro-F1 on validation, from 99.5 % of the best so far on), and one cut for all labels.",
    "The centre μ of the rebalancing weight is computed from the training labels; the paper sets .9 by hand.",
)


@dataclass(frozen=True, kw_only=True)
class Findings:
    """Everything that the report says."""

    rows: list[Row]
    labels: list[LabelRow]
    comparisons: list[Comparison]
    notes: list[str]


def write(plan: LossPlan, data: Parted, store: Store, *, command: str, resamples: int = RESAMPLES) -> Path:
    """table.csv, per_label.csv, order.csv, the figures and report.html of a finished plan; the report's path."""
    answers = gather(plan, data, store)
    found = Findings(
        rows=table(data, answers),
        labels=labels(data, answers),
        comparisons=list(comparisons(plan, data, answers, resamples=resamples)),
        notes=[data.rule, *data.notes, *_chosen(plan, store)],
    )
    drawings = {"cooccurrence": figures.cooccurrence(data, title="Which labels come together: p(column | row)")}
    for arch in plan.archs:
        rows = [row for row in found.rows if row.arch in (arch, *(key.arch for key in BASELINES))]
        name = "band_f1" if len(plan.archs) == 1 else f"band_f1_{arch.removesuffix('.v1')}"
        title = f"Head, medium and tail by loss, {NAMES.get(arch, arch)}, published cut"
        drawings[name] = figures.band_f1([row for row in rows if row.cut == "published"], title=title)
    contents = {
        "table.csv": rows_csv(found.rows, Row),
        "per_label.csv": rows_csv(found.labels, LabelRow),
        "order.csv": rows_csv(found.comparisons, Comparison),
        **{f"{name}.svg": drawing for name, drawing in drawings.items()},
        "report.html": _html(plan, data, found, drawings, command, resamples),
    }
    for name, content in contents.items():
        publish(store.out / name, content.encode("utf-8"))
    return store.out / "report.html"


def _chosen(plan: LossPlan, store: Store) -> list[str]:
    """What the baselines chose, and whether cells are of several versions of the program."""
    out, versions = [], Counter[str]()
    for key in plan.cells():
        cell = store.read(key)
        assert cell is not None, key
        versions[str(cell.meta.get("code_version"))] += 1
        if "chosen" in cell.meta:
            said = ", ".join(f"{name} {value}" for name, value in cell.meta["chosen"].items())
            out.append(f"The baseline “{key.model}” chose on validation: {said}.")
    if len(versions) > 1:
        out.append(f"Cells were made by different versions of the program: {', '.join(sorted(versions))}.")
    return out


def _html(
    plan: LossPlan, data: Parted, found: Findings, drawings: dict[str, str], command: str, resamples: int
) -> str:  # fmt: skip
    beside, settings = data.benchmark == NAME, json.dumps(plan.frozen(), ensure_ascii=False, indent=1)
    lead = (
        f"{len(data.train):,} training, {len(data.valid):,} validation and {len(data.test):,} test texts, "
        f"{len(data.label_keys)} labels ({_sizes(data)}); {len(plan.seeds)} seeds."
    )
    parts = [
        f"<h1>Losses for the long tail: {escape(data.name)}</h1><p>{escape(lead)}</p>",
        "<h2>What differs from the paper</h2>" if beside else "<h2>How it was done</h2>",
        bullets(_differs(plan, data)),
        "<h2>Head, medium, tail</h2>",
        _explained(beside, "published"),
        _groups(plan, found.rows, ("total", "head", "medium", "tail"), "published"),
        *(f'<div class="wide">{svg}</div>' for name, svg in drawings.items() if name.startswith("band_f1")),
        "<h2>Texts with one label, and with several</h2>",
        "<p>Macro-F1 is over all labels, those that none of these texts has counting 0, as published.</p>",
        _groups(plan, found.rows, ("total", "single", "multi"), "published"),
        "<h2>With a fairer cut</h2><p>The published grid goes from .40 to .60; a loss that answers lower or higher "
        "than that is cut in the wrong place. Here the same models have a cut anywhere, and one for each label.</p>",
        *(
            f"<h3>{escape(CUT_SAYS[cut][0].upper() + CUT_SAYS[cut][1:])}</h3>"
            + _groups(plan, found.rows, published.GROUPS, cut)
            for cut in ("wide", "each")
        ),
        "<h2>The order of the losses</h2>",
        f"<p>Points of a hundred. <i>Over seeds</i>: paired t over {len(plan.seeds)} seeds, would other seeds show it? "
        f"<i>Over texts</i>: {resamples:,} paired draws of the test texts, would other test texts show it with these "
        "very models? Not corrected for the number of comparisons. p below 0.01 in bold.</p>",
        *(f"<h3>{escape(CUT_SAYS[cut])}</h3>{_order(found.comparisons, cut)}" for cut in CUTS),
        "<h2>Which labels come together</h2>",
        f'<div class="wide">{drawings["cooccurrence"]}</div>',
        "<h2>Notes</h2>",
        bullets(found.notes),
        "<h2>Settings</h2>",
        f"<pre>{escape_lines(command)}\n\n{escape_lines(settings)}</pre>",
        f"<p class='quiet'>Data {data.digest}; seeds {', '.join(map(str, plan.seeds))}.</p>",
    ]
    return document(f"Losses for the long tail: {data.name}", parts)


def _sizes(data: Parted) -> str:
    counted = Counter(data.bands)
    return ", ".join(f"{counted[band]} {band}" for band in ("head", "medium", "tail") if counted[band])


def _differs(plan: LossPlan, data: Parted) -> list[str]:
    if data.benchmark != NAME:
        return [data.rule, "Bands are the product's: two, three and four ninths of the labels by training texts."]
    config = plan.shared
    out = [ENCODER.format(archs=" and ".join(NAMES.get(arch, arch) for arch in plan.archs), texts=len(data.train))]
    if set(plan.archs) - {BAG}:
        out.append(
            NETWORKS.format(
                lr=config.lr, dropout=config.dropout, batch=config.batch_size, patience=config.patience,
                epochs=config.max_epochs, tokens=config.max_tokens,
            )
        )  # fmt: skip
    if BAG in plan.archs:
        out.append(BAGS.format(lr=bag.LR, batch=bag.BATCH, patience=bag.PATIENCE, epochs=bag.EPOCHS))
    return [*out, *SAME]


def _explained(beside: bool, cut: str) -> str:
    theirs = (
        "Published figures (Huang and others, EMNLP 2021, tables 2 and 3; bibliography key "
        f"{published.SOURCE}) in brackets. "
        if beside
        else ""
    )
    return (
        f"<p>Micro- / macro-F1, per cent, mean ± standard deviation over seeds. {theirs}Cut: {escape(CUT_SAYS[cut])}. "
        "Best macro-F1 of each column in bold.</p>"
    )


def _groups(plan: LossPlan, rows: Iterable[Row], wanted: Sequence[str], cut: str) -> str:
    found = [row for row in rows if row.cut == cut and row.group in wanted]
    columns = [group for group in wanted if any(row.group == group for row in found)]
    best = {group: max(row.macro for row in found if row.group == group) for group in columns}
    by_model: dict[tuple[str, str], dict[str, Row]] = {}
    for row in found:
        by_model.setdefault((row.arch, row.model), {})[row.group] = row
    body = []
    for (arch, model), each in by_model.items():
        cells = ["–" if arch in ("-", model) else NAMES.get(arch, arch), model.removesuffix(".v1")]
        for group in columns:
            row = each[group]
            said = f"{row.micro:.2f} / {row.macro:.2f}"
            said = f'<span class="best">{said}</span>' if row.macro == best[group] else said
            spread = f" <small>± {row.micro_sd:.2f} / {row.macro_sd:.2f}</small>" if row.seeds > 1 else ""
            theirs = (
                ""
                if row.published_micro is None
                else f"<br><small>({row.published_micro:.2f} / {row.published_macro:.2f})</small>"
            )
            cells.append(said + spread + theirs)
        body.append([*cells, f"{next(iter(each.values())).seconds:,.0f}"])
    return tabulated(["encoder", "model", *(HEADS[group] for group in columns), "seconds"], body)


def _order(found: Iterable[Comparison], cut: str) -> str:
    body = []
    for each in sorted((each for each in found if each.cut == cut), key=lambda each: each.figure != "tail macro"):
        seeds = ["–", "–"]
        if each.seeds_p is not None and each.seeds_low is not None and each.seeds_high is not None:
            seeds = [f"{each.seeds_low:+.2f} … {each.seeds_high:+.2f}", p_value(each.seeds_p)]
        names = " – ".join(name.removesuffix(".v1") for name in (each.model, each.against))
        body.append(
            [
                NAMES.get(each.arch, each.arch), names, each.figure, f"{each.difference:+.2f}",
                f"{each.ahead} of {each.seeds}", *seeds, f"{each.texts_low:+.2f} … {each.texts_high:+.2f}",
                p_value(each.texts_p),
            ]
        )  # fmt: skip
    heads = [
        "encoder",
        "compared",
        "figure",
        "difference",
        "seeds ahead",
        "95 % over seeds",
        "p",
        "95 % over texts",
        "p",
    ]
    return tabulated(heads, body) if body else "<p>The plan has no two losses that the paper puts in an order.</p>"
