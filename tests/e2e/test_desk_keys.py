"""Every key of the desk, in every language, beside an input method, and as a person has set it for themselves."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from core.label_rules import LISTED
from core.labels import Label
from core.services.preferences import DEFAULT_KEYS, Desk
from pages.shared import desk_data
from tests.e2e.alone import answer, first_sent, hear, opened, sent, type_keys
from tests.e2e.driving import pressed, shown

pytestmark = pytest.mark.e2e

PRESS = """(one) => document.body.dispatchEvent(
  new KeyboardEvent('keydown', {bubbles: true, composed: true, cancelable: true, ...one}))"""
MY_DESK = "window.sent.length && window.sent.at(-1).desk"


@pytest.fixture
def page(browser: Browser) -> Page:
    return opened(browser)


def many(n: int, **more: Any) -> dict[str, Any]:
    """An answer with so many labels."""
    labels = tuple(
        Label(key=f"k{i}", zh=f"標籤{i}", en=f"label {i}", definition="定義", place=i) for i in range(1, n + 1)
    )
    return answer(1, 2, 3, labels=desk_data.board_labels(labels, "zh"), listed=LISTED, **more)


def last_desk(page: Page) -> dict[str, Any]:
    page.wait_for_function(MY_DESK)
    return page.evaluate(MY_DESK)


@pytest.mark.parametrize("language", ["zh", "hans", "en"])
def test_every_key_does_what_its_button_says(page: Page, language: str) -> None:
    hear(page, answer(1, 2, 3, 4, 5, 6, lang=language))
    for name in ("save", "stay", "skip", "flag", "undo", "back", "forward"):
        assert page.get_attribute(f"[data-part={name}]", "aria-keyshortcuts") == DEFAULT_KEYS[name]
    page.keyboard.press("1")
    page.keyboard.press("3")
    assert pressed(page) == ["k1", "k3"]
    page.keyboard.press("3")
    page.keyboard.press("Enter")
    assert shown(page) == 2
    page.keyboard.press("2")
    page.keyboard.press("Shift+Enter")
    assert (shown(page), pressed(page)) == (2, ["k2"])
    page.keyboard.press("ArrowRight")
    assert shown(page) == 3
    page.keyboard.press("s")
    assert shown(page) == 4
    page.keyboard.press("f")
    page.keyboard.type("1sf")
    page.keyboard.press("Enter")
    assert shown(page) == 5
    page.keyboard.press("u")
    assert shown(page) == 4
    page.keyboard.press("?")
    assert page.is_visible("[data-part=help]")
    page.keyboard.press("?")
    assert page.is_hidden("[data-part=help]")
    page.keyboard.press("g")
    assert page.is_visible("[data-part=guide]")
    page.keyboard.press("Escape")
    assert page.is_hidden("[data-part=guide]")
    page.keyboard.press(",")
    assert page.is_visible("[data-part=settings]")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    assert page.is_visible("[data-part=search]")
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowLeft")
    assert shown(page) == 3
    page.keyboard.press("Escape")
    assert shown(page) == 4
    page.wait_for_function("window.sent.length && window.sent.at(-1).ops.length === 5")
    made = [(op["kind"], op["document"], op["decision"], op["labels"], op["comment"]) for op in sent(page)]
    assert made == [
        ("save", 1, "labelled", ["k1"], ""),
        ("save", 2, "labelled", ["k2"], ""),
        ("save", 3, "skipped", [], ""),
        ("save", 4, "flagged", [], "1sf"),
        ("undo", 4, "", [], ""),
    ]


@pytest.mark.parametrize(
    ("press", "action"),
    [
        ({"key": "Process", "code": "Digit2", "keyCode": 229}, "toggle"),
        ({"key": "ㄉ", "code": "Digit2", "keyCode": 50}, "toggle"),
        ({"key": "2", "code": "Numpad2", "keyCode": 98}, "toggle"),
        ({"key": "Process", "code": "KeyS", "keyCode": 229}, "next"),
        ({"key": "ㄋ", "code": "KeyS", "keyCode": 83}, "next"),
        ({"key": "S", "code": "KeyS", "keyCode": 83}, "next"),
        ({"key": "？", "code": "Slash", "shiftKey": True, "keyCode": 191}, "help"),
        ({"key": "Process", "code": "KeyG", "keyCode": 229}, "guide"),
        ({"key": "2", "code": "Digit2", "isComposing": True}, ""),
        ({"key": "s", "code": "KeyS", "isComposing": True}, ""),
        ({"key": "Enter", "code": "Enter", "keyCode": 229}, ""),
        ({"key": "Process", "code": "ArrowLeft", "keyCode": 229}, ""),
        ({"key": "ArrowDown", "code": "Numpad2"}, ""),
        ({"key": "s", "code": "KeyS", "ctrlKey": True}, ""),
        ({"key": "s", "code": "KeyS", "metaKey": True}, ""),
        ({"key": "2", "code": "Digit2", "repeat": True}, ""),
        ({"key": "!", "code": "Digit1", "shiftKey": True}, ""),
    ],
)
def test_an_input_method_hides_no_key_and_fires_none(page: Page, press: dict[str, Any], action: str) -> None:
    hear(page, answer(1, 2))
    page.evaluate(PRESS, press)
    found = {
        "toggle": pressed(page) == ["k2"],
        "next": shown(page) == 2,
        "help": page.is_visible("[data-part=help]"),
        "guide": page.is_visible("[data-part=guide]"),
    }
    assert [name for name, happened in found.items() if happened] == ([action] if action else [])


def test_a_composition_in_the_search_and_the_comment_is_text(page: Page) -> None:
    hear(page, many(30))
    pad = page.context.new_cdp_session(page)
    for key, field in (("/", "search"), ("f", "comment")):
        page.keyboard.press(key)
        pad.send("Input.imeSetComposition", {"text": "標ㄑ", "selectionStart": 2, "selectionEnd": 2})
        at = f"[data-part={field}]"
        page.evaluate(
            """(at) => document.querySelector(at).dispatchEvent(new KeyboardEvent('keydown',
              {bubbles: true, composed: true, cancelable: true, key: 'Enter', code: 'Enter', keyCode: 229}))""",
            at,
        )
        pad.send("Input.insertText", {"text": "標籤"})
        assert page.input_value(at) == "標籤"
        assert (shown(page), pressed(page)) == (1, [])
        page.keyboard.press("Escape")
        assert page.is_hidden(at)


def test_labels_beyond_nine_are_reached_by_their_number(page: Page) -> None:
    hear(page, many(24))
    chips = page.eval_on_selector_all("[data-label] kbd", "all => all.map((one) => one.textContent)")
    assert [*chips[:2], *chips[8:11]] == ["1", "2", "9", "0 10", "0 11"]
    type_keys(page, "0", "1")
    assert "1＿" in page.inner_text("[data-part=number]")
    reached = page.eval_on_selector_all(".reached", "all => all.map((one) => one.dataset.label)")
    assert reached == [f"k{n}" for n in range(10, 20)]
    type_keys(page, "7")
    assert pressed(page) == ["k17"]
    type_keys(page, "0", "2", "Escape", "2")
    assert pressed(page) == ["k2", "k17"]
    type_keys(page, "0", "9", "9")
    assert pressed(page) == ["k2", "k17"]
    assert "99" in page.inner_text("[data-part=hint]")
    type_keys(page, "0", "1", "Enter")  # another key ends the number and is itself
    assert shown(page) == 2
    type_keys(page, "1")
    assert pressed(page) == ["k1"]


def test_forty_labels_are_searched_on_the_board_itself(page: Page) -> None:
    hear(page, many(40))
    type_keys(page, "0", "3", "9")
    assert pressed(page) == ["k39"]
    page.keyboard.press("/")
    page.keyboard.type("籤2")
    shown_labels = "all => all.filter((one) => one.getClientRects().length).map((one) => one.dataset.label)"
    assert page.eval_on_selector_all("[data-label]", shown_labels)[:3] == ["k2", "k20", "k21"]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert pressed(page) == ["k20", "k39"]
    page.keyboard.type("07")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")  # an empty search leaves
    assert page.is_hidden("[data-part=search]")
    assert pressed(page) == ["k7", "k20", "k39"]
    assert page.locator("[data-label]:visible").count() == 40
    page.keyboard.press("Enter")
    assert shown(page) == 2


def test_hundreds_of_labels_have_numbers_of_three_digits(page: Page) -> None:
    hear(page, many(240))
    type_keys(page, "0", "2", "3", "9", "Enter")
    page.wait_for_function("window.sent.length && window.sent.at(-1).ops.length")
    assert (shown(page), first_sent(page)["labels"]) == (2, ["k239"])


def test_a_key_can_be_changed_and_is_kept_and_shown(page: Page) -> None:
    hear(page, answer(1, 2, 3))
    page.keyboard.press(",")
    page.click("[data-action=skip]")
    page.keyboard.press("d")
    assert last_desk(page)["values"]["keys"] == {"skip": "D"}
    page.keyboard.press("Escape")
    assert "D" in page.inner_text("[data-part=skip]")
    page.keyboard.press("s")
    assert shown(page) == 1
    page.keyboard.press("d")
    assert shown(page) == 2
    desk = Desk(keys={"skip": "D"}).values()
    first = first_sent(page)["uid"]
    hear(page, answer(2, 3, desk=desk, desk_heard=last_desk(page)["id"], acked=[first]))
    page.keyboard.press("d")
    assert shown(page) == 3
    page.wait_for_function("(first) => window.sent.at(-1).ops.every((op) => op.uid !== first)", arg=first)
    assert page.evaluate("window.sent.at(-1).desk") is None, "what the server has is not sent again"


def test_a_key_that_is_taken_or_unusable_is_refused_with_a_sentence(page: Page) -> None:
    hear(page, answer(1, 2))
    page.keyboard.press(",")
    page.click("[data-action=skip]")
    page.keyboard.press("f")
    said = page.inner_text("[data-part=settings-said]")
    assert "F" in said
    assert desk_data.board_words()["key_flag"] in said
    page.keyboard.press("Control+k")
    assert page.inner_text("[data-part=settings-said]") == desk_data.board_words()["set_unusable"]
    page.keyboard.press("Escape")
    assert page.is_visible("[data-part=settings]"), "the first Escape leaves the key as it is"
    page.keyboard.press("Escape")
    page.wait_for_timeout(500)
    assert page.evaluate("window.sent.filter((box) => box.desk).length") == 0
    page.keyboard.press("s")
    assert shown(page) == 2


def test_a_desk_that_the_server_refuses_goes_back_and_says_why(page: Page) -> None:
    hear(page, answer(1, 2))
    page.keyboard.press(",")
    page.select_option("[data-setting=font_size]", "28")
    kept = last_desk(page)
    assert kept["values"]["font_size"] == 28
    hear(page, answer(1, 2, desk_heard=kept["id"], desk_refused="字級要在 14 到 40 之間。"))
    assert page.inner_text("[data-part=settings-said]") == "字級要在 14 到 40 之間。"
    size = "getComputedStyle(document.querySelector('[data-part=text]')).fontSize"
    assert page.evaluate(size) == "20px"


def test_settings_survive_a_reload_before_the_server_has_heard_of_them(page: Page) -> None:
    from tests.e2e.alone import load

    hear(page, answer(1, 2))
    page.keyboard.press(",")
    page.click("[data-action=flag]")
    page.keyboard.press("q")
    last_desk(page)
    hear(load(page), answer(1, 2))
    assert "Q" in page.inner_text("[data-part=flag]")
    page.keyboard.press(",")
    page.click("[data-part=settings-reset]")
    assert "F" in page.inner_text("[data-part=flag]")
    page.wait_for_function(f"{MY_DESK} && !Object.keys(window.sent.at(-1).desk.values.keys).length")


def test_a_sheet_keeps_the_focus_and_gives_it_back(page: Page) -> None:
    hear(page, answer(1, 2))
    page.keyboard.press(",")
    inside = "document.querySelector('[data-part=settings]').contains(document.activeElement)"
    for _ in range(60):
        page.keyboard.press("Tab")
        assert page.evaluate(inside)
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(inside)
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    assert pressed(page) == ["k1"]
