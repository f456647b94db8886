"""My past work: found again, compared with what was settled, counted by day; gold and colleagues stay unseen."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence

import pytest
from sqlite_utils import Database

from core.errors import NotMember
from core.services import annotating, looking_back, membership
from db import past
from db.connect import execute, value, writing
from db.errors import NotFound
from tests.conftest import NOW, make_project

HOUR, DAY = 3600.0, 86_400.0


def add_text(db: Database, project_id: int, text: str, *, role: str = "pool", overlap: int = 1) -> int:
    n = value(db, "SELECT count(*) FROM documents")
    with writing(db):
        cursor = execute(
            db,
            "INSERT INTO documents (project_id, external_id, text, sha256, role, overlap, shuffle, created_at) "
            "VALUES (:p, :x, :text, :x, :role, :overlap, :n, 0)",
            p=project_id, x=f"x{n}", text=text, role=role, overlap=overlap, n=n,
        )  # fmt: skip
    return int(cursor.lastrowid or 0)


def decide(
    db: Database, project_id: int, user_id: int, document_id: int, labels: Sequence[str] = ("k0",), *,
    decision: str = "labelled", comment: str = "", at: float = NOW, ms: int = 4000, kind: str = "save",
) -> str:  # fmt: skip
    """One op, carried out as the desk sends it; the text is leased first, as the desk has it."""
    uid = f"u{user_id}-{document_id}-{value(db, 'SELECT count(*) FROM annotations')}"
    if kind == "save":
        with writing(db):
            execute(
                db,
                "INSERT OR IGNORE INTO leases (project_id, document_id, user_id, leased_at, until) "
                "VALUES (:p, :d, :u, :at, :at + 900)",
                p=project_id, d=document_id, u=user_id, at=at,
            )  # fmt: skip
    op = {
        "uid": uid, "kind": kind, "project": project_id, "document": document_id, "decision": decision,
        "labels": list(labels), "comment": comment, "ms": ms,
    }  # fmt: skip
    done = annotating.apply(db, project_id, user_id, [op], now=at)
    assert not done.refused, done.refused
    return uid


def undo(db: Database, project_id: int, user_id: int, target: str, *, at: float = NOW) -> None:
    op = {"uid": f"undo-{target}", "kind": "undo", "target": target}
    assert not annotating.apply(db, project_id, user_id, [op], now=at).refused


def adjudicate(db: Database, project_id: int, document_id: int, labels: Sequence[str], *, by: int) -> None:
    with writing(db):
        execute(
            db,
            "INSERT INTO adjudications (document_id, project_id, labels, comment, user_id, at) "
            "VALUES (:d, :p, :labels, '看第二段', :u, :at)",
            d=document_id, p=project_id, labels=json.dumps(list(labels)), u=by, at=NOW + HOUR,
        )  # fmt: skip


@pytest.fixture
def ann(people: dict[str, int]) -> int:
    return people["ann"]


def texts(found: Sequence[looking_back.Past]) -> list[str]:
    return [each.text for each in found]


def test_my_decisions_come_newest_first_and_only_mine(
    db: Database, project_id: int, people: dict[str, int], ann: int
) -> None:
    for n, text in enumerate(("一", "二", "三")):
        decide(db, project_id, ann, add_text(db, project_id, text), at=NOW + n)
    decide(db, project_id, people["bob"], add_text(db, project_id, "別人的"))
    found = looking_back.history(db, project_id, ann)
    assert texts(found) == ["三", "二", "一"]
    assert (found[0].labels, found[0].decision, found[0].at, found[0].ms) == (("k0",), "labelled", NOW + 2, 4000)
    assert (found[0].settled, found[0].agrees, found[0].versions) == (None, None, 1)


def test_pages_follow_each_other_without_gap_or_overlap(db: Database, project_id: int, ann: int) -> None:
    for n in range(7):
        decide(db, project_id, ann, add_text(db, project_id, f"第 {n} 篇"))
    seen: list[str] = []
    before = None
    while page := looking_back.history(db, project_id, ann, before=before, n=3):
        seen += texts(page)
        before = page[-1].id
    assert seen == [f"第 {n} 篇" for n in reversed(range(7))]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("血壓", ["ＢＭＩ 與血壓，頭暈", "血壓高怎麼辦？"]),  # two characters: a trigram index finds none
        ("血壓 頭暈", ["ＢＭＩ 與血壓，頭暈"]),  # both words
        ("bmi", ["ＢＭＩ 與血壓，頭暈"]),  # full width and case do not matter
        ("怎麼辦?", ["血壓高怎麼辦？"]),
        ("%", ["一半是 50%_"]),  # no wildcard
        ("_", ["一半是 50%_"]),
        ("' OR 1=1 --", []),
        ("不存在", []),
        ("  ", ["一半是 50%_", "ＢＭＩ 與血壓，頭暈", "血壓高怎麼辦？"]),
    ],
)
def test_search_goes_by_what_is_written(db: Database, project_id: int, ann: int, query: str, found: list[str]) -> None:
    for text in ("血壓高怎麼辦？", "ＢＭＩ 與血壓，頭暈", "一半是 50%_"):
        decide(db, project_id, ann, add_text(db, project_id, text))
    assert texts(looking_back.history(db, project_id, ann, query=query)) == found


def test_a_rare_word_is_found_beyond_the_first_chunk(
    db: Database, project_id: int, ann: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(past.decisions.__kwdefaults__, "chunk", 2)
    for n in range(5):
        decide(db, project_id, ann, add_text(db, project_id, "少見" if n == 0 else f"常見 {n}"))
    assert texts(looking_back.history(db, project_id, ann, query="少見")) == ["少見"]


def test_a_comment_is_found_too(db: Database, project_id: int, ann: int) -> None:
    decide(db, project_id, ann, add_text(db, project_id, "甲文"), (), decision="flagged", comment="兩篇黏在一起")
    decide(db, project_id, ann, add_text(db, project_id, "乙文"))
    assert texts(looking_back.history(db, project_id, ann, query="黏在")) == ["甲文"]


def test_filters_by_label_and_by_decision(db: Database, project_id: int, ann: int) -> None:
    decide(db, project_id, ann, add_text(db, project_id, "甲乙"), ("k0", "k1"))
    decide(db, project_id, ann, add_text(db, project_id, "丙"), ("k2",))
    decide(db, project_id, ann, add_text(db, project_id, "跳過"), (), decision="skipped")
    assert texts(looking_back.history(db, project_id, ann, label="k1")) == ["甲乙"]
    assert texts(looking_back.history(db, project_id, ann, decision="skipped")) == ["跳過"]
    assert looking_back.history(db, project_id, ann, label="k2", decision="skipped") == []


def test_a_merged_label_is_found_by_what_stands_for_it_and_a_retired_one_counts_no_more(
    db: Database, project_id: int, ann: int
) -> None:
    decide(db, project_id, ann, add_text(db, project_id, "舊的乙"), ("k1", "k2"))
    with writing(db):
        execute(db, "UPDATE labels SET merged_into = 'k0', retired_at = 1 WHERE key = 'k1'")
        execute(db, "UPDATE labels SET retired_at = 1 WHERE key = 'k2'")
    found = looking_back.history(db, project_id, ann, label="k0")
    assert [each.labels for each in found] == [("k0",)]
    detail = looking_back.one(db, project_id, ann, found[0].document_id)
    assert detail.versions[0].labels == ("k1", "k2"), "as it was chosen"


def test_an_undone_decision_is_not_in_my_history(db: Database, project_id: int, ann: int) -> None:
    document = add_text(db, project_id, "收回的")
    undo(db, project_id, ann, decide(db, project_id, ann, document))
    assert looking_back.history(db, project_id, ann) == []
    with pytest.raises(NotFound):
        looking_back.one(db, project_id, ann, document)


def test_who_is_no_member_sees_nothing_of_it(db: Database, project_id: int, ann: int) -> None:
    document = add_text(db, project_id, "一")
    decide(db, project_id, ann, document)
    membership.remove(db, project_id, ann, by=None, now=NOW)
    with pytest.raises(NotMember):
        looking_back.history(db, project_id, ann)
    with pytest.raises(NotMember):
        looking_back.one(db, project_id, ann, document)
    with pytest.raises(NotMember):
        looking_back.my_agreement(db, project_id, ann)
    with pytest.raises(NotMember):
        looking_back.my_days(db, project_id, ann, now=NOW)


def test_nobody_opens_a_text_that_they_have_not_decided(
    db: Database, project_id: int, people: dict[str, int], ann: int
) -> None:
    other = make_project(db, key="other")
    elsewhere, bobs = add_text(db, other, "別的專案"), add_text(db, project_id, "別人的")
    decide(db, other, ann, elsewhere)
    decide(db, project_id, people["bob"], bobs)
    for document in (elsewhere, bobs, 10**6):
        with pytest.raises(NotFound):
            looking_back.one(db, project_id, ann, document)


def test_settled_labels_stand_beside_mine(db: Database, people: dict[str, int], ann: int) -> None:
    project_id = make_project(db, key="two", overlap=2)
    same, other = (add_text(db, project_id, text, overlap=2) for text in ("相同", "不同"))
    for document in (same, other):
        decide(db, project_id, ann, document, ("k0",))
    adjudicate(db, project_id, same, ["k0"], by=people["rae"])
    adjudicate(db, project_id, other, ["k0", "k2"], by=people["rae"])
    found = {each.text: each for each in looking_back.history(db, project_id, ann)}
    assert (found["相同"].agrees, found["不同"].agrees) == (True, False)
    assert found["不同"].settled == ("k0", "k2")
    assert texts(looking_back.history(db, project_id, ann, differs=True)) == ["不同"]
    detail = looking_back.one(db, project_id, ann, other)
    assert (detail.settled_comment, detail.settled_at) == ("看第二段", NOW + HOUR)


def test_what_a_colleague_chose_is_not_told_of_one_text(db: Database, people: dict[str, int], ann: int) -> None:
    """Two people and one text: neither learns what the other said until a reviewer has settled it."""
    project_id = make_project(db, key="two", overlap=2)
    document = add_text(db, project_id, "兩個人", overlap=2)
    decide(db, project_id, ann, document, ("k0",))
    alone = looking_back.one(db, project_id, ann, document)
    decide(db, project_id, people["bob"], document, ("k1",))
    assert looking_back.one(db, project_id, ann, document) == alone
    assert looking_back.history(db, project_id, people["bob"])[0].labels == ("k1",)


@pytest.mark.parametrize(("overlap", "told"), [(1, False), (2, True)])
def test_gold_cannot_be_told_from_its_history(
    db: Database, people: dict[str, int], ann: int, overlap: int, told: bool
) -> None:
    """With one annotator a text it is gold that gets read twice and settled; with two any text does."""
    project_id = make_project(db, key="gold", overlap=overlap)
    pool, gold, settled = (
        add_text(db, project_id, name, role=role, overlap=overlap)
        for name, role in (("池", "pool"), ("金", "gold"), ("定案的金", "gold"))
    )
    for document in (pool, gold, settled):
        decide(db, project_id, ann, document)
        decide(db, project_id, people["bob"], document, ("k1",))
    adjudicate(db, project_id, settled, ["k1"], by=people["rae"])
    found = {each.text: each for each in looking_back.history(db, project_id, ann)}
    unlike = ("id", "document_id", "uid", "text")
    bare = {name: {k: v for k, v in vars(each).items() if k not in unlike} for name, each in found.items()}
    assert bare["金"] == bare["池"]
    assert (bare["定案的金"] == bare["池"]) is not told
    assert bool(looking_back.one(db, project_id, ann, settled).settled_comment) is told


def test_my_agreement_says_what_i_add_and_what_i_miss(db: Database, people: dict[str, int], ann: int) -> None:
    project_id = make_project(db, key="two", overlap=2)
    for n in range(12):
        document = add_text(db, project_id, f"第 {n} 篇", overlap=2)
        decide(db, project_id, ann, document, ("k0", "k1") if n < 3 else ("k0",))
        decide(db, project_id, people["bob"], document, ("k0", "k2") if n == 11 else ("k0",))
    adjudicate(db, project_id, 1, ["k0", "k1"], by=people["rae"])  # text 0: the reviewer is with me, not with bob
    found = looking_back.my_agreement(db, project_id, ann)
    assert (found.n, found.n_settled) == (12, 1)
    assert found.exact is not None
    assert (found.exact.k, found.exact.n) == (9, 12)
    assert found.jaccard == pytest.approx((9 + 3 * 0.5) / 12)
    counts = {each.key: (each.both, each.only_mine, each.only_theirs) for each in found.labels}
    assert counts == {"k0": (12, 0, 0), "k1": (1, 2, 0), "k2": (0, 0, 1)}
    assert [each.key for each in found.added()] == ["k1"]
    assert [each.key for each in found.missed()] == ["k2"]
    one = found.labels[1].agree
    assert (one.k, one.n) == (1, 3)
    assert one.low < 1 / 3 < one.high


def test_too_few_texts_say_nothing_about_agreement(db: Database, people: dict[str, int], ann: int) -> None:
    project_id = make_project(db, key="two", overlap=2)
    for n in range(looking_back.LEAST_COMPARED - 1):
        document = add_text(db, project_id, f"第 {n} 篇", overlap=2)
        decide(db, project_id, ann, document)
        decide(db, project_id, people["bob"], document)
    found = looking_back.my_agreement(db, project_id, ann)
    assert (found.n, found.exact, found.jaccard, found.labels) == (looking_back.LEAST_COMPARED - 1, None, None, ())


def test_colleagues_without_a_majority_are_no_measure(db: Database, people: dict[str, int], ann: int) -> None:
    project_id = make_project(db, key="three", overlap=3)
    document = add_text(db, project_id, "三個人", overlap=3)
    decide(db, project_id, ann, document, ("k0",))
    decide(db, project_id, people["bob"], document, ("k1",))
    decide(db, project_id, people["rae"], document, ("k2",))
    assert looking_back.my_agreement(db, project_id, ann).n == 0


def test_days_begin_at_midnight_in_taipei_and_idle_days_are_there(db: Database, project_id: int, ann: int) -> None:
    taipei = dt.timezone(dt.timedelta(hours=8))
    noon = dt.datetime(2026, 11, 20, 12, tzinfo=taipei).timestamp()
    late, early = noon - 12 * HOUR - 60, noon - 12 * HOUR + 60  # a minute before and after midnight
    for at, ms in ((late, 3000), (early, 5000), (noon, 9000), (noon, 0)):
        decide(db, project_id, ann, add_text(db, project_id, f"{at}-{ms}"), at=at, ms=ms)
    decide(db, project_id, ann, add_text(db, project_id, "跳過"), (), decision="skipped", at=noon)
    found = looking_back.my_days(db, project_id, ann, now=noon, days=3)
    assert (found.n, found.active, found.median_s) == (4, 2, 5.0)
    assert [(str(each.day), each.n, each.median_s) for each in found.days] == [
        ("2026-11-18", 0, None),
        ("2026-11-19", 1, 3.0),
        ("2026-11-20", 3, 7.0),
    ]


def test_a_text_taken_back_counts_on_no_day_and_decided_again_on_its_first(
    db: Database, project_id: int, ann: int
) -> None:
    document = add_text(db, project_id, "一")
    undo(db, project_id, ann, decide(db, project_id, ann, document, at=NOW - DAY), at=NOW)
    assert looking_back.my_days(db, project_id, ann, now=NOW).n == 0
    decide(db, project_id, ann, document, at=NOW + 5)
    assert [each.n for each in looking_back.my_days(db, project_id, ann, now=NOW + 5, days=2).days] == [1, 0]


@pytest.mark.parametrize("change", ["revise", "skip_and_back", "undo", "nothing"])
def test_the_desk_and_the_days_count_alike_whatever_is_changed_later(
    db: Database, project_id: int, people: dict[str, int], ann: int, change: str
) -> None:
    old, new = add_text(db, project_id, "昨天的"), add_text(db, project_id, "今天的")
    uid = decide(db, project_id, ann, old, at=NOW - DAY)
    decide(db, project_id, ann, new, at=NOW)
    if change == "revise":
        decide(db, project_id, ann, old, ("k1",), kind="revise", at=NOW + 1)
    elif change == "skip_and_back":
        decide(db, project_id, ann, old, (), decision="skipped", kind="revise", at=NOW + 1)
        assert annotating.progress(db, project_id, ann, now=NOW + 1).total == 1
        decide(db, project_id, ann, old, ("k1",), kind="revise", at=NOW + 2)
    elif change == "undo":
        undo(db, project_id, ann, uid, at=NOW + 1)
        decide(db, project_id, ann, old, ("k1",), at=NOW + 2)
    desk = annotating.progress(db, project_id, ann, now=NOW + 3)
    days = looking_back.my_days(db, project_id, ann, now=NOW + 3, days=2).days
    assert (desk.today, desk.total) == (days[-1].n, sum(each.n for each in days)) == (1, 2)
    assert [n for _, name, n in past.per_day(db, project_id) if name == "ann"] == [1, 1]
