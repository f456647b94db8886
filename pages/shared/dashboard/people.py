"""People: how much is done at which pace, how people agree, and what suggestions do to them. In order of names."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import streamlit as st

from core.evaluate.jump import LEAST, Jump
from core.evaluate.proportion import Share, share
from core.evaluate.resampled import Estimate
from core.services.dashboard.people import WINDOW, Agreement, PairAgreement, Person, Suggested, Suggestions, Work
from core.services.looking_back import TAIPEI
from core.services.reporting import Overview
from core.wording import fixed, signed
from pages.shared import cache, charts, session
from pages.shared.dashboard import figure, people_figures
from pages.shared.i18n import lang, listed, plain, t

PARTS = ("work", "agreement", "suggestions")
SINCE = {"all": None, "30": 30, "7": 7}  # days
LISTED = 5  # labels that a sentence names


def show(view: Overview) -> None:
    """The tab; only the chosen part is computed."""
    part = st.segmented_control(
        t("people_tab.part"), PARTS, key="people_part", default=PARTS[0], required=True,
        format_func=lambda one: t(f"people_tab.part_{one}"), label_visibility="collapsed",
    )  # fmt: skip
    if part == "agreement":
        agreement(view, cache.people_agreement(view.project.id))
    elif part == "suggestions":
        suggestions(view, cache.people_suggestions(view.project.id))
    else:
        chosen = st.segmented_control(
            t("people_tab.since"), list(SINCE), key="people_since", default="all", required=True,
            format_func=lambda one: t(f"people_tab.since_{one}"), label_visibility="collapsed",
        )  # fmt: skip
        work(cache.people_work(view.project.id, since(SINCE[str(chosen)])))


def since(days: int | None) -> dt.date | None:
    """The first of so many days, today the last, in UTC+8."""
    if days is None:
        return None
    return dt.datetime.fromtimestamp(session.now(), TAIPEI).date() - dt.timedelta(days=days - 1)


def rate(found: Share | None) -> str:
    return "–" if found is None else f"{100 * found.value:.1f} % ({found.k}/{found.n})"


def rounded(value: float | None, digits: int = 3) -> str:
    return "" if value is None else fixed(value, digits)


def work(found: Work) -> None:
    if not found.people:
        st.info(t("people_tab.no_work"), icon=":material/group:")
        return
    st.caption(t("people_tab.reminder"))
    if found.per_day:
        st.subheader(t("people_tab.per_day_title"), anchor=False)
        _per_day(found)
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader(t("people_tab.seconds_title"), anchor=False)
        _seconds(found.people)
    with right:
        st.subheader(t("people_tab.rates_title"), anchor=False)
        _rates(found.people)
    with st.expander(t("people_tab.table_title"), expanded=True):
        st.dataframe([_line(each) for each in found.people], hide_index=True, width="stretch")


def _per_day(found: Work) -> None:
    totals: dict[dt.date, int] = {}
    for day, _, n in found.per_day:
        totals[day] = totals.get(day, 0) + n
    best = max(sorted(totals), key=lambda day: totals[day])
    sentence = t(
        "people_tab.per_week" if people_figures.weekly(found) else "people_tab.per_day", n=found.texts,
        people=len({name for _, name, _ in found.per_day}), days=len(totals), day=f"{best:%Y/%m/%d}", top=totals[best],
    )  # fmt: skip
    columns = [t(f"people_tab.column_{name}") for name in ("day", "person", "texts")]
    figure.chart(
        figure.kept(people_figures.per_day, found, t("people_tab.others"), lang()),
        key="people_days", sentence=sentence,
        table=lambda: [dict(zip(columns, (day.isoformat(), name, n), strict=True)) for day, name, n in found.per_day],
        name="texts-a-day", note=t("people_tab.per_day_note"),
    )  # fmt: skip


def _seconds(people: Sequence[Person]) -> None:
    timed = [each for each in people if each.seconds is not None]
    if not timed:
        st.info(t("people_tab.seconds_none"), icon=":material/timer_off:")
        return
    middle = [each.seconds[2] for each in timed if each.seconds]
    sentence = t(
        "people_tab.seconds" if len(timed) > 1 else "people_tab.seconds_one", name=plain(timed[0].name),
        low=f"{min(middle):.1f}", high=f"{max(middle):.1f}", n=sum(each.timed for each in timed),
    )  # fmt: skip
    heads = (t("people_tab.column_person"), "10 %", "25 %", "50 %", "75 %", "90 %", t("people_tab.column_timed"))
    figure.chart(
        figure.kept(people_figures.seconds, people, lang()), key="people_seconds", sentence=sentence,
        table=[
            dict(zip(heads, (each.name, *(rounded(s) for s in each.seconds or ()), each.timed), strict=True))
            for each in timed
        ],
        name="seconds-a-text", note=t("people_tab.seconds_note"),
    )  # fmt: skip


def _together(people: Sequence[Person], name: str) -> str:
    known: list[Share] = [each for person in people if (each := getattr(person, name)) is not None]
    n = sum(each.n for each in known)
    return f"{100 * sum(each.k for each in known) / n:.1f} %" if n else "–"


def _rates(people: Sequence[Person]) -> None:
    names = tuple(people_figures.RATES)
    columns = [t(f"people_tab.column_{name}") for name in ("person", "rate", "k", "of", "share", "low", "high")]
    table = []
    for person in people:
        for name in names:
            found: Share | None = getattr(person, name)
            if found is not None:
                values = [f"{100 * value:.2f}" for value in (found.value, found.low, found.high)]
                line = (person.name, t(f"people_tab.rate_{name}"), found.k, found.n, *values)
                table.append(dict(zip(columns, line, strict=True)))
    figure.chart(
        figure.kept(people_figures.rates, people, lang()), key="people_rates",
        sentence=t("people_tab.rates", **{name: _together(people, name) for name in names}), table=table,
        name="skipped-flagged-fast", note=t("people_tab.rates_note"),
    )  # fmt: skip


def _line(each: Person) -> dict[str, object]:
    values = {
        "name": each.name,
        "texts": each.texts,
        "days": each.days,
        "a_day": f"{each.texts / each.days:.1f}" if each.days else "–",
        "median": "–" if each.seconds is None else f"{each.seconds[2]:.1f}",
        "middle": "–" if each.seconds is None else f"{each.seconds[1]:.1f} – {each.seconds[3]:.1f}",
        "skipped": rate(each.skipped),
        "flagged": rate(each.flagged),
        "changed": rate(each.changed),
        "fast": rate(each.fast),
    }
    return {t(f"people_tab.column_{name}"): value for name, value in values.items()}


def agreement(view: Overview, found: Agreement) -> None:
    if not found.n:
        st.info(t("people_tab.agreement_none"), icon=":material/group:")
        return
    _alpha(found)
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader(t("people_tab.labels_title"), anchor=False)
        _labels(view, found)
    with right:
        st.subheader(t("people_tab.pairs_title"), anchor=False)
        _pairs(found)
        _pair(view, found.pairs)


def _alpha(found: Agreement) -> None:
    with st.container(border=True):
        if found.sets is None:
            st.metric(t("people_tab.alpha"), "–", help=t("people_tab.alpha_help"))
            st.markdown(t("people_tab.alpha_unknown", n=found.n))
            return
        st.metric(t("people_tab.alpha"), fixed(found.sets.value), help=t("people_tab.alpha_help"))
        between = plain(people_figures.interval(found.sets) or "–")
        st.caption(t("people_tab.alpha_of", interval=between, n=found.n, people=found.people))
        st.markdown(t(f"people_tab.{standing(found.sets)}"))


def standing(found: Estimate) -> str:
    """How alpha stands to the customary marks, by its interval."""
    if found.low is not None and found.low >= people_figures.RELIABLE:
        return "alpha_high"
    return "alpha_low" if found.high is not None and found.high < people_figures.TENTATIVE else "alpha_middle"


def _labels(view: Overview, found: Agreement) -> None:
    by_key = {each.key: each for each in found.labels}
    order = [(row.label.name(lang()), by_key[row.label.key]) for row in charts.by_frequency(view)
             if row.label.key in by_key]  # fmt: skip
    known = [(name, each.alpha, each.chosen) for name, each in order if each.alpha is not None]
    if not known:
        st.info(t("people_tab.labels_none"), icon=":material/info:")
        return
    name, lowest, _ = min(known, key=lambda each: each[1].value)
    columns = [t(f"people_tab.column_{name}") for name in ("label", "n", "chosen")]
    columns += ["α", t("people_tab.column_low"), t("people_tab.column_high")]
    figure.chart(
        figure.kept(people_figures.label_alphas, known, lang()), key="people_alphas",
        sentence=t(
            "people_tab.labels", name=plain(name), alpha=plain(fixed(lowest.value)), n=lowest.n,
            interval=plain(people_figures.interval(lowest)),
        ),
        table=[
            dict(zip(columns, (label, each.n, n, *map(rounded, (each.value, each.low, each.high))), strict=True))
            for label, each, n in known
        ],
        name="agreement-by-label", note=t("people_tab.labels_note", least=charts.UNSTABLE_BELOW),
    )  # fmt: skip
    silent = [name for name, each in order if each.alpha is None]
    if silent:
        st.caption(t("people_tab.labels_left_out", names=plain(listed(silent))))


def _pairs(found: Agreement) -> None:
    known = [pair for pair in found.pairs if pair.mean is not None]
    if not known:
        st.info(t("people_tab.pairs_unknown"), icon=":material/info:")
        return
    low, high = (pick(known, key=lambda pair: pair.mean or 0) for pick in (min, max))
    if len(found.pairs) == 1:
        mean = plain(fixed(low.mean or 0.0))
        st.markdown(t("people_tab.pairs_one", pair=plain(" ↔ ".join(low.names)), n=low.n, low=mean))
        return
    columns = [t("people_tab.column_pair"), t("people_tab.column_n"), t("people_tab.column_kappa")]
    figure.chart(
        figure.kept(people_figures.kappas, found, lang()), key="people_kappas",
        sentence=t(
            "people_tab.pairs", n=len(found.pairs), low=plain(fixed(low.mean or 0.0)),
            high=plain(fixed(high.mean or 0.0)),
            low_pair=plain(" ↔ ".join(low.names)), high_pair=plain(" ↔ ".join(high.names)),
        ),
        table=[
            dict(zip(columns, (" ↔ ".join(pair.names), pair.n, rounded(pair.mean)), strict=True))
            for pair in found.pairs
        ],
        name="agreement-by-pair", note=t("people_tab.pairs_note"),
    )  # fmt: skip


def _pair(view: Overview, pairs: Sequence[PairAgreement]) -> None:
    """One pair's kappa on each label, in a table."""
    known = {" ↔ ".join(pair.names): pair for pair in pairs}
    pair = pairs[0]
    if len(pairs) > 1:
        pair = known[st.selectbox(t("people_tab.pair"), list(known), key="people_pair")]
    st.caption(t("people_tab.pair_intro", a=plain(pair.names[0]), b=plain(pair.names[1]), n=pair.n))
    kappas, lines = pair.labels(), []
    for row in charts.by_frequency(view):
        if row.position >= len(kappas):
            continue
        kappa, (both, first, second) = kappas[row.position], pair.chosen[row.position]
        lines.append(
            {
                t("people_tab.column_label"): row.label.name(lang()),
                "κ": "–" if kappa is None else fixed(kappa.value),
                "95 %": "–" if kappa is None else people_figures.interval(kappa) or "–",
                t("people_tab.column_both"): both,
                t("people_tab.column_one"): first + second,
            }
        )
    st.dataframe(lines, hide_index=True, width="stretch")


