"""The board's scripts in a real browser without a server: each answer comes when the test says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from pages import annotate
from pages.shared.components import label_board
from tests.e2e.driving import DESKTOP, board_state, pressed, shown

pytestmark = pytest.mark.e2e

HERE = Path(label_board.__file__).parent
HOME = "http://board.test/"
OWNER = "7"
# Streamlit's part: mounts the module, keeps what the board sends, and hands answers in.
MOUNT = """
  window.sent = [];
  window.answer = (data) => window.mount({
    parentElement: document.getElementById('root'), data, setStateValue: (name, box) => window.sent.push(box),
  });
"""
TRUE_TO_TYPE = """(keys) => {
  for (const key of keys) {
    const code = key.length > 1 ? key : /[0-9]/.test(key) ? `Digit${key}` : `Key${key.toUpperCase()}`;
    const way = {bubbles: true, composed: true, cancelable: true};
    document.body.dispatchEvent(new KeyboardEvent('keydown', {...way, key, code}));
  }
}"""


def answer(*docs: int, **more: Any) -> dict[str, Any]:
    """What the server would say, with these texts handed out."""
    labels = [
        {
            "key": f"k{n}",
            "name": f"標{n}",
            "other": "",
            "definition": "",
            "examples": [],
            "colour": "#888",
            "digit": str(n),
        }
        for n in range(1, 4)
    ]
    return {
        "sid": "s", "owner": OWNER, "scope": f"{OWNER}.1", "project": 1, "lang": "zh", "look": "x", "state": "open",
        "handed": True, "labels": labels, "acked": [], "refused": [], "trouble": "", "heard": 0, "more": True,
        "docs": [{"id": n, "text": f"第 {n} 篇", "why": "", "chosen": [], "suggestions": None} for n in docs],
        "progress": {"today": 5, "labelled": 5, "pool": 9, "daily_goal": 0},
        "words": annotate.board_words(), "empty": {"title": "空", "body": ""}, "closed": {"title": "關", "body": ""},
        **more,
    }  # fmt: skip


def kept(uid: str, document: int, at: float, **more: Any) -> tuple[str, str]:
    """An entry of the shelf: name and value."""
    op = {
        "uid": uid,
        "kind": "save",
        "project": 1,
        "document": document,
        "decision": "labelled",
        "labels": ["k1"],
        "at": at,
    }
    return f"tagtail.op.{OWNER}.{uid}", json.dumps({**op, **more})


@pytest.fixture
def page(browser: Browser) -> Page:
    """An empty page with the board's scripts, nothing mounted yet."""
    opened = browser.new_context(viewport=DESKTOP).new_page()
    opened.set_default_timeout(5000)
    opened.route("**/*", lambda route: route.fulfill(body="<!doctype html><body></body>", content_type="text/html"))
    return load(opened)


def load(page: Page) -> Page:
    """Loads the page anew; what this browser keeps is kept."""
    page.goto(HOME)
    html = (HERE / "board.html").read_text("utf-8")
    page.evaluate("(html) => { document.body.innerHTML = `<div id=root>${html}</div>`; }", html)
    scripts = "\n".join((HERE / name).read_text("utf-8") for name in label_board.SCRIPTS)
    content = scripts.replace("export default function", "window.mount = function") + MOUNT
    page.add_script_tag(content=content, type="module")
    page.wait_for_function("Boolean(window.mount)")
    return page


def hear(page: Page, data: dict[str, Any]) -> None:
    page.evaluate("(data) => { window.answer(data); }", data)


def type_keys(page: Page, *keys: str) -> None:
    page.evaluate(TRUE_TO_TYPE, list(keys))


def put(page: Page, *entries: tuple[str, str]) -> None:
    page.evaluate(
        "(all) => all.forEach(([name, value]) => localStorage.setItem(name, value))", [list(e) for e in entries]
    )


def shelf(page: Page) -> list[str]:
    return page.evaluate("Object.keys(localStorage).sort()")


def sent(page: Page) -> list[dict[str, Any]]:
    """The ops of the last sending."""
    return page.evaluate("window.sent.length ? window.sent.at(-1).ops : []")


def test_a_text_that_is_swapped_under_the_fingers_takes_no_key_meant_for_the_last(page: Page) -> None:
    hear(page, answer(1, 2, 3))
    hear(page, answer(2, 3))  # the first one was decided in another tab
    assert shown(page) == 2
    assert annotate.board_words()["swapped"] == page.inner_text("[data-part=hint]")
    page.wait_for_timeout(60)
    type_keys(page, "1", "s", "f", "Enter")
    page.locator("[data-label=k2]").click()
    assert (shown(page), pressed(page), sent(page)) == (2, [], [])
    assert page.is_hidden("[data-part=flagging]")
    page.wait_for_timeout(700)
    type_keys(page, "1", "Enter")
    page.wait_for_function("window.sent.length")
    assert (shown(page), [op["document"] for op in sent(page)]) == (3, [2])


def test_a_comment_that_is_being_written_keeps_its_text(page: Page) -> None:
    hear(page, answer(1, 2, 3))
    type_keys(page, "f")
    page.keyboard.type("12s")
    hear(page, answer(2, 3))
    page.keyboard.type("u文")
    assert page.input_value("[data-part=comment]") == "12su文"
    page.keyboard.press("Enter")
    page.wait_for_function("window.sent.length")
    assert [(op["document"], op["decision"], op["comment"]) for op in sent(page)] == [(1, "flagged", "12su文")]


