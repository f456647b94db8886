"""Sections of a report beside those of the tabs' tables: what needs attention, and whether probabilities are true."""

from __future__ import annotations

from collections.abc import Sequence

from core.evaluate.curves import Bin
from core.export.report import Cell, Lines, Point, Section, Table
from core.export.report_words import say
from core.services.dashboard import told
from core.services.dashboard.attention import Finding
from core.services.dashboard.one_label import Calibrated, Calibration
from core.services.dashboard.report_sections import UNSTABLE_BELOW, Names, heads

_TICK = "\ue000"  # for private use: in no name of ours
CURVES = 6  # labels of one picture, the commonest; the tables have all


def alerts(found: Sequence[Finding], names: Names, lang: str) -> Section:
    """One sentence each, the most urgent first."""
    title = say("alerts", lang)
    if not found:
        return Section(title=title, sentences=(say("alerts_none", lang),))
    return Section(title=title, sentences=tuple(_alert(each, names, lang) for each in found))


def _alert(found: Finding, names: Names, lang: str) -> str:
    said = told.finding(found, names, lang, safe=_kept, name=_kept).replace("`", "").replace(_TICK, "`")
    return say("alert_line", lang, severity=say(f"alert_severity_{found.severity}", lang), said=said)


def _kept(words: str) -> str:
    """Somebody's words, with a backquote of their own hidden from what takes those around commands away."""
    return words.replace("`", _TICK)


def calibration(found: Calibration, names: Names, lang: str) -> Section:
    """Each label's probabilities against what came true: sums, bins, and the commonest labels' curves."""
    title = say("calibration", lang)
    if not found.labels:
        return Section(title=title, sentences=(say("say_no_calibration", lang),))
    sums = Table(
        name="calibration", title=say("calibration_sums", lang), note=say("note_ece", lang),
        heads=(*heads(lang, "label", "support", "predicted", "ece", "remark"), "n"),
        rows=tuple((*_sums(each, names, lang), found.n) for each in found.labels),
    )  # fmt: skip
    bins = Table(
        name="calibration_bins", title=say("calibration_bins", lang), shown=50,
        heads=(*heads(lang, "label", "bin_from", "bin_to", "mean_said", "came_true", "low", "high"), "k", "n"),
        rows=tuple(
            (names.get(each.key, each.key), *_bin(one)) for each in found.labels for one in each.reliability.bins
        ),
    )  # fmt: skip
    said = say("say_calibration", lang, round=found.round, n=found.n)
    return Section(title=title, sentences=(said,), pictures=(_curves(found, names, lang),), tables=(sums, bins))


def _sums(each: Calibrated, names: Names, lang: str) -> tuple[Cell, ...]:
    remark = say("unstable", lang, least=UNSTABLE_BELOW) if each.positives < UNSTABLE_BELOW else None
    return (names.get(each.key, each.key), each.positives, each.expected, each.reliability.error, remark)


def _bin(one: Bin) -> tuple[Cell, ...]:
    seen = one.observed
    return (one.low, one.high, one.mean, seen.value, seen.low, seen.high, seen.k, seen.n)


def _curves(found: Calibration, names: Names, lang: str) -> Lines:
    def curve(each: Calibrated) -> tuple[tuple[int, Point], ...]:
        return tuple(
            (round(100 * one.mean), Point(value=one.observed.value, low=one.observed.low, high=one.observed.high))
            for one in each.reliability.bins
        )

    drawn = [(names.get(each.key, each.key), curve(each)) for each in found.labels[:CURVES]]
    perfect = (say("as_said", lang), ((0, Point(value=0.0)), (100, Point(value=1.0))))
    return Lines(
        title=say("picture_calibration", lang, n=len(drawn)), series=(perfect, *drawn), x=say("axis_said", lang),
        y=say("came_true", lang),
    )  # fmt: skip
