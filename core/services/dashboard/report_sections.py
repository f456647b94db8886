"""The sections of a report: what the tabs' services found, as sentences, pictures and tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from core.evaluate.cooccurrence import Held
from core.evaluate.paired import Gain
from core.evaluate.proportion import Share
from core.evaluate.resampled import Estimate
from core.export.report import Cell, Dots, Lines, Point, Section, Table
from core.export.report_words import say
from core.services.dashboard import told
from core.services.dashboard.answered import MODELS
from core.services.dashboard.long_tail import LongTail
from core.services.dashboard.overview import Glance, Score
from core.services.dashboard.people import Agreement, PairAgreement, Suggestions, Work
from core.services.dashboard.per_label import Labels, Line
from core.services.dashboard.relabelled import Relabelled
from core.services.dashboard.together import View
from core.wording import fixed, signed
from db.records import Metric, RoundRow

UNSTABLE_BELOW = 10  # gold positives; an F1 on fewer is not a number to act on
MATRIX = 12  # labels of a co-occurrence table on the page
MATRIX_FILE = 200  # and in its file: the commonest
DRAWN = 60  # labels of one picture, the commonest; the tables have all
NAMED = 30  # labels of one sentence
Names = Mapping[str, str]  # labels by key, or people by name: as they are shown


def heads(lang: str, *keys: str) -> tuple[str, ...]:
    return tuple("F1" if key == "f1" else say(key, lang) for key in keys)


def moment(at: float | None) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M") if at else ""


def number(value: float | None) -> float | None:
    """Nothing where there is no number."""
    return None if value is None or not math.isfinite(value) else float(value) + 0.0


def _point(found: Metric | Gain | None, *, faint: bool = False) -> Point | None:
    if found is None:
        return None
    value = found.f1 if isinstance(found, Metric) else found.difference
    return Point(value=value, low=number(found.low), high=number(found.high), faint=faint)


def overview(found: Glance, names: Names, lang: str) -> Section:
    rows: list[tuple[Cell, ...]] = [
        (say("m_labelled", lang), found.n_labelled, None, None, say("m_of", lang, n=f"{found.n_pool:,}")),
        (say("m_untouched", lang), found.waiting.untouched, None, None, say("m_of", lang, n=f"{found.n_pool:,}")),
        (say("m_second", lang), found.waiting.second, None, None, say("m_of", lang, n=f"{found.n_pool:,}")),
        (say("m_gold", lang), found.n_gold_labelled, None, None, say("m_of", lang, n=f"{found.n_gold:,}")),
        (say("m_skipped", lang), found.n_skipped, None, None, None),
        (say("m_flagged", lang), found.n_flagged, None, None, None),
    ]
    for key, score in (("m_macro", found.macro), ("m_tail", found.tail)):
        if score is not None:
            about = say("m_score_of", lang, round=score.round, n=score.n, labels=len(score.keys))
            rows.append((say(key, lang), score.value, number(score.low), number(score.high), about))
            rows += _change(score, "m_change" if key == "m_macro" else "m_change_tail", lang)
    alpha = found.agreement.now
    if alpha is not None:
        rows.append((say("m_alpha", lang), *_estimate(alpha), say("m_alpha_of", lang, n=f"{alpha.n:,}")))
    table = Table(
        name="overview", title=say("overview_table", lang), rows=tuple(rows),
        heads=heads(lang, "measure", "value", "low", "high", "of_what"),
    )  # fmt: skip
    said = (_headline(found.macro, lang), *_relabelled(found.relabelled, names, lang))
    return Section(title=say("overview", lang), sentences=said, tables=(table,))


def _relabelled(found: Relabelled | None, names: Names, lang: str) -> tuple[str, ...]:
    return () if found is None else (told.relabelled(found, names, lang),)


def _change(score: Score, key: str, lang: str) -> list[tuple[Cell, ...]]:
    gain, since = score.change.gain, score.change.since
    if gain is None or since is None:
        return []
    about = say("m_common", lang, n=score.change.n)
    return [(say(key, lang, since=since), gain.difference, number(gain.low), number(gain.high), about)]


def _headline(score: Score | None, lang: str) -> str:
    if score is None:
        return say("say_no_round", lang)
    low, high = (f"{each:.3f}" if each is not None else "–" for each in (score.low, score.high))
    return say("say_score", lang, round=score.round, n=score.n, value=f"{score.value:.3f}", low=low, high=high)


def _estimate(found: Estimate | None) -> tuple[Cell, Cell, Cell]:
    return (None, None, None) if found is None else (number(found.value), number(found.low), number(found.high))


def labels(found: Labels, names: Names, lang: str) -> Section:
    columns = (
        "label", "band", "pool", "gold", "support", "precision", "recall", "f1", "low", "high", "threshold",
        "change", "change_low", "change_high", "remark", "key",
    )  # fmt: skip
    table = Table(
        name="labels", title=say("labels_table", lang), heads=heads(lang, *columns),
        rows=tuple(_label(each, names, lang) for each in found.labels), columns=len(columns) - 1,
    )  # fmt: skip
    sentences = []
    if found.round is not None:
        sentences += [
            say("say_labels", lang, round=found.round, n=found.n),
            *_relabelled(found.relabelled, names, lang),
        ]
    if found.before is not None:
        sentences.append(say("say_change", lang, since=found.before, n=found.common))
    weak = [names.get(each.scope, each.scope) for each in found.labels if each.support < UNSTABLE_BELOW]
    if weak:
        listed = say("alert_comma", lang).join(weak[:NAMED]) + (" …" if len(weak) > NAMED else "")
        sentences.append(say("say_unstable", lang, n=len(weak), least=UNSTABLE_BELOW, names=listed))
    pictures = (_label_dots(found, names, lang),) if found.round is not None and found.labels else ()
    return Section(
        title=say("labels", lang), sentences=tuple(sentences), pictures=pictures, tables=(table, _models(found, lang))
    )


def _label(line: Line, names: Names, lang: str) -> tuple[Cell, ...]:
    got = line.models.get("student")
    figures: tuple[Cell, ...] = (None,) * 6
    if got is not None:
        figures = (got.precision, got.recall, got.f1, number(got.low), number(got.high), number(got.threshold))
    gain: tuple[Cell, ...] = (None,) * 3
    if line.change is not None:
        gain = (line.change.difference, number(line.change.low), number(line.change.high))
    remark = say("unstable", lang, least=UNSTABLE_BELOW) if line.support < UNSTABLE_BELOW else None
    band = say(f"band_{line.band}", lang) if line.band else None
    name = names.get(line.scope, line.scope)
    return (name, band, line.pool, line.gold, line.support, *figures, *gain, remark, line.scope)


def _label_dots(found: Labels, names: Names, lang: str) -> Dots:
    drawn = found.labels[:DRAWN]
    present = [model for model in MODELS if any(model in each.models for each in drawn)]
    series = tuple(
        (
            say(f"model_{model}", lang),
            tuple(_point(each.models.get(model), faint=each.support < UNSTABLE_BELOW) for each in drawn),
        )
        for model in present
    )
    return Dots(
        title=_of_commonest(say("picture_labels", lang), len(found.labels), lang), axis="F1", series=series,
        names=tuple(f"{names.get(each.scope, each.scope)} ({each.support})" for each in drawn),
    )  # fmt: skip


def _of_commonest(title: str, n: int, lang: str) -> str:
    """A picture's title, with what it leaves out."""
    return title if n <= DRAWN else title + say("of_commonest", lang, n=DRAWN, all=n)


