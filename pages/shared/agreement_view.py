"""How people agree: a figure before and after, a table of labels, a table of pairs."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.label_rules import LISTED
from core.services import agreeing
from core.services.accounts import User
from core.services.agreeing import Agreement
from core.services.projects import Project
from core.wording import fixed
from pages.shared import session
from pages.shared.i18n import lang, respoken, t

COLUMNS = 6  # labels with a column of their own at first, where there are many


def number(value: float | None) -> str:
    return "–" if value is None else fixed(value)


def section(project: Project, me: User) -> None:
    """Agreement over the texts that two people or more have labelled."""
    with session.db() as db:
        found = agreeing.agreement(db, project.id, by=me.id)
    if not found.n:
        st.info(t("review.agreement_none"), icon=":material/group:")
        return
    st.caption(t("review.agreement_intro", n=f"{found.n:,}", settled=f"{found.settled:,}"))
    with st.container(horizontal=True):
        st.metric(t("review.alpha_before"), number(found.before), width=220, help=t("review.alpha_help"))
        st.metric(t("review.alpha_after"), number(found.after), width=220, help=t("review.after_help"))
    st.subheader(t("review.by_label"), anchor=False)
    st.dataframe(labels(project, found), hide_index=True, width="stretch")
    st.subheader(t("review.by_pair"), anchor=False)
    shown = st.toggle(t("review.names"), value=not project.settings.blind_review, key=f"agreement_names_{project.id}")
    st.dataframe(pairs(project, found, shown, columns(project, found)), hide_index=True, width="stretch")


def columns(project: Project, found: Agreement) -> list[str]:
    """Keys of the labels that have a column: all, or of many those that are chosen."""
    keys = list(project.label_set.keys)
    if len(keys) <= LISTED:
        return keys
    names = project.label_set.names(lang())
    known = [key for n, key in enumerate(keys) if any(pair.kappa[n] is not None for pair in found.pairs)]
    return st.multiselect(
        t("review.kappa_of"), known, format_func=lambda key: names[key], placeholder=t("common.find_label"),
        key=respoken(f"agreement_labels_{project.id}", known, known[:COLUMNS]),
    )  # fmt: skip


def labels(project: Project, found: Agreement) -> pd.DataFrame:
    """Of many labels those alone on which something can be said."""
    names, many = project.label_set.names(lang()), len(found.labels) > LISTED
    return pd.DataFrame(
        {
            t("review.label"): names[each.key],
            t("review.alpha_before"): number(each.before),
            t("review.alpha_after"): number(each.after),
        }
        for each in found.labels
        if not many or each.before is not None or each.after is not None
    )


def pairs(project: Project, found: Agreement, shown: bool, keys: Sequence[str]) -> pd.DataFrame:
    """Kappa of each pair on these labels; without names people are numbered, the same in every row."""
    people = sorted({person for pair in found.pairs for person in pair.people})
    number_of = {person: t("review.person", n=n) for n, person in enumerate(people, start=1)}
    names, place = project.label_set.names(lang()), project.label_set.position
    return pd.DataFrame(
        {
            t("review.pair"): " ↔ ".join(pair.names if shown else (number_of[person] for person in pair.people)),
            t("review.both"): pair.n,
            t("review.kappa"): number(pair.mean),
        }
        | {names[key]: number(pair.kappa[place[key]]) for key in keys}
        for pair in found.pairs
    )
