"""Together: which labels come with which."""

from __future__ import annotations

import streamlit as st

from core.services.reporting import Overview
from pages.shared import charts
from pages.shared.i18n import lang, t


def show(view: Overview) -> None:
    st.subheader(t("dashboard.section_together"), anchor=False)
    st.caption(t("dashboard.section_together_note", n=view.n_labelled))
    st.plotly_chart(charts.cooccurrence(view, lang()), key="chart_together", config=charts.CONFIG)
