"""Who works in a project: its members, people to add, and links that invite new ones. For its leads."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

import streamlit as st

from core.errors import TagtailError
from core.services import accounts, inviting, membership
from core.services.accounts import User
from core.services.inviting import Invitation
from core.services.projects import Project
from db.errors import StorageError
from pages.shared import confirming, messages, session, when
from pages.shared.confirming import Question
from pages.shared.copying import copy_button
from pages.shared.i18n import lang, plain, t

_LINK = "made_link"  # in st.session_state: the link just made, until it is put away


def role_name(role: str) -> str:
    return t(f"common.role_{role}")


def role_key(of: str) -> str:
    """The key of a choice of roles: one a language, for Streamlit knows what is chosen by its words."""
    return f"{of}_role_{lang()}"


def link(token: str) -> str:
    """The whole address of a link, as the reader's browser knows this server."""
    here = urlsplit(st.context.url or "")
    base = f"{here.scheme}://{here.netloc}" if here.netloc else ""
    return f"{base}/join?{urlencode({'token': token})}"


def keep_link(token: str, words: str) -> None:
    """Has a link shown with the next run; it is kept nowhere else."""
    st.session_state[_LINK] = (link(token), words)


def show_link() -> None:
    """The link just made, with a button that copies it."""
    made = st.session_state.get(_LINK)
    if made is None:
        return
    with st.container(border=True):
        st.markdown(f"**{made[1]}**")
        st.code(made[0], language=None, wrap_lines=True)
        copy_button(made[0])
        st.caption(t("people.link_once"))
        st.button(t("people.link_done"), key="link_done", on_click=lambda: st.session_state.pop(_LINK, None))


def member_row(project: Project, user: User, me: User) -> None:
    """One member, and the button that takes them out."""
    name = plain(user.name)
    key = f"remove_{user.id}"
    with st.container(horizontal=True, vertical_alignment="center", key=f"member_{user.id}"):
        shown = t("people.you", name=name) if user.id == me.id else name
        state = "" if user.active else " · " + t("people.inactive")
        st.markdown(f"**{shown}** · {role_name(user.role)}{state}", width="stretch")
        st.button(
            t("people.remove"), key=key, on_click=confirming.ask, args=(key,), type="tertiary",
            help=t("people.remove_who", name=name),
        )  # fmt: skip
    leaving = user.id == me.id and me.role != "admin"
    confirming.draw(
        Question(
            key=key,
            title=t("people.remove_title"),
            body=t("people.remove_me_body" if leaving else "people.remove_body", name=name, project=_title(project)),
            yes=t("people.remove"),
            said=t("people.removed", name=name, project=_title(project)),
            act=lambda db: membership.remove(db, project.id, user.id, by=me.id, now=session.now()),
        )
    )


def _title(project: Project) -> str:
    return plain(session.title(project))


def _add(project_id: int, me: int) -> None:
    """A callback: the people chosen become members, all of them or none but those before the trouble."""
    try:
        with session.db() as db:
            for user_id in st.session_state.get("add_members", []):
                membership.add(db, project_id, user_id, by=me, now=session.now())
        st.session_state["add_members"] = []
        messages.later(t("people.members_added"))
    except (TagtailError, StorageError) as error:
        messages.trouble_later(error)


def add_existing(project: Project, others: list[User], me: User) -> None:
    """People who have an account already."""
    if not others:
        st.caption(t("people.nobody_else"))
        return
    names = {user.id: f"{user.name} · {role_name(user.role)}" for user in others}
    chosen = st.multiselect(
        t("people.add_existing"), list(names), format_func=names.__getitem__, key="add_members",
        placeholder=t("people.add_placeholder"),
    )  # fmt: skip
    st.button(
        t("people.add_go"), key="add_members_go", on_click=_add, args=(project.id, me.id), disabled=not chosen
    )  # fmt: skip


def _invite(project: Project, me: User) -> None:
    """A callback: makes the link."""
    try:
        role, days = st.session_state[role_key("invite")], int(st.session_state["invite_days"])
        with session.db() as db:
            token = inviting.invite(db, project.id, role, days=days, by=me.id, now=session.now())
        keep_link(token, t("people.link_made", role=role_name(role), project=_title(project), days=days))
    except (TagtailError, StorageError) as error:
        messages.trouble_later(error)


def invite_form(project: Project, me: User) -> None:
    """A link for somebody who has no account yet."""
    st.subheader(t("people.invite"), anchor=False)
    st.caption(t("people.invite_note"))
    left, right = st.columns(2)
    left.selectbox(t("people.invite_role"), inviting.offered_roles(me), format_func=role_name, key=role_key("invite"))
    right.number_input(
        t("people.invite_days"), inviting.MIN_DAYS, inviting.MAX_DAYS, 7, key="invite_days",
        help=t("people.invite_days_help", n=inviting.MAX_DAYS),
    )  # fmt: skip
    st.button(t("people.invite_go"), key="invite_go", type="primary", on_click=_invite, args=(project, me))


def withdraw(invitation_id: int, me: int) -> None:
    """A callback: the link ends now."""
    try:
        with session.db() as db:
            inviting.withdraw(db, invitation_id, by=me, now=session.now())
        messages.later(t("people.withdrawn"))
    except (TagtailError, StorageError) as error:
        messages.trouble_later(error)


def open_links(found: list[Invitation], me: User) -> None:
    """The links that still work, each with the button that ends it."""
    for each in found:
        with st.container(horizontal=True, vertical_alignment="center", key=f"link_{each.id}"):
            what = t("people.reset_for", name=plain(each.who)) if each.who else role_name(each.role)
            facts = t("people.link_facts", by=plain(each.made_by), until=when.moment(each.expires_at))
            st.markdown(f"**{what}** · {facts}", width="stretch")
            st.button(
                t("people.withdraw"), key=f"withdraw_{each.id}", type="tertiary", on_click=withdraw,
                args=(each.id, me.id),
            )  # fmt: skip


def section(project: Project, me: User) -> None:
    """Everything about who works in the project. Raises NotAllowed, StorageError."""
    with session.db() as db:
        members = membership.members(db, project.id)
        everybody = accounts.list_users(db)
        links = inviting.open_invitations(db, project.id, by=me.id, now=session.now())
    inside = {user.id for user in members}
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.subheader(t("people.members", n=len(members)), anchor=False)
        for user in members:
            member_row(project, user, me)
        if not members:
            st.info(t("people.no_members"), icon=":material/group_add:")
        add_existing(project, [user for user in everybody if user.active and user.id not in inside], me)
    with right:
        invite_form(project, me)
        if links:
            st.subheader(t("people.open_links"), anchor=False)
            open_links(links, me)
