"""Every word exists in three languages, and every word that a page asks for exists."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

from core.text.convert import converter
from pages.shared import i18n

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCES = [*sorted((ROOT / "pages").rglob("*.py")), *sorted((ROOT / "web").rglob("*.py"))]


def _asked_for(path: Path) -> list[tuple[str, int]]:
    """The keys of ``t("...")`` and ``say("...")`` in a file; of an f-string only its fixed start."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name not in ("t", "say"):
            continue
        choices = [node.args[0]]
        if isinstance(node.args[0], ast.IfExp):
            choices = [node.args[0].body, node.args[0].orelse]
        for first in choices:
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                found.append((first.value, node.lineno))
            elif isinstance(first, ast.JoinedStr) and isinstance(first.values[0], ast.Constant):
                found.append((f"{first.values[0].value}*", node.lineno))
    return [(key, line) for key, line in found if "." in key]


def test_each_entry_has_both_languages_with_the_same_placeholders() -> None:
    for key, entry in i18n.catalogue().items():
        assert {"zh", "en"} <= set(entry) <= {"zh", "hans", "en"}, key
        assert entry["zh"].strip(), key
        assert entry["en"].strip(), key
        assert i18n.placeholders(entry["zh"]) == i18n.placeholders(entry["en"]), key


def test_simplified_chinese_has_no_traditional_character_and_keeps_its_places() -> None:
    simplified = converter("t2s")
    for key, entry in i18n.catalogue().items():
        said = i18n.say(key, "hans")
        assert said.strip(), key
        assert i18n.placeholders(said) == i18n.placeholders(entry["zh"]), key
        assert [c for c in said if simplified(c) != c] == [], f"{key}: {said}"
        assert not set("「」『』") & set(said), key


def test_what_no_language_of_ours_asks_for_is_traditional_chinese() -> None:
    assert i18n.say("login.title", "fr") == i18n.say("login.title", "zh")
    assert [i18n.known(each) for each in ("zh", "hans", "en", "fr", None)] == ["zh", "hans", "en", "zh", "zh"]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_key_that_is_asked_for_exists(path: Path) -> None:
    known = i18n.catalogue()
    for key, line in _asked_for(path):
        if key.endswith("*"):
            assert any(each.startswith(key[:-1]) for each in known), f"{path.name}:{line} asks for {key}"
        else:
            assert key in known, f"{path.name}:{line} asks for {key}"


def test_no_catalogue_hides_an_entry_of_another() -> None:
    total = sum(len(i18n._entries(tomllib.loads(path.read_text("utf-8")), ())) for path in i18n.TEXTS.glob("*.toml"))
    assert total == len(i18n.catalogue())


MARKUP = ["**x**", "[a](http://b)", "<b>x</b>", "$x$", ":material/key:", "# x", "a_b_c", "1. x"]


@pytest.mark.parametrize("text", ["http://e.x", "HTTPS://e.x", "www.e.x", "a@e.x", ":material/home:", ":smile:"])
def test_plain_breaks_what_becomes_a_link_or_an_icon_after_markdown(text: str) -> None:
    shown = i18n.plain(text).replace("\\", "")
    assert shown.replace("\u2060", "") == text
    for alive in ("http:", "https:", "www.", "@e", ":material", ":smile"):
        assert alive not in shown.lower()


@pytest.mark.parametrize("name", ["「注意」", "檢測（抽血）", "《藥》"])
def test_a_name_in_brackets_can_be_bold(name: str) -> None:
    shown = i18n.plain(name)
    for end in (shown[0], shown[-1]):
        assert end.isalnum() or end == "\u2060"


def test_times_and_plain_words_stay_as_they_are() -> None:
    assert i18n.plain("藥物 12") == "藥物 12"
    assert "\u2060" not in i18n.plain("2026/11/21 10:05")


@pytest.mark.parametrize("text", MARKUP)
def test_plain_leaves_no_markup_alive(text: str) -> None:
    escaped = i18n.plain(text)
    assert escaped.replace("\\", "").replace("\u2060", "") == text
    for sign in "*[<$:#_":
        assert escaped.count(sign) == escaped.count(f"\\{sign}")


def test_no_choice_has_a_count_among_its_words() -> None:
    """A choice travels as its words: a click on words of before the count changed would be dropped.

    Seen here where the words are made in the call itself; the pages' tests change counts under a choice.
    """
    counted = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.keyword) or node.arg != "format_func" or not isinstance(node.value, ast.Lambda):
                continue
            own = {each.arg for each in node.value.args.args}
            for call in ast.walk(node.value.body):
                given = [each.value for each in getattr(call, "keywords", []) if each.arg in ("n", "count")]
                if any(not isinstance(each, ast.Name) or each.id not in own for each in given):
                    counted.append((path.name, node.value.lineno))
    assert [name for name, _ in counted] == ["when_to_stop.py"], counted  # how many labels are rare: a study's own
