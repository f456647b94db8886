"""The file: opened up to date, refused when newer, and whole after anything."""

from __future__ import annotations

import multiprocessing
import sqlite3
from pathlib import Path

import pytest

from db import migrations
from db.connect import open_database, reading, value, writing
from db.errors import (
    DamagedDatabase,
    DatabaseBusy,
    DiskFull,
    NewerDatabase,
    NoDatabase,
    NotFound,
    NotUnique,
    StorageError,
    translate,
)


def test_a_missing_file_is_not_made_by_accident(path: Path) -> None:
    with pytest.raises(NoDatabase):
        open_database(path)
    assert not path.exists()


def test_a_newer_database_is_refused_and_left_alone(path: Path) -> None:
    open_database(path, create=True).close()
    with sqlite3.connect(path) as conn:
        conn.execute("PRAGMA user_version=99")
    conn.close()
    with pytest.raises(NewerDatabase) as caught:
        open_database(path)
    assert caught.value.fields == {"have": 99, "need": len(migrations.STEPS)}
    with sqlite3.connect(path) as conn:
        assert conn.execute("PRAGMA user_version").fetchone()[0] == 99
    conn.close()


def test_an_older_database_is_copied_before_it_is_changed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_database(path, create=True).close()
    have = len(migrations.STEPS)
    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS, "CREATE TABLE later (x);\n"))
    db = open_database(path)
    assert value(db, "SELECT count(*) FROM later") == 0
    db.close()
    assert path.with_name(f"tagtail.db.v{have}.backup").exists()


def test_a_database_of_the_first_version_keeps_its_people_sessions_and_labels(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as first:
        first.setattr(migrations, "STEPS", migrations.STEPS[:1])
        db = open_database(path, create=True)
        with writing(db):
            for statement in (
                "INSERT INTO users (id, name, role, created_at) VALUES (1, 'Lee', 'lead', 5), (2, 'im', 'system', 5)",
                "INSERT INTO projects (id, key, name, created_at) VALUES (1, 'p', 'P', 5)",
                "INSERT INTO labels (project_id, key, position, zh) VALUES (1, 'a', 3, 'A')",
                "INSERT INTO sessions VALUES ('t', 1, 5, 9)",
            ):
                db.execute(statement)
        db.close()
    db = open_database(path)
    assert value(db, "SELECT name FROM users JOIN sessions ON user_id = users.id") == "Lee"
    assert value(db, "SELECT group_concat(user_id) FROM members") == "1"
    assert value(db, "SELECT place FROM labels") == 3
    assert value(db, "PRAGMA foreign_keys") == 1
    with pytest.raises(StorageError), writing(db):
        db.execute("INSERT INTO sessions VALUES ('u', 77, 5, 9)")
    with writing(db):
        db.execute("UPDATE users SET role = 'reviewer' WHERE id = 1")
    db.close()


def test_a_failing_step_leaves_the_old_file_whole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_database(path, create=True).close()
    have = len(migrations.STEPS)
    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS, "CREATE TABLE later (x);\nNONSENSE;\n"))
    with pytest.raises(DamagedDatabase):
        open_database(path)
    with sqlite3.connect(path) as conn:
        assert conn.execute("PRAGMA user_version").fetchone()[0] == have
        assert not conn.execute("SELECT 1 FROM sqlite_master WHERE name = 'later'").fetchall()
    conn.close()


def _create(path: Path) -> None:
    open_database(path, create=True).close()


def test_processes_that_start_together_migrate_once(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    made = [context.Process(target=_create, args=(path,)) for _ in range(3)]
    for process in made:
        process.start()
    for process in made:
        process.join()
    assert [process.exitcode for process in made] == [0, 0, 0]


def test_a_text_file_is_no_database(path: Path) -> None:
    path.write_text("not a database, only words " * 100)
    with pytest.raises(DamagedDatabase):
        open_database(path)


def test_an_error_inside_a_write_rolls_all_of_it_back(path: Path) -> None:
    db = open_database(path, create=True)

    def write_then_fail() -> None:
        with writing(db):
            db.conn.execute("INSERT INTO sign_in_failures VALUES ('c', 'n', 1)")
            raise RuntimeError("half-way")

    with pytest.raises(RuntimeError):
        write_then_fail()
    db.close()
    again = open_database(path)
    assert value(again, "SELECT count(*) FROM sign_in_failures") == 0
    again.close()


def test_a_read_snapshot_does_not_see_what_is_written_meanwhile(path: Path) -> None:
    reader, writer = open_database(path, create=True), open_database(path)
    with reading(reader):
        before = value(reader, "SELECT count(*) FROM sign_in_failures")
        with writing(writer):
            writer.conn.execute("INSERT INTO sign_in_failures VALUES ('c', 'n', 1)")
        assert value(reader, "SELECT count(*) FROM sign_in_failures") == before == 0
    assert value(reader, "SELECT count(*) FROM sign_in_failures") == 1
    reader.close()
    writer.close()


def test_a_full_disk_is_said_and_loses_nothing(path: Path) -> None:
    db = open_database(path, create=True)
    with writing(db):
        db.conn.execute("INSERT INTO sign_in_failures VALUES ('c', 'kept', 1)")
    pages = db.conn.execute("PRAGMA page_count").fetchone()[0]
    db.conn.execute(f"PRAGMA max_page_count={pages}")  # what SQLite itself does when the disk has no room

    def write_much() -> None:
        with writing(db):
            db.conn.execute("INSERT INTO sign_in_failures VALUES ('c', ?, 2)", ("x" * 1_000_000,))

    with pytest.raises(DiskFull):
        write_much()
    db.close()
    again = open_database(path)
    assert [r[0] for r in again.conn.execute("SELECT name FROM sign_in_failures")] == ["kept"]
    again.close()


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (sqlite3.OperationalError("database is locked"), DatabaseBusy),
        (sqlite3.OperationalError("database or disk is full"), DiskFull),
        (sqlite3.OperationalError("attempt to write a readonly database"), DiskFull),
        (sqlite3.OperationalError("unable to open database file"), DiskFull),
        (sqlite3.IntegrityError("UNIQUE constraint failed: users.name"), NotUnique),
        (sqlite3.DatabaseError("file is not a database"), DamagedDatabase),
    ],
)
def test_every_foreign_error_has_one_of_ours(error: sqlite3.Error, ours: type) -> None:
    assert type(translate(error)) is ours


def test_a_number_that_no_row_can_have_is_not_found(path: Path) -> None:
    db = open_database(path, create=True)
    with pytest.raises(NotFound):
        value(db, "SELECT 1 FROM projects WHERE id = :id", id=10**30)
    db.close()
