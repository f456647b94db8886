"""Labels to read again: who sees them, what the page says of one, and what its buttons do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.services import adjudicating, settling
from db.connect import rows
from pages.shared import doubts_view
from pages.shared.i18n import catalogue
from tests.core.services.test_doubting import listed
from tests.pages.conftest import House
from tests.pages.filling import fill

Said = Callable[[AppTest], str]


@pytest.fixture
def doubted(house: House, tmp_path: Path) -> House:
    """Texts that all have k0, some k1; three doubts: k1 missing, k1 too much, and the only label of a gold text."""
    fill(house, tmp_path)
    with house.open() as db:
        pool, gold = (
            {tuple(sorted(each.labels)): each.document_id for each in settling.label_sets(db, house.project_id, role)}
            for role in ("pool", "gold")
        )
        cells = (pool["k0",], "k1", False), (pool["k0", "k1"], "k1", True), (gold["k0",], "k0", True)
        listed(db, house.project_id, *cells)
    return house


def opened(house: House, role: str = "reviewer") -> AppTest:
    page = house.page("review", role).run()
    page.segmented_control(key="review_view").select("doubts").run()
    assert not page.exception
    return page


def whole(page: AppTest, texts_of: Said) -> str:
    return texts_of(page) + "\n".join(str(each.proto.body) for each in page.get("html"))


def labels_of(house: House) -> dict[int, set[str]]:
    with house.open() as db:
        found = [each for role in ("pool", "gold") for each in settling.label_sets(db, house.project_id, role)]
    return {each.document_id: set(each.labels) for each in found}


def document(house: House, place: int) -> int:
    with house.open() as db:
        return [each["document_id"] for each in rows(db, "SELECT document_id FROM doubts ORDER BY rank")][place]


def test_one_doubt_is_shown_with_its_reason_in_words_and_annotators_see_none(doubted: House, texts_of: Said) -> None:
    said = whole(opened(doubted), texts_of)
    assert "目前沒有「乙」，但模型給 0.90" in texts_of(opened(doubted)).replace("\\", "")
    assert "還有 3 個" in said
    assert "少了？" in said
    assert "談健康" in said
    assert "根據 40 篇標好的文章" in said.replace("\\", "")
    assert "沒有檢查：丙" in said
    assert "doubts_keep" not in str(doubted.page("review", "annotator").run().button)
    assert "審閱者" in texts_of(doubted.page("review", "annotator").run())


def test_yes_leaves_the_label_and_brings_the_next_and_undo_brings_it_back(doubted: House, texts_of: Said) -> None:
    before = labels_of(doubted)
    page = opened(doubted)
    page.button(key="doubts_keep").click().run()
    said = texts_of(page).replace("\\", "")
    assert "的「乙」維持不變" in said
    assert "目前有「乙」，但模型只給 0.10" in said
    assert "還有 2 個" in whole(page, texts_of)
    page.button(key="doubts_undo").click().run()
    assert "又在清單裡" in texts_of(page)
    assert "目前沒有「乙」" in texts_of(page).replace("\\", "")
    assert labels_of(doubted) == before


def test_no_settles_the_text_with_the_label_turned_and_undo_reopens_it(doubted: House, texts_of: Said) -> None:
    at, before = document(doubted, 0), labels_of(doubted)
    page = opened(doubted)
    page.button(key="doubts_change").click().run()
    assert labels_of(doubted) == {**before, at: {"k0", "k1"}}
    assert "已定案：甲、乙" in texts_of(page).replace("\\", "")
    with doubted.open() as db:
        docket = adjudicating.docket(db, doubted.project_id, by=doubted.people["reviewer"].id, kind="settled")
        assert [each.document_id for each in docket.cases] == [at]
    page.button(key="doubts_undo").click().run()
    assert labels_of(doubted) == before
    assert "還有 3 個" in whole(page, texts_of)


def test_the_only_label_is_not_taken_away_without_another_or_leaving_the_text_out(
    doubted: House, texts_of: Said
) -> None:
    at, before = document(doubted, 2), labels_of(doubted)
    page = opened(doubted)
    page.button(key="doubts_later_button").click().run()
    page.button(key="doubts_later_button").click().run()
    assert "成效數字會跟著變" in whole(page, texts_of)
    page.button(key="doubts_change").click().run()
    assert labels_of(doubted) == before
    assert page.button(key="doubts_settle").disabled
    assert "這是唯一的標籤" in texts_of(page)
    page.pills(key=f"doubts_labels_{at}_k0").select("k2").run()
    page.button(key="doubts_settle").click().run()
    assert labels_of(doubted) == {**before, at: {"k2"}}
    assert "剩下的 2 個你都先跳過了" in texts_of(page)
    page.button(key="doubts_again").click().run()
    assert "目前沒有「乙」" in texts_of(page).replace("\\", "")
    page.button(key="doubts_leave_out").click().run()
    assert document(doubted, 0) not in labels_of(doubted)
    page.button(key="doubts_undo").click().run()
    assert labels_of(doubted)[document(doubted, 0)] == {"k0"}


def test_what_a_colleague_settled_meanwhile_is_not_overruled(doubted: House, texts_of: Said) -> None:
    at = document(doubted, 0)
    page = opened(doubted)
    with doubted.open() as db:
        adjudicating.settle(
            db, doubted.project_id, at, ["k0", "k2"], by=doubted.people["lead"].id, now=1e9
        )  # fmt: skip
    page.button(key="doubts_change").click().run()
    assert labels_of(doubted)[at] == {"k0", "k2"}
    assert "lead" in texts_of(page)
    assert "沒有覆蓋" in texts_of(page)


def test_a_label_narrows_the_list_and_english_is_spoken(
    doubted: House, texts_of: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pages.shared.i18n.known", lambda language: "en")  # AppTest asks for options outside the run
    page = opened(doubted)
    assert "the models give it 0.90" in texts_of(page).replace("\\", "")
    page.selectbox(key=f"review_label_{doubted.project_id}_en").select("k0").run()
    assert "1 to read" in whole(page, texts_of)
    page.selectbox(key=f"review_label_{doubted.project_id}_en").select("k2").run()
    assert "Nothing to doubt of “label 2”" in texts_of(page).replace("\\", "")


@pytest.mark.parametrize(
    ("note", "says"), [(None, "還沒有清單"), ("too_few", "滿 50 篇"), ("too_many", "文章太多"), ("", "都看過了")]
)
def test_an_empty_list_says_why(house: House, tmp_path: Path, texts_of: Said, note: str | None, says: str) -> None:
    fill(house, tmp_path)
    if note is not None:
        with house.open() as db:
            listed(db, house.project_id, note=note)
    page = opened(house)
    assert says in texts_of(page).replace("\\", "")
    assert "doubts_keep" not in [each.key for each in page.button]


def test_all_its_words_exist() -> None:
    known = catalogue()
    wanted = [f"{kind}_{how}" for kind in ("missing", "extra") for how in ("sure", "unsure")]
    assert [word for word in [*wanted, "kept", "changed", "left_out", "undone"] if f"doubts.{word}" not in known] == []
    assert doubts_view.LATER
