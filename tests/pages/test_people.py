"""The People page: accounts made, changed and closed, with the database as witness."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import WrongPassword
from core.services import accounts
from core.services.accounts import User
from tests.conftest import PASSWORD
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
    page.selectbox(key="new_role_0").select("lead")
    page.button(key="FormSubmitter:add_person-建立帳號").click().run()
    assert "已建立帳號「雅婷」" in texts_of(page)
    assert page.text_input(key="new_first_password_1").value == ""
    assert page.selectbox(key="new_role_1").value == "annotator", "nobody inherits the last one's role"
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


def test_a_role_is_changed(house: House, texts_of: Said) -> None:
    page = house.page("people").run()
    someone = house.people["annotator"].id
    page.selectbox(key="whom").select(someone).run()
    page.selectbox(key=f"role_{someone}").select("lead").run()
    page.button(key="set_role").click().run()
    assert "計畫主持人" in texts_of(page)
    assert _person(house, "annotator").role == "lead"


def test_the_last_admin_stays(house: House, texts_of: Said) -> None:
    page = house.page("people").run()
    page.selectbox(key="whom").select(house.people["admin"].id).run()
    page.button(key="set_active").click().run()
    assert "至少要有一位" in texts_of(page)
    assert _person(house, "admin").active


def test_somebody_is_deactivated_and_let_in_again(house: House, texts_of: Said) -> None:
    page = house.page("people").run()
    page.selectbox(key="whom").select(house.people["annotator"].id).run()
    page.button(key="set_active").click().run()
    assert "已停用" in texts_of(page)
    assert not _person(house, "annotator").active
    page.button(key="set_active").click().run()
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
    page.button(key="set_active").click().run()
    assert "**x**" not in texts_of(page)
