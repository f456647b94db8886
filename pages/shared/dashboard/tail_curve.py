"""How rare very many labels are: a curve over their ranks, where bars would be too thin to see."""

from __future__ import annotations

from collections.abc import Mapping

from core.services.dashboard.long_tail import BANDS, LongTail
from pages.shared.charts import plain_name
from pages.shared.dashboard.label_charts import CALM, LEGEND
from pages.shared.dashboard.tail_charts import COLOURS, counted
from pages.shared.i18n import say
from pages.shared.sketch import Sketch

BARS = 120  # labels of which each has a bar of its own
DASHES = {"head": "solid", "medium": "dash", "tail": "dot"}
NONE_YET = 0.5  # where a logarithmic axis has a label without texts


def frequency(found: LongTail, names: Mapping[str, str], lang: str) -> Sketch:
    """Labelled texts, pool and gold together, over a label's rank; both axes logarithmic, a line a band."""
    figure = Sketch()
    ranked = list(enumerate(found.labels, start=1))
    for band in BANDS:
        own = [(rank, line) for rank, line in ranked if line.band == band]
        if not own:
            continue
        word = say(f"long_tail.{band}", lang)
        figure.add_scatter(
            x=[rank for rank, _ in own], y=[max(line.pool + line.gold, NONE_YET) for _, line in own], mode="lines",
            name=word, line={"color": COLOURS[band], "width": 3, "shape": "hv", "dash": DASHES[band]},
            text=[
                say("long_tail.hover_curve", lang, name=plain_name(names.get(line.key, line.key)), band=word, rank=rank,
                    pool=line.pool, gold=line.gold)
                for rank, line in own
            ],
            hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip
    most = max((line.pool + line.gold for line in found.labels), default=1)
    none = any(line.pool + line.gold == 0 for line in found.labels)
    ticks, ranks = counted(1, most), counted(1, len(ranked))
    figure.update_layout(height=400, legend=LEGEND, **CALM)
    figure.update_xaxes(
        type="log", title=say("long_tail.axis_rank", lang), fixedrange=True, tickmode="array", tickvals=ranks,
        ticktext=[f"{n:,}" for n in ranks],
    )  # fmt: skip
    figure.update_yaxes(
        type="log", title=say("long_tail.axis_texts", lang), fixedrange=True, tickmode="array",
        tickvals=([NONE_YET] if none else []) + ticks, ticktext=(["0"] if none else []) + [f"{n:,}" for n in ticks],
    )  # fmt: skip
    return figure
