"""Pages of a project of three hundred labels: a page at a time, found by name, and none runs into an error."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from streamlit.testing.v1 import AppTest

from core.services import accounts, membership, projects
from db.connect import open_database
from tests import many_labels
from tests.conftest import NOW
from tests.pages.conftest import House

Said = Callable[[AppTest], str]
SIZE = many_labels.Size(labels=300, texts=180, gold=110, done=40)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database with the project, made once for all tests here."""
    path = tmp_path_factory.mktemp("many") / "tagtail.db"
    before = accounts._hasher
    accounts._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with closing(open_database(path, create=True)) as db:
        project = many_labels.make(db, SIZE)
        many_labels.publish(db, project, SIZE)
    accounts._hasher = before
    return path


@pytest.fixture
def many(house: House, made: Path) -> House:
    """The same people over that database instead."""
    with closing(open_database(made)) as db:
        db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for each in house.path.parent.glob("tagtail.db*"):
        each.unlink()
    shutil.copy(made, house.path)
    with house.open() as db:
        house.project_id = projects.list_projects(db)[0].id
        for role in accounts.ROLES:
            user = accounts.create_user(db, role, "a-long-enough-password", role, by=None, now=NOW)
            membership.add(db, house.project_id, user.id, by=None, now=NOW)
            house.people[role] = user
        ann = next(user for user in accounts.list_users(db) if user.name == "ann")
        house.people["ann"] = ann
    return house


def shown(page: AppTest) -> list[str]:
    """Keys of the labels that have a card."""
    return [each.key.removeprefix("edit_") for each in page.button if str(each.key).startswith("edit_")]


def test_the_labels_page_shows_a_page_and_finds_the_others(many: House, texts_of: Said) -> None:
    page = many.page("labels", "lead").run()
    assert shown(page) == [f"l{n:04}" for n in range(25)]
    assert "第 1 / 12 頁，共 300 個" in texts_of(page)
    page.button(key="labels_page_next").click().run()
    assert shown(page)[0] == "l0025"
    page.text_input(key="labels_query").input("睡眠").run()
    assert shown(page) == [f"l{n:04}" for n in range(23, 300, 50)]
    page.text_input(key="labels_query").input("LIVER 手術").run()
    assert shown(page) == ["l0151"]
    page.text_input(key="labels_query").input("沒有這個").run()
    assert shown(page) == []
    assert "沒有符合的標籤" in texts_of(page)


def test_a_label_far_down_is_edited_and_moved_to_the_front(many: House, texts_of: Said) -> None:
    page = many.page("labels", "lead").run()
    page.text_input(key="labels_query").input("l0299").run()
    page.button(key="edit_l0299").click().run()
    page.number_input[0].set_value(1)
    page.button(key="FormSubmitter:edit_l0299-儲存").click().run()
    assert "已儲存" in texts_of(page)
    with many.open() as db:
        assert projects.project(db, many.project_id).label_set.on_board[0].key == "l0299"


@pytest.mark.parametrize("tab", ["overview", "labels", "tail", "together", "people"])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_tab_says_what_it_has_to(many: House, texts_of: Said, tab: str, lang: str) -> None:
    with many.open() as db:
        accounts.set_lang(db, many.people["lead"].id, lang, now=NOW)
    page = many.page("dashboard", "lead")
    page.query_params["tab"] = tab
    assert "nan" not in texts_of(page.run())


def test_the_table_of_labels_is_paged_searched_and_ordered(many: House, texts_of: Said) -> None:
    page = many.page("dashboard", "lead")
    page.query_params["tab"] = "labels"
    page.run()

    def names() -> list[str]:
        return page.dataframe[0].value["標籤"].tolist()

    assert len(names()) == 100 + 3
    page.button(key="labels_table_page_next").click().run()
    assert "第 2 / 3 頁" in texts_of(page)
    page.text_input(key="labels_table_query").input("睡眠").run()
    assert len(names()) == 6 + 3
    assert all("睡眠" in name for name in names()[:6])
    page.text_input(key="labels_table_query").input("").run()
    page.selectbox(key="labels_table_by").set_value("weak").run()
    table = page.dataframe[0].value[:100]
    enough = [gold >= 10 for gold in table["金標準陽性"]]
    assert enough == sorted(enough, reverse=True)
    f1 = table["F1"].tolist()[: sum(enough)]
    assert (len(f1) > 1, f1) == (True, sorted(f1))


def test_labels_of_ones_own_decision_are_searched(many: House, texts_of: Said) -> None:
    with many.open() as db:
        mine = db.query(
            "SELECT document_id AS id FROM current_annotations WHERE user_id = ? ORDER BY id", [many.people["ann"].id]
        )
        document = next(iter(mine))["id"]
    page = many.page("mine", "ann")
    page.query_params["text"] = str(document)
    page.run()
    texts_of(page)
    assert not page.pills
    chosen = page.multiselect[0]
    assert len(chosen.options) == 300
    chosen.set_value(["l0007"])
    page.run()
    page.button[-1 - [b.label for b in page.button][::-1].index("存成新版本")].click().run()
    with many.open() as db:
        found = db.query("SELECT labels FROM annotations ORDER BY id DESC LIMIT 1")
        assert next(iter(found))["labels"] == '["l0007"]'


def test_agreement_has_columns_for_the_labels_that_are_asked_for(many: House, texts_of: Said) -> None:
    page = many.page("review", "reviewer").run()
    page.segmented_control(key="review_view").set_value("agreement").run()
    texts_of(page)
    assert len(page.dataframe[1].value.columns) == 3 + 6
    page.multiselect[0].set_value(page.multiselect[0].options[:2] and ["l0000"]).run()
    assert len(page.dataframe[1].value.columns) == 3 + 1


def test_labels_chosen_among_many_outlast_a_change_of_language(many: House, texts_of: Said) -> None:
    page = many.page("review", "reviewer").run()
    page.segmented_control(key="review_view").set_value("agreement").run()
    page.multiselect[0].set_value(["l0000", "l0002"]).run()
    before = page.multiselect[0].proto.id
    with many.open() as db:
        accounts.set_lang(db, many.people["reviewer"].id, "en", now=1.0)
    page.run()
    texts_of(page)
    assert page.multiselect[0].value == ["l0000", "l0002"]
    assert page.multiselect[0].proto.id != before, "the browser keeps the words chosen under an id"
    assert len(page.dataframe[1].value.columns) == 3 + 2


@pytest.mark.parametrize("name", ["data", "people", "export", "rounds"])
def test_the_other_pages_open(many: House, texts_of: Said, name: str) -> None:
    texts_of(many.page(name, "lead").run())
