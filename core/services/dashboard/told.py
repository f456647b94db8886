"""Findings, and changes of the label set, as sentences: the same ones on a page and in a report.

``safe`` makes somebody's words, and figures, harmless where the sentence goes; ``name`` does so with a label's name and
may make it stand out. Sentences themselves have ``…`` around commands and no other markup.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core import messages
from core.export.report_words import say
from core.services.dashboard.attention import FEW_GOLD, Finding
from core.services.dashboard.relabelled import Relabelled
from core.wording import fixed

Names = Mapping[str, str]
GOLD = (*FEW_GOLD, "few_gold_many", "none_in_gold_many")  # while gold texts wait, label those; then, import more
NAMED = 6  # labels
_MINUTE_S, _HOUR_S = 60.0, 3600.0


def finding(
    found: Finding, names: Names, lang: str, *, safe: Callable[[str], str] = str, name: Callable[[str], str] = str
) -> str:
    """What it is and what to do."""
    told = {key: _said(key, value, lang, safe) for key, value in found.fields.items()}
    label = name(names.get(found.label, found.label))
    if found.code == "round_failed":
        told = {"why": safe(_why(found.fields["code"], found.fields["fields"], lang))}
    if isinstance(found.fields.get("labels"), list):
        told["labels"] = _listed(found.fields["labels"], names, lang, name)
    if found.code in GOLD:
        told["what"] = say("alert_do_label" if found.fields["waits"] else "alert_do_import", lang, **told)
    return say(f"alert_{found.code}", lang, label=label, **told)


def relabelled(found: Relabelled, names: Names, lang: str, *, name: Callable[[str], str] = str) -> str:
    """What the round learnt, and how labels have changed since."""

    def called(key: str) -> str:
        return name(names.get(key, key))

    changes = [
        *(say("since_merged", lang, label=called(key), into=called(into)) for key, into in found.merged),
        *(say("since_retired", lang, label=called(key)) for key in found.retired),
        *(say("since_added", lang, label=called(key)) for key in found.added),
    ]
    if len(changes) > NAMED:
        more = say("alert_and_more", lang, names=say("since_semicolon", lang).join(changes[:NAMED]),
                   n=len(changes) - NAMED)  # fmt: skip
    else:
        more = say("since_semicolon", lang).join(changes)
    return say("since_learnt", lang, round=found.round, n=found.n, changes=more)


def duration(seconds: float, lang: str) -> str:
    """A length of time, no finer than is useful."""
    if seconds < 1.5 * _MINUTE_S:
        return say("alert_seconds", lang, n=max(1, round(seconds)))
    if seconds < 1.5 * _HOUR_S:
        return say("alert_minutes", lang, n=round(seconds / _MINUTE_S))
    return say("alert_hours", lang, n=f"{seconds / _HOUR_S:.1f}")


def _why(code: str, fields: dict[str, Any], lang: str) -> str:
    return messages.say(code, fields, lang) or messages.sentence(RuntimeError(f"{code} {fields}"), lang)


def _listed(keys: Sequence[str], names: Names, lang: str, name: Callable[[str], str]) -> str:
    some = say("alert_comma", lang).join(name(names.get(key, key)) for key in keys[:NAMED])
    return some if len(keys) <= NAMED else say("alert_and_more", lang, names=some, n=len(keys) - NAMED)


def _said(key: str, value: Any, lang: str, safe: Callable[[str], str]) -> str:
    """A field as people read it."""
    if value is None:
        return "–"
    if key == "silent_s":
        return safe(duration(value, lang))
    if key == "at_most":
        return f"{value:.0%}"
    if isinstance(value, float):
        return safe(fixed(value))
    return f"{value:,}" if isinstance(value, int) else safe(str(value))