def _models(found: Labels, lang: str) -> Table:
    rows = [
        (say(f"model_{model}", lang), f"{line.scope}-F1", got.f1, number(got.low), number(got.high), got.n)
        for model in MODELS
        for line in found.together
        if (got := line.models.get(model)) is not None
    ]
    return Table(
        name="models", title=say("models", lang), rows=tuple(rows),
        heads=(*heads(lang, "model", "scope", "f1", "low", "high"), "n"),
    )  # fmt: skip


def tail(found: LongTail, names: Names, lang: str) -> Section:
    def row(each: Any) -> tuple[Cell, ...]:
        gain = (each.gain.difference, number(each.gain.low), number(each.gain.high)) if each.gain else (None,) * 3
        share = number(each.share.value) if each.share else None
        f1 = each.metric.f1 if each.metric else None
        about = (names.get(each.key, each.key), say(f"band_{each.band}", lang), share, f1)
        return (*about, *gain, each.asked, each.sought, float(each.need))

    columns = ("label", "band", "share", "f1", "gain", "low", "high", "asked", "sought", "need")
    table = Table(
        name="long_tail", title=say("tail_table", lang), heads=heads(lang, *columns), rows=tuple(map(row, found.labels))
    )
    changed = _relabelled(found.relabelled, names, lang)
    if found.macro is None:
        return Section(title=say("tail", lang), sentences=(say("say_no_gain", lang), *changed), tables=(table,))
    value, low, high = (signed(each, 3) for each in (found.macro.difference, found.macro.low, found.macro.high))
    every = [each for each in found.labels if each.gain is not None]
    known = every[:DRAWN]
    widest = max([0.1, *(abs(side) for each in known if each.gain for side in (each.gain.low, each.gain.high))])
    edge = math.ceil(widest * 10) / 10
    dots = Dots(
        title=_of_commonest(say("picture_gain", lang), len(every), lang), axis=say("axis_gain", lang),
        span=(-edge, edge),
        names=tuple(names.get(each.key, each.key) for each in known),
        series=((say("gain", lang), tuple(_point(each.gain) for each in known)),),
    )  # fmt: skip
    said = say("say_gain", lang, n=found.compared, value=value, low=low, high=high)
    return Section(title=say("tail", lang), sentences=(said, *changed), pictures=(dots,), tables=(table,))


