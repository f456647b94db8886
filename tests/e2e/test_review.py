"""A reviewer settles disagreements with keys alone, in a real browser."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from core.services import annotating, membership
from db import users
from db.connect import open_database
from tests.e2e.driving import TELEPHONE, Server, running, sign_in

pytestmark = pytest.mark.e2e

DIFFER = (("疾病", "心理"), ("飲食", "飲食 疾病"), ("運動", "飲食"))
COMMENT = "[data-part=comment]"


@pytest.fixture
def reviewed(tmp_path) -> Iterator[Server]:
    """Three texts on which amy and bob differ, one that amy flagged; rae reviews."""
    with running(tmp_path, worker=False, settings="overlap = 2\ngold_every = 1000") as server:
        server.invite(rae="reviewer")
        with contextlib.closing(open_database(server.database)) as db:
            amy, bob = (users.by_name(db, name)[0] for name in ("amy", "bob"))  # type: ignore[index]
            project = membership.projects_of(db, amy)[0]
            keys = project.label_set.keys
            now = time.time()
            texts = annotating.next_texts(db, project.id, amy.id, n=4, now=now)
            annotating.next_texts(db, project.id, bob.id, n=60, now=now)
            for n, text in enumerate(texts):
                for user, labels in ((amy, keys[:1]), (bob, keys[: n + 2] if n else keys[2:3])):
                    op = {
                        "uid": f"{user.id}-{text.id}", "kind": "save", "document": text.id, "labels": list(labels),
                        "decision": "flagged" if n == 3 else "labelled", "comment": "看不懂", "ms": 900,
                    }  # fmt: skip
                    if not (n == 3 and user is bob):
                        assert annotating.apply(db, project.id, user.id, [op], now=now).acked
        yield server


def open_review(browser: Browser, server: Server, name: str = "rae", **context: object) -> Page:
    page = sign_in(browser, server, name, **context)
    page.goto(f"{server.url}/review")
    page.wait_for_selector("[data-part=people] li")
    return page


def settled(server: Server, count: int) -> list[dict]:
    """What the database holds, as soon as it is so much."""
    until = time.monotonic() + 15
    while time.monotonic() < until:
        found = server.rows("SELECT document_id, labels, comment FROM adjudications ORDER BY at")
        if len(found) >= count:
            break
        time.sleep(0.1)
    return found


def on_desk(page: Page) -> str:
    return page.get_attribute("[data-part=text]", "data-shown") or ""


def test_three_disagreements_are_settled_by_keys_with_a_comment_and_names_on_demand(
    browser: Browser, reviewed: Server
) -> None:
    page = open_review(browser, reviewed)
    expect(page.locator("[data-part=place]")).to_have_text("第 1 / 3 篇")
    expect(page.locator(".who")).to_have_count(0)
    page.keyboard.press("n")
    expect(page.locator(".who")).to_have_count(2)
    first = on_desk(page)
    page.keyboard.press("Enter")
    expect(page.locator("[data-part=hint]")).to_contain_text("還沒有選標籤")
    page.keyboard.press("ArrowRight")
    assert on_desk(page) != first
    page.keyboard.press("ArrowLeft")
    assert on_desk(page) == first
    page.keyboard.press("a")
    page.keyboard.press("9")
    page.keyboard.press("/")
    page.keyboard.type("1a9m 兩者皆可")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    found = settled(reviewed, 1)
    assert [(str(each["document_id"]), each["comment"]) for each in found] == [(first, "1a9m 兩者皆可")]
    expect(page.locator("[data-part=place]")).to_have_text("第 1 / 2 篇")
    for _ in range(2):
        page.keyboard.press("b")
        page.keyboard.press("Enter")
    assert len(settled(reviewed, 3)) == 3
    expect(page.locator("[data-part=emptyTitle]")).to_have_text("沒有意見不同的文章")


def test_a_view_is_chosen_by_a_click_that_is_quicker_than_the_new_counts(browser: Browser, reviewed: Server) -> None:
    """The server has counted anew while the browser still shows what was: the click is not to be lost."""
    late: list[str | bytes] | None = None
    sides: list[WebSocketRoute] = []

    def relay(page_side: WebSocketRoute) -> None:
        sides.append(page_side)
        server_side = page_side.connect_to_server()
        server_side.on_message(lambda said: page_side.send(said) if late is None else late.append(said))
        page_side.on_message(server_side.send)

    page = open_review(browser, reviewed, first=lambda profile: profile.route_web_socket("**/*", relay))
    expect(page.get_by_role("radio", name="已定案 0")).to_be_visible()
    late = []
    page.keyboard.press("x")
    page.wait_for_timeout(2500)  # what is relayed goes on meanwhile; until that run of the page is over
    assert len(settled(reviewed, 1)) == 1
    assert page.get_by_role("radio", name="已定案 0").is_visible()
    page.get_by_role("radio", name="已定案").click()
    page.wait_for_timeout(500)
    said, late = late, None
    for each in said:
        sides[-1].send(each)
    expect(page.locator("[data-act=reopen]")).to_be_visible()
    expect(page.get_by_role("radio", name="已定案 1")).to_be_visible()
    expect(page.get_by_role("radio", name="意見不同 2")).to_be_visible()


def test_keys_of_an_input_method_settle_nothing(browser: Browser, reviewed: Server) -> None:
    page = open_review(browser, reviewed)
    page.keyboard.press("a")
    page.locator(COMMENT).focus()
    fire = "(el, init) => el.dispatchEvent(new KeyboardEvent('keydown', {bubbles: true, composed: true, ...init}))"
    composing = {"key": "Enter", "code": "Enter", "isComposing": True, "keyCode": 229}
    page.locator(COMMENT).evaluate(fire, composing)
    assert page.locator(COMMENT).evaluate("el => el.getRootNode().activeElement === el")
    page.keyboard.press("Escape")
    page.locator(".board").evaluate(fire, composing)
    time.sleep(0.5)
    assert settled(reviewed, 0) == []


def test_a_flag_is_put_back_a_settlement_reopened_and_a_lead_takes_texts_back(
    browser: Browser, reviewed: Server
) -> None:
    page = open_review(browser, reviewed, "lina", viewport=TELEPHONE)
    page.get_by_role("radio", name="回報 1").click()
    expect(page.locator(".flag")).to_have_text("回報")
    page.locator("[data-act=put_back]").click()
    expect(page.locator("[data-part=emptyTitle]")).to_have_text("沒有待討論的回報")
    expect(page.locator("[data-part=state]")).to_have_text("已儲存 ✓")
    assert reviewed.rows("SELECT 1 FROM current_annotations WHERE decision = 'flagged'") == []
    page.get_by_role("radio", name="意見不同 3").click()
    page.locator("[data-take='0']").click()
    page.locator("[data-act=settle]").click()
    assert len(settled(reviewed, 1)) == 1
    page.reload()
    page.get_by_role("radio", name="已定案 1").click()
    page.locator("[data-act=reopen]").click()
    expect(page.locator("[data-part=emptyTitle]")).to_have_text("還沒有定案的文章")
    expect(page.locator("[data-part=state]")).to_have_text("已儲存 ✓")
    assert settled(reviewed, 0) == []
    page.get_by_role("radio", name="意見不同").click()
    page.wait_for_selector("[data-part=people] li")
    page.keyboard.press("x")
    assert settled(reviewed, 1)[0]["labels"] == "[]"
    page.get_by_role("radio", name="已定案").click()  # at once, whatever count stands there
    expect(page.locator("[data-part=before]")).to_contain_text("不採計")
    expect(page.locator("[data-act=leave_out]")).to_be_hidden()
    page.get_by_role("radio", name="誰手上有什麼").click()
    page.get_by_role("button", name="收回").first.click()
    expect(page.get_by_text("已收回 bob 手上的")).to_be_visible()
    assert reviewed.rows("SELECT 1 FROM leases WHERE state = 'open'") == []
    page.get_by_role("radio", name="一致程度").click()
    expect(page.get_by_text("2 篇由兩個人以上標過")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
