"""What a lead should look at now, the most urgent first: findings as codes with fields, from the overview's figures.

Pure: whoever shows, reports or counts them says them in words of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from core.evaluate import gold_needed
from core.evaluate.paired import Gain
from core.services.dashboard.overview import Change, Glance, LabelState, Live, Score

Severity = Literal["act", "look", "know"]
SEVERITIES: tuple[Severity, ...] = ("act", "look", "know")
MIN_LABELLED = 5  # labelled texts with which the worker can rank the others
EACH = 3  # of one kind told label by label; more are told together
FEW_GOLD = ("few_gold", "few_gold_no_hit", "none_in_gold")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing to know. ``label`` is a key where it is about one label."""

    code: str
    severity: Severity
    label: str = ""
    fields: dict[str, Any] = field(default_factory=dict)


def findings(glance: Glance, live: Live) -> tuple[Finding, ...]:
    """By urgency; of one urgency in the order below, labels from the rarest on, whose figures are the least sure."""
    of_labels = [each for kind in _by_kind([*_falls(glance), *_labels(glance)]) for each in _together(kind)]
    found = [*_work(glance, live), *_scores(glance), *_agreement(glance), *of_labels, *_waiting(glance)]
    return tuple(sorted(found, key=lambda each: SEVERITIES.index(each.severity)))


def _work(glance: Glance, live: Live) -> Iterator[Finding]:
    """What keeps people or the worker from going on; nobody works in an archived project."""
    if glance.project.archived_at is not None:
        return
    if not live.status.worker_alive:
        never = live.silent_s is None
        yield Finding(
            code="worker_never" if never else "worker_silent", severity="act",
            fields={} if never else {"silent_s": live.silent_s},
        )  # fmt: skip
    if live.status.last_error and live.status.state == "idle":
        code, fields = live.status.last_error
        yield Finding(code="round_failed", severity="act", fields={"code": code, "fields": fields})
    if not live.n_left:
        yield Finding(code="queue_dry", severity="act", fields={"n": glance.n_pool})
    elif live.decided >= live.n_left:
        yield Finding(code="queue_low", severity="look", fields={"left": live.n_left, "decided": live.decided})
    elif not live.ranked and live.status.worker_alive and glance.n_labelled >= MIN_LABELLED:
        yield Finding(code="queue_unranked", severity="look", fields={"left": live.n_left})
    if not glance.n_gold:
        yield Finding(code="no_gold", severity="act")
    if glance.outdated:
        yield Finding(code="outdated", severity="look", fields={"round": glance.round})


def _scores(glance: Glance) -> Iterator[Finding]:
    """Means that fell since the last round by more than chance would explain."""
    for code, score in (("macro_fell", glance.macro), ("tail_fell", glance.tail)):
        if score is not None and fell(score.change.gain):
            yield Finding(code=code, severity="look", fields=_drop(score, score.change, score.change.gain))


def _falls(glance: Glance) -> Iterator[Finding]:
    """Labels whose F1 fell; those with too few positives are told of for that."""
    for each in reversed(glance.labels):
        if glance.macro is not None and each.metric is not None and each.stable and fell(each.change):
            about = _drop(each.metric, glance.macro.change, each.change)
            yield Finding(code="f1_fell", severity="look", label=each.label.key, fields=about)


def fell(gain: Gain | None) -> bool:
    """Whether a change and its whole interval lie below zero."""
    return gain is not None and gain.high < 0


def _drop(score: Any, change: Change, gain: Gain | None) -> dict[str, Any]:
    """Of a Score or a Metric: both say their round."""
    assert gain is not None
    now = score.value if isinstance(score, Score) else score.f1
    return {
        "f1": now, "drop": -gain.difference, "least": -gain.high, "most": -gain.low, "round": score.round,
        "since": change.since, "n": change.n,
    }  # fmt: skip


