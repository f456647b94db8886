"""Every error has a sentence in both languages, and no sentence shows an unfilled field or a stack."""

from __future__ import annotations

import ast
import errno
import re
from pathlib import Path

import pytest

import core.errors
import db.errors
from core import messages

ROOT = Path(__file__).resolve().parents[2]


def codes() -> list[str]:
    """Every class of both trees that code raises; the branches of the trees are never raised themselves."""
    found = []
    for module in (core.errors, db.errors):
        for name, thing in vars(module).items():
            ours = isinstance(thing, type) and issubclass(thing, Exception) and thing.__module__ == module.__name__
            if ours and not thing.__subclasses__():
                found.append(name)
    return found


@pytest.mark.parametrize("code", [c for c in codes() if c not in ("BadFile", "CannotStart")])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_each_error_is_said_in_both_languages(code: str, lang: str) -> None:
    said = messages.say(code, {}, lang)
    assert said
    assert "{" not in said
    assert bool(re.search(r"[\u4e00-\u9fff]", said)) == (lang == "zh")


def test_both_languages_name_the_same_fields() -> None:
    tables = (messages.SENTENCES, messages.BAD_FILE, messages.BAD_LABEL, messages.CANNOT_START)
    for pair in [pair for table in tables for pair in table.values()]:
        zh, en = (set(re.findall(r"{(\w+)}", text)) for text in pair)
        assert zh == en, pair


@pytest.mark.parametrize(("error", "table"), [("BadFile", messages.BAD_FILE), ("BadLabel", messages.BAD_LABEL)])
def test_each_reason_that_code_gives_has_a_sentence(error: str, table: dict[str, tuple[str, str]]) -> None:
    given = set()
    for path in (ROOT / "core").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == error:
                for word in node.keywords:
                    if word.arg == "why" and isinstance(word.value, ast.Constant):
                        given.add(word.value.value)
    assert given
    assert given <= set(table), given - set(table)


def test_too_few_labels_says_how_many_are_missing() -> None:
    assert "28" in messages.sentence(core.errors.TooFewLabels(have=12, need=40), "en")


def test_an_unforeseen_error_is_a_calm_sentence_with_a_mark_that_the_log_has(caplog: pytest.LogCaptureFixture) -> None:
    said = messages.sentence(ZeroDivisionError("secret detail"), "en")
    mark = said.rsplit(" ", 1)[1]
    assert "secret" not in said
    assert mark in caplog.text
    assert "secret detail" in caplog.text


def test_a_full_disk_is_said_as_one_also_when_no_database_is_involved() -> None:
    assert "disk" in messages.sentence(OSError(errno.ENOSPC, "No space left on device"), "en")