def test_a_refused_undo_goes_on_with_the_next_text_and_guards_it(page: Page) -> None:
    hear(page, answer(1, 2, 3))
    type_keys(page, "s")
    page.wait_for_function("window.sent.length")
    hear(page, answer(2, 3, acked=[sent(page)[0]["uid"]], heard=1))
    type_keys(page, "u")
    page.wait_for_function("window.sent.length > 1")
    assert shown(page) == 1
    refusal = {"uid": sent(page)[0]["uid"], "sentence": "這一篇已經到了同事手上。"}
    hear(page, answer(2, 3, refused=[refusal], heard=2))
    assert shown(page) == 2
    assert "同事" in page.inner_text("[data-part=notices]")
    type_keys(page, "1", "s", "Enter")
    assert (shown(page), pressed(page)) == (2, [])
    assert board_state(page) == "saved"
    assert shelf(page) == []


def test_trouble_with_the_database_leaves_the_text_and_its_labels_on_the_desk(page: Page) -> None:
    hear(page, answer(1, 2, 3))
    type_keys(page, "2")
    trouble = {"trouble": "磁碟滿了", "handed": False, "more": False, "empty": {"title": "暫時", "body": ""}}
    zeros = {"today": 0, "labelled": 0, "pool": 0, "daily_goal": 0}
    hear(page, answer(**trouble, progress=zeros))
    assert (shown(page), pressed(page)) == (1, ["k2"])
    assert "磁碟滿了" in page.inner_text("[data-part=notices]")
    assert "5 / 9" in page.inner_text("[data-part=pool]")
    type_keys(page, "Enter")  # work goes on with what is here
    assert shown(page) == 2
    hear(page, answer(**trouble, progress=zeros))
    assert shown(page) == 2
    type_keys(page, "1", "Enter", "1", "Enter")
    assert page.inner_text("[data-part=empty-title]") == "暫時"
    page.wait_for_function("window.sent.length && window.sent.at(-1).ops.length === 3")
    hear(page, answer(4, acked=[op["uid"] for op in sent(page)]))
    assert (shown(page), board_state(page)) == (4, "saved")
    assert page.inner_text("[data-part=notices]") == ""


def test_what_is_unsent_travels_from_project_to_project(page: Page) -> None:
    hear(page, answer(1, 2))
    type_keys(page, "1", "Enter")
    page.wait_for_function("window.sent.length")
    uid = sent(page)[0]["uid"]
    page.evaluate("window.sent.length = 0")
    hear(page, answer(11, 12, scope=f"{OWNER}.2", project=2, sid="t"))
    page.wait_for_function("window.sent.length")
    assert [(op["uid"], op["project"]) for op in sent(page)] == [(uid, 1)]
    assert shown(page) == 11
    hear(page, answer(11, 12, scope=f"{OWNER}.2", project=2, sid="t", acked=[uid]))
    assert (shelf(page), board_state(page)) == ([], "saved")


def test_a_damaged_entry_hides_no_other_and_another_persons_are_left_alone(page: Page) -> None:
    old_name = (f"tagtail.op.{OWNER}.3.uc", kept("uc", 23, 3)[1])  # as an earlier version named them
    damaged = [(f"tagtail.op.{OWNER}.{n}", value) for n, value in enumerate(("{broken", "null", "[1]", '{"uid": 5}'))]
    theirs = (f"tagtail.op.{OWNER}1.ux", kept("ux", 9, 1)[1])
    put(page, kept("ub", 22, 2), *damaged, theirs, old_name, kept("ua", 21, 1))
    hear(page, answer(1, 2))
    page.wait_for_function("window.sent.length")
    assert [op["uid"] for op in sent(page)] == ["ua", "ub", "uc"]
    hear(page, answer(1, 2, acked=["ua", "ub", "uc"]))
    assert shelf(page) == sorted([theirs[0], *(name for name, _ in damaged)])


def test_a_clock_that_was_set_back_does_not_put_an_undo_before_its_save(page: Page) -> None:
    ahead = 4_000_000_000_000
    put(page, kept("ua", 21, ahead))
    hear(page, answer(1, 2))
    type_keys(page, "1", "Enter", "u")
    page.wait_for_function("window.sent.length && window.sent.at(-1).ops.length === 3")
    hear(load(page), answer(1, 2))  # now the order comes from the shelf
    page.wait_for_function("window.sent.length")
    assert [op["kind"] for op in sent(page)] == ["save", "save", "undo"]
    assert [op["at"] for op in sent(page)] == [ahead, ahead + 1, ahead + 2]


def test_what_another_tab_left_behind_is_delivered_from_here(page: Page) -> None:
    hear(page, answer(1, 2))
    put(page, kept("ub", 22, 2, project=9))
    page.wait_for_timeout(1500)
    assert sent(page) == []  # the other tab may be at it still
    page.wait_for_function("window.sent.length && window.sent.at(-1).ops.length === 1", timeout=15_000)
    assert (sent(page)[0]["uid"], sent(page)[0]["project"]) == ("ub", 9)
    hear(page, answer(1, 2, acked=["ub"]))
    assert (shelf(page), board_state(page), shown(page)) == ([], "saved", 1)


def test_skipped_texts_are_taken_back_from_an_empty_desk_alone(page: Page) -> None:
    left = {"title": "剩下你略過的 1 篇", "body": "", "again": "取回略過的 1 篇"}
    hear(page, answer(1))
    type_keys(page, "r")
    assert sent(page) == []
    type_keys(page, "s")
    page.wait_for_function("window.sent.length")
    hear(page, answer(acked=[sent(page)[0]["uid"]], empty=left))
    assert page.is_visible("[data-part=again]")
    page.evaluate("window.sent.length = 0")
    type_keys(page, "r", "r")
    page.wait_for_function("window.sent.length")
    assert [(op["kind"], op["project"]) for op in sent(page)] == [("reopen", 1)]
    assert page.is_hidden("[data-part=again]")
    hear(page, answer(1, acked=[sent(page)[0]["uid"]]))
    assert shown(page) == 1
