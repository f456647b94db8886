"""People: who works in the project, for its leads; accounts, roles and passwords, for administrators."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from sqlite_utils import Database

from core.errors import TagtailError
from core.services import accounts, inviting
from core.services.accounts import MIN_PASSWORD, ROLES, User
from core.services.projects import Project
from db.errors import StorageError
from pages.shared import confirming, members_section, messages, session
from pages.shared.confirming import Question
from pages.shared.i18n import NAMES, known, lang, plain, t
from pages.shared.members_section import keep_link, open_links, role_key, role_name, show_link
from pages.shared.session import now


def table(people: list[User], me: User) -> None:
    rows = [
        {
            t("people.name"): t("people.you", name=user.name) if user.id == me.id else user.name,
            t("people.role"): role_name(user.role),
            t("people.state"): t("people.active" if user.active else "people.inactive"),
            t("people.language"): NAMES[known(user.lang)],
        }
        for user in people
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch")
    if len(people) == 1:
        st.info(t("people.only_me"), icon=":material/group_add:")


def add_form(me: User, project: Project | None) -> None:
    turn = st.session_state.setdefault("add_turn", 0)  # new keys empty the form: nobody inherits the last one's role
    every = session.titles(session.projects())
    with st.form("add_person", clear_on_submit=False):
        st.subheader(t("people.add"), anchor=False)
        name = st.text_input(t("people.name"), key=f"new_name_{turn}", max_chars=60, autocomplete="off")
        password = st.text_input(
            t("people.first_password"),
            key=f"new_first_password_{turn}",
            type="password",
            max_chars=1000,
            autocomplete="new-password",
            help=t("people.password_help", n=MIN_PASSWORD),
        )
        role = st.selectbox(
            t("people.role"), ROLES, format_func=role_name, key=role_key(f"new_{turn}"), help=t("people.role_hint")
        )
        joins = st.multiselect(
            t("people.projects"), list(every), [project.id] if project else [], format_func=every.__getitem__,
            key=f"new_projects_{turn}", placeholder=t("people.projects_none"),
        )  # fmt: skip
        if not st.form_submit_button(t("people.create"), type="primary"):
            return
    said = t("people.created", name=plain(name.strip()), role=role_name(role))

    def create(db: Database) -> None:
        accounts.create_user(db, name, password, role, by=me.id, now=now(), lang=lang(), projects=joins)

    if confirming.do(create, said):
        st.session_state["add_turn"] = turn + 1
        st.rerun()


def change(people: list[User], me: User) -> None:
    with st.container(border=True):
        st.subheader(t("people.change"), anchor=False)
        by_id = {user.id: user for user in people}
        chosen = st.selectbox(
            t("people.who"), list(by_id), format_func=lambda i: by_id[i].name, key="whom", index=len(by_id) - 1
        )
        user = by_id[chosen]
        role_form(user, me)
        password_form(user, me)
        reset_button(user, me)
        active_button(user, me)


def role_form(user: User, me: User) -> None:
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    role = left.selectbox(
        t("people.role"), ROLES, index=ROLES.index(user.role), format_func=role_name, key=role_key(f"of_{user.id}")
    )
    right.button(
        t("people.set_role"), key="set_role", disabled=role == user.role, width="stretch", on_click=confirming.ask,
        args=("role",),
    )  # fmt: skip
    names = {"name": plain(user.name), "role": role_name(role), "before": role_name(user.role)}
    confirming.draw(
        Question(
            key="role",
            title=t("people.role_title"),
            body=t("people.role_body", **names) + (" " + t("people.role_me") if user.id == me.id else ""),
            yes=t("people.set_role"),
            said=t("people.role_set", name=names["name"], role=names["role"]),
            act=lambda db: accounts.set_role(db, user.id, role, by=me.id, now=now()),
        )
    )


def password_form(user: User, me: User) -> None:
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    field = f"password_{user.id}"
    password = left.text_input(
        t("people.new_password"),
        key=field,
        type="password",
        max_chars=1000,
        autocomplete="new-password",
        help=t("people.password_help", n=MIN_PASSWORD),
    )
    pressed = right.button(t("people.set_password"), key="set_password", width="stretch")
    said = t("people.password_set", name=plain(user.name))
    if pressed and confirming.do(lambda db: accounts.set_password(db, user.id, password, by=me.id, now=now()), said):
        st.session_state.pop(field, None)
        st.rerun()


def make_reset(user: User, me: User) -> None:
    """A callback: a link by which the person sets a password that nobody else has seen."""
    try:
        with session.db() as db:
            token = inviting.offer_reset(db, user.id, by=me.id, now=now())
        keep_link(token, t("people.reset_made", name=plain(user.name), days=inviting.RESET_S // inviting.DAY_S))
    except (TagtailError, StorageError) as error:
        messages.trouble_later(error)


def reset_button(user: User, me: User) -> None:
    st.button(
        t("people.reset_link"), key="reset_link", on_click=make_reset, args=(user, me), disabled=not user.active,
        help=t("people.reset_link_help"),
    )  # fmt: skip


def active_button(user: User, me: User) -> None:
    name = plain(user.name)
    if not user.active:
        said = t("people.activated", name=name)
        pressed = st.button(t("people.activate"), key="set_active")
        if pressed and confirming.do(lambda db: accounts.set_active(db, user.id, True, by=me.id, now=now()), said):
            st.rerun()
        return
    st.button(t("people.deactivate"), key="set_active", on_click=confirming.ask, args=("deactivate",))
    confirming.draw(
        Question(
            key="deactivate",
            title=t("people.deactivate_title"),
            body=t("people.deactivate_body", name=name),
            yes=t("people.deactivate"),
            said=t("people.deactivated", name=name),
            act=lambda db: accounts.set_active(db, user.id, False, by=me.id, now=now()),
        )
    )


def all_accounts(me: User, project: Project | None) -> None:
    """Every account of this server. For administrators."""
    with session.db() as db:
        people = accounts.list_users(db)
        resets = inviting.open_resets(db, by=me.id, now=now())
    table(people, me)
    left, right = st.columns(2, gap="large")
    with left:
        add_form(me, project)
    with right:
        change(people, me)
        if resets:
            st.subheader(t("people.open_resets"), anchor=False)
            open_links(resets, me)


def show(me: User) -> None:
    """The project in hand for its leads; administrators also see all accounts, also where there is no project yet."""
    project = session.project() if session.projects() else None
    if me.role != "admin":
        members_section.section(project or session.project(), me)
        return
    words = [
        t("people.tab_accounts"),
        *([t("people.tab_project", name=plain(session.title(project)))] if project else []),
    ]
    tabs = st.tabs(words)
    with tabs[0]:
        all_accounts(me, project)
    if project is not None:
        with tabs[1]:
            members_section.section(project, me)


def page() -> None:
    me = session.require("lead")
    st.title(t("people.title"), anchor=False)
    st.caption(t("people.intro" if me.role == "admin" else "people.intro_lead"))
    with st.container():  # there with or without a message, so that the open tab stays open
        messages.show_later()
        show_link()
    try:
        show(me)
    except (TagtailError, StorageError) as error:
        messages.show(error)


page()
