"""Links that let somebody in: once, for a while, and only as long as whoever made them may."""

from __future__ import annotations

import pytest
from sqlite_utils import Database

from core.errors import BadInvitation, BadName, BadPassword, NameTaken, NotAllowed, NotMember, SignInThrottled
from core.services import accounts, inviting, membership
from db.connect import rows
from db.errors import NotFound
from tests.conftest import NOW, PASSWORD, make_project

NEW = "a password of my own"


def _join(db: Database, token: str, name: str = "新同事", password: str = NEW, *, now: float = NOW, client: str = "c"):
    return inviting.join(db, token, name, password, lang="hans", client=client, now=now)


def test_a_link_makes_one_account_in_its_project(db: Database, project_id: int, people: dict[str, int]) -> None:
    make_project(db, key="other")
    token = inviting.invite(db, project_id, "reviewer", days=7, by=people["lee"], now=NOW)
    offer = inviting.look(db, token, client="c", now=NOW)
    assert offer.project is not None
    assert (offer.kind, offer.role, offer.project.id) == ("join", "reviewer", project_id)
    session, user = _join(db, token)
    assert (user.role, user.lang, user.name) == ("reviewer", "hans", "新同事")
    assert accounts.who(db, session, now=NOW) == user
    assert [p.id for p in membership.projects_of(db, user)] == [project_id]
    assert accounts.sign_in(db, "新同事", NEW, client="c", now=NOW)[1] == user
    with pytest.raises(BadInvitation):
        _join(db, token, "second")
    assert inviting.open_invitations(db, project_id, by=people["lee"], now=NOW) == []


def test_the_token_is_nowhere_in_the_database(db: Database, project_id: int, people: dict[str, int]) -> None:
    token = inviting.invite(db, project_id, "annotator", days=1, by=people["ada"], now=NOW)
    assert token not in str(rows(db, "SELECT * FROM invitations")) + str(rows(db, "SELECT * FROM events"))


@pytest.mark.parametrize(
    ("name", "password", "error"), [("ann", NEW, NameTaken), ("x\n", "short", BadPassword), ("", NEW, BadName)]
)
def test_a_mistake_uses_nothing_up(
    db: Database, project_id: int, people: dict[str, int], name: str, password: str, error: type[Exception]
) -> None:
    token = inviting.invite(db, project_id, "annotator", days=1, by=people["lee"], now=NOW)
    with pytest.raises(error):
        _join(db, token, name, password)
    assert _join(db, token)[1].name == "新同事"


def test_a_link_ends_with_its_time_its_withdrawal_and_its_makers_rights(
    db: Database, project_id: int, people: dict[str, int]
) -> None:
    def made() -> str:
        return inviting.invite(db, project_id, "annotator", days=2, by=people["lee"], now=NOW)

    over, withdrawn, orphan = made(), made(), made()
    with pytest.raises(BadInvitation):
        _join(db, over, now=NOW + 2 * inviting.DAY_S)
    newest = inviting.open_invitations(db, project_id, by=people["lee"], now=NOW)
    assert [each.made_by for each in newest] == ["lee"] * 3
    inviting.withdraw(db, newest[1].id, by=people["ada"], now=NOW)
    with pytest.raises(BadInvitation):
        _join(db, withdrawn)
    with pytest.raises(NotFound):
        inviting.withdraw(db, newest[1].id, by=people["ada"], now=NOW)
    membership.remove(db, project_id, people["lee"], by=people["ada"], now=NOW)
    with pytest.raises(BadInvitation):
        _join(db, orphan)


def test_who_may_invite_whom(db: Database, project_id: int, people: dict[str, int]) -> None:
    for who, role, error in (
        ("ann", "annotator", NotAllowed), ("rae", "annotator", NotAllowed), ("lee", "lead", NotAllowed),
        ("ada", "admin", NotAllowed), ("ada", "system", NotAllowed),
    ):  # fmt: skip
        with pytest.raises(error):
            inviting.invite(db, project_id, role, days=1, by=people[who], now=NOW)
    assert inviting.invite(db, project_id, "lead", days=1, by=people["ada"], now=NOW)
    other = make_project(db, key="other")
    membership.remove(db, other, people["lee"], by=people["ada"], now=NOW)
    link = inviting.invite(db, other, "annotator", days=1, by=people["ada"], now=NOW)
    with pytest.raises(NotMember):
        inviting.invite(db, other, "annotator", days=1, by=people["lee"], now=NOW)
    with pytest.raises(NotMember):
        inviting.open_invitations(db, other, by=people["lee"], now=NOW)
    there = inviting.open_invitations(db, other, by=people["ada"], now=NOW)[0].id
    with pytest.raises(NotMember):
        inviting.withdraw(db, there, by=people["lee"], now=NOW)
    assert inviting.look(db, link, client="c", now=NOW).role == "annotator"
    for days in (0, 31, 10**9):
        with pytest.raises(BadInvitation):
            inviting.invite(db, project_id, "annotator", days=days, by=people["ada"], now=NOW)


def test_a_reset_link_sets_a_new_password_and_ends_other_sessions(db: Database, people: dict[str, int]) -> None:
    before, _ = accounts.sign_in(db, "ann", PASSWORD, client="c", now=NOW)
    first = inviting.offer_reset(db, people["ann"], by=people["ada"], now=NOW)
    token = inviting.offer_reset(db, people["ann"], by=people["ada"], now=NOW)
    with pytest.raises(BadInvitation):
        inviting.reset(db, first, NEW, client="c", now=NOW)
    assert inviting.look(db, token, client="c", now=NOW).name == "ann"
    with pytest.raises(BadInvitation):
        _join(db, token)
    session, user = inviting.reset(db, token, NEW, client="c", now=NOW)
    assert (user.name, accounts.who(db, before, now=NOW)) == ("ann", None)
    assert accounts.who(db, session, now=NOW) == user
    assert accounts.sign_in(db, "ann", NEW, client="c", now=NOW)
    with pytest.raises(BadInvitation):
        inviting.reset(db, token, NEW, client="c", now=NOW)


def test_only_an_admin_offers_a_reset_and_a_closed_account_has_none(db: Database, people: dict[str, int]) -> None:
    with pytest.raises(NotAllowed):
        inviting.offer_reset(db, people["ann"], by=people["lee"], now=NOW)
    token = inviting.offer_reset(db, people["ann"], by=people["ada"], now=NOW)
    inviting.open_resets(db, by=people["ada"], now=NOW)
    accounts.set_active(db, people["ann"], False, by=people["ada"], now=NOW)
    with pytest.raises(BadInvitation):
        inviting.reset(db, token, NEW, client="c", now=NOW)
    with pytest.raises(NotFound):
        inviting.offer_reset(db, people["ann"], by=people["ada"], now=NOW)
    accounts.set_active(db, people["ann"], True, by=people["ada"], now=NOW)
    with pytest.raises(BadInvitation):
        inviting.reset(db, token, NEW, client="c", now=NOW)


def test_guessing_links_has_to_wait_and_stops_nobody_else(
    db: Database, project_id: int, people: dict[str, int]
) -> None:
    token = inviting.invite(db, project_id, "annotator", days=1, by=people["lee"], now=NOW)
    for n in range(accounts.FREE_FAILURES):
        with pytest.raises(BadInvitation):
            inviting.look(db, f"guess{n}", client="guesser", now=NOW)
    with pytest.raises(SignInThrottled):
        inviting.look(db, token, client="guesser", now=NOW)
    assert _join(db, token, client="another")
