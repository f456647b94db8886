"""The annotate page on the server's side: what the board is given, and what becomes of its outbox."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import Archived, NotAllowed, NotMember
from core.labels import Label
from core.messages import sentence
from core.services import accounts, annotating, curating, labelling, preferences, suggesting
from core.services.accounts import User
from core.services.annotating import MyProgress
from core.services.projects import Project
from db.connect import execute, writing
from db.errors import DatabaseBusy, DiskFull, NewerDatabase, StorageError
from pages import annotate
from pages.shared import desk_data, i18n, reasons, session
from pages.shared.components import label_board, review_board
from pages.shared.components.label_board.blocks import blocks
from tests.conftest import make_project
from tests.pages.conftest import House
from tests.pages.filling import fill

Said = Callable[[AppTest], str]
HERE = Path(label_board.__file__).parent.parent


def data_of(page: AppTest) -> dict[str, Any]:
    """What the board was given."""
    assert not page.exception, [each.value for each in page.exception]
    proto = page.get("bidi_component")[0].proto
    return json.loads(proto.mixed.json if proto.WhichOneof("data") == "mixed" else proto.json)


def save(uid: str, document: int, labels: list[str], **other: Any) -> dict[str, Any]:
    return {"uid": uid, "kind": "save", "document": document, "decision": "labelled", "labels": labels, **other}


def test_the_board_gets_this_text_and_at_least_three_more(house: House, tmp_path: Path) -> None:
    fill(house, tmp_path)
    data = data_of(house.page("annotate", "annotator").run())
    assert data["state"] == "open"
    assert len(data["docs"]) >= 4
    still = data["still"]["values"]
    assert [label["digit"] for label in still["labels"]] == ["1", "2", "3"]
    assert set(still["words"]) == set(desk_data.WORDS)
    assert data["progress"] == {"today": 0, "labelled": 32, "pool": 38, "daily_goal": 100}


def test_each_session_has_its_own_id_and_keeps_it(house: House, tmp_path: Path) -> None:
    fill(house, tmp_path)
    first, second = house.page("annotate", "annotator").run(), house.page("annotate", "annotator").run()
    assert data_of(first)["sid"] != data_of(second)["sid"]
    assert data_of(first)["sid"] == data_of(first.run())["sid"]


@pytest.fixture
def mine(house: House, tmp_path: Path) -> list[int]:
    fill(house, tmp_path)
    with house.open() as db:
        texts = annotating.next_texts(db, house.project_id, house.people["annotator"].id, n=3, now=1e9)
    return [text.id for text in texts]


def test_an_outbox_is_carried_out_and_answered(house: House, mine: list[int]) -> None:
    user = house.people["annotator"]
    ops = [save("a", mine[0], ["k0"]), save("b", mine[1], ["nonsense"]), save("c", mine[2], ["k1", "k0"])]
    answer = annotate.deliver(user, house.project_id, ops, 1e9)
    assert answer["acked"] == ["a", "c"]
    assert [each["uid"] for each in answer["refused"]] == ["b"]
    assert "nonsense" in answer["refused"][0]["sentence"]
    again = annotate.deliver(user, house.project_id, ops, 1e9)
    assert again["acked"] == ["a", "c"]
    with house.open() as db:
        assert annotating.progress(db, house.project_id, user.id, now=1e9).total == 2


def test_a_closed_account_saves_nothing_and_loses_nothing(house: House, mine: list[int]) -> None:
    user = house.people["annotator"]
    assert annotate.deliver(None, house.project_id, [save("a", mine[0], ["k0"])], 1e9)["acked"] == []
    with house.open() as db:
        accounts.set_active(db, user.id, False, by=house.people["admin"].id, now=1e9)
    answer = annotate.deliver(user, house.project_id, [save("a", mine[0], ["k0"])], 1e9)
    assert answer == {"acked": [], "refused": [], "trouble": ""}


def test_a_broken_op_is_refused_and_stops_nothing(house: House, mine: list[int]) -> None:
    user = house.people["annotator"]
    ops: list[Any] = ["nonsense", None, {"uid": "x"}, save("a", mine[0], ["k0"])]
    answer = annotate.deliver(user, house.project_id, ops, 1e9)
    assert answer["acked"] == ["a"]
    assert [each["uid"] for each in answer["refused"]] == ["x"]


@pytest.mark.parametrize("project", [True, "1", 0, -1, 2**63, 1.5, None, [1]])
def test_a_project_that_is_none_is_refused_and_its_neighbours_are_saved(
    house: House, mine: list[int], project: object
) -> None:
    user = house.people["annotator"]
    ops = [save("z", mine[0], ["k0"], project=project), save("a", mine[1], ["k0"], project=house.project_id)]
    answer = annotate.deliver(user, house.project_id, ops, 1e9)
    assert answer["acked"] == ["a"]
    assert [each["uid"] for each in answer["refused"]] == ["z"]
    assert "沒有存下" in answer["refused"][0]["sentence"]
    assert answer["trouble"] == ""


def test_ops_of_another_project_are_delivered_from_here(house: House, mine: list[int]) -> None:
    with house.open() as db:
        here = make_project(db, key="here")
    user = house.people["annotator"]
    answer = annotate.deliver(user, here, [save("a", mine[0], ["k0"], project=house.project_id)], 1e9)
    assert answer["acked"] == ["a"]
    with house.open() as db:
        assert annotating.progress(db, house.project_id, user.id, now=1e9).total == 1


def test_an_undo_of_what_a_colleague_has_by_now_says_so(house: House, mine: list[int]) -> None:
    user, colleague = house.people["annotator"], house.people["lead"]
    skip = {**save("a", mine[0], []), "decision": "skipped"}
    annotate.deliver(user, house.project_id, [skip], 1e9)
    with house.open() as db:
        annotating.next_texts(db, house.project_id, colleague.id, n=9, now=1e9)
    undo = {"uid": "u", "kind": "undo", "document": mine[0], "target": "a"}
    answer = annotate.deliver(user, house.project_id, [undo], 1e9)
    assert "同事" in answer["refused"][0]["sentence"]


@pytest.mark.parametrize("error", [DiskFull(why="x"), DatabaseBusy(), NewerDatabase(have=9, need=1)])
def test_trouble_with_the_database_leaves_the_board_standing(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: StorageError
) -> None:
    fill(house, tmp_path)
    page = house.page("annotate", "annotator")
    real, calls = session.current_user, [0]

    def failing() -> User | None:
        calls[0] += 1
        if calls[0] > 1:  # the page itself has opened; the board's own question comes to grief
            raise error
        return real()

    monkeypatch.setattr(session, "current_user", failing)
    data = data_of(page.run())
    assert (data["state"], data["docs"], data["handed"]) == ("open", [], False)
    assert data["trouble"] == sentence(error, "zh")
    assert "暫時" in data["empty"]["title"]


def test_trouble_while_texts_are_handed_out_is_no_empty_project(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(house, tmp_path)

    def failing(*_: object, **__: object) -> None:
        raise DatabaseBusy()

    monkeypatch.setattr(annotating, "next_texts", failing)
    data = data_of(house.page("annotate", "annotator").run())
    assert (data["state"], data["handed"]) == ("open", False)
    assert "忙" in data["trouble"]
    assert "還沒有文章" not in data["empty"]["title"]


def test_a_closed_account_is_told_by_the_board(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(house, tmp_path)
    monkeypatch.setattr(annotating, "next_texts", _refusing)
    data = data_of(house.page("annotate", "annotator").run())
    assert (data["state"], data["handed"], data["trouble"]) == ("closed", True, "")


def test_somebody_who_was_removed_is_told_that_and_not_of_a_closed_account(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise NotMember(need="member")

    fill(house, tmp_path)
    monkeypatch.setattr(annotating, "next_texts", gone)
    data = data_of(house.page("annotate", "annotator").run())
    assert (data["state"], data["docs"]) == ("removed", [])
    assert "專案" in data["still"]["values"]["removed"]["title"]
    assert data["archived"] is False


def test_the_board_hears_which_label_stands_for_a_merged_one_and_that_a_project_was_archived(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(house, tmp_path)
    lead = house.people["lead"].id
    with house.open() as db:
        first, second = (label.key for label in curating.project(db, house.project_id).label_set.labels[:2])
        labelling.merge(db, house.project_id, second, first, by=lead, now=session.now())
    assert data_of(house.page("annotate", "annotator").run())["merged"] == {second: first}

    def gone(*_: object, **__: object) -> None:
        raise Archived(need="member")

    monkeypatch.setattr(annotating, "next_texts", gone)
    data = data_of(house.page("annotate", "annotator").run())
    assert (data["state"], data["archived"]) == ("removed", True)


def _refusing(*_: object, **__: object) -> None:
    raise NotAllowed(need="annotator")


def test_an_unknown_project_is_told_and_keeps_the_rest(house: House, mine: list[int]) -> None:
    user = house.people["annotator"]
    answer = annotate.deliver(user, house.project_id, [save("z", mine[0], ["k0"], project=999)], 1e9)
    assert answer["acked"] == []
    assert answer["refused"] or answer["trouble"]


def test_an_empty_desk_says_what_to_do(house: House, texts_of: Said) -> None:
    assert "匯入" in data_of(house.page("annotate", "lead").run())["empty"]["body"]
    none = MyProgress(today=0, total=0, labelled=5, pool=5, waiting=0, daily_goal=0)
    assert "訓練輪次" in desk_data.empty_words(none, "lead")["body"]
    assert "主持人" in desk_data.empty_words(none, "annotator")["body"]
    held = MyProgress(today=0, total=0, labelled=5, pool=9, waiting=4, daily_goal=0)
    assert "4" in desk_data.empty_words(held, "annotator")["body"]
    assert "again" not in desk_data.empty_words(held, "annotator")


def test_an_empty_desk_owns_up_to_my_own_skips(house: House, tmp_path: Path) -> None:
    fill(house, tmp_path, open_texts=3)
    user = house.people["annotator"]
    with house.open() as db:
        texts = annotating.next_texts(db, house.project_id, user.id, n=9, now=1e9)
    skips = [{**save(f"s{text.id}", text.id, []), "decision": "skipped"} for text in texts]
    annotate.deliver(user, house.project_id, skips, 1e9)
    data = data_of(house.page("annotate", "annotator").run())
    assert data["docs"] == []
    assert data["empty"]["title"] == "剩下你略過的 3 篇"
    assert "其他人" not in data["empty"]["body"]
    assert data["empty"]["again"] == "取回略過的 3 篇"
    answer = annotate.deliver(user, house.project_id, [{"uid": "r", "kind": "reopen", "document": 0}], 1e9)
    assert answer["acked"] == ["r"]
    assert len(data_of(house.page("annotate", "annotator").run())["docs"]) == 3
    some = MyProgress(today=0, total=0, labelled=5, pool=9, waiting=4, daily_goal=0, skipped=1)
    assert "3 篇要等其他人" in desk_data.empty_words(some, "annotator")["body"]


def test_reasons_are_sentences() -> None:
    names = {"k2": "保健食品"}
    reason = {"label": "k2", "probability": 0.48, "threshold": 0.41, "source": "student"}
    words = reasons.words("annotate", reason, names)
    assert "保健食品" in words
    assert "0.48" in words
    assert "0.41" in words
    assert "平均" in reasons.words("annotate", {**reason, "source": "blend"}, names)
    assert "0.48" in reasons.words("dashboard", {**reason, "source": "blend"}, names)
    for source in ("student", "linear", "blend"):
        assert "隨機" in reasons.words("annotate", {**reason, "source": source, "random": True}, names)
    assert "隨機" in reasons.words("dashboard", {"source": "random"}, names)
    assert "取回" in reasons.words("annotate", {"source": "returned"}, names)
    assert reasons.words("annotate", None, names) == ""


def test_labels_beyond_nine_have_no_digit_and_speak_the_language() -> None:
    labels = tuple(Label(key=f"k{n}", zh=f"中{n}", en=f"e{n}", definition="定", definition_en="def") for n in range(11))
    made = desk_data.board_labels(labels, "en")
    assert [label["digit"] for label in made] == [*"123456789", "", ""]
    assert (made[0]["name"], made[0]["other"], made[0]["definition"]) == ("e0", "中0", "def")
    assert desk_data.board_labels(labels, "zh")[0]["definition"] == "定"


def test_the_board_never_writes_data_as_html_and_asks_nobody_outside() -> None:
    for path in [path for folder in ("common", "label_board", "review_board") for path in (HERE / folder).iterdir()]:
        if path.suffix in (".js", ".html", ".css"):
            text = path.read_text("utf-8")
            assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text), path.name
            assert "DOMParser" not in text or path.name == "loader.js", "of the board's own file alone"
            assert not re.search(r"https?://|@import|url\(", text), path.name
            assert len(text.splitlines()) <= 400, path.name


def test_every_word_that_the_board_asks_for_is_given() -> None:
    scripts = "\n".join(path.read_text("utf-8") for path in label_board.BOARD.files)
    asked = set(re.findall(r"(?:data\.words|\bw)\.(\w+)", scripts))
    assert asked <= set(desk_data.WORDS)
    for name in desk_data.WORDS:
        assert {"zh", "en"} <= set(i18n.catalogue()[f"annotate.{name}"])
    assert desk_data.board_words()["key_save"] == "儲存，看下一篇"


def test_the_component_is_one_with_a_fixed_key() -> None:
    assert label_board.SCRIPTS[-1] == "board.js"
    for board in (label_board.BOARD, review_board.BOARD):
        assert [path.name for path in board.files if "export default" in path.read_text("utf-8")] == ["board.js"]


def test_what_the_board_has_already_is_not_sent_again(house: House, tmp_path: Path) -> None:
    fill(house, tmp_path)
    page = house.page("annotate", "annotator").run()
    still = data_of(page)["still"]
    labels = _projects(house)[0].label_set.on_board
    mark = still["id"]
    assert data_of(page)["mark"] == mark
    assert desk_data.still(labels, "", {}, "zh", known=mark) == (mark, None), "the board is told which one it is"
    for guideline, notes in (("新的準則", {}), ("", {"k0": "註記"})):
        other, sent = desk_data.still(labels, guideline, notes, "zh", known=mark)
        assert sent is not None
        assert other == sent["id"] != mark


def test_the_boards_code_travels_once(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(house, tmp_path)
    page = house.page("annotate", "annotator").run()
    proto = page.get("bidi_component")[0].proto
    assert data_of(page)["assets"] == label_board.ASSETS
    own = proto.html_content + proto.css_content + proto.js_content
    assert len(own) < 2500, "Streamlit sends it with every run"
    monkeypatch.setattr(annotate.st, "session_state", {"board_sid": "s"})
    assert annotate.known_of({"sid": "s", "still": "mark"})
    assert not annotate.known_of({"sid": "before", "still": "mark"}), "a new session may be a new version"


def _projects(house: House) -> list[Project]:
    with house.open() as db:
        return curating.list_projects(db)


def test_the_first_answer_brings_my_past_and_later_ones_only_when_asked(house: House, mine: list[int]) -> None:
    annotate.deliver(house.people["annotator"], house.project_id, [save("a", mine[0], ["k1"])], 1e9)
    page = house.page("annotate", "annotator").run()
    past = data_of(page)["past"]
    assert [(one["document"], one["labels"], one["uid"]) for one in past["items"]] == [(mine[0], ["k1"], "a")]
    assert (past["before"], past["more"]) == (None, False)


@pytest.mark.parametrize("before", [None, True, "3", -1, 2**63, 1.5, [1]])
def test_a_page_before_nothing_sensible_is_the_first(before: object) -> None:
    assert annotate.before_of({"before": before}) is None
    assert annotate.before_of(before) is None


def test_a_desk_is_kept_or_refused_with_a_sentence(house: House) -> None:
    user = house.people["annotator"]
    said = annotate.keep_desk(user, {"desk": {"id": "d1", "values": {"keys": {"skip": "D"}}}}, 1e9)
    assert said == {"desk_heard": "d1", "desk_refused": "", "place_heard": ""}
    said = annotate.keep_desk(user, {"desk": {"id": "d2", "values": {"keys": {"skip": "F"}}}}, 1e9)
    assert said["desk_heard"] == "d2"
    assert "F" in said["desk_refused"]
    with house.open() as db:
        assert dict(preferences.desk(db, user.id).keys) == {"skip": "D"}
    for nonsense in ({}, {"desk": 3}, {"place": [1]}, {"place": {"id": "p", "project": "x"}}):
        annotate.keep_desk(user, nonsense, 1e9)
    assert annotate.keep_desk(None, {"desk": {"id": "d3", "values": {}}}, 1e9)["desk_heard"] == ""


def test_where_somebody_stopped_comes_first_until_they_decide(house: House, mine: list[int]) -> None:
    user = house.people["annotator"]
    place = {"id": "p", "project": house.project_id, "document": mine[2], "labels": ["k1"]}
    assert annotate.keep_desk(user, {"place": place}, 1e9)["place_heard"] == "p"
    docs = data_of(house.page("annotate", "annotator").run())["docs"]
    assert (docs[0]["id"], docs[0]["chosen"]) == (mine[2], ["k1"])
    annotate.deliver(user, house.project_id, [save("a", mine[2], ["k0"])], 1e9)
    with house.open() as db:
        assert preferences.resume(db, user.id, house.project_id) is None


def test_quick_hands_get_more_texts_ahead(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    project = _projects(house)[0]
    monkeypatch.setattr(annotate.st, "session_state", {})
    usual = annotate.ahead(project, {})
    assert usual >= 4
    assert annotate.ahead(project, {"ops": [{}] * 6}) == usual + 12
    assert annotate.ahead(project, {"ops": []}) == usual + 10, "slow to forget"
    assert annotate.ahead(project, {"ops": [{}] * 500}) == annotate.MAX_AHEAD


def test_a_text_that_is_done_is_not_handed_out_again(house: House, mine: list[int]) -> None:
    with house.open() as db, writing(db):
        execute(db, "UPDATE leases SET until = 1 WHERE document_id = :d", d=mine[1])
        execute(db, "UPDATE documents SET state = 'done' WHERE id = :d", d=mine[1])
    docs = data_of(house.page("annotate", "annotator").run())["docs"]
    assert mine[1] not in [doc["id"] for doc in docs]
    assert {mine[0], mine[2]} <= {doc["id"] for doc in docs}


def test_labels_without_a_digit_have_a_number_and_a_leads_digit_is_kept() -> None:
    labels = [Label(key=f"k{n}", zh=f"中{n}", hotkey="1" if n == 11 else "") for n in range(1, 13)]
    made = {label["key"]: label for label in desk_data.board_labels(labels, "zh", {"k2": "看清楚"})}
    assert (made["k11"]["digit"], made["k1"]["digit"], made["k8"]["digit"]) == ("1", "2", "9")
    assert (made["k9"]["digit"], made["k9"]["number"], made["k12"]["number"]) == ("", "09", "12")
    assert made["k2"]["note"] == "看清楚"
    hundreds = desk_data.board_labels([Label(key=f"k{n}", zh="中") for n in range(120)], "zh")
    assert (hundreds[9]["number"], hundreds[119]["number"]) == ("010", "120")


def test_a_written_guideline_is_blocks_of_plain_text() -> None:
    made = blocks(
        "# 準則\n\n第一行\n第二行 **要緊** <b>\n\n- 一\n2. 二\n\n---\n> 引用 [連結](http://x)\n| 甲 | 乙 |\n|---|---|\n"
    )
    assert [(one["kind"], "".join(text for text, _ in one["runs"])) for one in made] == [
        ("heading", "準則"), ("text", "第一行第二行 要緊 <b>"), ("item", "一"), ("item", "二"), ("text", "引用 連結"),
        ("row", "甲　乙"),
    ]  # fmt: skip
    assert ["要緊", True] in made[1]["runs"]


def test_suggestions_are_held_against_the_current_students_cuts(house: House) -> None:
    project = _projects(house)[0]
    wanted = replace(project, settings=replace(project.settings, suggestions=True))
    with house.open() as db:
        assert suggesting.thresholds(db, wanted) == {}
        with writing(db):
            execute(
                db, "INSERT INTO jobs (id, project_id, kind, dedupe_key, created_at) VALUES (1, :p, 'round', 'x', 1)",
                p=project.id,
            )  # fmt: skip
            execute(
                db,
                "INSERT INTO rounds (id, project_id, number, job_id, state, snapshot_annotation, config, code_version, "
                "started_at) VALUES (1, :p, 1, 1, 'published', 0, '{}', 'x', 1)",
                p=project.id,
            )  # fmt: skip
            execute(
                db,
                "INSERT INTO models (project_id, round_id, kind, path, sha256, fingerprint, thresholds, current, "
                "created_at) VALUES (:p, 1, 'student', '', '', :f, '{\"k0\": 0.41259}', 1, 1)",
                p=project.id, f=project.label_set.fingerprint,
            )  # fmt: skip
        assert suggesting.thresholds(db, wanted) == {"k0": 0.413}
        assert suggesting.thresholds(db, project) == {}, "only where the project shows them"
