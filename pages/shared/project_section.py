"""A project's names, its end, and the projects that have ended. For their leads."""

from __future__ import annotations

import streamlit as st

from core.errors import TagtailError
from core.services import archiving, projects
from core.services.accounts import User
from core.services.projects import Project
from db.errors import StorageError
from pages.shared import confirming, messages, session, when
from pages.shared.confirming import Question
from pages.shared.i18n import plain, t


def _title(project: Project) -> str:
    return plain(session.title(project))


def names(project: Project, me: User) -> None:
    """The form of the names; what is refused stays as it was typed."""
    with st.form(f"names_{project.id}", enter_to_submit=False):
        left, right = st.columns(2)
        name = left.text_input(
            t("data.new_name_of"), value=project.name, max_chars=projects.MAX_NAME,
            key=f"project_new_name_{project.id}",
        )  # fmt: skip
        name_en = right.text_input(
            t("data.new_name_en"), value=project.name_en, max_chars=projects.MAX_NAME,
            key=f"project_new_name_en_{project.id}",
        )  # fmt: skip
        st.caption(t("data.key_stays", key=plain(project.key)))
        pressed = st.form_submit_button(t("data.rename"), type="primary")
    if not pressed:
        return
    try:
        with session.db() as db:
            archiving.rename(db, project.id, name, name_en, by=me.id, now=session.now())
    except (TagtailError, StorageError) as error:
        messages.show(error)
        return
    messages.later(t("data.renamed"))
    st.rerun()


def end(project: Project, me: User) -> None:
    """The button that archives the project, with what it does."""
    st.subheader(t("data.archive_title"), anchor=False)
    st.caption(t("data.archive_intro"))
    st.button(t("data.archive"), key="archive", on_click=confirming.ask, args=("archive",))
    confirming.draw(
        Question(
            key="archive",
            title=t("data.archive_ask", name=_title(project)),
            body=t("data.archive_intro"),
            yes=t("data.archive"),
            said=t("data.archive_done", name=_title(project)),
            act=lambda db: archiving.archive(db, project.id, by=me.id, now=session.now()),
        )
    )


def _bring_back(project: Project, me: User) -> None:
    """A callback."""
    try:
        with session.db() as db:
            archiving.bring_back(db, project.id, by=me.id, now=session.now())
        session.choose(project.id)
        messages.later(t("data.brought_back", name=_title(project)))
    except (TagtailError, StorageError) as error:
        messages.trouble_later(error)


def ended(me: User) -> None:
    """The archived projects, each with its export and the way back; nothing where there are none."""
    with session.db() as db:
        found = archiving.archived(db, me)
    if not found:
        return
    st.subheader(t("data.archived"), anchor=False)
    for each in found:
        with st.container(horizontal=True, vertical_alignment="center", key=f"archived_{each.id}"):
            since = t("data.archived_since", at=when.moment(each.archived_at or 0))
            st.markdown(f"**{_title(each)}** · {since}", width="stretch")
            for kind in ("jsonl", "csv"):
                st.link_button(
                    t("data.export_as", kind=kind.upper()), f"/download/labels/{each.id}.{kind}", type="tertiary"
                )
            st.button(t("data.bring_back"), key=f"bring_back_{each.id}", on_click=_bring_back, args=(each, me))


def section(project: Project | None, me: User) -> None:
    """Of the project in hand, where there is one, and of those that are archived. Raises StorageError."""
    if project is not None:
        names(project, me)
        end(project, me)
    ended(me)
