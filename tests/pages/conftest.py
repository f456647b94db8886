"""Pages run alone, over a real database, with somebody signed in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import streamlit as st
from argon2 import PasswordHasher
from sqlite_utils import Database
from streamlit.testing.v1 import AppTest

from core.services import accounts
from core.services.accounts import User
from db.connect import open_database
from tests.conftest import PASSWORD, make_project

PAGES = Path(__file__).resolve().parent.parent.parent / "pages"


@dataclass
class House:
    """A data directory with one person of each role (the name is the role) and one project."""

    path: Path
    people: dict[str, User]
    project_id: int
    signed_in: list[int | None] = field(default_factory=lambda: [None])

    def open(self) -> closing[Database]:
        return closing(open_database(self.path))

    def enter(self, role: str | None) -> None:
        """Whom the gate would name from now on."""
        self.signed_in[0] = self.people[role].id if role else None

    def page(self, name: str, role: str | None = "admin") -> AppTest:
        """A page as somebody of that role sees it, not run yet."""
        self.enter(role)
        return AppTest.from_file(str(PAGES / f"{name}.py"), default_timeout=30)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(accounts, "_hasher", cheap)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    path = tmp_path / "tagtail.db"
    now = time.time()
    with closing(open_database(path, create=True)) as db:
        people = {role: accounts.create_user(db, role, PASSWORD, role, by=None, now=now) for role in accounts.ROLES}
        made = House(path, people, make_project(db))
    # AppTest has no request headers: this is the one thing that the gate does for a page.
    monkeypatch.setattr("pages.shared.session.user_id", lambda: made.signed_in[0])
    st.cache_data.clear()
    yield made
    st.cache_data.clear()


@pytest.fixture
def texts_of() -> Callable[[AppTest], str]:
    """Everything that a page says, in one string."""

    def said(page: AppTest) -> str:
        assert not page.exception, [each.value for each in page.exception]
        headings = (page.title, page.subheader, page.markdown, page.caption)
        kinds = (*headings, page.info, page.warning, page.error, page.success)
        shown = "\n".join(str(each.value) for kind in kinds for each in kind)
        return shown.replace("\u2060", "")  # what ``plain`` puts between a mark and Markdown, which nobody sees

    return said
