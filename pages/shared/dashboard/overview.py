"""Overview: what needs attention, how good the student is and how sure that is, what goes on now, when to stop."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.errors import TagtailError
from core.evaluate.paired import Gain
from core.services import membership
from core.services.dashboard import attention
from core.services.dashboard import overview as service
from core.services.dashboard.overview import Glance, LabelState, Live, Score
from core.services.forecasting import WhenToStop, about
from core.services.reporting import Overview
from core.wording import fixed, signed
from db.errors import StorageError
from pages.shared import cache, charts, messages, reasons, round_strip, session, when
from pages.shared.dashboard import attention_view, spark, tabs, when_to_stop
from pages.shared.i18n import lang, listed, plain, t

LIVE_S = 15.0
PAUSE_S = 0.2  # once a visit; reading that code keeps a browser busy for longer
_PAINTED, _LAST = "overview_painted", "overview_last"
SPARK = 30  # rounds in a tile's line
NAMED = 4  # labels or people that a tile names
STYLE = """<style>
.st-key-glance_scores, .st-key-glance_now {display: grid; gap: .75rem; align-items: stretch;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 13.5rem), 1fr))}
@media (max-width: 640px) {
  .st-key-glance_scores, .st-key-glance_now {grid-template-columns: repeat(2, minmax(0, 1fr)); gap: .5rem}
}
</style>"""


def show(view: Overview) -> None:
    headline(view.project.id)
    if _PAINTED not in st.session_state:  # the tiles are on the screen before the browser reads what draws charts
        st.session_state[_PAINTED] = True
        time.sleep(PAUSE_S)
    when_to_stop.show(view.project.id)
    queue_section(view)


@st.fragment(run_every=LIVE_S)
def headline(project_id: int) -> None:
    """The tiles, looked at anew every few seconds: what was kept is used while nothing happens in the project."""
    try:
        with session.db() as db:
            now = session.now()
            membership.require_member(db, project_id, session.user_id() or 0, "lead")  # it may outlive a role
            seen = service.live(db, project_id, now=now)
        found, ahead = _figures(project_id)
    except (TagtailError, StorageError) as error:
        messages.show(error)
        return
    st.html(STYLE + spark.STYLE)
    attention_view.show(attention.findings(found, seen), found.project.label_set.names(lang()))
    attention_view.changed_labels(found.relabelled, found.project.label_set.names(lang()))
    with st.container(key="glance_scores"):
        score_tile(t("overview.macro"), found.macro, t("overview.macro_help"))
        score_tile(t("overview.tail"), found.tail, _tail_help(found))
        if found.labels:
            rarest_tile(found.labels[-1], found)
        agreement_tile(found)
    with st.container(key="glance_now"):
        labelled_tile(found)
        target_tile(ahead)
        people_tile(seen)
        round_tile(found, seen)


def _figures(project_id: int) -> tuple[Glance, WhenToStop]:
    """As they are now; in a tab that nobody sees, as they were when it was last seen."""
    kept: tuple[int, Glance, WhenToStop] | None = st.session_state.get(_LAST)
    if kept is None or kept[0] != project_id or tabs.is_open("overview"):
        kept = project_id, cache.glance(project_id), cache.when_to_stop(project_id)
        st.session_state[_LAST] = kept
    return kept[1:]


def _tile(label: str, value: str, notes: Sequence[str], *, help: str = "", line: str = "", **more: Any) -> None:
    """A figure, and under it what it was measured on, a line each. Notes are Markdown-safe; ``line`` is a drawing."""
    with st.container(border=True, height="stretch", gap="small"):
        st.metric(label, value, help=help or None, **more)
        if line:
            st.html(line)
        st.caption("  \n".join(notes))


def interval(low: float | None, high: float | None) -> str:
    """Bounds in brackets, or nothing."""
    return "" if low is None or high is None else f"[{fixed(low)}, {fixed(high)}]"


def change(gain: Gain | None, *, stable: bool = True) -> dict[str, Any]:
    """A metric's arrow: green or red only where the whole interval lies on one side, on enough texts to say so."""
    if gain is None:
        return {}
    shown: dict[str, Any] = {"delta": signed(gain.difference)}
    told = gain.clear and stable and shown["delta"][0] in "+-"  # an arrow beside 0.00 would point nowhere
    return shown if told else shown | {"delta_color": "off", "delta_arrow": "off"}


