"""The overview tab: each figure with what it was measured on, what needs attention, and a word where there is none."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Metric

from core.export.report_words import catalogue
from core.services import accounts, annotating, projects
from core.services.dashboard.attention import Finding
from core.services.forecasting import about, when_to_stop
from db import jobs
from db.connect import writing
from pages.shared.dashboard import attention_view
from tests.conftest import LABELS, make_project
from tests.core.services.dashboard.measuring import gold_ids, import_texts, publish
from tests.flows.test_click import save
from tests.pages.conftest import House
from tests.pages.filling import fill, publish_round
from tests.rounds_so_far import QUIET, a_round, figures, waiting

Said = Callable[[AppTest], str]
WRONG = re.compile(r"\b(nan|NaN|None|inf)\b")


def look(house: House, lang: str = "zh") -> AppTest:
    with house.open() as db:
        accounts.set_lang(db, house.people["lead"].id, lang, now=1.0)
    return house.page("dashboard", "lead").run()


def shown(page: AppTest) -> list[Metric]:
    """The tiles; one without words stands out of sight (``pages.shared.ahead``)."""
    return [each for each in page.metric if each.label.strip()]


def tiles(page: AppTest) -> dict[str, str]:
    return {each.label: each.value for each in shown(page)}


def beat(house: House) -> None:
    with house.open() as db, writing(db):
        jobs.worker_beat(db, pid=1, doing="", now=time.time())


def measured(house: House, tmp_path: Path) -> None:
    """Two rounds on 40 gold texts; the rarest label has seven positives, of which the second round finds none."""
    gold = np.zeros((40, 3), dtype=bool)
    gold[:, 0], gold[:20, 1], gold[:7, 2] = True, True, True
    with house.open() as db:
        import_texts(db, house.project_id, tmp_path, gold[:16], split="train")
        import_texts(db, house.project_id, tmp_path, gold, split="gold")
        import_texts(db, house.project_id, tmp_path, np.zeros((30, 3)), split="pool", name="等")
        first, second = np.where(gold, 0.9, 0.1), np.where(gold, 0.9, 0.1)
        first[:4, 2], first[3:12, 1], second[:, 2] = 0.1, 0.1, 0.1
        for probs in (first, second):
            publish(
                db,
                house.project_id,
                gold_ids(db, house.project_id),
                gold,
                probs,
                thresholds=(0.5,) * 3,
                now=time.time(),
            )
    beat(house)


def test_the_headline_names_round_n_and_interval(house: House, texts_of: Said, tmp_path: Path) -> None:
    measured(house, tmp_path)
    page = look(house)
    said, shown = texts_of(page), tiles(page)
    assert shown["學生模型 macro-F1"] == "0.67"  # two labels right, one without a hit
    assert shown["尾部 macro-F1"] == "0.00"
    assert shown["文本池已標註"] == "16 / 46"
    assert "金標準 40 / 40" in texts_of(page)
    assert shown["到目標 0.80 還要幾篇"] == "還沒有"  # two rounds are no curve
    assert shown["輪次與背景程式"] == "第 2 輪"
    assert "第 2 輪，金標準 n=40" in said
    assert "與第 1 輪比，同樣的 40 篇" in said
    assert "還有 30 篇沒有人標" in said


def test_a_score_without_a_hit_is_not_shown_as_certain(house: House, texts_of: Said, tmp_path: Path) -> None:
    measured(house, tmp_path)
    for lang, hit, sign in (
        ("zh", "7 篇陽性一篇都沒抓到", "還不能當真"),
        ("en", "No hit among 7 positives", "not yet meaningful"),
    ):
        page = look(house, lang)
        said = texts_of(page)
        assert "0.00, 0.00" not in said.replace("\\", "")
        assert hit in said
        assert sign in said
        assert "35%" in said  # what recall is at most


def test_what_needs_attention_says_how_many_gold_texts_are_lacking(
    house: House, texts_of: Said, tmp_path: Path
) -> None:
    measured(house, tmp_path)
    said = texts_of(look(house))
    assert "需要留意的事" in said
    assert "**丙**" in said
    assert "大約還要 18 篇金標準" in said  # three more at 7 of 40
    assert "金標準都標完了" in said
    said = texts_of(look(house, "en"))
    assert "About 18 more gold texts" in said or "about 18 more gold texts" in said


def test_where_nothing_is_amiss_one_calm_line_says_so(house: House, texts_of: Said, tmp_path: Path) -> None:
    gold = np.zeros((600, 3), dtype=bool)
    gold[:, 0], gold[::2, 1], gold[::3, 2] = True, True, True
    with house.open() as db:
        import_texts(db, house.project_id, tmp_path, gold[:3], split="train")
        import_texts(db, house.project_id, tmp_path, gold, split="gold")
        import_texts(db, house.project_id, tmp_path, np.zeros((30, 3)), split="pool", name="等")
        ids = gold_ids(db, house.project_id)
        publish(db, house.project_id, ids, gold, np.where(gold, 0.9, 0.1), thresholds=(0.5,) * 3, now=time.time())
    beat(house)
    page = look(house)
    texts_of(page)
    assert [each.value for each in page.success] == ["一切正常，沒有需要留意的事。"]
    assert tiles(look(house, "en"))["Student macro-F1"] == "1.00"


def test_a_silent_worker_is_said_once_on_each_tab(house: House, texts_of: Said, tmp_path: Path) -> None:
    measured(house, tmp_path)
    with house.open() as db, writing(db):
        jobs.worker_beat(db, pid=1, doing="", now=time.time() - 95)
    said = texts_of(look(house))
    assert said.count("沒有回應") == 2  # what to do, on top; and the sign in its tile
    assert "背景程式已經 2 分鐘沒有回應" in said
    page = house.page("dashboard", "lead")
    page.query_params["tab"] = "together"
    assert [each.icon for each in page.run().warning][:1] == [":material/build:"]


def test_people_at_work_are_named_as_text(house: House, texts_of: Said, tmp_path: Path) -> None:
    measured(house, tmp_path)
    with house.open() as db:
        odd = accounts.create_user(
            db, "*a* [b](c)", "a-long-enough-password", "annotator", by=None, now=1.0, projects=[house.project_id]
        )
        text = annotating.next_texts(db, house.project_id, odd.id, n=1, now=time.time())[0]
        annotating.apply(db, house.project_id, odd.id, [save("one", text.id, "k0")], now=time.time())
    page = look(house)
    said = texts_of(page)
    assert tiles(page)["現在有誰在標"] == "1"
    assert "\\*a\\* \\[b\\]\\(c\\)" in said
    assert "過去 24 小時共 1 筆決定" in said


def test_a_labels_name_is_text(house: House, texts_of: Said, tmp_path: Path) -> None:
    with house.open() as db:
        made = make_project(db, key="odd", labels=("*甲*", "<b>乙</b>"))
        import_texts(db, made, tmp_path, np.array([[True, False]] * 12), split="gold")
    page = house.page("dashboard", "lead")
    page.session_state["project_id"] = made
    said = texts_of(page.run())
    assert "**\\<b\\>乙\\</b\\>**" in said


def test_a_round_without_answers_keeps_its_figures(house: House, texts_of: Said, tmp_path: Path) -> None:
    fill(house, tmp_path)
    publish_round(house)
    publish_round(house, base=0.1)
    page = look(house)
    said, shown = texts_of(page), tiles(page)
    assert shown["學生模型 macro-F1"] == "0.70"
    assert shown["最少見：丙"] == "0.50"
    assert "95 % 區間 \\[0\\.60, 0\\.80\\]。" in said
    assert "和第 1 輪不能比：沒有留下逐篇的答案" in said


def test_labels_to_the_target_are_foreseen_from_rounds(house: House, texts_of: Said, tmp_path: Path) -> None:
    with house.open() as db:
        waiting(db, house.project_id, 4000, tmp_path)
        for turn in range(8):
            height = 0.78 - 0.6 * (1 + turn) ** -0.6
            a_round(db, house.project_id, 60 * (1 + turn), figures([height] * 3), said=QUIET, right=0.9, now=turn + 1.0)
        until = when_to_stop(db, house.project_id).macro.target
    beat(house)
    page = look(house)
    texts_of(page)
    shown = tiles(page)["到目標 0.80 還要幾篇"]
    assert until is not None
    assert shown == (f"≈ {about(until.n - 480):,}" if until.n else "–")


def test_before_the_first_round_tiles_say_when_there_will_be_figures(
    house: House, texts_of: Said, tmp_path: Path
) -> None:
    fill(house, tmp_path)
    page = look(house)
    said, shown = texts_of(page), tiles(page)
    assert shown["文本池已標註"] == "20 / 26"
    assert shown["學生模型 macro-F1"] == "還沒有"
    assert shown["一致程度"] == "–"
    assert "第一輪訓練完成後就有" in said


@pytest.mark.parametrize("lang", ["zh", "hans", "en"])
@pytest.mark.parametrize("shape", ["no texts decided", "one label", "no gold", "a label never used", "90 labels"])
def test_odd_projects_have_a_sensible_page(house: House, texts_of: Said, tmp_path: Path, shape: str, lang: str) -> None:
    names = {"one label": ("唯一",), "90 labels": tuple(f"標{n}" for n in range(90))}.get(shape, LABELS)
    with house.open() as db:
        made = make_project(db, key="odd", labels=names)
        y = np.zeros((14, len(names)), dtype=bool)
        y[:, 0] = shape != "no texts decided"
        import_texts(db, made, tmp_path, y, split="train")
        if shape != "no gold":
            import_texts(db, made, tmp_path, y, split="gold")
        if shape not in ("no gold", "no texts decided"):
            ids = gold_ids(db, made)
            publish(db, made, ids, y, np.zeros(y.shape), thresholds=[0.5] * len(names), now=time.time())
        accounts.set_lang(db, house.people["lead"].id, lang, now=1.0)
        assert projects.project(db, made).label_set.keys
    page = house.page("dashboard", "lead")
    page.session_state["project_id"] = made
    page.run()
    told = [f"{each.label} {each.value} {each.delta or ''}" for each in shown(page)]
    assert not WRONG.search(" ".join([texts_of(page), *told]))
    assert len(shown(page)) == 8


def test_a_person_who_is_no_lead_any_more_is_told(house: House, texts_of: Said, tmp_path: Path) -> None:
    measured(house, tmp_path)
    page = house.page("dashboard", "annotator").run()
    assert not shown(page)
    assert "權限" in texts_of(page)


CODES = [key.removeprefix("alert_") for key in catalogue() if key.startswith("alert_")]
NO_FINDINGS = ("line", "severity_", "do_", "seconds", "minutes", "hours", "comma", "and_more")
FIELDS = {
    "silent_s": 95.0, "code": "TooFewLabels", "fields": {"have": "1", "need": "2"}, "n": 12, "left": 3, "decided": 9,
    "round": 4, "since": 3, "f1": 0.5, "drop": 0.1, "least": 0.02, "most": 0.2, "alpha": 0.4, "before": 0.8,
    "n_before": 90, "positives": 7, "goal": 10, "more": 12, "low": 8, "high": 25, "waits": 0, "support": 7,
    "at_most": 0.35, "labels": 2, "count": 8,
}  # fmt: skip


@pytest.mark.parametrize("code", [code for code in CODES if not code.startswith(NO_FINDINGS)])
def test_every_finding_has_words(code: str) -> None:
    many = {"labels": [f"k{n}" for n in range(8)]} if code.endswith("_many") else {}
    finding = Finding(code=code, severity="look", label="k0", fields=FIELDS | many)
    told = attention_view.sentence(finding, {"k0": "*甲*"})
    assert "{" not in told
    if many:
        assert "另外 2 個" in told
    if "{label}" in catalogue()[f"alert_{code}"]["zh"]:
        assert "**\\*甲\\***" in told
