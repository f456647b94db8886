"""What needs attention, in words: how urgent, what it is, what to do, and where one does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from core.export import report_words
from core.services.dashboard import told
from core.services.dashboard.attention import Finding
from core.services.dashboard.relabelled import Relabelled
from pages.shared.dashboard import tabs
from pages.shared.i18n import lang, plain, t
from pages.shared.links import page_link

SHOWN = 5  # the others are behind a click
SIGNS = {
    "act": ":red-badge[:material/error: {words}]",
    "look": ":orange-badge[:material/visibility: {words}]",
    "know": ":gray-badge[:material/info: {words}]",
}
# Where one does something about it.
PAGES = {
    "worker_never": "rounds", "worker_silent": "rounds", "round_failed": "rounds", "queue_dry": "data",
    "queue_low": "data", "queue_unranked": "rounds", "no_gold": "data", "outdated": "rounds",
    "agreement_fell": "review", "unused": "labels", "unused_many": "labels", "flagged": "review",
    "gold_waits": "annotate",
}  # fmt: skip
TABS = {
    "macro_fell": "labels", "tail_fell": "tail", "f1_fell": "labels", "f1_fell_many": "labels", "no_hit": "labels",
    "no_hit_many": "labels", "wide": "labels",
}  # fmt: skip


STYLE = """<style>
.st-key-attention [class*=st-key-attention_] {align-items: baseline}
@media (max-width: 640px) {.st-key-attention [class*=st-key-attention_] {flex-wrap: wrap !important}}
</style>"""


def show(findings: Sequence[Finding], names: Mapping[str, str]) -> None:
    """The list on top of the page; one calm line where there is nothing."""
    st.html(STYLE)
    if not findings:
        st.success(t("attention.nothing"), icon=":material/check_circle:")
        return
    with st.container(border=True, key="attention"):
        st.markdown(f"**{t('attention.title', n=len(findings))}**")
        for n, each in enumerate(findings[:SHOWN]):
            line(each, names, n)
        if len(findings) > SHOWN:
            with st.expander(t("attention.more", n=len(findings) - SHOWN)):
                for n, each in enumerate(findings[SHOWN:], start=SHOWN):
                    line(each, names, n)


def line(finding: Finding, names: Mapping[str, str], n: int) -> None:
    """One finding: sign and word, sentence, link."""
    sign = SIGNS[finding.severity].format(words=report_words.say(f"alert_severity_{finding.severity}", lang()))
    with st.container(horizontal=True, wrap=False, gap="small", key=f"attention_{n}"):
        st.markdown(f"{sign} {sentence(finding, names)}", width="stretch")
        page, tab = page_of(finding), TABS.get(finding.code, "")
        if page:
            page_link(page)
        elif tab and st.button(
            t(f"dashboard.tab_{tab}"), key=f"attention_go_{n}", type="tertiary", icon=":material/arrow_forward:",
            on_click=tabs.go, args=(tab,),
        ):  # fmt: skip
            st.rerun()  # this is drawn in a fragment, and the whole page changes


def page_of(finding: Finding) -> str:
    """The page where one does something about it; empty where it is this one."""
    if finding.code in told.GOLD:
        return "annotate" if finding.fields.get("waits") else "data"
    return PAGES.get(finding.code, "")


def sentence(finding: Finding, names: Mapping[str, str]) -> str:
    """What it is and what to do, safe for Markdown."""
    return told.finding(finding, names, lang(), safe=plain, name=bold)


def bold(name: str) -> str:
    """A label's name as it stands out in a sentence."""
    return f"**{plain(name)}**"


def changed_labels(found: Relabelled | None, names: Mapping[str, str]) -> None:
    """A line beside a round's figures where the labels have changed since; nothing where they have not."""
    if found is not None:
        st.info(told.relabelled(found, names, lang(), name=bold), icon=":material/sell:")