def change_note(score: Score) -> str:
    """The change with its interval and the texts it was measured on, or why there is none."""
    found = score.change
    if found.gain is None:
        return t(f"overview.no_change_{found.why}", round=found.since)
    bounds = plain(interval(found.gain.low, found.gain.high))
    told = t("overview.since" if found.all_texts else "overview.since_common", round=found.since, n=found.n)
    return t("overview.change_clear" if found.gain.clear else "overview.change_unclear", interval=bounds, since=told)


def score_tile(name: str, score: Score | None, help: str) -> None:
    """A mean F1 with its interval, its change, and its way over the rounds."""
    if score is None:
        _tile(name, t("overview.none_yet"), [t("overview.after_first_round")], help=help)
        return
    bounds = interval(score.low, score.high)
    if not score.value:  # an interval of hits that never came would be [0, 0]
        sure = t("overview.no_hit_at_all", n=score.positives)
    else:
        sure = t("overview.interval", interval=plain(bounds)) if bounds else t("overview.no_interval")
    past = score.history[-SPARK:]
    line = ""
    if len(past) > 1:
        first, last = past[0], past[-1]
        line = spark.drawing(
            [f1 for _, f1 in past],
            t("overview.line", first=first[0], last=last[0], was=fixed(first[1]), now=fixed(last[1])),
        )
    _tile(
        name, f"{score.value:.2f}",
        [sure, t("overview.measured", round=score.round, n=score.n), change_note(score)],
        help=help, line=line, **change(score.change.gain),
    )  # fmt: skip


def _tail_help(found: Glance) -> str:
    if found.tail is None:
        return t("overview.tail_help_none")
    return t("overview.tail_help", n=len(found.tail.keys), labels=plain(_listed(found, found.tail.keys)))


def _listed(found: Glance, keys: tuple[str, ...], most: int = NAMED) -> str:
    names = found.project.label_set.names(lang())
    told = listed(names.get(key, key) for key in keys[:most])
    return told if len(keys) <= most else t("overview.and_more", names=told, n=len(keys) - most)


def rarest_tile(rarest: LabelState, found: Glance) -> None:
    """The rarest label, with the sign that its figure cannot be trusted yet."""
    name, metric = plain(rarest.label.name(lang())), rarest.metric
    label = t("overview.rarest", name=name)
    if metric is None:
        _tile(label, t("overview.none_yet"), [t("overview.after_first_round"), *_unsure(rarest)])
        return
    on = t("overview.measured_support", round=metric.round, support=metric.support, n=metric.n)
    if not metric.support:
        value, sure = "–", t("overview.no_positive")
    elif rarest.missed:
        at_most = service.gold_needed.recall_bound(metric.support)
        value, sure = f"{metric.f1:.2f}", t("overview.no_hit", n=metric.support, recall=f"{at_most:.0%}")
    else:
        value, sure = f"{metric.f1:.2f}", t("overview.interval", interval=plain(charts.interval(metric) or "–"))
    _tile(
        label, value, [*_unsure(rarest), sure, on], help=t("overview.rarest_help", n=rarest.pool + rarest.gold),
        **change(rarest.change if metric.support else None, stable=rarest.stable),
    )  # fmt: skip


def _unsure(state: LabelState) -> list[str]:
    if state.stable:
        return []
    return [f":orange[:material/warning: {t('overview.unstable', least=charts.UNSTABLE_BELOW)}]"]


def agreement_tile(found: Glance) -> None:
    now = found.agreement.now
    if now is None:
        _tile(t("overview.agreement"), "–", [t("overview.no_agreement")], help=t("overview.agreement_help"))
        return
    bounds = interval(now.low, now.high)
    sure = t("overview.interval", interval=plain(bounds)) if bounds else t("overview.no_interval")
    notes = [sure, t("overview.read_twice", n=now.n)]
    _tile(t("overview.agreement"), f"α {fixed(now.value)}", notes, help=t("overview.agreement_help"))


