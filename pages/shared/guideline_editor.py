"""The guideline: read it, write it beside its preview, and go back to an older version."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core.errors import ChangedMeanwhile, TagtailError
from core.services import labelling, projects
from core.services.accounts import User
from core.services.labelling import Change
from core.services.projects import Project
from db.errors import StorageError
from pages.shared import messages, session, when
from pages.shared.i18n import plain, t

HEIGHT = 520


def _names(project: Project) -> tuple[str, str]:
    """Keys of what is typed, and of the version that it began from."""
    return f"guideline_text_{project.id}", f"guideline_seen_{project.id}"


def _begin(project: Project, text: str | None = None) -> None:
    typed, seen = _names(project)
    st.session_state[typed] = project.guideline if text is None else text
    st.session_state[seen] = project.guideline


def _end(project: Project) -> None:
    for name in _names(project):
        st.session_state.pop(name, None)


def _save(project: Project, me: User) -> None:
    """A callback. Somebody else's newer version is not overwritten: it is shown, and may be replaced knowingly."""
    typed, seen = _names(project)
    try:
        with session.db() as db:
            labelling.set_guideline(
                db, project.id, st.session_state[typed], seen=st.session_state[seen], by=me.id, now=session.now()
            )
    except ChangedMeanwhile as error:
        messages.trouble_later(error)
        with session.db() as db:
            st.session_state[seen] = projects.project(db, project.id).guideline
        return
    except (TagtailError, StorageError) as error:
        messages.trouble_later(error)
        return
    _end(project)
    messages.later(t("labels.guideline_saved"))


def _history(project: Project) -> list[Change]:
    with session.db() as db:
        return labelling.changes(db, project.id, ("guideline_set",))


def section(project: Project, me: User) -> None:
    """The guideline as it is, or its editor."""
    past = _history(project)
    typed, seen = _names(project)
    if seen not in st.session_state:
        _shown(project, past)
        return
    st.session_state[typed] = st.session_state.get(typed, project.guideline)  # kept while another tab is drawn
    left, right = st.columns(2, gap="medium")
    with left:
        st.caption(t("labels.guideline_text"), help=t("labels.guideline_help"))
        st.text_area(t("labels.guideline_text"), key=typed, height=HEIGHT, label_visibility="collapsed")
    with right:
        st.caption(t("labels.preview"))
        with st.container(border=True, height=HEIGHT):
            st.markdown(st.session_state[typed])
    with st.container(horizontal=True):
        st.button(t("common.save"), type="primary", key="guideline_save", on_click=_save, args=(project, me))
        st.button(t("common.cancel"), key="guideline_cancel", on_click=partial(_end, project))
    if past and st.session_state[seen] != st.session_state[typed]:
        with st.expander(t("labels.guideline_now", who=plain(past[0].who), at=when.moment(past[0].at))):
            st.markdown(project.guideline)


def _shown(project: Project, past: list[Change]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if past:
            words = t("labels.guideline_by", who=plain(past[0].who), at=when.moment(past[0].at))
        else:
            words = t("labels.guideline_intro")
        st.caption(words, width="stretch")
        st.button(
            t("labels.guideline_edit"), key="guideline_edit", icon=":material/edit:", on_click=partial(_begin, project)
        )
    if project.guideline.strip():
        with st.container(border=True):
            st.markdown(project.guideline)
    else:
        st.info(t("labels.guideline_none"), icon=":material/menu_book:")
    if past:
        _versions(project, past)


def _versions(project: Project, past: list[Change]) -> None:
    """Older versions, to be read and to be begun from again."""
    with st.expander(t("labels.guideline_versions", n=len(past))):
        titles = [t("labels.guideline_before", who=plain(each.who), at=when.moment(each.at)) for each in past]
        chosen = st.selectbox(
            t("labels.guideline_version"), range(len(past)), format_func=titles.__getitem__, key="guideline_version"
        )
        text = past[chosen].before or ""
        with st.container(border=True):
            st.markdown(text if text.strip() else f"*{t('labels.guideline_empty')}*")
        st.button(t("labels.guideline_again"), key="guideline_again", on_click=partial(_begin, project, text))
