"""Data: importing texts, the settings, labels and guideline. For project leads."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.errors import TagtailError
from core.services.accounts import User
from core.services.curating import Project
from db.errors import StorageError
from pages.shared import importing, messages, session, settings_form
from pages.shared.cache import overview
from pages.shared.i18n import plain, t


def figures(project: Project) -> None:
    now = overview(project.id)
    values = {
        "n_pool": f"{now.n_pool:,}",
        "n_labelled": f"{now.n_labelled:,}",
        "n_gold": f"{now.n_gold_labelled:,} / {now.n_gold:,}",
        "n_flagged": f"{now.n_flagged:,}",
    }
    importing.figures({t(f"data.{name}"): value for name, value in values.items()}, 170)


def labels_and_guideline(project: Project) -> None:
    labels = project.label_set.labels
    if not labels:
        st.info(t("data.labels_none"), icon=":material/label_off:")
    else:
        now = overview(project.id)
        rows = [
            {
                t("data.label_key"): label.hotkey,
                t("data.label_name"): label.zh,
                t("data.label_name_en"): label.en,
                t("data.label_count"): now.label_counts[k] + now.gold_counts[k],
                t("data.label_definition"): label.definition,
            }
            for k, label in enumerate(labels)
        ]
        st.dataframe(
            pd.DataFrame(rows),
            hide_index=True,
            width="stretch",
            column_config={
                t("data.label_key"): st.column_config.TextColumn(width="small"),
                t("data.label_count"): st.column_config.NumberColumn(width="small"),
                t("data.label_definition"): st.column_config.TextColumn(width="large"),
            },
        )
    st.subheader(t("data.guideline"), anchor=False)
    if project.guideline.strip():
        with st.container(border=True):
            st.markdown(project.guideline)
    else:
        st.info(t("data.guideline_none"), icon=":material/menu_book:")


def tabs(project: Project, me: User) -> None:
    first, second, third = st.tabs([t("data.tab_import"), t("data.tab_settings"), t("data.tab_labels")])
    with first:
        importing.section(project, me)
    with second:
        st.caption(t("data.settings_intro", name=plain(session.title(project))))
        settings_form.section(project, me)
    with third:
        labels_and_guideline(project)


def page() -> None:
    me = session.require("lead")
    st.title(t("data.title"), anchor=False)
    with st.container():  # there with or without a message: what is below keeps its place, and the open tab stays open
        messages.show_later()
    try:
        if session.projects():
            project = session.project()
            figures(project)
            tabs(project, me)
        else:
            st.info(t("data.no_project_yet"), icon=":material/inbox:")
            importing.section(None, me)
    except (TagtailError, StorageError) as error:
        messages.show(error)


page()