def rounds(found: Sequence[RoundRow], history: Sequence[Metric], lang: str) -> Section:
    """``found``: published ones, newest first; ``history``: macro-F1 on gold, oldest first."""
    student = {each.round: each for each in history if each.model == "student"}

    def row(each: RoundRow) -> tuple[Cell, ...]:
        got = student.get(each.number)
        took = each.finished_at - each.started_at if each.finished_at else None
        kind = say("kind_deeper" if each.kind == "deeper" else "kind_round", lang)
        sizes = (each.n_train, each.n_valid, each.n_gold)
        scores = (got.f1, number(got.low), number(got.high)) if got else (None,) * 3
        return (str(each.number), kind, moment(each.finished_at), *sizes, *scores, round(took or 0), each.code_version)

    columns = ("round", "kind", "finished", "train", "valid", "gold")
    table = Table(
        name="rounds", title=say("rounds_table", lang), rows=tuple(map(row, found)), shown=50,
        heads=(*heads(lang, *columns), "macro-F1", *heads(lang, "low", "high", "seconds", "version")),
    )  # fmt: skip
    series = []
    for model in MODELS:
        points = [(each.round, point) for each in history if each.model == model and (point := _point(each))]
        if points:
            series.append((say(f"model_{model}", lang), tuple(points)))
    drawn = Lines(title=say("picture_rounds", lang), series=tuple(series), x=say("round", lang), y="macro-F1")
    said = () if found else (say("say_no_round", lang),)
    return Section(
        title=say("rounds", lang), sentences=said, pictures=(drawn,) if series else (), tables=(table,) if found else ()
    )


def together(found: View, names: Names, lang: str) -> Section:
    tables = [
        _matrix(f"together_{which}", say(f"counts_{which}", lang), counted, found, names, lang)
        for which, counted in (("pool", found.pool), ("gold", found.gold))
    ]
    answers = found.answers
    if answers is not None:
        called = [names.get(label.key, label.key) for label in answers.labels]
        rows = tuple((called[one.missed], called[one.named], one.texts, one.expected) for one in answers.confused)
        columns = heads(lang, "missed", "named", "texts", "expected")
        table = Table(
            name="confused", title=say("confused", lang), heads=columns, rows=rows, shown=20, decimals=1,
            note=say("say_labels", lang, round=answers.round, n=answers.n),
        )  # fmt: skip
        tables.append(table)
    return Section(title=say("together", lang), tables=tuple(tables))


def _matrix(name: str, title: str, counted: Held, found: View, names: Names, lang: str) -> Table:
    called = [names.get(label.key, label.key) for label in found.labels[:MATRIX_FILE]]
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (who, *line) for who, line in zip(called, counted.of(range(len(called))).counts.tolist(), strict=True)
    )
    return Table(name=name, title=title, heads=(say("label", lang), *called), rows=rows, note=f"n = {counted.n:,}",
                 shown=MATRIX, columns=MATRIX + 1)  # fmt: skip


def people(
    work: Work, agreed: Agreement, hints: Suggestions, names: Names, called: Callable[[str], str], lang: str
) -> Section:
    """``called``: what somebody is called here, by name."""

    def pair(each: PairAgreement) -> tuple[Cell, ...]:
        first, second = sorted(called(name) for name in each.names)
        return (first, second, each.n, number(each.mean))

    def share(found: Share | None) -> Cell:
        return number(found.value) if found else None

    def row(each: Any) -> tuple[Cell, ...]:
        q25, median, q75 = (float(s) for s in each.seconds[1:4]) if each.seconds else (None, None, None)
        shares = (share(each.skipped), share(each.flagged), share(each.changed), share(each.fast))
        return (called(each.name), each.texts, each.days, median, q25, q75, *shares)

    columns = ("person", "texts", "days", "median_s", "q25_s", "q75_s", "skipped", "flagged", "changed", "fast")
    tables = [
        Table(
            name="people", title=say("people_table", lang), heads=heads(lang, *columns), note=say("say_people", lang),
            rows=tuple(sorted(map(row, work.people), key=lambda each: str(each[0]))),
        ),
        Table(
            name="agreement", title=say("agreement", lang),
            heads=heads(lang, "label", "alpha", "low", "high", "chosen"),
            rows=tuple((names.get(each.key, each.key), *_estimate(each.alpha), each.chosen) for each in agreed.labels),
        ),
        Table(
            name="pairs", title=say("pairs", lang), heads=heads(lang, "first", "second", "texts", "kappa"), shown=40,
            rows=tuple(sorted(map(pair, agreed.pairs), key=str)),
        ),
        Table(
            name="suggestions", title=say("suggestions", lang), heads=heads(lang, "label", "suggested", "accepted"),
            rows=tuple(
                (names.get(each.name, each.name), each.accepted.n if each.accepted else 0, share(each.accepted))
                for each in hints.labels
            ),
        ),
    ]  # fmt: skip
    alpha = agreed.sets
    said = say("say_no_agreement", lang)
    if alpha is not None:
        value, low, high = (fixed(float(each), 3) if each is not None else "–" for each in _estimate(alpha))
        said = say("say_agreement", lang, n=f"{agreed.n:,}", people=agreed.people, value=value, low=low, high=high)
    kept = [table for table in tables if table.rows and (table.name != "suggestions" or hints.n)]
    return Section(title=say("people", lang), sentences=(said,), tables=tuple(kept))
