"""The large project of the dashboard's bench is one that the product itself takes for its own."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from bench.corpus import DEMO
from bench.dashboard.made import PEOPLE, PER_TEXT, Size, fill
from core.services import accounts, curating, membership, projects
from core.services.curating import ImportOptions
from core.services.dashboard import overview
from core.services.standing import standing
from db import answers
from db.connect import open_database, reading, rows
from tests.conftest import NOW

SIZE = Size(texts=80, annotations=440, rounds=12, settled=5)


def test_what_is_made_is_whole(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    corpus = tmp_path / "rows.jsonl"
    lines = [{"text": f"第 {n} 則健康文字。", "split": "gold" if n % 4 == 0 else "pool"} for n in range(SIZE.texts)]
    corpus.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), "utf-8")
    with closing(open_database(path, create=True)) as db:
        project = projects.create_project(db, DEMO.parent / "project.toml", by=None, now=NOW).id
        curating.run_import(db, project, corpus, options=ImportOptions(), by=None, now=NOW)
        for n in range(PEOPLE):
            made = accounts.create_user(db, f"p{n:02}", f"a long password {n}", "annotator", by=None, now=NOW)
            membership.add(db, project, made.id, by=None, now=NOW)
    fill(path, SIZE)
    with closing(open_database(path)) as db:
        assert not rows(db, "PRAGMA foreign_key_check")
        assert rows(db, "SELECT count(*) AS n FROM annotations")[0]["n"] == SIZE.annotations
        with reading(db):
            found = standing(db, project)
        assert len(found.documents) == SIZE.annotations // PER_TEXT
        assert found.settled.sum() == SIZE.settled
        seen = overview.glance(db, project)
        assert seen.round == SIZE.rounds
        assert seen.macro is not None
        assert seen.macro.n == 20
        assert len(answers.models(db, project, SIZE.rounds)) == 4
        assert answers.models(db, project, 1) == ("student",)
        open_ones = "SELECT id FROM documents WHERE state = 'open' AND role = 'pool' ORDER BY id"
        ranked = rows(db, "SELECT document_id AS id FROM queue ORDER BY document_id")
        assert ranked == rows(db, open_ones)
        assert len(ranked) == seen.waiting.untouched + seen.waiting.second > 0