def suggestions(view: Overview, found: Suggestions) -> None:
    if not found.n:
        on = view.project.settings.suggestions
        st.info(t(f"people_tab.suggestions_{'none' if on else 'off'}"), icon=":material/assistant:")
        return
    st.subheader(t("people_tab.accepted_title"), anchor=False)
    by_key = {each.name: each for each in found.labels}
    labels = [
        (row.label.name(lang()), by_key[row.label.key]) for row in charts.by_frequency(view) if row.label.key in by_key
    ]
    by_label, by_person = st.columns(2, gap="large")
    with by_label:
        _accepted(labels, "label", found.people)
    with by_person:
        _accepted([(each.name, each) for each in found.people], "person", found.people)
    st.subheader(t("people_tab.bias_title"), anchor=False)
    _bias(view, found)


def _accepted(lines: list[tuple[str, Suggested]], by: str, people: Sequence[Suggested]) -> None:
    known = [each.accepted for each in people if each.accepted is not None]
    added = sum(each.added.k for each in people if each.added is not None)
    if by == "person":
        sentence = _by_person(known, len(people))
    elif known:
        every = share(sum(each.k for each in known), sum(each.n for each in known))
        bounds = {name: f"{100 * getattr(every, name):.1f}" for name in ("low", "high")}
        sentence = t(
            "people_tab.accepted_sentence", n=every.n, percent=f"{100 * every.value:.1f}", added=added, **bounds
        )
    else:
        sentence = t("people_tab.accepted_never", added=added)
    columns = [t(f"people_tab.column_{name}") for name in (by, "rate", "k", "of", "share", "low", "high")]
    table = []
    for name, each in lines:
        for part in ("accepted", "added"):
            found: Share | None = getattr(each, part)
            if found is not None:
                values = [f"{100 * value:.2f}" for value in (found.value, found.low, found.high)]
                line = (name, t(f"people_tab.{part}"), found.k, found.n, *values)
                table.append(dict(zip(columns, line, strict=True)))
    figure.chart(
        figure.kept(people_figures.accepted, [(name, each.accepted, each.added) for name, each in lines], lang()),
        key=f"people_accepted_{by}", sentence=sentence, table=table, name=f"suggestions-by-{by}",
        note=t("people_tab.accepted_note") if by == "label" else "",
    )  # fmt: skip


