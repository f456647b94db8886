"""Who changed what in the label set and the guideline, newest first."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.services import labelling
from core.services.labelling import Change
from core.services.projects import Project
from pages.shared import session, when
from pages.shared.i18n import lang, listed, plain, t

SHOWN = 50
LONGEST = 60


def _value(value: Any) -> str:
    text = listed(str(each) for each in value) if isinstance(value, list) else str(value)
    shown = text if len(text) <= LONGEST else text[:LONGEST] + "…"
    return plain(shown) if shown else t("labels.nothing")


def words(change: Change, names: dict[str, str]) -> str:
    """One change as a sentence; labels by the names that they have now."""
    after = change.after if isinstance(change.after, dict) else {}
    key = str(after.get("label", ""))
    fields = {"name": plain(names.get(key, key))}
    if change.kind == "label_merged":
        fields["into"] = plain(names.get(after["merged_into"], after["merged_into"]))
    if change.kind == "label_changed":
        before = change.before or {}
        parts = [
            t(
                "labels.change_field",
                field=t(f"labels.field_{field}"),
                before=_value(before.get(field, "")),
                after=_value(v),
            )
            for field, v in after.items()
            if field != "label"
        ]
        fields["what"] = t("labels.change_joiner").join(parts)
    if change.kind == "label_noted":
        fields["note"] = _value(after.get("note", ""))
    return t(f"labels.change_{change.kind}", **fields)


def section(project: Project) -> None:
    """The latest changes."""
    with session.db() as db:
        found = labelling.changes(db, project.id, n=SHOWN)
    if not found:
        st.info(t("labels.changes_none"), icon=":material/history:")
        return
    names = project.label_set.names(lang())
    lines = [f"- {when.moment(each.at)}　**{plain(each.who)}**　{words(each, names)}" for each in found]
    st.markdown("\n".join(lines))
    if len(found) == SHOWN:
        st.caption(t("labels.changes_more", n=SHOWN))
