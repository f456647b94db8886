"""Every error has a sentence in both languages, and no sentence shows an unfilled field or a stack."""

from __future__ import annotations

import ast
import errno
import re
from pathlib import Path

import pytest

import core.errors
import db.errors
from core import messages, sentences
from core.text.convert import converter

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
    tables = (sentences.SENTENCES, sentences.BAD_FILE, sentences.BAD_LABEL, sentences.CANNOT_START)
    for pair in [pair for table in tables for pair in table.values()]:
        zh, en = (set(re.findall(r"{(\w+)}", text)) for text in pair)
        assert zh == en, pair


def test_each_sentence_is_said_in_simplified_chinese_too() -> None:
    simplified = converter("t2s")
    tables = [each for name, each in vars(messages).items() if name.isupper() and isinstance(each, dict)]
    assert len(tables) >= 4
    for pair in [*(pair for table in tables for pair in table.values()), sentences.UNFORESEEN]:
        said = messages.in_language(pair, "hans")
        assert set(re.findall(r"{(\w+)}", said)) == set(re.findall(r"{(\w+)}", pair[0])), pair
        assert [c for c in said if simplified(c) != c] == [], said


def test_what_people_wrote_is_not_converted() -> None:
    said = messages.say("NameTaken", {"name": "臺灣專案"}, "hans")
    assert said == "“臺灣專案”已经有人用了，请换一个名称。"


def test_a_missing_role_is_named_in_words() -> None:
    assert "project lead" in (messages.say("NotAllowed", {"need": "lead"}, "en") or "")
    assert "项目负责人" in (messages.say("NotAllowed", {"need": "lead"}, "hans") or "")


@pytest.mark.parametrize(("error", "table"), [("BadFile", sentences.BAD_FILE), ("BadLabel", sentences.BAD_LABEL)])
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