def _agreement(glance: Glance) -> Iterator[Finding]:
    """People who agree less than before: the guideline, or somebody new."""
    found = glance.agreement
    if found.drop is not None and found.lately is not None and found.earlier is not None and fell(found.drop):
        yield Finding(
            code="agreement_fell", severity="look",
            fields={
                "alpha": found.lately.value, "n": found.lately.n, "before": found.earlier.value,
                "n_before": found.earlier.n, "least": -found.drop.high, "most": -found.drop.low,
            },
        )  # fmt: skip


def _labels(glance: Glance) -> Iterator[Finding]:
    """Labels whose figures say little, with what would mend that."""
    waits = glance.n_gold - glance.n_gold_labelled
    for each in reversed(glance.labels):
        if not each.pool and glance.n_labelled:
            yield Finding(code="unused", severity="look", label=each.label.key, fields={"n": glance.n_labelled})
        if not glance.n_gold_labelled:
            continue
        if each.needed is not None:
            yield _too_few(each, glance.n_gold_labelled, waits)
        elif each.missed and each.metric is not None:
            yield Finding(code="no_hit", severity="look", label=each.label.key, fields=_missed(each))
    wide = [each for each in glance.labels if each.wider and each.needed is None and not each.missed]
    if wide:
        worst = max(wide, key=lambda each: each.wider)
        assert worst.metric is not None
        about = {"labels": len(wide), "low": worst.metric.low, "high": worst.metric.high, "more": worst.wider}
        yield Finding(code="wide", severity="know", label=worst.label.key, fields=about)


def _by_kind(found: Iterable[Finding]) -> Iterator[list[Finding]]:
    """Labels with too few gold positives are one kind, whatever else is to be said of each."""
    kinds: dict[str, list[Finding]] = {}
    for each in found:
        kinds.setdefault(FEW_GOLD[0] if each.code in FEW_GOLD else each.code, []).append(each)
    yield from kinds.values()


def _together(found: list[Finding]) -> list[Finding]:
    """A few findings of one kind as they are, many as one; of ninety labels nobody reads sixty sentences."""
    if len(found) <= EACH:
        return found
    first = found[0]
    code = FEW_GOLD[0] if first.code in FEW_GOLD else first.code
    lacking = [each.fields["more"] for each in found if each.fields.get("more") is not None]
    if code in FEW_GOLD and not lacking:
        code, lacking = "none_in_gold", [each.fields["low"] for each in found]
    fields = {
        "count": len(found), "labels": [each.label for each in found], "more": max(lacking, default=None),
        "waits": first.fields.get("waits", 0), "goal": gold_needed.POSITIVES, "n": first.fields.get("n"),
        "round": first.fields.get("round"),
    }  # fmt: skip
    return [Finding(code=f"{code}_many", severity=first.severity, fields=fields)]


def _too_few(each: LabelState, n: int, waits: int) -> Finding:
    """A label below the least number of gold positives, and how many gold texts it lacks."""
    assert each.needed is not None
    code = "few_gold" if each.gold else "none_in_gold"
    fields = {
        "positives": each.gold, "n": n, "goal": gold_needed.POSITIVES, "more": each.needed.expected,
        "low": each.needed.low, "high": each.needed.high, "waits": waits,
    }  # fmt: skip
    if each.missed:
        code, fields = "few_gold_no_hit", fields | _missed(each)
    return Finding(code=code, severity="look", label=each.label.key, fields=fields)


def _missed(each: LabelState) -> dict[str, Any]:
    assert each.metric is not None
    support = each.metric.support
    return {"support": support, "at_most": gold_needed.recall_bound(support), "round": each.metric.round}


def _waiting(glance: Glance) -> Iterator[Finding]:
    """Work that lies about."""
    waits = glance.n_gold - glance.n_gold_labelled
    if waits and glance.n_gold:
        yield Finding(code="gold_waits", severity="know", fields={"waits": waits, "n": glance.n_gold})
    if glance.n_flagged:
        yield Finding(code="flagged", severity="know", fields={"n": glance.n_flagged})
