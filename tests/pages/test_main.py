"""The frame: pages by role, language, and what somebody sees whose sign-in has ended."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.services import accounts, annotating, membership, preferences
from db import leases
from tests.conftest import make_project
from tests.flows.test_click import fill
from tests.pages.conftest import PAGES, House

Said = Callable[[AppTest], str]


@pytest.mark.parametrize(("role", "name"), [("annotator", "dashboard"), ("reviewer", "people")])
def test_a_page_above_the_role_refuses_inside_the_frame(house: House, texts_of: Said, role: str, name: str) -> None:
    page = house.page("main", role).run()
    page.switch_page(f"{name}.py").run()
    assert "這一頁不對你開放" in texts_of(page)


@pytest.mark.parametrize(("role", "seen"), [("annotator", 2), ("reviewer", 3), ("lead", 9), ("admin", 9)])
def test_the_navigation_shows_what_the_role_may_open(
    house: House, monkeypatch: pytest.MonkeyPatch, role: str, seen: int
) -> None:
    made: list[str] = []
    real = st.Page

    def noted(*args: object, **options: object) -> object:
        made.append(str(options.get("visibility")))
        return real(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(st, "Page", noted)
    house.page("main", role).run()
    assert (made.count("visible"), len(made)) == (seen, 9)


def test_projects_of_one_name_are_told_apart_by_their_keys(house: House, texts_of: Said) -> None:
    """A choice travels as its words: of two that are the same, one could not be chosen."""
    with house.open() as db:
        one, two, three = (make_project(db, key=key) for key in ("one", "two", "three"))
        for made, name in ((one, "同名"), (two, "同名"), (three, "別的")):
            db["projects"].update(made, {"name": name})
    page = house.page("main", "annotator").run()
    picker = page.selectbox(key="project_picker")
    assert set(picker.options) >= {"同名 · one", "同名 · two", "別的"}
    picker.set_value(one).run()
    with house.open() as db:
        assert preferences.last_project(db, house.people["annotator"].id) == one


def test_whoever_walks_to_another_page_keeps_only_the_text_on_the_desk(
    house: House, texts_of: Said, tmp_path: Path
) -> None:
    annotator = house.people["annotator"].id
    with house.open() as db:
        fill(db, house.project_id, tmp_path, n=6)
    page = house.page("main", "annotator").run()
    with house.open() as db:
        held = [each.id for each in annotating.next_texts(db, house.project_id, annotator, n=4, now=time.time())]
    page.run()
    page.switch_page("mine.py").run()
    texts_of(page)
    with house.open() as db:
        left = [each["document_id"] for each in leases.mine(db, house.project_id, annotator)]
    assert left == held[:1]


@pytest.mark.parametrize("name", ["data", "export", "people", "dashboard", "rounds", "annotate", "mine", "review"])
def test_an_admin_reaches_every_page(house: House, texts_of: Said, name: str) -> None:
    page = house.page("main", "admin").run()
    page.switch_page(f"{name}.py").run()
    texts_of(page)


@pytest.mark.parametrize(
    ("name", "role"), [("people", "reviewer"), ("review", "annotator"), ("data", "annotator"), ("export", "annotator")]
)
def test_a_page_refuses_by_itself(house: House, texts_of: Said, name: str, role: str) -> None:
    said = texts_of(house.page(name, role).run())
    assert "這一頁不對你開放" in said
    assert "權限" in said


@pytest.mark.parametrize("name", ["people", "data", "export"])
def test_nobody_sees_a_page(house: House, texts_of: Said, name: str) -> None:
    assert "這一頁不對你開放" in texts_of(house.page(name, None).run())


def test_the_sidebar_says_who_and_where(house: House, texts_of: Said) -> None:
    page = house.page("main", "lead").run()
    said = texts_of(page)
    assert "**lead**" in said
    assert "計畫主持人" in said
    assert "**p**" in said


def test_the_language_switch_is_kept_with_the_person(house: House, texts_of: Said) -> None:
    page = house.page("main", "lead").run()
    page.switch_page("export.py").run()
    page.sidebar.button_group(key="language").set_value("en").run()
    assert page.title[0].value == "Export"
    with house.open() as db:
        assert {u.id: u.lang for u in accounts.list_users(db)}[house.people["lead"].id] == "en"


def test_several_projects_can_be_chosen(house: House) -> None:
    with house.open() as db:
        second = make_project(db, key="second")
    page = house.page("main", "lead").run()
    page.sidebar.selectbox[0].select(second).run()
    page.switch_page("data.py").run()
    assert page.session_state["project_id"] == second
    later = house.page("main", "lead").run()
    assert later.session_state["project_id"] == second, "the next visit begins where this one was"
    assert house.page("main", "annotator").run().session_state["project_id"] == house.project_id


def test_a_closed_account_is_told_to_sign_in_again(house: House, texts_of: Said) -> None:
    page = house.page("main", "annotator").run()
    with house.open() as db:
        accounts.set_active(db, house.people["annotator"].id, False, by=house.people["admin"].id, now=time.time())
    assert "登入已結束" in texts_of(page.run())


def test_a_missing_database_is_a_sentence(house: House, texts_of: Said) -> None:
    page = house.page("main", "admin")
    house.path.unlink()
    assert "core init" in texts_of(page.run())


def test_no_page_loads_the_learners(house: House) -> None:
    """In a process of its own: this one may have loaded them for other tests."""
    code = f"""
import sys
from streamlit.testing.v1 import AppTest
import pages.shared.session as session
session.user_id = lambda: {house.people["admin"].id}
for name in ("main", "annotate", "dashboard", "rounds", "data", "export", "people"):
    page = AppTest.from_file({str(PAGES)!r} + "/" + name + ".py", default_timeout=60).run()
    assert not page.exception, (name, page.exception)
print([m for m in ("torch", "sklearn", "modAL", "gensim") if m in sys.modules])
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PAGES.parent, check=False)
    assert done.stdout.strip() == "[]", done.stderr[-2000:]


def test_somebody_in_no_project_is_told_whom_to_ask(house: House, texts_of: Said) -> None:
    with house.open() as db:
        for role in ("annotator", "lead"):
            person = house.people[role].id
            membership.remove(db, house.project_id, person, by=house.people["admin"].id, now=time.time())
    assert "請計畫主持人把你加進來" in texts_of(house.page("main", "annotator").run())
    assert "到「資料」頁匯入檔案" in texts_of(house.page("main", "lead").run())


def test_a_project_of_others_is_neither_listed_nor_opened_by_its_address(house: House, texts_of: Said) -> None:
    with house.open() as db:
        other = make_project(db, key="secret")
        membership.remove(db, other, house.people["lead"].id, by=house.people["admin"].id, now=time.time())
    page = house.page("main", "lead")
    page.query_params["project"] = "secret"
    said = texts_of(page.run())
    assert "secret" not in said
    assert page.session_state["project_id"] == house.project_id