def _by_person(known: Sequence[Share], n: int) -> str:
    if len(known) < 2:
        return t("people_tab.by_person_one", n=n)
    low, high = (f"{100 * pick(each.value for each in known):.1f}" for pick in (min, max))
    return t("people_tab.by_person", low=low, high=high, n=n)


def points(found: Jump) -> dict[str, str]:
    """A jump in percentage points, with a sign."""
    return {
        name: plain(signed(100 * value, 0))
        for name, value in (("jump", found.value), ("low", found.low), ("high", found.high))
    }


def _bias(view: Overview, found: Suggestions) -> None:
    if found.jump is None:
        sentence = t("people_tab.bias_few", window=WINDOW, least=LEAST)
    else:
        sure = found.jump.low > 0 or found.jump.high < 0
        key = "bias_no" if not sure else "bias_yes" if found.jump.value > 0 else "bias_less"
        sentence = t(f"people_tab.{key}", n=found.jump.n, window=WINDOW, **points(found.jump))
    columns = [t(f"people_tab.column_{name}") for name in ("distance", "of", "k")]
    figure.chart(
        figure.kept(people_figures.threshold, found, lang()), key="people_bias", sentence=sentence,
        table=[dict(zip(columns, (rounded(x), n, k), strict=True)) for x, n, k in found.near],
        name="choice-at-the-threshold", note=t("people_tab.bias_note"),
    )  # fmt: skip
    names = view.project.label_set.names(lang())
    known = {row: each for row in charts.by_frequency(view) if (each := found.jumps.get(row.label.key)) is not None}
    told = [
        t("people_tab.bias_item", name=plain(names.get(row.label.key, row.label.key)), **points(each))
        for row, each in known.items()
        if each.low > 0 or each.high < 0
    ]
    if told:
        items = "；".join(told) if lang() != "en" else "; ".join(told)
        st.markdown(t("people_tab.bias_labels", items=items, n=len(known)))
    elif known:
        st.caption(t("people_tab.bias_labels_none", n=len(known)))
