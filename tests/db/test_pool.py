"""Kept connections: as good as fresh ones, whatever has become of the file or the last user."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from db.connect import execute, open_database, value, writing
from db.errors import NewerDatabase, NoDatabase
from db.pool import MOST, Pool


@pytest.fixture
def pool() -> Iterator[Pool]:
    made = Pool()
    yield made
    made.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tagtail.db"
    open_database(path, create=True).close()
    return path


def test_a_connection_is_used_again_and_sees_what_others_wrote(pool: Pool, file: Path) -> None:
    with pool.use(file) as first:
        assert value(first, "SELECT count(*) FROM events") == 0
    other = open_database(file)
    with writing(other):
        execute(other, "INSERT INTO events (at, kind) VALUES (0, 'x')")
    other.close()
    with pool.use(file) as again:
        assert again is first
        assert value(again, "SELECT count(*) FROM events") == 1


def test_two_users_at_once_have_two_and_few_are_kept(pool: Pool, file: Path) -> None:
    seen: list[int] = []
    together = threading.Barrier(MOST + 3)

    def work() -> None:
        with pool.use(file) as db:
            together.wait()
            seen.append(id(db))
            together.wait()

    threads = [threading.Thread(target=work) for _ in range(MOST + 3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(set(seen)) == MOST + 3
    assert len(pool._idle) == MOST


def test_one_that_failed_or_is_in_a_transaction_is_not_kept(pool: Pool, file: Path) -> None:
    with pytest.raises(KeyError), pool.use(file) as failed:
        raise KeyError
    with pool.use(file) as half:
        assert half is not failed
        half.conn.execute("BEGIN IMMEDIATE")
        execute(half, "INSERT INTO events (at, kind) VALUES (0, 'half')")
    with pool.use(file) as fresh:
        assert fresh is not half
        assert value(fresh, "SELECT count(*) FROM events") == 0


def test_a_file_put_in_the_place_of_another_is_the_one_that_is_read(pool: Pool, file: Path, tmp_path: Path) -> None:
    with pool.use(file):
        pass
    other = tmp_path / "restored.db"
    db = open_database(other, create=True)
    with writing(db):
        execute(db, "INSERT INTO events (at, kind) VALUES (0, 'restored')")
    db.close()
    other.replace(file)
    with pool.use(file) as now:
        assert value(now, "SELECT kind FROM events") == "restored"
    file.unlink()
    with pytest.raises(NoDatabase), pool.use(file):
        pass


def test_a_schema_that_newer_code_made_is_refused_as_at_opening(pool: Pool, file: Path) -> None:
    with pool.use(file):
        pass
    other = open_database(file)
    other.conn.execute("PRAGMA user_version = 999")
    other.close()
    with pytest.raises(NewerDatabase), pool.use(file):
        pass
