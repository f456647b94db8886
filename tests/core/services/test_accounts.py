"""Who may come in, as what, and for how long."""

from __future__ import annotations

import pytest
from sqlite_utils import Database

from core.errors import BadName, BadPassword, NameTaken, NotAllowed, SignInThrottled, WrongPassword
from core.services import accounts
from db.connect import rows, value
from tests.conftest import NOW, PASSWORD


def test_a_session_lasts_until_sign_out_and_its_token_is_not_in_the_database(db: Database, people: dict) -> None:
    token, user = accounts.sign_in(db, " Ann ", PASSWORD, client="c", now=NOW)
    assert user.name == "ann"
    assert accounts.who(db, token, now=NOW + 3600) == user
    assert token not in str(rows(db, "SELECT * FROM sessions"))
    accounts.sign_out(db, token, now=NOW)
    assert accounts.who(db, token, now=NOW) is None


def test_a_session_ends_by_itself_and_a_used_one_is_prolonged(db: Database, people: dict) -> None:
    token, _ = accounts.sign_in(db, "ann", PASSWORD, client="c", now=NOW)
    assert accounts.who(db, token, now=NOW + accounts.SESSION_S - 10) is not None
    assert accounts.who(db, token, now=NOW + accounts.SESSION_S + 100) is not None
    assert accounts.who(db, token, now=NOW + 3 * accounts.SESSION_S) is None


@pytest.mark.parametrize(("name", "password"), [("ann", "wrong"), ("nobody", PASSWORD), ("import", ""), ("", "")])
def test_wrong_name_and_wrong_password_are_one_answer(db: Database, people: dict, name: str, password: str) -> None:
    with pytest.raises(WrongPassword):
        accounts.sign_in(db, name, password, client="c", now=NOW)


def test_guessing_has_to_wait_longer_each_time_and_the_right_password_too(db: Database, people: dict) -> None:
    for n in range(accounts.FREE_FAILURES):
        with pytest.raises(WrongPassword):
            accounts.sign_in(db, "ann", "wrong", client=f"c{n}", now=NOW)
    with pytest.raises(SignInThrottled) as caught:
        accounts.sign_in(db, "ann", PASSWORD, client="another", now=NOW)
    assert caught.value.fields["wait_s"] >= 1
    assert accounts.sign_in(db, "ann", PASSWORD, client="another", now=NOW + 30)[1].name == "ann"


def test_names_and_passwords_are_checked(db: Database, people: dict) -> None:
    for name, password, error in (
        ("", PASSWORD, BadName), ("a\nb", PASSWORD, BadName), ("x" * 61, PASSWORD, BadName),
        ("new", "short", BadPassword), ("ANN", PASSWORD, NameTaken),
    ):  # fmt: skip
        with pytest.raises(error):
            accounts.create_user(db, name, password, "annotator", by=people["ada"], now=NOW)


def test_only_an_admin_manages_people(db: Database, people: dict) -> None:
    with pytest.raises(NotAllowed):
        accounts.create_user(db, "x", PASSWORD, "admin", by=people["lee"], now=NOW)
    with pytest.raises(NotAllowed):
        accounts.set_role(db, people["ann"], "admin", by=people["ann"], now=NOW)
    with pytest.raises(NotAllowed):
        accounts.set_password(db, people["ada"], PASSWORD, by=people["lee"], now=NOW)
    accounts.set_password(db, people["ann"], "my own new password", by=people["ann"], now=NOW)
    assert accounts.sign_in(db, "ann", "my own new password", client="c", now=NOW)


def test_the_last_admin_cannot_lock_everybody_out(db: Database, people: dict) -> None:
    for act in (
        lambda: accounts.set_role(db, people["ada"], "lead", by=people["ada"], now=NOW),
        lambda: accounts.set_active(db, people["ada"], False, by=people["ada"], now=NOW),
    ):
        with pytest.raises(NotAllowed):
            act()
    accounts.set_role(db, people["lee"], "admin", by=people["ada"], now=NOW)
    assert accounts.set_role(db, people["ada"], "lead", by=people["lee"], now=NOW).role == "lead"


def test_deactivating_ends_sessions_and_keeps_the_person(db: Database, people: dict) -> None:
    token, _ = accounts.sign_in(db, "ann", PASSWORD, client="c", now=NOW)
    accounts.set_active(db, people["ann"], False, by=people["ada"], now=NOW)
    assert accounts.who(db, token, now=NOW) is None
    with pytest.raises(WrongPassword):
        accounts.sign_in(db, "ann", PASSWORD, client="c", now=NOW)
    assert value(db, "SELECT count(*) FROM users WHERE name = 'ann'") == 1


def test_roles_contain_each_other(db: Database, people: dict) -> None:
    by_name = {user.name: user for user in accounts.list_users(db)}
    assert accounts.require(by_name["ada"], "lead") is by_name["ada"]
    with pytest.raises(NotAllowed):
        accounts.require(by_name["ann"], "lead")
    with pytest.raises(NotAllowed):
        accounts.require(None, "annotator")
