"""The form of a project's settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from core.config import ProjectSettings
from core.errors import BadSetting, TagtailError
from core.hours import tidy
from core.labels import UNSETTLED
from core.services import curating
from core.services.accounts import User
from core.services.curating import Project
from db.errors import StorageError
from pages.shared import messages, session, training
from pages.shared.i18n import spoken, t


def _fields(now: ProjectSettings, project_id: int) -> dict[str, Any]:
    """What is entered. A key holds the project, so that another project shows its own values."""

    def number(name: str, value: int, low: int, high: int, help_key: str | None = None) -> int:
        return int(
            st.number_input(
                t(f"data.{name}"),
                min_value=low,
                max_value=high,
                value=value,
                step=1,
                key=f"{name}_{project_id}",
                help=t(f"data.{help_key}") if help_key else None,
            )
        )

    def switch(name: str, value: bool) -> bool:
        return bool(st.toggle(t(f"data.{name}"), value=value, key=f"{name}_{project_id}", help=t(f"data.{name}_help")))

    left, right = st.columns(2, gap="large")
    with left:
        round_every = number("round_every", now.round_every, 1, 1_000_000, "round_every_help")
        hours = st.text_input(
            t("rounds.by_itself"), value=now.round_hours, key=f"round_hours_{project_id}", placeholder="20:00-08:00",
            help=t("rounds.by_itself_help"), max_chars=20,
        )  # fmt: skip
        round_min_labels = number(
            "round_min_labels", now.round_min_labels, 10, 1_000_000, "round_min_labels_help"
        )  # fmt: skip
        target = number("target_f1", round(now.target_f1 * 100), 5, 100, "target_f1_help")
        explore = number("explore_share", round(now.explore_share * 100), 0, 100, "explore_share_help")
        daily_goal = number("daily_goal", now.daily_goal, 0, 100_000, "daily_goal_help")
        lease_min = number("lease_min", max(1, round(now.lease_s / 60)), 1, 1440, "lease_help")
        shortest = number("lease_shortest", max(1, round(now.lease_min_s / 60)), 1, 1440)
        longest = number("lease_longest", max(1, round(now.lease_max_s / 60)), 1, 1440)
    with right:
        overlap = number("overlap", now.overlap, 1, 20, "overlap_help")
        gold_double = number("gold_double", round(now.gold_double_share * 100), 0, 100, "gold_double_help")
        unsettled = st.selectbox(
            t("data.unsettled"), UNSETTLED, index=UNSETTLED.index(now.unsettled), help=t("data.unsettled_help"),
            format_func=lambda rule: t(f"data.unsettled_{rule}"), key=spoken(f"unsettled_{project_id}"),
        )  # fmt: skip
        blind_review = switch("blind_review", now.blind_review)
        suggestions = switch("suggestions", now.suggestions)
    return {
        "round_every": round_every,
        "round_hours": tidy(hours),
        "round_min_labels": round_min_labels,
        "target_f1": target / 100,
        "explore_share": explore / 100,
        "daily_goal": daily_goal,
        "overlap": overlap,
        "gold_double_share": gold_double / 100,
        "unsettled": unsettled,
        "blind_review": blind_review,
        "lease_s": lease_min * 60,
        "lease_min_s": shortest * 60,
        "lease_max_s": longest * 60,
        "suggestions": suggestions,
    }


def _training(now: ProjectSettings, project_id: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is entered on how rounds are trained: of the project, and of its rounds."""
    st.divider()
    st.subheader(t("training.title"), anchor=False)
    st.caption(t("training.intro"))
    entered = training.main_fields(now.round, project_id)
    left, right = st.columns(2, gap="small", vertical_alignment="bottom")
    with left:
        deepen = st.toggle(
            t("training.deepen"), value=now.deepen, key=f"deepen_{project_id}", help=t("training.deepen_help")
        )
    with right:
        minutes = st.number_input(
            t("training.deepen_after"), min_value=1, max_value=10_080, value=max(1, round(now.deepen_after_s / 60)),
            step=1, key=f"deepen_after_{project_id}", help=t("training.deepen_after_help"),
        )  # fmt: skip
    with st.expander(t("training.expert")):
        st.caption(t("training.expert_intro"))
        entered |= training.expert_fields(now.round, project_id)
    return {"deepen": deepen, "deepen_after_s": int(minutes) * 60}, entered


def _changed(now: ProjectSettings, entered: dict[str, Any]) -> ProjectSettings:
    """Raises BadSetting: what was typed freely, by the name that stands on the form."""
    try:
        return replace(now, **entered)
    except BadSetting as error:
        if error.fields["field"] != "round_hours":
            raise
        raise BadSetting(**{**error.fields, "field": t("rounds.by_itself")}) from error


def section(project: Project, me: User) -> None:
    """Shows the form; saves it when asked to. What is refused stays as it was typed."""
    with st.form("settings", enter_to_submit=False):
        wanted = _fields(project.settings, project.id)
        idle, entered = _training(project.settings, project.id)
        pressed = st.form_submit_button(t("common.save"), type="primary")
    if not pressed:
        return
    try:
        trained = training.read(project.settings.round, entered)
        chosen = _changed(project.settings, {**wanted, **idle, "round": trained})
        with session.db() as db:
            curating.update_settings(db, project.id, chosen, by=me.id, now=session.now())
    except (TagtailError, StorageError) as error:
        messages.show(error)
        return
    messages.later(t("data.settings_saved"))
    st.rerun()
