"""The command line as people use it: in a process of its own, on a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def core(tmp_path: Path):
    def run(*args: str, stdin: str = "", code: int = 0, **env: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "core", *args], cwd=ROOT, input=stdin, capture_output=True, text=True, check=False,
            env={**os.environ, "DATA_DIR": str(tmp_path / "data"), "TAGTAIL_LANG": "en", **env},
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    return run


def test_from_nothing_to_exported_labels(core, tmp_path: Path) -> None:
    assert "no database" in core("doctor", code=2)
    first = core("init")
    assert "264 texts" in first
    assert "Password (shown this once" in first
    assert core("init") == ""
    file = tmp_path / "mine.jsonl"
    rows = [
        {"id": "1", "text": "頭痛三天", "labels": ["症狀"], "split": "train"},
        {"id": "2", "text": "多喝水", "split": "pool"},
    ]
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    assert "2 new (1 labelled, 0 gold)" in core("import", str(file), "--new", "mine", "--name", "我的")
    out = tmp_path / "out.jsonl"
    core("export", "labels", str(out), "--project", "mine", "--all")
    assert [json.loads(line)["text"] for line in out.read_text(encoding="utf-8").splitlines()] == ["頭痛三天", "多喝水"]
    assert "28 more" not in core("round", "start", "--project", "mine", code=2)
    core("backup", str(tmp_path / "copy.db"))
    assert (tmp_path / "copy.db").stat().st_size > 10_000
    assert "sound" in core("doctor")


def test_bad_rows_are_told_by_line_and_nothing_enters(core, tmp_path: Path) -> None:
    core("init")
    file = tmp_path / "bad.jsonl"
    file.write_text('{"text": "好"}\n{"text": "  "}\n{"text": "x", "labels": ["新的"]}\n', encoding="utf-8")
    said = core("import", str(file), code=2)
    assert "line 2 text: The text is empty" in said
    assert "line 3 labels: This project has no label “新的”" in said
    assert "2 of 3 rows are bad; nothing was written" in said
    assert "1 new" in core("import", str(file), "--partial")


def test_people_are_added_and_their_passwords_checked(core) -> None:
    core("init")
    assert "10 characters" in core("user", "add", "ann", "--password-stdin", stdin="short\n", code=2)
    made = core("user", "add", "ann", "--role", "lead", "--password-stdin", stdin="long enough now\n")
    assert "in: demo" in made, "the only project is joined at once"
    assert "ann\tlead\tactive" in core("user", "list")
    assert "ann is no longer in" in core("user", "leave", "ann")
    assert "ann is in" in core("user", "join", "ann")
    assert "Not found: nobody" in core("user", "join", "nobody", code=2)
    assert "taken" in core("user", "add", "ANN", "--password-stdin", stdin="long enough now\n", code=2)


def test_settings_are_shown_changed_and_refused_by_name(core) -> None:
    core("init")
    changed = json.loads(core("settings", "round_every=100", "round.segmenter=rjieba", "round.class_weights=[1, 3]"))
    assert (changed["round_every"], changed["round"]["segmenter"]) == (100, "rjieba")
    assert json.loads(core("settings")) == changed
    trained = json.loads(
        core("settings", "round.arch=han.v1", "round.sweep=exact", "round.hard_share=0", "deepen=true")
    )
    assert (trained["round"]["arch"], trained["round"]["sweep"], trained["deepen"]) == ("han.v1", "exact", True)
    changed = trained
    for wrong in ("round.arch=bert", "deepen=yes", "deepen_after_s=1", "round.soft_targets=none"):
        assert wrong.split("=")[0].split(".")[-1] in core("settings", wrong, code=2)
    assert "nowhere.bin" in core("settings", "round.vectors_file=/nowhere.bin", code=2)
    for wrong in ("nonsense=1", "round_every", "round_every=0", "round=1", "round.filters=many"):
        assert wrong.split("=")[0].split(".")[-1] in core("settings", wrong, code=2)
    assert json.loads(core("settings")) == changed


def test_a_password_from_the_environment_is_used_and_not_printed(core) -> None:
    said = core("init", ADMIN_PASSWORD="my own secret word")
    assert "my own secret word" not in said
    assert "Administrator: admin" in said


@pytest.mark.parametrize(
    ("args", "env", "said"),
    [
        (("doctor",), {"PORT": "x"}, "no port"),
        (("doctor",), {"HOST": "0.0.0.0"}, "allowed host names"),
        (("init",), {"PROJECT": "/nowhere.toml"}, "nowhere.toml"),
        (("import", "nothing.jsonl"), {}, "no file nothing.jsonl"),
        (("round", "start"), {}, "no database"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(core, args: tuple[str, ...], env: dict[str, str], said: str) -> None:
    assert said in core(*args, code=2, **env)


def test_doubted_labels_are_listed_and_written_down(core, tmp_path: Path) -> None:
    core("init")
    assert "No list yet" in core("doubts")
    listed = """
from contextlib import closing
from core.config import Runtime
from core.services import projects
from core.steps import drained
from core.worker.doubting import make
from db.connect import open_database
with closing(open_database(Runtime.from_env().database)) as db:
    drained(make(db, projects.list_projects(db)[0].id))
"""
    env = {**os.environ, "DATA_DIR": str(tmp_path / "data")}
    subprocess.run([sys.executable, "-c", listed], cwd=ROOT, env=env, check=True)
    told = core("doubts", "--limit", "3").strip().splitlines()
    assert len(told) == 4
    assert told[0].split("\t")[1][0] in "+-"
    assert "labels to read again (of 144 texts)" in told[-1]
    found = json.loads(core("doubts", "--json", "--limit", "5"))
    assert [len(found["doubts"]), found["texts"], found["note"]] == [5, 144, ""]
    scores = [each["score"] for each in found["doubts"]]
    assert scores[0] == max(scores) > 0.5
    assert all((each["label"] in each["labels"]) == bool(each["given"]) for each in found["doubts"])
    out = tmp_path / "doubts.csv"
    assert str(out) in core("doubts", "--csv", str(out))
    assert out.read_text("utf-8-sig").startswith("id,text,labels,split,document,label,given,probability,score,source")
    assert "x.csv" in core("doubts", "--csv", str(tmp_path / "none" / "x.csv"), code=2)
