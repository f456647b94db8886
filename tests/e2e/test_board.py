"""The label board under real keys: whatever happens, what was decided arrives, once, as it was decided."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from playwright.sync_api import Browser

from tests.e2e.driving import (
    TELEPHONE,
    WATCH,
    Server,
    board_state,
    label_keys,
    open_board,
    pressed,
    roll,
    shown,
    sign_in,
    wait_saved,
)

pytestmark = pytest.mark.e2e

IME_KEY = """([selector, options]) => {
  const find = (root) => root.querySelector(selector) ||
    [...root.querySelectorAll('*')].map((el) => el.shadowRoot && find(el.shadowRoot)).find(Boolean);
  const at = selector ? find(document) : document.body;
  at.dispatchEvent(new KeyboardEvent('keydown', {bubbles: true, composed: true, cancelable: true, ...options}));
}"""


def test_fast_typing_with_rollover_saves_every_text_with_its_own_labels(browser: Browser, server: Server) -> None:
    page = sign_in(browser, server, "amy")
    open_board(page, server)
    names = label_keys(page)
    rng = random.Random(7)
    wanted = [sorted(rng.sample(range(9), 2)) for _ in range(20)]
    keys = [key for pair in wanted for key in (f"Digit{pair[0] + 1}", f"Numpad{pair[1] + 1}", "Enter")]
    page.evaluate(WATCH)
    before = len(server.decisions("amy"))
    roll(page, keys, 0.08)
    wait_saved(page)
    saved = server.decisions("amy")[before:]
    assert [each["labels"] for each in saved] == [[names[a], names[b]] for a, b in wanted]
    assert [each["document_id"] for each in saved] == page.evaluate("window.seenTexts")[:20]
    assert len({each["document_id"] for each in saved}) == 20


def test_an_input_method_neither_loses_keys_nor_fires_them(browser: Browser, server: Server) -> None:
    page = sign_in(browser, server, "amy")
    open_board(page, server)
    names, here = label_keys(page), shown(page)
    # Outside of any field an input method hides the digit; the place on the keyboard still tells it.
    page.evaluate(IME_KEY, ["", {"key": "Process", "code": "Digit3", "keyCode": 229}])
    assert pressed(page) == [names[2]]
    # While somebody composes, nothing of it is ours; neither is a held key, nor a combination.
    page.evaluate(IME_KEY, ["", {"key": "1", "code": "Digit1", "keyCode": 49, "isComposing": True}])
    page.evaluate(IME_KEY, ["", {"key": "1", "code": "Digit1", "keyCode": 49, "repeat": True}])
    page.evaluate(IME_KEY, ["", {"key": "1", "code": "Digit1", "keyCode": 49, "ctrlKey": True}])
    page.evaluate(IME_KEY, ["", {"key": "Enter", "code": "Enter", "keyCode": 229, "isComposing": True}])
    assert pressed(page) == [names[2]]
    assert shown(page) == here
    # In the comment, digits and letters are text, and the Enter that ends a composition does not send.
    page.keyboard.press("f")
    page.keyboard.type("12su")
    session = page.context.new_cdp_session(page)
    session.send("Input.imeSetComposition", {"text": "標", "selectionStart": 1, "selectionEnd": 1})
    page.evaluate(IME_KEY, ["[data-part=comment]", {"key": "Enter", "code": "Enter", "keyCode": 229}])
    session.send("Input.insertText", {"text": "標"})
    assert page.input_value("[data-part=comment]") == "12su標"
    assert pressed(page) == [names[2]]
    assert shown(page) == here
    page.keyboard.press("Enter")
    wait_saved(page)
    last = server.decisions("amy")[-1]
    assert (last["document_id"], last["decision"], last["comment"]) == (here, "flagged", "12su標")


def test_escape_keeps_the_text_and_no_label_is_not_saved(browser: Browser, server: Server) -> None:
    page = sign_in(browser, server, "amy")
    open_board(page, server)
    here, before = shown(page), len(server.decisions("amy"))
    page.keyboard.press("f")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    hint = page.inner_text("[data-part=hint]")
    assert "F" in hint
    assert "S" in hint
    page.keyboard.press("?")
    page.keyboard.press("1")  # behind the help nothing fires
    page.keyboard.press("Escape")
    assert pressed(page) == []
    assert shown(page) == here
    page.wait_for_timeout(300)
    assert len(server.decisions("amy")) == before


def test_undo_walks_back_over_several_decisions(browser: Browser, server: Server) -> None:
    page = sign_in(browser, server, "amy")
    open_board(page, server)
    names, seen = label_keys(page), []
    for digit in "123":
        seen.append(shown(page))
        page.keyboard.press(digit)
        page.keyboard.press("Enter")
    here = shown(page)
    page.keyboard.press("9")
    page.keyboard.press("u")  # at once: the decision is still in the outbox
    assert (shown(page), pressed(page)) == (seen[2], [names[2]])
    page.keyboard.press("u")
    assert (shown(page), pressed(page)) == (seen[1], [names[1]])
    wait_saved(page)
    page.keyboard.press("2")
    page.keyboard.press("7")
    page.keyboard.press("Enter")
    assert (shown(page), pressed(page)) == (seen[2], [names[2]])
    page.keyboard.press("Enter")
    assert (shown(page), pressed(page)) == (here, [names[8]])  # what was begun there is still chosen
    wait_saved(page)
    current = {
        row["document_id"]: row["labels"]
        for row in server.rows("SELECT document_id, labels FROM current_annotations")
        if row["document_id"] in seen
    }
    assert current == {seen[0]: f'["{names[0]}"]', seen[1]: f'["{names[6]}"]', seen[2]: f'["{names[2]}"]'}


def test_a_killed_server_costs_nothing(browser: Browser, server: Server) -> None:
    page = sign_in(browser, server, "amy")
    open_board(page, server)
    before = len(server.decisions("amy"))
    seen = []  # not noted in the page, which may be loaded anew once the server is back
    for n in range(4):
        if n == 2:
            server.kill()
        seen.append(shown(page))
        roll(page, [str(n + 1), "Enter"], 0.08)
    seen.append(shown(page))
    page.wait_for_timeout(6000)  # by now Streamlit has put its own dialog up; the board works on regardless
    page.locator("[data-label]").nth(4).click()
    page.keyboard.press("Enter")
    assert not page.get_by_text("Connection error").is_visible()
    page.wait_for_selector("[data-part=state][data-state=offline]", timeout=15_000)
    kept = int(page.get_attribute("[data-part=state]", "data-pending") or 0)
    assert 3 <= kept <= 5
    server.start()
    wait_saved(page, 60)
    saved = server.decisions("amy")[before:]
    assert [each["document_id"] for each in saved] == seen
    assert len({each["submission_id"] for each in saved}) == 5
    open_board(page, server)  # and the work goes on


def test_a_long_outage_heals_by_itself(browser: Browser, server: Server) -> None:
    page = sign_in(browser, server, "amy")
    open_board(page, server)
    wait_saved(page)
    before, here = len(server.decisions("amy")), shown(page)
    server.kill()
    page.wait_for_timeout(9000)  # Streamlit has given up asking at once; a restarted server knows nothing of this page
    page.keyboard.press("6")
    page.keyboard.press("Enter")
    page.keyboard.press("7")
    there, names = shown(page), label_keys(page)
    server.start()
    saved = server.wait_decisions("amy", before + 1, 60)[before:]
    assert [each["document_id"] for each in saved] == [here]
    wait_saved(page, 30)
    open_board(page, server)
    assert (shown(page), pressed(page)) == (there, [names[6]])  # what was begun is still begun


def test_trouble_with_the_database_leaves_the_board_standing(browser: Browser, server: Server) -> None:
    page = sign_in(browser, server, "amy")
    open_board(page, server)
    wait_saved(page)
    before, here = len(server.decisions("amy")), shown(page)
    known = server.rows("PRAGMA user_version")[0]["user_version"]
    server.run("PRAGMA user_version = 99")  # as a newer version of the product would leave it
    try:
        page.keyboard.press("1")
        page.keyboard.press("Enter")
        page.keyboard.press("2")
        there, names = shown(page), label_keys(page)
        page.get_by_text("請更新程式").wait_for()
        page.get_by_role("button", name="登出（還有 1 筆未送出）").wait_for()
        page.wait_for_timeout(3000)
        assert (shown(page), pressed(page)) == (there, [names[1]])
        assert board_state(page) != "saved"
    finally:
        server.run(f"PRAGMA user_version = {known}")
    wait_saved(page, 40)
    assert [each["document_id"] for each in server.decisions("amy")[before:]] == [here]
    assert (shown(page), pressed(page)) == (there, [names[1]])
    page.get_by_role("button", name="登出", exact=True).wait_for()
    assert not page.get_by_text("請更新程式").is_visible()


def test_the_first_page_opens_by_its_name_too(browser: Browser, server: Server) -> None:
    page = sign_in(browser, server, "amy")
    page.goto(server.url + "/annotate")
    page.wait_for_selector("[data-part=paper]")
    page.wait_for_timeout(500)
    assert page.url.rstrip("/") == server.url
    assert not page.get_by_role("dialog").is_visible()


def test_a_closed_tab_delivers_on_the_next_visit(browser: Browser, server: Server) -> None:
    page = sign_in(browser, server, "amy")
    open_board(page, server)
    wait_saved(page)
    before, here = len(server.decisions("amy")), shown(page)
    server.kill()
    page.keyboard.press("4")
    page.keyboard.press("Enter")
    assert board_state(page) in ("saving", "offline", "slow")
    context = page.context
    page.close(run_before_unload=False)
    server.start()
    again = context.new_page()
    again.goto(server.url + "/")
    open_board(again, server)
    wait_saved(again)
    saved = server.decisions("amy")[before:]
    assert [each["document_id"] for each in saved] == [here]
    assert shown(again) != here


def test_two_people_never_get_the_same_text(browser: Browser, server: Server) -> None:
    pages = [sign_in(browser, server, name) for name in ("amy", "bob")]
    for page in pages:
        open_board(page, server)
        page.evaluate(WATCH)
    for n in range(10):
        for page in pages:
            page.keyboard.press(str(n % 9 + 1))
            page.keyboard.press("Enter")
    for page in pages:
        wait_saved(page)
    seen = [set(page.evaluate("window.seenTexts")) for page in pages]
    assert not seen[0] & seen[1]
    done = Counter(
        each["document_id"] for each in server.rows("SELECT document_id FROM current_annotations WHERE user_id > 1")
        if each["document_id"] in seen[0] | seen[1]
    )  # fmt: skip
    assert set(done.values()) == {1}


def test_two_tabs_of_one_person_lose_and_double_nothing(browser: Browser, server: Server) -> None:
    first = sign_in(browser, server, "bob")
    open_board(first, server)
    second = first.context.new_page()
    second.goto(server.url + "/")
    open_board(second, server)
    before = len(server.decisions("bob"))
    for n in range(4):
        for tab in (first, second):
            tab.bring_to_front()
            tab.keyboard.press(str(n + 1))
            tab.keyboard.press("Enter")
            wait_saved(tab)
    saved = server.decisions("bob")[before:]
    assert 4 <= len(saved) <= 8
    assert len({each["submission_id"] for each in saved}) == len(saved)
    assert len({each["document_id"] for each in saved}) == len(saved), "what one tab saved the other does not overwrite"


def test_the_board_works_by_touch(browser: Browser, server: Server) -> None:
    page = sign_in(browser, server, "bob", viewport=TELEPHONE, has_touch=True, is_mobile=True)
    open_board(page, server)
    here, names = shown(page), label_keys(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= TELEPHONE["width"]
    page.tap(f"[data-label={names[3]}]")
    assert pressed(page) == [names[3]]
    box = page.locator("[data-part=save]").bounding_box()
    assert box
    assert box["y"] + box["height"] <= TELEPHONE["height"]
    page.tap("[data-part=save]")
    wait_saved(page)
    last = server.decisions("bob")[-1]
    assert (last["document_id"], last["labels"]) == (here, [names[3]])
    page.tap("[data-part=undo]")
    assert (shown(page), pressed(page)) == (here, [names[3]])


def test_no_page_asks_another_host(browser: Browser, server: Server) -> None:
    page = sign_in(browser, server, "lina")
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(request.url.split("/")[2] if "//" in request.url else ""))
    for name in ("", "dashboard", "rounds"):
        page.goto(f"{server.url}/{name}")
        page.wait_for_selector("h1" if name else "[data-part=paper]")
        page.wait_for_timeout(1500)
    assert {host for host in hosts if host} <= {f"127.0.0.1:{server.port}"}


def test_a_closed_account_is_told_and_keeps_its_work(browser: Browser, server: Server) -> None:
    page = sign_in(browser, server, "bob")
    open_board(page, server)
    wait_saved(page)
    before = len(server.decisions("bob"))
    server.run("UPDATE users SET active = 0 WHERE name = 'bob'")
    try:
        page.keyboard.press("2")
        page.keyboard.press("Enter")
        page.wait_for_function("document.body.innerText.length > 0")
        page.wait_for_timeout(2500)
        assert board_state(page) != "saved"
        assert len(server.decisions("bob")) == before
        assert page.get_attribute("[data-part=save]", "disabled") is not None
    finally:
        server.run("UPDATE users SET active = 1 WHERE name = 'bob'")
    wait_saved(page, 30)
    assert len(server.decisions("bob")) == before + 1
