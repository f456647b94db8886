"""Dashboard: where the project stands. Every number names its round, model, split and n."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.errors import TagtailError
from core.services.reporting import Overview
from db.errors import StorageError
from pages.shared import cache, messages, session
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


def chosen_tab() -> str:
    """Which tab is open: in the address too, so that a link leads to it."""
    st.segmented_control(
        t("dashboard.tabs"), list(TABS), key=tabs.KEY, default=tabs.present(TABS), required=True,
        format_func=lambda tab: t(f"dashboard.tab_{tab}"), label_visibility="collapsed", width="stretch",
    )  # fmt: skip
    tab = st.session_state[tabs.KEY]
    st.query_params["tab"] = tab
    return str(tab)


def show() -> None:
    session.require("lead")
    project = session.project()
    st.title(t("dashboard.title"), anchor=False)
    strip(project.id, quiet=tabs.present(TABS) == "overview")  # which says by itself what is amiss
    try:
        view = cache.overview(project.id)
    except (TagtailError, StorageError) as error:
        messages.show(error)
        return
    if not view.n_pool and not view.n_gold:
        st.info(t("dashboard.empty_pool"), icon=":material/upload_file:")
        page_link("data", t("dashboard.go_data"))
        return
    tab = chosen_tab()
    if not view.n_labelled and not view.n_gold_labelled:
        overview.headline(project.id)
        st.info(t("dashboard.empty_labels"), icon=":material/label:")
        page_link("annotate", t("dashboard.go_annotate"))
        return
    try:
        TABS[tab](view)
    except (TagtailError, StorageError) as error:
        messages.show(error)


if __name__ == "__main__":
    show()
