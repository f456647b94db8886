"""Data: importing texts, the settings, and new projects. For project leads."""

from __future__ import annotations

import streamlit as st

from core.errors import TagtailError
from core.services.accounts import User
from core.services.curating import Project
from db.errors import StorageError
from pages.shared import importing, messages, new_project, project_section, session, settings_form
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


def tabs(project: Project, me: User) -> None:
    kinds = ("import", "settings", "project", "new")
    first, second, third, fourth = st.tabs([t(f"data.tab_{kind}") for kind in kinds])
    with first:
        importing.section(project, me)
    with second:
        st.caption(t("data.settings_intro", name=plain(session.title(project))))
        settings_form.section(project, me)
    with third:
        project_section.section(project, me)
    with fourth:
        new_project.section(me)


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
            first, second = st.tabs([t("data.tab_import"), t("data.tab_new")])
            with first:
                importing.section(None, me)
            with second:
                new_project.section(me)
            project_section.ended(me)
    except (TagtailError, StorageError) as error:
        messages.show(error)


page()