def labelled_tile(found: Glance) -> None:
    notes = [
        t(
            "overview.labelled_note",
            untouched=f"{found.waiting.untouched:,}",
            skipped=found.n_skipped,
            flagged=found.n_flagged,
        ),
        *([t("overview.second_note", n=f"{found.waiting.second:,}")] if found.waiting.second else []),
        t("overview.gold_note", done=f"{found.n_gold_labelled:,}", n=f"{found.n_gold:,}"),
    ]
    _tile(t("overview.labelled"), f"{found.n_labelled:,} / {found.n_pool:,}", notes, help=t("overview.gold_help"))


def target_tile(ahead: WhenToStop) -> None:
    """How many more labels until macro-F1 is where it is to be; what is not foreseeable has no number."""
    name, until, curve = t("overview.until", target=f"{ahead.target:.2f}"), ahead.macro.target, ahead.macro
    if curve.next is None:
        why = when_to_stop.why(curve, ahead) if curve.points else t("overview.after_first_round")
        _tile(name, t("overview.none_yet"), [why], help=t("overview.until_help"))
    elif until is not None and until.state == "reached":
        _tile(name, "0", [t("overview.until_reached")], help=t("overview.until_help"))
    elif until is None or until.n is None or until.low is None or until.high is None:
        _tile(name, "–", [t("overview.until_unknown")], help=t("overview.until_help"))
    else:
        n, low, high = (f"{about(each - ahead.n_labelled):,}" for each in (until.n, until.low, until.high))
        notes = [t("overview.until_interval", interval=plain(f"[{low}, {high}]")), t("overview.until_more")]
        _tile(name, f"≈ {n}", notes, help=t("overview.until_help"))


def people_tile(seen: Live) -> None:
    """Names as they are, a few of them."""
    named = [plain(name) for name in seen.people[:NAMED]]
    who = listed(named)
    if len(seen.people) > NAMED:
        who = t("overview.and_more", names=who, n=len(seen.people) - NAMED)
    minutes = round(service.AT_WORK_S / 60)
    notes = [who or t("overview.nobody"), t("overview.decided", n=f"{seen.decided:,}")]
    _tile(t("overview.people"), str(len(seen.people)), notes, help=t("overview.people_help", minutes=minutes))


def round_tile(found: Glance, seen: Live) -> None:
    """Which round the figures are of, and what the worker does; in words, for a colour alone says nothing."""
    status = seen.status
    if not status.worker_alive:
        health = f":red-badge[:material/error: {t('overview.worker_silent')}]"
    elif status.state in ("running", "cancelling"):
        health = f":blue-badge[:material/autorenew: {t('overview.worker_trains')}]"
    else:
        health = f":green-badge[:material/check: {t('overview.worker_ready')}]"
    notes = [health]
    if status.state in ("running", "cancelling"):
        notes.append(plain(round_strip.progress_words(status)))
    elif status.state == "queued":
        notes.append(t("overview.queued"))
    done = status.in_use
    if done is None:
        _tile(t("overview.round"), t("overview.none_yet"), [*notes, t("overview.after_first_round")])
        return
    notes.append(
        t("overview.round_note", when=plain(when.moment(done.finished_at)), train=done.n_train, valid=done.n_valid)
    )
    _tile(t("overview.round"), t("overview.round_value", n=done.number), notes)


def queue_section(view: Overview) -> None:
    """The head of the queue, and why each text is there."""
    st.subheader(t("dashboard.section_queue"), anchor=False)
    if not view.queue_head:
        st.caption(t("dashboard.queue_empty"))
        return
    st.caption(t("dashboard.section_queue_note", n=len(view.queue_head)))
    names = view.project.label_set.names(lang())
    st.dataframe(
        [
            {
                t("dashboard.column_reason"): reasons.words("dashboard", head.reason, names),
                t("dashboard.column_text"): head.text,
                t("dashboard.column_score"): round(head.score, 3),
            }
            for head in view.queue_head
        ],
        hide_index=True,
        width="stretch",
        height=320,
    )
