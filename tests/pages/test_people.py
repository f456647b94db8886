"""The People page: accounts made, changed and closed, with the database as witness."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import BadInvitation, WrongPassword
from core.services import accounts, inviting, membership
from core.services.accounts import User
from tests.conftest import PASSWORD, make_project
from tests.pages.conftest import House

Said = Callable[[AppTest], str]


def _person(house: House, name: str) -> User:
    with house.open() as db:
        return accounts.find(db, name)


def test_everybody_is_listed_with_role_and_state(house: House, texts_of: Said) -> None:
    page = house.page("people").run()
    texts_of(page)
    table = page.dataframe[0].value
    assert list(table.iloc[:, 0]) == ["admin（你）", "annotator", "lead", "reviewer"]
    assert set(table.iloc[:, 2]) == {"使用中"}


def test_a_new_person_can_sign_in(house: House, texts_of: Said) -> None:
    page = house.page("people").run()
    page.text_input(key="new_name_0").input("雅婷")
    page.text_input(key="new_first_password_0").input("一個夠長的密碼 2026")
    page.selectbox(key="new_0_role_zh").select("lead")
    page.button(key="FormSubmitter:add_person-建立帳號").click().run()
    assert "已建立帳號「雅婷」" in texts_of(page)
    assert page.text_input(key="new_first_password_1").value == ""
    assert page.selectbox(key="new_1_role_zh").value == "annotator", "nobody inherits the last one's role"
    with house.open() as db:
        _, user = accounts.sign_in(db, "雅婷", "一個夠長的密碼 2026", client="", now=time.time())
    assert user.role == "lead"


@pytest.mark.parametrize(
    ("name", "password", "said"),
    [("新人", "short", "密碼"), ("lead", PASSWORD, "已經有人用了"), (" ", PASSWORD, "名稱")],
)
def test_a_mistake_is_said_and_what_was_typed_stays(
    house: House, texts_of: Said, name: str, password: str, said: str
) -> None:
    page = house.page("people").run()
    page.text_input(key="new_name_0").input(name)
    page.text_input(key="new_first_password_0").input(password)
    page.button(key="FormSubmitter:add_person-建立帳號").click().run()
    assert said in texts_of(page)
    assert page.text_input(key="new_name_0").value == name
    assert len(page.dataframe[0].value) == 4


def _press(page: AppTest, key: str) -> AppTest:
    return page.button(key=key).click().run()


def test_a_role_is_changed_after_a_second_question(house: House, texts_of: Said) -> None:
    page = house.page("people").run()
    someone = house.people["annotator"].id
    page.selectbox(key="whom").select(someone).run()
    page.selectbox(key=f"of_{someone}_role_zh").select("lead").run()
    assert "現在是標註員，將成為計畫主持人" in texts_of(_press(page, "set_role"))
    _press(page, "no_role")
    assert _person(house, "annotator").role == "annotator"
    _press(page, "set_role")
    _press(page, "yes_role")
    assert "計畫主持人" in texts_of(page)
    assert _person(house, "annotator").role == "lead"


def test_the_last_admin_stays(house: House, texts_of: Said) -> None:
    page = house.page("people").run()
    page.selectbox(key="whom").select(house.people["admin"].id).run()
    _press(page, "set_active")
    assert "至少要有一位" in texts_of(_press(page, "yes_deactivate"))
    assert _person(house, "admin").active


def test_somebody_is_deactivated_and_let_in_again(house: House, texts_of: Said) -> None:
    page = house.page("people").run()
    page.selectbox(key="whom").select(house.people["annotator"].id).run()
    assert "不能再登入" in texts_of(_press(page, "set_active"))
    assert _person(house, "annotator").active, "nothing happens before the second answer"
    assert "已停用" in texts_of(_press(page, "yes_deactivate"))
    assert not _person(house, "annotator").active
    _press(page, "set_active")
    assert _person(house, "annotator").active


def test_a_password_is_reset(house: House, texts_of: Said) -> None:
    page = house.page("people").run()
    someone = house.people["annotator"].id
    page.selectbox(key="whom").select(someone).run()
    page.text_input(key=f"password_{someone}").input("another long password").run()
    page.button(key="set_password").click().run()
    assert "已重設" in texts_of(page)
    with house.open() as db:
        accounts.sign_in(db, "annotator", "another long password", client="", now=time.time())
        with pytest.raises(WrongPassword):
            accounts.sign_in(db, "annotator", PASSWORD, client="", now=time.time())


def test_a_name_with_markup_is_shown_as_text(house: House, texts_of: Said) -> None:
    with house.open() as db:
        accounts.create_user(db, "**x** :material/key:", PASSWORD, "annotator", by=None, now=time.time())
    page = house.page("people").run()
    page.selectbox(key="whom").select(_person(house, "**x** :material/key:").id).run()
    _press(page, "set_active")
    assert "**x**" not in texts_of(page)
    _press(page, "yes_deactivate")
    assert "**x**" not in texts_of(page)


def _token(page: AppTest) -> str:
    """The token of the link that is on the page."""
    return page.code[0].value.split("token=")[1]


def test_a_lead_invites_and_the_link_is_shown_once(house: House, texts_of: Said) -> None:
    page = house.page("people", "lead").run()
    assert page.selectbox(key="invite_role_zh").options == ["標註員", "審閱者"]
    page.selectbox(key="invite_role_zh").select("reviewer")
    _press(page, "invite_go")
    assert "邀請連結：審閱者" in texts_of(page)
    with house.open() as db:
        _, user = inviting.join(
            db, _token(page), "新人", "一個夠長的密碼 2026", lang="zh", client="", now=time.time()
        )  # fmt: skip
        assert [p.id for p in membership.projects_of(db, user)] == [house.project_id]
    _press(page, "link_done")
    assert not page.code
    assert "新人" in texts_of(page)


def test_a_link_is_withdrawn(house: House, texts_of: Said) -> None:
    page = _press(house.page("people", "lead").run(), "invite_go")
    token = _token(page)
    with house.open() as db:
        found = inviting.open_invitations(db, house.project_id, by=house.people["lead"].id, now=time.time())
    assert "由 lead 產生" in texts_of(page)
    _press(page, f"withdraw_{found[0].id}")
    assert "已收回" in texts_of(page)
    with house.open() as db, pytest.raises(BadInvitation):
        inviting.look(db, token, client="", now=time.time())


def test_a_lead_takes_somebody_out_and_in_again(house: House, texts_of: Said) -> None:
    someone = house.people["annotator"].id
    page = house.page("people", "lead").run()
    assert "會還回去給其他人" in texts_of(_press(page, f"remove_{someone}"))
    _press(page, f"yes_remove_{someone}")
    assert "已移出" in texts_of(page)
    with house.open() as db:
        assert someone not in {user.id for user in membership.members(db, house.project_id)}
    page.multiselect(key="add_members").select(someone).run()
    _press(page, "add_members_go")
    with house.open() as db:
        assert someone in {user.id for user in membership.members(db, house.project_id)}


def test_a_lead_sees_members_and_no_accounts(house: House, texts_of: Said) -> None:
    page = house.page("people", "lead").run()
    assert "成員（4）" in texts_of(page)
    assert not page.dataframe
    assert "set_role" not in {button.key for button in page.button}


def test_a_lead_without_a_project_has_nobody_to_manage(house: House, texts_of: Said) -> None:
    with house.open() as db:
        membership.remove(db, house.project_id, house.people["lead"].id, by=house.people["admin"].id, now=time.time())
    assert "你還沒有任何專案" in texts_of(house.page("people", "lead").run())


def test_an_admin_gives_a_password_link(house: House, texts_of: Said) -> None:
    someone = house.people["annotator"].id
    page = house.page("people").run()
    page.selectbox(key="whom").select(someone).run()
    _press(page, "reset_link")
    assert "「annotator」重設密碼的連結" in texts_of(page)
    with house.open() as db:
        inviting.reset(db, _token(page), "another long password", client="", now=time.time())
        accounts.sign_in(db, "annotator", "another long password", client="", now=time.time())


def test_a_new_account_is_in_the_projects_that_were_chosen(house: House, texts_of: Said) -> None:
    with house.open() as db:
        other = make_project(db, key="other")
    page = house.page("people").run()
    page.text_input(key="new_name_0").input("雅婷")
    page.text_input(key="new_first_password_0").input("一個夠長的密碼 2026")
    page.multiselect(key="new_projects_0").set_value([other])
    page.button(key="FormSubmitter:add_person-建立帳號").click().run()
    with house.open() as db:
        assert [p.id for p in membership.projects_of(db, accounts.find(db, "雅婷"))] == [other]
