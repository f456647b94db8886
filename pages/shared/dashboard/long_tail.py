"""Long tail: how rare each label is, and what is done about it."""

from __future__ import annotations

import streamlit as st

from core.services.reporting import Overview
from pages.shared import charts
from pages.shared.i18n import lang, t


def show(view: Overview) -> None:
    st.subheader(t("dashboard.section_frequency"), anchor=False)
    st.caption(t("dashboard.section_frequency_note"))
    st.plotly_chart(charts.frequencies(view, lang()), key="chart_frequency", config=charts.CONFIG)
