"""People: accounts, roles, passwords. For administrators."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st
from sqlite_utils import Database

from core.errors import NotAllowed, TagtailError
from core.services import accounts
from core.services.accounts import MIN_PASSWORD, ROLES, User
from db.errors import StorageError
from pages.shared import messages, session
from pages.shared.i18n import NAMES, known, plain, t
from pages.shared.session import now



def role_name(role: str) -> str:
    return t(f"common.role_{role}")


def do(action: Callable[[Database], object], said: str) -> bool:
    """Runs one change and says how it went; True when it was done."""
    try:
        with session.db() as db:
            action(db)
    except NotAllowed as error:
        if error.fields.get("need") == "another_admin":
            st.warning(t("people.last_admin"), icon=":material/shield_person:")
        else:
            messages.show(error)
        return False
    except (TagtailError, StorageError) as error:
        messages.show(error)
        return False
    messages.later(said)
    return True


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


def add_form(me: User) -> None:
    turn = st.session_state.setdefault("add_turn", 0)  # new keys empty the form: nobody inherits the last one's role
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
            t("people.role"), ROLES, format_func=role_name, key=f"new_role_{turn}", help=t("people.role_hint")
        )
        if not st.form_submit_button(t("people.create"), type="primary"):
            return
    said = t("people.created", name=plain(name.strip()), role=role_name(role))
    if do(lambda db: accounts.create_user(db, name, password, role, by=me.id, now=now()), said):
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
        active_button(user, me)


def role_form(user: User, me: User) -> None:
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    role = left.selectbox(
        t("people.role"), ROLES, index=ROLES.index(user.role), format_func=role_name, key=f"role_{user.id}"
    )
    pressed = right.button(t("people.set_role"), key="set_role", disabled=role == user.role, width="stretch")
    said = t("people.role_set", name=plain(user.name), role=role_name(role))
    if pressed and do(lambda db: accounts.set_role(db, user.id, role, by=me.id, now=now()), said):
        st.rerun()


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
    if pressed and do(lambda db: accounts.set_password(db, user.id, password, by=me.id, now=now()), said):
        st.session_state.pop(field, None)
        st.rerun()


def active_button(user: User, me: User) -> None:
    wanted = not user.active
    word = "people.activate" if wanted else "people.deactivate"
    said = t("people.activated" if wanted else "people.deactivated", name=plain(user.name))
    pressed = st.button(t(word), key="set_active")
    if pressed and do(lambda db: accounts.set_active(db, user.id, wanted, by=me.id, now=now()), said):
        st.rerun()


def page() -> None:
    me = session.require("admin")
    st.title(t("people.title"), anchor=False)
    st.caption(t("people.intro"))
    messages.show_later()
    try:
        with session.db() as db:
            people = accounts.list_users(db)
    except (TagtailError, StorageError) as error:
        messages.show(error)
        return
    table(people, me)
    left, right = st.columns(2, gap="large")
    with left:
        add_form(me)
    with right:
        change(people, me)


page()
