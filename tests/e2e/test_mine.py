"""My work in a real browser: found, opened and changed by keys alone, at a telephone's width, in three languages."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.driving import TELEPHONE, Server, open_board, shown, sign_in, wait_saved

pytestmark = pytest.mark.e2e


def label_some(page: Page, server: Server, n: int) -> list[int]:
    """Labels n texts with the first label, as a person does; says which, in order."""
    open_board(page, server)
    done = []
    for _ in range(n):
        here = shown(page)
        page.keyboard.press("1")
        page.keyboard.press("Enter")
        page.wait_for_selector(f"[data-part=paper][data-document]:not([data-document='{here}'])")
        done.append(here)
    wait_saved(page)
    return done


def dialog_text(page: Page) -> str:
    return page.inner_text("[role=dialog]")


def press_until(page: Page, key: str, css: str, *, most: int = 60) -> None:
    """Moves the focus on until it is on what the selector names."""
    page.locator(css).first.wait_for()  # a widget is drawn a moment after what surrounds it
    for _ in range(most):
        if page.evaluate("css => !!document.activeElement && document.activeElement.matches(css)", css):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{key} never came to {css}")


def test_an_old_decision_is_found_and_changed_with_keys_alone(browser: Browser, server: Server) -> None:
    page = sign_in(browser, server, "amy")
    document = label_some(page, server, 3)[0]
    text = server.rows("SELECT text FROM documents WHERE id = ?", document)[0]["text"]
    page.goto(f"{server.url}/mine")
    page.wait_for_selector(".tt-excerpt")
    press_until(page, "Tab", "[data-testid=stMain] input[type=text]")
    page.keyboard.insert_text(text[:8])
    page.keyboard.press("Enter")
    page.wait_for_selector(".tt-excerpt mark")
    press_until(page, "Tab", f".st-key-mine_open_{document} button")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=dialog] .tt-text")
    assert page.url.endswith(f"?text={document}")
    assert text.split("\n")[0] in dialog_text(page)
    press_until(page, "Tab", "[role=dialog] [class*=st-key-mine_labels_] button")
    press_until(page, "ArrowRight", "[role=dialog] [class*=st-key-mine_labels_] button[aria-pressed=false]")
    page.keyboard.press("Space")
    save = page.locator("[role=dialog] [class*=st-key-mine_save_] button")
    expect(save).to_be_enabled()
    press_until(page, "Tab", "[role=dialog] [class*=st-key-mine_save_] button")
    page.keyboard.press("Enter")
    expect(page.locator("[role=dialog]")).to_contain_text("已存成新版本")
    found = [each for each in server.decisions("amy") if each["document_id"] == document]
    assert len(found) == 2
    assert found[1]["supersedes"] == found[0]["id"]
    assert found[1]["labels"] != found[0]["labels"]
    page.wait_for_selector("[data-test-script-state=notRunning]")  # or its redrawing swallows the key
    page.locator("[role=dialog]").press("Escape")
    page.wait_for_selector("[role=dialog]", state="detached")
    page.wait_for_url(lambda url: "text=" not in url)


@pytest.mark.parametrize(("lang", "title"), [("zh", "我的標註"), ("hans", "我的标注"), ("en", "My work")])
def test_on_a_telephone_nothing_is_cut_off(browser: Browser, server: Server, lang: str, title: str) -> None:
    server.run(f"UPDATE users SET lang = '{lang}' WHERE name = 'bob'")
    page = sign_in(browser, server, "bob", viewport=TELEPHONE, has_touch=True, is_mobile=True)
    if not server.decisions("bob"):
        label_some(page, server, 1)
    page.goto(f"{server.url}/mine")
    page.wait_for_selector(".tt-excerpt")
    assert page.inner_text("h1") == title
    wide = "document.querySelector('[data-testid=stMain]').scrollWidth"
    assert page.evaluate(wide) <= TELEPHONE["width"]
    page.locator("[class*=st-key-mine_open_] button:visible").first.tap()
    page.wait_for_selector("[role=dialog] .tt-text")
    box = page.locator("[role=dialog]").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= TELEPHONE["width"]
    page.locator("[role=dialog] button[aria-label=Close]").tap()
    page.wait_for_selector("[role=dialog]", state="detached")
    page.get_by_role("tab").nth(1).tap()
    page.wait_for_selector("[role=tabpanel] [data-testid=stAlert]")
    assert page.evaluate(wide) <= TELEPHONE["width"]


def test_what_a_reviewer_settles_while_it_lies_open_stays(browser: Browser, server: Server) -> None:
    page = sign_in(browser, server, "amy")
    mine = label_some(page, server, 3)
    pool = {each["id"] for each in server.rows("SELECT id FROM documents WHERE role = 'pool'")}
    document = next(each for each in mine if each in pool)
    before = len(server.decisions("amy"))
    page.goto(f"{server.url}/mine?text={document}")
    page.wait_for_selector("[role=dialog] .tt-text")
    page.locator("[role=dialog] [class*=st-key-mine_labels_] button").nth(1).click()
    save = page.locator("[role=dialog] [class*=st-key-mine_save_] button")
    expect(save).to_be_enabled()
    other = server.rows("SELECT key FROM labels ORDER BY position DESC LIMIT 1")[0]["key"]
    server.run(
        "INSERT INTO adjudications (document_id, project_id, labels, comment, user_id, at) "
        f"SELECT {document}, 1, '{json.dumps([other])}', '', id, 1 FROM users WHERE name = 'lina'"
    )
    save.click()
    expect(page.locator("[role=dialog]")).to_contain_text("定案")
    expect(page.locator("[role=dialog] [class*=st-key-mine_save_]")).to_have_count(0)
    assert len(server.decisions("amy")) == before
