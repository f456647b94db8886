"""Dashboard: where the project stands. Every number names its round, model, split and n."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from core.errors import TagtailError
from core.services import membership
from core.services.reporting import Overview
from db.errors import StorageError
from pages.shared import ahead, cache, messages, session
from pages.shared.dashboard import long_tail, overview, people, per_label, report, tabs, together
from pages.shared.i18n import t
from pages.shared.links import page_link
from pages.shared.round_strip import strip

TABS: dict[str, Callable[[Overview], None]] = {
    "overview": overview.show,
    "labels": per_label.show,
    "tail": long_tail.show,
    "together": together.show,
    "people": people.show,
    "report": report.show,
}


def show() -> None:
    session.require("lead")
    project = session.project()
    st.title(t("dashboard.title"), anchor=False)
    ahead.tiles()
    st.session_state[tabs.KEY] = tabs.present(TABS)
    strip(project.id, quiet=partial(tabs.is_open, "overview"))  # which says by itself what is amiss
    try:
        view = cache.overview(project.id)
    except (TagtailError, StorageError) as error:
        messages.show(error)
        return
    if not view.n_pool and not view.n_gold:
        st.info(t("dashboard.empty_pool"), icon=":material/upload_file:")
        page_link("data", t("dashboard.go_data"))
        return
    if not view.n_labelled and not view.n_gold_labelled:
        st.session_state[tabs.KEY] = "overview"
        overview.headline(project.id)
        st.info(t("dashboard.empty_labels"), icon=":material/label:")
        page_link("annotate", t("dashboard.go_annotate"))
        return
    tabs.draw({name: t(f"dashboard.tab_{name}") for name in TABS}, partial(_tab, project.id))


def _tab(project_id: int, name: str) -> None:
    """What is in one tab, as it is now; drawn by a fragment, which may outlive a role."""
    try:
        with session.db() as db:
            membership.require_member(db, project_id, session.user_id() or 0, "lead")
        TABS[name](cache.overview(project_id))
    except (TagtailError, StorageError) as error:
        messages.show(error)


if __name__ == "__main__":
    show()
