"""The documents keep their word: links lead somewhere, names exist, examples run."""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.__main__ import parser
from core.config import ProjectSettings, RoundConfig
from db.connect import open_database

ROOT = Path(__file__).resolve().parents[1]
SKIPPED = {".venv", ".venv-bench", ".git", "data", "var", ".hypothesis", ".mypy_cache", ".ruff_cache", "node_modules"}
KEY = re.compile(r"\b[a-z]{3,}(?:19|20)\d\d[a-z]*\b")  # an author, a year, a word: lee2022kd
FENCE = re.compile(r"(?P<mark><!-- run -->\n)?^```(?P<kind>\w*)\n(?P<body>.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
EXAMPLES = [ROOT / "README.md", ROOT / "docs" / "guide-ml.md"]


def files(*endings: str) -> list[Path]:
    """What is part of the project, by ending."""
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [each for each in folders if each not in SKIPPED]
        found += [Path(folder) / each for each in names if each.endswith(endings)]
    return sorted(found)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def prose(path: Path) -> str:
    """A document without its fenced blocks."""
    return FENCE.sub("", read(path))


def anchors(path: Path) -> set[str]:
    """The headings of a document as GitHub makes them into anchors."""
    titles = re.findall(r"^#{1,6}\s+(.+?)\s*$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


DOCUMENTS = files(".md")


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_every_link_and_picture_leads_somewhere(path: Path) -> None:
    missing = []
    for match in LINK.finditer(prose(path)):
        target, _, anchor = match["target"].partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        there = (path.parent / target).resolve() if target else path
        if not there.exists():
            missing.append(target)
        elif anchor and anchor not in anchors(there):
            missing.append(f"{target}#{anchor}")
    assert not missing, f"{name(path)}: {', '.join(missing)}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_no_document_names_a_place_of_its_making(path: Path) -> None:
    bad = re.findall(r"/(?:work|root|tmp|home/\w+|Users)/|\.\./shared|file://", read(path))
    assert not bad, f"{name(path)}: {bad}"


def test_every_bibliography_key_resolves() -> None:
    known = set(re.findall(r"^\| `([a-z]+\d{4}[a-z]*)` \|", read(ROOT / "docs" / "bibliography.md"), re.MULTILINE))
    used = {
        key: name(path)
        for path in [*files(".py", ".js", ".toml"), *DOCUMENTS]
        for key in KEY.findall(read(path))
        if path != Path(__file__)
    }
    assert len(known) >= 8
    assert not used.keys() - known, {key: used[key] for key in used.keys() - known}


def test_every_table_and_column_is_in_the_data_model(tmp_path: Path) -> None:
    open_database(tmp_path / "schema.db", create=True).close()
    parts = re.split(r"^## (\w+)$", read(ROOT / "docs" / "data-model.md"), flags=re.MULTILINE)
    documented = dict(zip(parts[1::2], parts[2::2], strict=True))
    with sqlite3.connect(tmp_path / "schema.db") as conn:
        tables = [row[0] for row in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = {t: {row[1] for row in conn.execute(f"PRAGMA table_info({t})")} for t in tables}
    conn.close()
    columns = {table: names for table, names in columns.items() if not table.startswith("sqlite_")}
    assert documented.keys() == columns.keys()
    for table, names in columns.items():
        first_cells = re.findall(r"^\|([^|]*)\|", documented[table], re.MULTILINE)
        assert set(re.findall(r"`(\w+)`", " ".join(first_cells))) == names, table


def _is_environ(node: ast.AST) -> bool:
    return (isinstance(node, ast.Attribute) and node.attr == "environ") or (
        isinstance(node, ast.Name) and node.id in ("env", "environ")
    )


def variables(path: Path) -> Iterator[str]:
    """The environment variables that a file reads by name."""
    for node in ast.walk(ast.parse(read(path))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            owner = node.func.value
            asked = node.func.attr == "getenv" or (node.func.attr == "get" and _is_environ(owner))
            given = node.args[0]
        elif isinstance(node, ast.Subscript) and _is_environ(node.value) and isinstance(node.ctx, ast.Load):
            asked, given = True, node.slice
        else:
            continue
        if asked and isinstance(given, ast.Constant) and isinstance(given.value, str):
            yield given.value


def test_every_environment_variable_is_in_the_readme() -> None:
    used = {each for path in files(".py") if not name(path).startswith("tests/") for each in variables(path)}
    exported = re.search(r"^export (.+)$", read(ROOT / "Makefile"), re.MULTILINE)
    assert exported
    used |= set(exported[1].split())
    table = set(re.findall(r"^\| `([A-Z_]+)` \|", read(ROOT / "README.md"), re.MULTILINE))
    assert {"PORT", "DATA_DIR", "HOST", "ADMIN_PASSWORD", "WORKER"} <= used
    assert not used - table, used - table
    assert table - used <= {"FORWARDED_ALLOW_IPS"}  # read by uvicorn


def commands() -> dict[str, argparse.ArgumentParser]:
    actions = parser()._actions
    return dict(next(a for a in actions if isinstance(a, argparse._SubParsersAction)).choices)


def test_commands_in_the_documents_exist_and_all_are_documented() -> None:
    known = set(commands())
    named = {word: name(path) for path in DOCUMENTS for word in re.findall(r"python -m core ([a-z]+)", read(path))}
    assert not named.keys() - known, {word: named[word] for word in named.keys() - known}
    guide = set(re.findall(r"^\| `python -m core ([a-z]+)", read(ROOT / "docs" / "guide-ml.md"), re.MULTILINE))
    assert guide == known


def test_command_lines_in_the_documents_are_understood() -> None:
    """Each example line of a shell block goes through the parser; nothing is carried out."""
    lines = [
        line.split(" #")[0].strip()
        for path in DOCUMENTS
        for match in FENCE.finditer(read(path))
        if match["kind"] == "sh"
        for line in match["body"].splitlines()
        if line.startswith("python -m core ")
    ]
    assert len(lines) >= 4
    for line in lines:
        words = [word.strip('"') for word in re.findall(r'"[^"]*"|(?:\$\([^)]*\)|\S)+', line)][3:]
        try:
            parser().parse_args(words)
        except SystemExit:
            pytest.fail(line)


def test_make_targets_in_the_documents_exist() -> None:
    known = set(re.findall(r"^([a-z0-9-]+):", read(ROOT / "Makefile"), re.MULTILINE))
    pattern = re.compile(r"(?:`|^)(?:[A-Z_]+=\S+ )*make ([a-z0-9-]+)", re.MULTILINE)
    named = {word: name(path) for path in DOCUMENTS for word in pattern.findall(read(path))}
    assert {"run", "test"} <= named.keys()
    assert not named.keys() - known, {word: named[word] for word in named.keys() - known}


def test_every_setting_of_a_round_is_documented() -> None:
    guide = set(re.findall(r"`(\w+)`", read(ROOT / "docs" / "guide-ml.md")))
    assert not set(RoundConfig.__dataclass_fields__) - guide
    shown = {
        "round_every",
        "round_min_labels",
        "lease_s",
        "lease_min_s",
        "lease_max_s",
        "gold_double_share",
        "unsettled",
        "blind_review",
        "overlap",
        "suggestions",
        "daily_goal",
        "round",
    }  # on the page
    assert not set(ProjectSettings.__dataclass_fields__) - shown - guide


def examples() -> list[tuple[str, str, bool]]:
    return [
        (f"{name(path)}:{read(path)[: match.start('body')].count(chr(10)) + 1}", match["body"], bool(match["mark"]))
        for path in EXAMPLES
        for match in FENCE.finditer(read(path))
        if match["kind"] == "python"
    ]


@pytest.mark.parametrize(("where", "code", "runs"), examples(), ids=[where for where, _, _ in examples()])
def test_python_examples_work(where: str, code: str, runs: bool) -> None:
    compile(code, where, "exec")
    if runs:
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip()


def test_json_and_toml_examples_are_what_they_say() -> None:
    for path in DOCUMENTS:
        for match in FENCE.finditer(read(path)):
            if match["kind"] == "json":
                assert all(isinstance(json.loads(line), dict) for line in match["body"].splitlines()), name(path)
            elif match["kind"] == "toml":
                found = tomllib.loads(match["body"])
                if "settings" in found:
                    ProjectSettings.from_mapping(found["settings"])
