"""Two rounds side by side: what each label gained on the same gold texts, and what was done otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from core.evaluate.paired import Gain
from core.labels import Label, LabelSet
from core.services.dashboard.rounds import Comparison, Side, Timeline
from core.stored_config import stored
from core.wording import rounded, signed
from db.records import RoundRow
from pages.shared import cache, session, training
from pages.shared.charts import FADED, UNSTABLE_BELOW, plain_name
from pages.shared.dashboard import figure
from pages.shared.i18n import catalogue, lang, listed, plain, respoken, say, t

NAMED = 4  # labels that a sentence names
# Hue, symbol and side of the line: each tells a gain from a loss.
LOOKS = {
    "up": ("#0f766e", "triangle-right"), "down": ("#d55e00", "triangle-left"), "same": ("#8a8a8a", "circle"),
}  # fmt: skip


def section(project_id: int, seen: Timeline) -> None:
    """The choice of two published rounds, and how the one differs from the other."""
    numbers = list(seen.published)
    if len(numbers) < 2:
        return
    st.subheader(t("rounds.compare"), anchor=False)
    usual = numbers.index(seen.in_use) if seen.in_use in numbers[:-1] else 0
    left, right = st.columns(2)
    later, earlier = (
        side.selectbox(
            t(f"rounds.compare_{which}"), numbers, format_func=lambda n: t("rounds.round_n", n=n),
            key=respoken(f"compare_{which}_{project_id}", numbers, first),
        )
        for side, which, first in ((left, "later", numbers[usual]), (right, "earlier", numbers[usual + 1]))
    )  # fmt: skip
    if later == earlier:
        st.caption(t("rounds.compare_same"))
        return
    found = cache.comparison(project_id, later, earlier)
    alone = only_one_has(found, session.project().label_set)
    if found.why:
        st.info(" ".join([t(f"rounds.compare_{found.why}"), *alone]), icon=":material/info:")
    else:
        note = t("rounds.compare_note", least=UNSTABLE_BELOW)
        if found.changed:
            note += " " + t("rounds.compare_changed", n=found.changed)
        figure.chart(
            drawn(found), key="rounds_compare", sentence=sentence(found) + _compared(found, alone), table=_rows(found),
            name=f"round-{later}-against-{earlier}", note=note,
        )  # fmt: skip
    rows = [each.row for each in (seen.of(later), seen.of(earlier)) if each]
    _otherwise(*rows)


def sentence(found: Comparison) -> str:
    """Which round is better by how much, which labels rose or fell beyond their interval, on how many texts.

    Labels with too few gold positives are left to the chart, which marks them.
    """
    assert found.macro is not None
    key = "alike" if not found.macro.clear else "better" if found.macro.difference > 0 else "worse"
    said = t(
        f"rounds.compare_{key}", later=found.later, earlier=found.earlier,
        gain=plain(gain_words(found.macro)), n=found.n,
    )  # fmt: skip
    risen, fallen = (_list([one for one in each if _stable(one)]) for each in (found.risen, found.fallen))
    said += t("rounds.compare_risen", labels=risen) if risen else t("rounds.compare_none_risen")
    return said + (t("rounds.compare_fallen", labels=fallen) if fallen else t("rounds.compare_none_fallen"))


def _compared(found: Comparison, alone: Sequence[str]) -> str:
    """Over which labels, where that has to be said."""
    return " " + " ".join([t("rounds.compare_common", n=len(found.labels)), *alone]) if alone else ""


def only_one_has(found: Comparison, label_set: LabelSet) -> list[str]:
    """The labels that one of the rounds knows and the other does not, as sentences."""
    names = label_set.names(lang())

    def called(label: Label) -> str:
        name = f"**{plain(label.name(lang()))}**"
        into = label_set.merged.get(label.key, "")
        return t("rounds.compare_merged", label=name, into=plain(names[into])) if into else name

    return [
        t("rounds.compare_only", round=number, labels=listed(called(each) for each in labels))
        for number, labels in ((found.later, found.only_later), (found.earlier, found.only_earlier))
        if labels
    ]


def gain_words(gain: Gain) -> str:
    """A difference with its interval."""
    return f"{signed(gain.difference, 3)} [{signed(gain.low, 3)}, {signed(gain.high, 3)}]".replace("-", "−")


def _stable(side: Side) -> bool:
    return side.support >= UNSTABLE_BELOW


def _list(sides: Sequence[Side]) -> str:
    names = [plain(each.label.name(lang())) for each in sides]
    more = t("rounds.compare_more", n=len(names) - NAMED) if len(names) > NAMED else ""
    return listed(f"**{name}**" for name in names[:NAMED]) + more


def drawn(found: Comparison) -> go.Figure:
    """One line a figure: macro, tail, then labels from the commonest to the rarest; zero is no difference."""
    lines: list[tuple[str, Gain, str]] = []
    faded: set[int] = set()  # lines of unstable labels
    assert found.macro is not None
    lines.append((say("dashboard.scope_macro", lang()), found.macro, ""))
    if found.tail is not None:
        lines.append((say("rounds.compare_tail", lang(), n=found.tail_labels), found.tail, ""))
    for each in found.labels:
        key = "dashboard.axis_label" if _stable(each) else "dashboard.axis_unstable"
        faded |= set() if _stable(each) else {len(lines)}
        name = say(key, lang(), name=plain_name(each.label.name(lang())), n=each.support)
        f1 = say("rounds.hover_f1", lang(), later=f"{each.later:.3f}", earlier=f"{each.earlier:.3f}", n=each.support)
        lines.append((name, each.gain, f1))
    picture = go.Figure()
    for look, (hue, symbol) in LOOKS.items():
        of = [(at, line) for at, line in enumerate(lines) if _look(line[1]) == look]
        if not of:
            continue
        picture.add_scatter(
            x=[gain.difference for _, (_, gain, _) in of], y=[at for at, _ in of], mode="markers",
            name=say(f"rounds.look_{look}", lang()), marker={
                "color": hue, "symbol": symbol, "size": 11,
                "opacity": [FADED if at in faded else 1.0 for at, _ in of],
            },
            error_x={
                "type": "data", "symmetric": False, "thickness": 1.6, "width": 0, "color": hue,
                "array": [gain.high - gain.difference for _, (_, gain, _) in of],
                "arrayminus": [gain.difference - gain.low for _, (_, gain, _) in of],
            },
            text=[f"{name}<br>{gain_words(gain)}" + (f"<br>{f1}" if f1 else "") for _, (name, gain, f1) in of],
            hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip
    picture.add_vline(x=0, line={"color": "#8a8a8a", "width": 1, "dash": "dot"})
    reach = max(0.05, *(max(abs(gain.low), abs(gain.high)) for _, gain, _ in lines)) * 1.06
    picture.update_layout(
        height=130 + 30 * len(lines), margin={"l": 8, "r": 16, "t": 40, "b": 8}, hovermode="closest", dragmode=False,
        showlegend=True, legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "xanchor": "left", "x": 0},
    )  # fmt: skip
    picture.update_xaxes(
        title=say("rounds.axis_gain", lang(), later=found.later, earlier=found.earlier), range=[-reach, reach],
        fixedrange=True, zeroline=False, tickformat=".2~f",
    )  # fmt: skip
    picture.update_yaxes(
        tickmode="array", tickvals=list(range(len(lines))), ticktext=[name for name, _, _ in lines],
        range=[len(lines) - 0.5, -0.5], fixedrange=True, zeroline=False, automargin=True,
    )  # fmt: skip
    return picture


def _look(gain: Gain) -> str:
    return "same" if not gain.clear else "up" if gain.difference > 0 else "down"


def _rows(found: Comparison) -> list[dict[str, Any]]:
    heads = {name: t(f"rounds.compare_column_{name}") for name in
             ("what", "later", "earlier", "difference", "low", "high", "support")}  # fmt: skip

    def row(what: str, gain: Gain | None, side: Side | None = None) -> dict[str, Any]:
        return {
            heads["what"]: what,
            heads["later"]: side and round(side.later, 4), heads["earlier"]: side and round(side.earlier, 4),
            heads["difference"]: gain and rounded(gain.difference), heads["low"]: gain and rounded(gain.low),
            heads["high"]: gain and rounded(gain.high), heads["support"]: side.support if side else None,
            "n": found.n,
        }  # fmt: skip

    tail = [row(t("rounds.compare_tail", n=found.tail_labels), found.tail)] if found.tail else []
    labels = [row(each.label.name(lang()), each.gain, each) for each in found.labels]
    return [row("macro-F1", found.macro), *tail, *labels]


def _otherwise(later: RoundRow, earlier: RoundRow) -> None:
    """What the later round did otherwise, in words; and by which code."""
    lines = otherwise(later, earlier)
    st.markdown(f"**{t('rounds.otherwise')}**")
    st.markdown("\n".join(f"- {plain(line)}" for line in lines) if lines else t("rounds.otherwise_nothing"))


def otherwise(later: RoundRow, earlier: RoundRow) -> list[str]:
    """Settings and code version that differ, as lines of text."""
    new, old = stored(later.config), stored(earlier.config)
    lines = []
    if new is None or old is None:
        lines.append(t("rounds.config_unknown"))
    else:
        now, then = asdict(new), asdict(old)
        lines += [
            t(
                "rounds.otherwise_line",
                name=_named(name),
                before=_value(name, then[name]),
                after=_value(name, now[name]),
            )
            for name in now
            if now[name] != then[name]
        ]
    if later.code_version != earlier.code_version:
        code = {"before": earlier.code_version, "after": later.code_version}
        lines.append(t("rounds.otherwise_line", name=t("rounds.column_code"), **code))
    return lines


def _named(name: str) -> str:
    return t(f"training.{name}") if f"training.{name}" in catalogue() else name


def _value(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return t("rounds.on" if value else "rounds.off")
    if isinstance(value, list | tuple):
        return listed(f"{each:g}" if isinstance(each, float) else str(each) for each in value)
    if isinstance(value, str):
        return training.value_words(name, value) or "–"
    return f"{value:g}" if isinstance(value, float) else str(value)
