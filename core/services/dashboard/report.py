"""One report of a project: every tab's figures with the methods behind them, as a page and as files.

The page and the command line both come here. No text of a document goes in; people go in under pseudonyms unless their
names are asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from core.experiments.directory import publish
from core.export.report import Document, bundle
from core.export.report_words import say
from core.services.dashboard import attention, long_tail, one_label, overview, people, per_label, report_more, together
from core.services.dashboard import report_sections as sections
from core.services.dashboard.overview import Glance
from core.services.dashboard.report_methods import methods
from db import events, rounds
from db.connect import location, reading
from db.records import RoundRow

TRIES = 3  # how often all is read anew when something happened meanwhile
KEPT = 4  # reports of a project that stay on disk
STEPS = ("overview", "labels", "tail", "rounds", "together", "people", "pack")
Tick = Callable[[str, int, int], None]  # which of STEPS, how many are done, of how many


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """``names``: people by their names, not by pseudonyms."""

    lang: str = "zh"
    names: bool = False


def report(db: Database, project_id: int, wanted: Wanted, *, now: float, tick: Tick | None = None) -> Document:
    """All of it as of one moment, where work does not go on faster than it is read. Raises NotFound."""
    for _ in range(TRIES):
        seen = events.latest_id(db, project_id)
        found = _composed(db, project_id, wanted, seen, now=now, tick=tick or _silent)
        if events.latest_id(db, project_id) == seen:
            break
    return found


def made(db: Database, project_id: int, wanted: Wanted, *, now: float, tick: Tick | None = None) -> Path:
    """The zip on disk, beside the database; made where the project has changed since. Raises NotFound, OSError."""
    seen = events.latest_id(db, project_id)
    folder = location(db).parent / "reports" / str(project_id)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{seen}-{wanted.lang}-{'names' if wanted.names else 'pseudonyms'}.zip"
    if not path.exists():
        publish(path, bundle(report(db, project_id, wanted, now=now, tick=tick)))
        for old in sorted(folder.glob("*.zip"), key=lambda each: each.stat().st_mtime, reverse=True)[KEPT:]:
            old.unlink(missing_ok=True)
    return path


def _silent(step: str, done: int, total: int) -> None:
    """For whoever does not want to hear how far it is."""


def _composed(db: Database, project_id: int, wanted: Wanted, seen: int, *, now: float, tick: Tick) -> Document:
    lang = wanted.lang
    tick("overview", 0, len(STEPS))
    glance = overview.glance(db, project_id)
    findings = attention.findings(glance, overview.live(db, project_id, now=now))
    tick("labels", 1, len(STEPS))
    labels, calibrated = per_label.labels(db, project_id), one_label.calibration(db, project_id)
    tick("tail", 2, len(STEPS))
    tail = long_tail.long_tail(db, project_id)
    tick("rounds", 3, len(STEPS))
    history = one_label.one_label(db, project_id, "macro").history
    with reading(db):
        published = [each for each in rounds.all_rounds(db, project_id) if each.state == "published"]
        at = rounds.in_use(db, project_id)
    tick("together", 4, len(STEPS))
    pairs = together.view(db, project_id)
    tick("people", 5, len(STEPS))
    work, agreed = people.work(db, project_id), people.agreement(db, project_id)
    hints = people.suggestions(db, project_id)
    tick("pack", 6, len(STEPS))
    names = glance.project.label_set.names(lang)
    known = {each.name for each in work.people} | {name for each in agreed.pairs for name in each.names}
    called = {name: name for name in known} if wanted.names else pseudonyms(known, salt=glance.project.key)
    project = glance.project
    return Document(
        lang=lang,
        title=say("title", lang, project=project.title(lang)),
        facts=_facts(glance, at, wanted, seen, now=now),
        sections=(
            report_more.alerts(findings, names, lang),
            sections.overview(glance, names, lang),
            sections.labels(labels, names, lang),
            report_more.calibration(calibrated, names, lang),
            sections.tail(tail, names, lang),
            sections.rounds(published, history, lang),
            sections.together(pairs, names, lang),
            sections.people(work, agreed, hints, names, called.__getitem__, lang),
        ),
        methods=methods(glance, labels, at, names, len(work.people), lang),
    )


def pseudonyms(names: Iterable[str], *, salt: str) -> dict[str, str]:
    """A, B, …, Z, AA, …: in an order that tells nothing of the names, and the same in each report of a project."""
    order = sorted(names, key=lambda name: hashlib.sha256(f"{salt}:{name}".encode()).digest())
    return {name: _letters(n) for n, name in enumerate(order)}


def _letters(n: int) -> str:
    return (_letters(n // 26 - 1) if n >= 26 else "") + chr(ord("A") + n % 26)


def _facts(
    glance: Glance, at: RoundRow | None, wanted: Wanted, seen: int, *, now: float
) -> tuple[tuple[str, str], ...]:
    lang, none = wanted.lang, say("fact_none", wanted.lang)
    when = sections.moment(at.finished_at) if at else ""
    return (
        (say("fact_project", lang), f"{glance.project.title(lang)} ({glance.project.key})"),
        (say("fact_made", lang), sections.moment(now)),
        (say("fact_state", lang), say("fact_state_value", lang, n=f"{seen:,}")),
        (say("fact_round", lang), say("fact_round_value", lang, n=at.number, when=when) if at else none),
        (say("fact_gold", lang), say("fact_gold_value", lang, n=at.n_gold) if at else none),
        (say("fact_people", lang), say("fact_people_named" if wanted.names else "fact_people_hidden", lang)),
    )
