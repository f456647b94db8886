"""A working day before a real server: two computers, old decisions, settings, and what a colleague did meanwhile."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.driving import Server, label_keys, open_board, pressed, shown, sign_in, wait_saved

pytestmark = pytest.mark.e2e


def decide(page: Page, *keys: str) -> int:
    """Presses the keys on the text at hand and waits for the server; → which text that was."""
    here = shown(page)
    for key in keys:
        page.keyboard.press(key)
    wait_saved(page)
    return here


def current(server: Server, document: int) -> dict[str, object]:
    """What the database has as the person's present decision on a text."""
    rows = server.rows(
        "SELECT c.decision, c.labels, a.supersedes IS NOT NULL AS changed FROM current_annotations c "
        "JOIN annotations a ON a.id = c.annotation_id WHERE c.document_id = ?",
        document,
    )  # fmt: skip
    assert len(rows) <= 1
    return {**rows[0], "labels": json.loads(rows[0]["labels"])} if rows else {}


def test_another_computer_undoes_what_this_one_decided(browser: Browser, server: Server) -> None:
    page = sign_in(browser, server, "amy")
    open_board(page, server)
    names = label_keys(page)
    first = decide(page, "1", "2", "Enter")
    second = decide(page, "s")
    page.context.close()
    other = sign_in(browser, server, "amy")
    open_board(other, server)
    other.keyboard.press("u")
    assert shown(other) == second
    other.keyboard.press("u")
    assert (shown(other), pressed(other)) == (first, names[:2])
    wait_saved(other)
    assert current(server, first) == {}
    decide(other, "1", "Enter")
    assert current(server, first)["labels"] == [names[1]]


def test_an_old_decision_is_changed_and_both_versions_are_kept(browser: Browser, server: Server) -> None:
    page = sign_in(browser, server, "amy")
    open_board(page, server)
    names = label_keys(page)
    texts = [decide(page, str(n), "Enter") for n in (3, 4)]
    here = shown(page)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert (shown(page), pressed(page)) == (texts[0], [names[2]])
    decide(page, "9", "Enter")
    assert shown(page) == texts[1]
    page.keyboard.press("Escape")
    assert shown(page) == here
    assert current(server, texts[0]) == {"decision": "labelled", "labels": [names[2], names[8]], "changed": 1}
    versions = server.rows("SELECT labels FROM annotations WHERE document_id = ? ORDER BY id", texts[0])
    assert [json.loads(each["labels"]) for each in versions][-2:] == [[names[2]], [names[2], names[8]]]
    page.reload()
    open_board(page, server)
    page.keyboard.press("ArrowLeft")  # by time: the one that was changed last
    page.keyboard.press("ArrowLeft")
    assert shown(page) in texts


def test_saved_and_stayed_is_saved_once_and_then_changed(browser: Browser, server: Server) -> None:
    page = sign_in(browser, server, "amy")
    open_board(page, server)
    names, here = label_keys(page), shown(page)
    page.keyboard.press("5")
    page.keyboard.press("Shift+Enter")
    wait_saved(page)
    assert (shown(page), current(server, here)["labels"]) == (here, [names[4]])
    page.keyboard.press("6")
    page.keyboard.press("Enter")
    wait_saved(page)
    assert shown(page) != here
    assert current(server, here)["labels"] == [names[4], names[5]]


def test_my_keys_and_looks_come_along_to_another_computer(browser: Browser, server: Server) -> None:
    page = sign_in(browser, server, "bob")
    open_board(page, server)
    page.keyboard.press(",")
    page.click("[data-action=skip]")
    page.keyboard.press("d")
    page.select_option("[data-setting=font_size]", "28")
    page.keyboard.press("Escape")
    kept = "SELECT preferences FROM users WHERE name = 'bob' AND preferences LIKE '%\"font_size\": 28%'"
    for _ in range(100):
        if server.rows(kept):
            break
        page.wait_for_timeout(100)
    page.context.close()
    other = sign_in(browser, server, "bob")
    open_board(other, server)
    assert (
        other.evaluate("""() => {
      const find = (root) => root.querySelector('[data-part=text]') ||
        [...root.querySelectorAll('*')].map((el) => el.shadowRoot && find(el.shadowRoot)).find(Boolean);
      return getComputedStyle(find(document)).fontSize;
    }""")
        == "28px"
    )
    here = shown(other)
    decide(other, "d")
    assert shown(other) != here
    assert current(server, here)["decision"] == "skipped"


def test_i_go_on_where_i_stopped_on_another_computer(browser: Browser, server: Server) -> None:
    page = sign_in(browser, server, "amy")
    open_board(page, server)
    names = label_keys(page)
    page.keyboard.press("7")
    page.keyboard.press("8")
    here = shown(page)
    place = f"SELECT 1 FROM users WHERE name = 'amy' AND preferences LIKE '%[{here}, [%{names[7]}%'"
    for _ in range(100):
        if server.rows(place):
            break
        page.wait_for_timeout(100)
    page.context.close()
    other = sign_in(browser, server, "amy")
    open_board(other, server)
    assert (shown(other), pressed(other)) == (here, [names[6], names[7]])
    decide(other, "Enter")
    assert current(server, here)["labels"] == [names[6], names[7]]
    assert not server.rows(place)


def test_a_colleagues_settled_text_vanishes_from_those_ahead(browser: Browser, server: Server) -> None:
    page = sign_in(browser, server, "amy")
    open_board(page, server)
    wait_saved(page)
    held = [
        each["document_id"]
        for each in server.rows(
            "SELECT l.document_id FROM leases l JOIN users u ON u.id = l.user_id "
            "WHERE u.name = 'amy' AND l.state = 'open' AND l.document_id != ? ORDER BY l.id",
            shown(page),
        )
    ]  # fmt: skip
    assert len(held) >= 3, "at least three more are at hand"
    gone = held[1]
    # amy's lease ran out, a colleague got the text and decided: its overlap is reached.
    server.run(f"UPDATE leases SET until = 1 WHERE document_id = {gone}")
    server.run(
        "INSERT INTO annotations (project_id, document_id, user_id, decision, labels, submission_id, created_at) "
        f"SELECT 1, {gone}, id, 'labelled', '[\"disease\"]', 'by-bob', 1 FROM users WHERE name = 'bob'"
    )
    server.run(
        "INSERT INTO current_annotations (document_id, user_id, project_id, annotation_id, decision, labels) "
        "SELECT document_id, user_id, 1, id, decision, labels FROM annotations WHERE submission_id = 'by-bob'"
    )
    server.run(f"UPDATE documents SET state = 'done' WHERE id = {gone}")
    seen = [decide(page, "1", "Enter") for _ in range(5)]
    assert gone not in seen
    assert held[0] in seen
    assert held[2] in seen
