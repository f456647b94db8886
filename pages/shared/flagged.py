"""What annotators flagged: read it, and put a text back for labelling. For project leads."""

from __future__ import annotations

import streamlit as st

from core.errors import TagtailError
from core.services import reviewing
from core.services.curating import Project
from core.services.reviewing import Flagged
from db.errors import StorageError
from pages.shared import messages, session, when
from pages.shared.i18n import lang, plain, t

SHOWN = 50
START = 160  # characters of a text: enough to know it by


def put_back(project_id: int, document_id: int) -> None:
    """Puts a text back, as the person at the screen."""
    try:
        user = session.require("lead")
        with session.db() as db:
            reviewing.put_back(db, project_id, document_id, by=user.id, now=session.now())
        messages.later(t("data.put_back_done", id=document_id))
    except (TagtailError, StorageError) as error:
        messages.trouble_later(error)


def card(project_id: int, found: Flagged, place: int, names: dict[str, str]) -> None:
    """One flag: why first, then the text."""
    with st.container(border=True):
        left, right = st.columns([5, 1], vertical_alignment="top")
        with left:
            st.markdown(f"**{plain(found.comment)}**" if found.comment else t("data.flag_no_comment"))
            start = found.text[:START] + ("…" if len(found.text) > START else "")
            st.markdown(plain(start))
            facts = [t("data.flag_id", id=found.document_id, external=plain(found.external_id))]
            facts += [plain(found.who), when.moment(found.at)]
            chosen = "、".join(plain(names.get(key, key)) for key in found.labels)
            facts.append(t("data.flag_labels", labels=chosen) if chosen else t("data.flag_no_labels"))
            st.caption(" · ".join(facts))
        right.button(
            t("data.put_back"), key=f"put_back_{place}_{found.document_id}", on_click=put_back,
            args=(project_id, found.document_id), help=t("data.put_back_help"), width="stretch",
        )  # fmt: skip


def section(project: Project) -> None:
    """Every flag that stands, newest first."""
    with session.db() as db:
        found = reviewing.flagged(db, project.id)
    if not found:
        st.info(t("data.flagged_none"), icon=":material/flag:")
        return
    st.caption(t("data.flagged_intro", n=len(found)))
    names = {label.key: label.name(lang()) for label in project.label_set.labels}
    for place, each in enumerate(found[:SHOWN]):
        card(project.id, each, place, names)
    if len(found) > SHOWN:
        st.caption(t("data.flagged_more", shown=SHOWN))
