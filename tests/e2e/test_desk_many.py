"""A board of hundreds to thousands of labels: those at hand have digits, all others are found, and few are drawn."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from core.label_rules import LISTED
from pages.shared import desk_data
from tests.e2e.alone import answer, first_sent, hear, opened, sent, type_keys
from tests.e2e.driving import TELEPHONE, pressed, shown
from tests.many_labels import many_labels

pytestmark = pytest.mark.e2e

AXE = """(rules) => axe.run(document.getElementById('root'), {runOnly: rules, resultTypes: ['violations']})
  .then((said) => said.violations.flatMap((one) => one.nodes.map((node) => [one.id, node.html.slice(0, 160)])))"""
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture
def page(browser: Browser) -> Page:
    return opened(browser)


def many(n: int, *docs: int, lang: str = "zh", suggest: dict[int, dict[str, float]] | None = None, **more: Any) -> dict:
    """An answer with so many labels; ``suggest``: what the model says of a text."""
    labels = desk_data.board_labels(many_labels(n), lang)
    said = answer(*(docs or (1, 2, 3)), labels=labels, listed=LISTED, look=f"{n}", **more)
    for doc in said["docs"]:
        doc["suggestions"] = (suggest or {}).get(doc["id"])
    return said


def chosen(page: Page) -> list[str]:
    return page.eval_on_selector_all("[data-chip]", "all => all.map((one) => one.dataset.chip)")


def at_hand(page: Page) -> list[tuple[str, str]]:
    rows = page.eval_on_selector_all(
        "[data-label]", "all => all.map((one) => [one.querySelector('kbd').textContent, one.dataset.label])"
    )
    return [tuple(each) for each in rows]


def found(page: Page) -> list[str]:
    return page.eval_on_selector_all("[role=option]", "all => all.map((one) => one.dataset.found)")


def test_as_many_labels_as_a_board_lists_stand_on_it_as_ever(page: Page) -> None:
    hear(page, many(LISTED))
    assert page.locator("[data-label]:visible").count() == LISTED
    assert page.is_hidden("[data-part=finding]")
    type_keys(page, "1", "0", "1", "2")
    assert (pressed(page), chosen(page)) == (["l0000", "l0011"], [])


def test_of_thousands_nine_have_digits_and_only_what_is_seen_is_drawn(page: Page) -> None:
    hear(page, many(5000))
    assert at_hand(page) == [(str(n + 1), f"l{n:04}") for n in range(9)]
    type_keys(page, "2", "9")
    assert (pressed(page), chosen(page)) == (["l0001", "l0008"], ["l0001", "l0008"])
    page.keyboard.press("/")
    assert found(page) == []
    page.keyboard.press("ArrowDown")  # the whole list
    assert page.inner_text("[data-part=found-count]") == "符合的有 5,000 個"
    assert 8 <= len(found(page)) <= 40
    for _ in range(6):
        page.keyboard.press("PageDown")
    option = page.get_attribute("[data-part=many-search]", "aria-activedescendant")
    assert page.get_attribute(f"#{option}", "data-found") == "l0048"
    assert page.get_attribute(f"#{option}", "aria-posinset") == "49"
    page.eval_on_selector("[data-part=found]", "(list) => { list.scrollTop = list.scrollHeight; }")
    page.wait_for_selector("[data-found=l4999]")
    assert len(found(page)) <= 40


def test_the_best_match_comes_first_in_either_language_by_key_and_by_number(page: Page) -> None:
    hear(page, many(1000))
    page.keyboard.press("/")
    for typed, best in (
        ("睡眠用藥", "l0123"), ("睡眠", "l0023"), ("用藥", "l0100"), ("SLEEP med", "l0123"), ("l0777", "l0777"),
        ("0900", "l0899"), ("用藥 睡眠", "l0123"), ("肝臓", None),
    ):  # fmt: skip
        page.fill("[data-part=many-search]", typed)
        assert (found(page) or [None])[0] == best, typed
    assert page.inner_text("[data-part=found-count]") == "沒有符合的標籤，換個字試試"
    page.keyboard.press("Enter")
    assert chosen(page) == []


def test_characters_of_the_other_script_find_a_label_too(page: Page) -> None:
    still = desk_data.still(many_labels(200), "", {}, "zh", known="")[1]
    assert still is not None
    hear(page, {**answer(1, 2), **still["values"], "look": "x"})
    page.keyboard.press("/")
    page.fill("[data-part=many-search]", "肝脏")
    assert found(page)[0] == "l0001"
    page.fill("[data-part=many-search]", "ｋｉｄｎｅｙ")  # full-width, as an input method gives it
    assert found(page)[0] == "l0052"  # of equals the shorter name


def test_enter_chooses_the_text_keeps_its_place_and_an_empty_search_leaves(page: Page) -> None:
    text = "很長的一段。" * 400
    said = many(1000)
    hear(page, {**said, "docs": [{**doc, "text": text} for doc in said["docs"]]})
    page.mouse.wheel(0, 900)
    page.wait_for_function("window.scrollY > 300")
    before = page.evaluate("window.scrollY")
    page.keyboard.press("/")
    page.keyboard.type("睡眠")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert chosen(page) == ["l0073"]
    assert page.input_value("[data-part=many-search]") == ""
    page.keyboard.type("肝臟飲")
    page.keyboard.press("Enter")
    assert chosen(page) == ["l0073", "l0051"]
    assert page.evaluate("window.scrollY") == before
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.dataset.part") != "many-search"
    page.keyboard.press("Enter")
    assert shown(page) == 2
    page.wait_for_function("window.sent.length && window.sent.at(-1).ops.length")
    assert first_sent(page)["labels"] == ["l0051", "l0073"]


def test_chips_are_taken_off_by_keyboard(page: Page) -> None:
    hear(page, many(300))
    type_keys(page, "1", "2", "3", "4")
    page.keyboard.press("/")
    page.keyboard.press("Backspace")
    assert chosen(page) == ["l0000", "l0001", "l0002"]
    page.keyboard.press("Escape")
    page.keyboard.press("Backspace")
    assert chosen(page) == ["l0000", "l0001"]
    page.focus("[data-chip=l0000]")
    page.keyboard.press("Delete")
    assert chosen(page) == ["l0001"]
    assert page.evaluate("document.activeElement.dataset.chip") == "l0001"
    assert page.get_attribute("[data-chip=l0001]", "aria-label") == "拿掉「肝臟症狀」"
    page.keyboard.press("Space")
    assert (chosen(page), pressed(page)) == ([], [])
    assert page.is_hidden("[data-part=chosen]")


def test_likely_labels_come_first_and_what_was_used_keeps_its_digit(page: Page) -> None:
    likely = {"l0200": 0.9, "l0100": 0.7, "l0005": 0.01}
    suggest = {1: likely, 2: {"l0201": 0.8}, 3: likely}
    hear(page, many(300, suggest=suggest, thresholds={"l0200": 0.5}))
    assert at_hand(page)[:3] == [("1", "l0200"), ("2", "l0100"), ("3", "l0000")]
    assert page.inner_text("[data-label=l0200] .chance") == "0.90"
    type_keys(page, "1", "4", "Enter")
    assert shown(page) == 2
    rows = dict(at_hand(page))
    assert (rows["1"], rows["8"], rows["9"]) == ("l0201", "l0001", "l0200")
    type_keys(page, "1", "Enter")
    rows = dict(at_hand(page))
    assert shown(page) == 3
    assert (rows["1"], rows["2"], rows["8"], rows["9"]) == ("l0200", "l0100", "l0001", "l0201")
    assert page.eval_on_selector_all(".of", "all => all.map((one) => one.textContent)") == [
        "模型覺得可能", "排在最前面", "最近用過",
    ]  # fmt: skip


def test_a_digit_that_a_lead_has_set_stays_its_labels_own(page: Page) -> None:
    said = many(300, suggest={1: {"l0200": 0.9}})
    said["labels"][250]["digit"] = "1"
    hear(page, said)
    assert at_hand(page)[:2] == [("1", "l0250"), ("2", "l0200")]
    type_keys(page, "1", "0", "2", "0", "1")
    assert chosen(page) == ["l0250", "l0200"]


def test_a_past_decision_shows_its_labels_as_chips(page: Page) -> None:
    hear(page, many(300))
    type_keys(page, "0", "2", "4", "9", "Enter", "ArrowLeft")
    assert chosen(page) == ["l0248"]
    assert page.is_visible("[data-part=pastbar]")
    type_keys(page, "Backspace", "1", "Enter")
    page.wait_for_function("window.sent.length && window.sent.at(-1).ops.length === 2")
    assert [op["labels"] for op in sent(page)] == [["l0248"], ["l0000"]]


def test_the_guideline_has_the_rules_of_the_labels_at_hand(page: Page) -> None:
    hear(page, many(1000))
    type_keys(page, "0", "0", "9", "0", "0", "g")
    rules = page.eval_on_selector_all("[data-rule]", "all => all.map((one) => one.dataset.rule)")
    assert rules == ["l0899", *(f"l{n:04}" for n in range(9))]


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("size", [None, TELEPHONE], ids=["desk", "telephone"])
def test_the_search_breaks_no_rule_of_accessibility(browser: Browser, lang: str, size: dict[str, int] | None) -> None:
    page = opened(browser, **({"viewport": size} if size else {}))
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
    hear(page, many(1000, lang=lang))
    type_keys(page, "1", "2")
    assert page.evaluate(AXE, RULES) == []
    page.keyboard.press("/")
    page.keyboard.type("sleep")
    assert page.get_attribute("[data-part=many-search]", "aria-expanded") == "true"
    assert page.locator("[role=option]").first.get_attribute("aria-selected") == "false"
    assert page.evaluate(AXE, RULES) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.fill("[data-part=many-search]", "heart sy")
    assert page.get_attribute("[data-found=l0000]", "aria-selected") == "true"


def test_labels_that_were_merged_under_a_choice_go_over(page: Page) -> None:
    hear(page, many(300))
    type_keys(page, "0", "2", "5", "0", "3")
    fewer = many(300)
    fewer["labels"] = [one for one in fewer["labels"] if one["key"] != "l0249"]
    hear(page, {**fewer, "look": "y", "merged": {"l0249": "l0008"}})
    assert chosen(page) == ["l0008", "l0002"]


def test_the_help_names_the_key_that_takes_a_chosen_label_off_where_it_does(page: Page) -> None:
    for n, named in ((LISTED + 1, True), (LISTED, False)):
        hear(page, many(n))
        type_keys(page, "?")
        assert ("Backspace" in page.inner_text("[data-part=help-keys]")) is named
        type_keys(page, "Escape")


def test_thousands_have_a_comma(page: Page) -> None:
    hear(page, many(12, progress={"today": 1100, "labelled": 1600, "pool": 30_000, "daily_goal": 2000}))
    assert page.inner_text("[data-part=today]") == "今天 1,100 / 2,000 篇"
    assert page.inner_text("[data-part=pool]") == "全部已標 1,600 / 30,000 篇"
