"""The review page: who may open it, what it says, and what it makes of what a board sends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import NotAllowed, NotMember
from core.services import accounts, adjudicating, annotating
from db.connect import rows, value
from db.errors import NotFound
from pages.shared import review_desk
from pages.shared.components import review_board
from pages.shared.i18n import catalogue
from tests.conftest import make_project
from tests.flows.test_click import fill, save
from tests.pages.conftest import House

Said = Callable[[AppTest], str]
NOW = 1e9


@pytest.fixture
def differing(house: House, tmp_path: Path) -> House:
    """One text on which an annotator and a lead differ, one that the annotator flagged."""
    with house.open() as db:
        house.project_id = make_project(db, key="two", overlap=2)
        db.conn.execute("DELETE FROM members WHERE project_id != ?", (house.project_id,))
        fill(db, house.project_id, tmp_path, n=2)
        for role, labels in (("annotator", ["k0"]), ("lead", ["k0", "k1"])):
            user = house.people[role].id
            annotating.next_texts(db, house.project_id, user, n=2, now=NOW)
            ops = [save(f"{role}1", 1, *labels)]
            if role == "annotator":
                ops.append({**save("flag", 2, decision="flagged"), "comment": "不完整"})
            assert len(annotating.apply(db, house.project_id, user, ops, now=NOW).acked) == len(ops)
    return house


def board(page: AppTest) -> dict[str, Any]:
    """What the board was given."""
    assert not page.exception, [each.value for each in page.exception]
    found = [json.loads(each.proto.json) for each in page.get("bidi_component") if each.proto.json]
    return next(each for each in found if "cases" in each)


def test_an_annotator_is_refused_and_a_reviewer_sees_both_sides(differing: House, texts_of: Said) -> None:
    assert "審閱者" in texts_of(differing.page("review", "annotator").run())
    shown = board(differing.page("review", "reviewer").run())
    assert (shown["n"], shown["view"], shown["blind"]) == (1, "open", True)
    case = shown["cases"][0]
    assert {(each["who"], tuple(each["labels"])) for each in case["choices"]} == {
        ("annotator", ("k0",)),
        ("lead", ("k0", "k1")),
    }
    assert "差距 67%" in case["facts"]


def test_flags_agreement_and_desks_are_one_click_away_the_last_for_leads(differing: House, texts_of: Said) -> None:
    page = differing.page("review", "reviewer").run()
    assert "desks" not in str(page.segmented_control(key="review_view").options)
    assert len(page.segmented_control(key="review_view").options) == 5
    page.segmented_control(key="review_view").select("flagged").run()
    assert board(page)["cases"][0]["choices"][0]["comment"] == "不完整"
    page.segmented_control(key="review_view").select("agreement").run()
    assert "1 篇由兩個人以上標過" in texts_of(page)
    page = differing.page("review", "lead").run()
    page.segmented_control(key="review_view").select("desks").run()
    assert "1 篇" in texts_of(page)
    page.button(key=f"give_back_{differing.people['lead'].id}").click().run()
    said = texts_of(page)
    assert "已收回 lead 手上的 1 篇" in said
    assert "現在沒有人手上有文章" in said


def deliver(house: House, role: str, *ops: object, done: set[str] | None = None) -> dict[str, Any]:
    user = house.people[role]
    return review_desk.deliver(user, list(ops), set() if done is None else done, NOW)


def settle(house: House, uid: str, document: int, *labels: str, **more: object) -> dict[str, Any]:
    op = {"uid": uid, "kind": "settle", "document": document, "labels": list(labels), "project": house.project_id}
    return {**op, "comment": "", "seen": None, **more}


def test_ops_are_carried_out_once_and_each_for_itself(differing: House) -> None:
    done: set[str] = set()
    good = settle(differing, "u1", 1, "k1", comment="同意\ud83d")
    bad = settle(differing, "u2", 2)
    reopen = {**settle(differing, "u3", 1), "kind": "reopen"}
    answer = deliver(differing, "reviewer", good, bad, good, "junk", done=done)
    assert (answer["acked"], [each["uid"] for each in answer["refused"]]) == (["u1", "u1"], ["u2"])
    assert deliver(differing, "reviewer", good, reopen, done=done)["acked"] == ["u1", "u3"]
    assert deliver(differing, "reviewer", good, reopen, done=done)["acked"] == ["u1", "u3"], "sent again after all"
    with differing.open() as db:
        assert rows(db, "SELECT document_id FROM adjudications") == []
        assert value(db, "SELECT count(*) FROM events WHERE kind LIKE 'adjudicat%'") == 2


@pytest.mark.parametrize(
    "change", [{"kind": "drop"}, {"document": "1"}, {"labels": "k1"}, {"project": 999}, {"document": 999}]
)
def test_what_no_board_of_ours_sends_is_refused(differing: House, change: dict[str, Any]) -> None:
    answer = deliver(differing, "reviewer", {**settle(differing, "u1", 1, "k1"), **change})
    assert [each["uid"] for each in answer["refused"]] == ["u1"]
    with differing.open() as db:
        assert rows(db, "SELECT document_id FROM adjudications") == []


def test_whoever_may_not_review_any_more_keeps_their_ops_and_hears_why(differing: House) -> None:
    answer = deliver(differing, "annotator", settle(differing, "u1", 1, "k1"))
    assert (answer["acked"], answer["refused"]) == ([], [])
    assert "權限" in answer["trouble"]


def test_all_words_of_the_board_exist_and_all_views_say_when_they_are_empty() -> None:
    known = catalogue()
    wanted = [
        *review_desk.WORDS,
        *(f"empty_{view}_{part}" for view in ("open", "flagged", "settled") for part in ("title", "body")),
    ]
    assert [word for word in wanted if f"review.{word}" not in known] == []
    assert [word for word in review_desk.STATES if f"annotate.{word}" not in known] == []


def test_a_server_that_was_restarted_carries_nothing_out_twice(differing: House) -> None:
    good = settle(differing, "u1", 1, "k1")
    put_back = {**settle(differing, "u2", 2), "kind": "put_back"}
    for _ in range(2):  # a new session knows of none before
        answer = deliver(differing, "reviewer", good, put_back)
        assert (answer["acked"], answer["refused"]) == (["u1", "u2"], [])
    reopen = {**settle(differing, "u3", 1), "kind": "reopen"}
    for _ in range(2):
        assert deliver(differing, "reviewer", reopen)["acked"] == ["u3"]
    with differing.open() as db:
        kinds = [
            each["kind"] for each in rows(db, "SELECT kind FROM events WHERE kind LIKE 'adjud%' OR kind = 'put_back'")
        ]
    assert kinds == ["adjudicated", "put_back", "adjudication_reopened"]


def test_a_text_can_be_left_out_and_says_so_afterwards(differing: House) -> None:
    leave_out = {**settle(differing, "u1", 1, comment="廣告"), "kind": "leave_out"}
    assert deliver(differing, "reviewer", leave_out)["acked"] == ["u1"]
    page = differing.page("review", "reviewer").run()
    page.segmented_control(key="review_view").select("settled").run()
    settled = board(page)["cases"][0]["settled"]
    assert (settled["left_out"], settled["labels"], settled["comment"]) == (True, [], "廣告")
    again = settle(differing, "u2", 1, "k1", seen=settled["at"])
    assert deliver(differing, "reviewer", again)["acked"] == ["u2"], "a label after all"
    with differing.open() as db:
        assert rows(db, "SELECT left_out FROM adjudications") == [{"left_out": 0}]


def test_the_review_boards_code_travels_once_too(differing: House) -> None:
    page = differing.page("review", "reviewer").run()
    shown = board(page)
    assert shown["assets"] == review_board.ASSETS
    proto = next(each.proto for each in page.get("bidi_component") if "cases" in each.proto.json)
    assert len(proto.html_content + proto.css_content + proto.js_content) < 2500, "Streamlit sends it with every run"


def at_text(house: House, role: str, wanted: str, lang: str = "zh") -> AppTest:
    with house.open() as db:
        accounts.set_lang(db, house.people[role].id, lang, now=1.0)
    page = house.page("review", role)
    page.query_params["text"] = wanted
    return page.run()


@pytest.mark.parametrize(("wanted", "view"), [("1", "open"), ("2", "flagged")])
def test_a_text_is_opened_by_its_address(differing: House, wanted: str, view: str) -> None:
    page = at_text(differing, "reviewer", wanted)
    shown = board(page)
    assert [each["id"] for each in shown["cases"]] == [int(wanted)]
    assert (shown["n"], shown["view"]) == (1, view)
    assert not page.segmented_control
    page.button(key="review_all").click().run()
    assert page.segmented_control(key="review_view").value == "open"
    assert "text" not in page.query_params
    assert board(page)["scope"] != shown["scope"]


def test_a_text_that_was_settled_meanwhile_stays_open_and_can_be_reopened(differing: House) -> None:
    page = at_text(differing, "reviewer", "1")
    assert deliver(differing, "reviewer", settle(differing, "u1", 1, "k1"))["acked"] == ["u1"]
    shown = board(page.run())
    assert (shown["view"], shown["cases"][0]["settled"]["labels"]) == ("settled", ["k1"])


def test_nobody_opens_a_text_by_its_address_who_may_not(differing: House, texts_of: Said, tmp_path: Path) -> None:
    assert "審閱者" in texts_of(at_text(differing, "annotator", "1"))
    with differing.open() as db:
        other = make_project(db, key="other", overlap=2)
        fill(db, other, tmp_path, n=1)
        theirs = value(db, "SELECT id FROM documents WHERE project_id = :p", p=other)
        user = differing.people["reviewer"].id
        db.conn.execute("DELETE FROM members WHERE project_id = ? AND user_id = ?", (other, user))
        with pytest.raises(NotFound):
            adjudicating.case(db, differing.project_id, theirs, by=user)
        with pytest.raises(NotMember):
            adjudicating.case(db, other, theirs, by=user)
        with pytest.raises(NotAllowed):
            adjudicating.case(db, differing.project_id, 1, by=differing.people["annotator"].id)
    page = at_text(differing, "reviewer", str(theirs))
    assert "找不到" in texts_of(page)
    assert not [each for each in page.get("bidi_component") if "cases" in each.proto.json]


@pytest.mark.parametrize(
    ("wanted", "zh", "en"),
    [
        ("999", "找不到：text 999", "Not found: text 999"),
        ("abc", "不是數字", "is no number"),
        ("9" * 30, "不是數字", "is no number"),
        ("3", "還沒有人標過", "Nobody has labelled this text yet"),
    ],
)
def test_an_address_without_a_text_to_review_says_so(
    differing: House, texts_of: Said, tmp_path: Path, wanted: str, zh: str, en: str
) -> None:
    with differing.open() as db:
        fill(db, differing.project_id, tmp_path, n=3)
        assert value(db, "SELECT count(*) FROM documents WHERE id = 3") == 1
    for lang, told in (("zh", zh), ("en", en)):
        assert told in texts_of(at_text(differing, "reviewer", wanted, lang)).replace("\\", "")
