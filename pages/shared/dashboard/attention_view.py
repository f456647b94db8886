"""What needs attention, in words: how urgent, what it is, what to do, and where one does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.services.dashboard.attention import FEW_GOLD, Finding
from core.wording import fixed
from pages.shared import stored_errors, when
from pages.shared.dashboard import tabs
from pages.shared.i18n import plain, t
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
GOLD = (*FEW_GOLD, "few_gold_many", "none_in_gold_many")  # while gold texts wait, label those; then, import more
NAMED = 6  # labels


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
    sign = SIGNS[finding.severity].format(words=t(f"attention.severity_{finding.severity}"))
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
    if finding.code in GOLD:
        return "annotate" if finding.fields.get("waits") else "data"
    return PAGES.get(finding.code, "")


def sentence(finding: Finding, names: Mapping[str, str]) -> str:
    """What it is and what to do, safe for Markdown."""
    told = {name: _said(name, value) for name, value in finding.fields.items()}
    label = f"**{plain(names.get(finding.label, finding.label))}**"
    if finding.code == "round_failed":
        told = {"why": plain(stored_errors.words(finding.fields["code"], finding.fields["fields"]))}
    if isinstance(finding.fields.get("labels"), list):
        told["labels"] = _listed(finding.fields["labels"], names)
    if finding.code in GOLD:
        told["what"] = t("attention.do_label" if finding.fields["waits"] else "attention.do_import", **told)
    return t(f"attention.{finding.code}", label=label, **told)


def _listed(keys: Sequence[str], names: Mapping[str, str]) -> str:
    some = t("overview.comma").join(f"**{plain(names.get(key, key))}**" for key in keys[:NAMED])
    return some if len(keys) <= NAMED else t("overview.and_more", names=some, n=len(keys) - NAMED)


def _said(name: str, value: Any) -> str:
    """A field as people read it."""
    if name == "silent_s":
        return plain(when.duration(value))
    if name == "at_most":
        return f"{value:.0%}"
    if value is None:
        return "–"
    return plain(fixed(value)) if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else plain(value)
