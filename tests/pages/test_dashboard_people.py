"""The tab People: its figures, its words in both languages, and what it says where there is little to say."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlite_utils import Database
from streamlit.testing.v1 import AppTest

from core.services import accounts, annotating, curating, projects
from core.services.curating import ImportOptions
from core.services.dashboard import people as service
from db.connect import rows
from pages.shared.dashboard import people, people_figures
from tests.conftest import PASSWORD, everybody_joins
from tests.core.services.dashboard.crowd import DAY_S, label_for_days
from tests.pages.conftest import House
from tests.pages.filling import fill
from tests.pages.plotted import plotted

Said = Callable[[AppTest], str]
ODD = "<b>Eve</b> *100%*"
CHARTS = ("days", "seconds", "rates", "alphas", "kappas", "accepted_label", "accepted_person", "bias")


def texts(house: House, tmp_path: Path, n: int = 60) -> None:
    path = tmp_path / "open.jsonl"
    lines = [json.dumps({"text": f"等待的第 {i} 段文字，" + "談健康。" * 5, "split": "pool"}) for i in range(n)]
    path.write_text("\n".join(lines), "utf-8")
    with house.open() as db:
        curating.run_import(db, house.project_id, path, options=ImportOptions(), by=None, now=1.0)


def settings(db: Database, house: House, **changes: object) -> None:
    now = projects.project(db, house.project_id).settings
    by = house.people["admin"].id
    projects.update_settings(db, house.project_id, dataclasses.replace(now, **changes), by=by, now=1.0)  # type: ignore[arg-type]


@pytest.fixture
def crowd(house: House, tmp_path: Path) -> House:
    """Three people, one with a name that is no markup, who label 60 texts twice over ten days, with suggestions."""
    with house.open() as db:
        eve = accounts.create_user(db, ODD, PASSWORD, "annotator", by=None, now=1.0)
        everybody_joins(db)
        settings(db, house, overlap=2, suggestions=True)
    texts(house, tmp_path)
    with house.open() as db:
        who = {"annotator": house.people["annotator"].id, "reviewer": house.people["reviewer"].id, ODD: eve.id}
        begin = time.time() - 9.5 * DAY_S
        label_for_days(db, house.project_id, who, begin=begin, days=10, a_day=8, suggest=True)
    return house


def tab(house: House, part: str = "work", since: str = "all") -> AppTest:
    page = house.page("dashboard", "lead")
    page.query_params["tab"] = "people"
    page.session_state["people_part"] = part
    page.session_state["people_since"] = since
    for each in CHARTS:
        page.session_state[f"people_{each}_more"] = True  # the numbers behind each chart are laid open
    return page.run()


def charts(page: AppTest) -> list[str]:
    """What each chart says to those who hear it."""
    found = [each.proto for each in page.get("bidi_component") if each.proto.component_name == "tagtail.chart"]
    return [json.loads(each.json)["alt"] for each in found]


def everything(page: AppTest, texts_of: Said) -> str:
    """What the page says, its tables and tiles with it."""
    tables = [str(each.value.to_dict("records")) for each in page.dataframe]
    tiles = [f"{each.label} {each.value}" for each in page.metric]
    found = "\n".join([texts_of(page), *tables, *tiles])
    assert "nan" not in found.lower().replace("keeping", "")
    assert "None" not in found
    return found


def english(house: House) -> None:
    with house.open() as db:
        accounts.set_lang(db, house.people["lead"].id, "en", now=1.0)


def test_work_and_pace_are_those_of_the_tables(crowd: House, texts_of: Said) -> None:
    page = tab(crowd)
    said = everything(page, texts_of)
    with crowd.open() as db:
        found = rows(
            db,
            "SELECT u.name, sum(c.decision != 'skipped') AS done, count(*) AS n, "
            "sum(c.decision = 'skipped') AS skipped "
            "FROM current_annotations c JOIN users u ON u.id = c.user_id GROUP BY u.name ORDER BY u.name",
        )
    table = page.dataframe[-1].value
    assert list(table["姓名"]) == [each["name"] for each in found]
    assert list(table["篇數"]) == [each["done"] for each in found]
    shares = [f"{100 * each['skipped'] / each['n']:.1f} % ({each['skipped']}/{each['n']})" for each in found]
    assert list(table["略過"]) == shares
    assert f"**{sum(each['done'] for each in found)} 篇**，3 個人" in said
    assert "不是排名" in said
    assert len(charts(page)) == 3


def test_the_last_days_are_fewer(crowd: House, texts_of: Said) -> None:
    week = tab(crowd, since="7")
    everything(week, texts_of)
    with crowd.open() as db:
        want = service.work(db, crowd.project_id, since=people.since(7))
    assert list(week.dataframe[-1].value["篇數"]) == [each.texts for each in want.people]
    assert want.texts < sum(tab(crowd).dataframe[-1].value["篇數"])


def test_agreement_says_alpha_with_interval_and_n(crowd: House, texts_of: Said) -> None:
    page = tab(crowd, "agreement")
    said = everything(page, texts_of)
    with crowd.open() as db:
        found = service.agreement(db, crowd.project_id)
    assert found.sets is not None
    assert page.metric[-1].value == f"{found.sets.value:.2f}"
    assert f"{found.n} 篇有兩個人以上標過，共 3 人" in said
    assert f"{found.sets.low:.2f}".replace(".", "\\.") in said
    assert "**3 對**" in said
    assert "\\<b\\>Eve\\</b\\> \\*100%\\*" in said
    page.selectbox(key="people_pair").set_value(" ↔ ".join(found.pairs[2].names)).run()
    pair = found.pairs[2]
    with crowd.open() as db:
        labels = projects.project(db, crowd.project_id).label_set.labels
    shown = {
        label.zh: f"{kappa.value:.2f}" if kappa else "–" for label, kappa in zip(labels, pair.labels(), strict=True)
    }
    table = page.dataframe[-1].value
    assert dict(zip(table["標籤"], table["κ"], strict=True)) == shown


def test_suggestions_say_what_was_accepted(crowd: House, texts_of: Said) -> None:
    page = tab(crowd, "suggestions")
    said = everything(page, texts_of)
    with crowd.open() as db:
        found = service.suggestions(db, crowd.project_id)
    n, k = (sum(getattr(each.accepted, part) for each in found.labels) for part in ("n", "k"))
    assert f"建議了 {n} 次，**接受 {100 * k / n:.1f} %**" in said
    assert "建議會不會牽著人走" in said
    assert len(charts(page)) == 3


@pytest.mark.parametrize(
    ("part", "words"), [("work", "this is no ranking"), ("agreement", "Pair by pair"), ("suggestions", "were accepted")]
)
def test_it_speaks_english(crowd: House, texts_of: Said, part: str, words: str) -> None:
    english(crowd)
    said = everything(tab(crowd, part), texts_of)
    assert words in said
    assert not [word for word in ("標註", "一致", "建議") if word in said.split("Dashboard")[-1]]


def test_labels_from_a_file_alone_are_nobodys_work(house: House, texts_of: Said, tmp_path: Path) -> None:
    fill(house, tmp_path)
    assert "沒有人標註" in everything(tab(house), texts_of)
    assert "還沒有兩個人標過同一篇" in everything(tab(house, "agreement"), texts_of)
    assert "不顯示模型的建議" in everything(tab(house, "suggestions"), texts_of)
    with house.open() as db:
        settings(db, house, suggestions=True)
    assert "還沒有一篇是看著建議標的" in everything(tab(house, "suggestions"), texts_of)


def decide(house: House, role: str, ms: int = 900, decision: str = "labelled", n: int = 1) -> None:
    with house.open() as db:
        who = house.people[role].id
        for text in annotating.next_texts(db, house.project_id, who, n=n, now=time.time()):
            op = {"uid": f"{role}{text.id}", "kind": "save", "document": text.id, "decision": decision, "ms": ms}
            op["labels"] = ["k0"] if decision == "labelled" else []
            annotating.apply(db, house.project_id, who, [op], now=time.time())


def test_one_person_with_two_texts_has_no_median_and_no_agreement(house: House, texts_of: Said, tmp_path: Path) -> None:
    fill(house, tmp_path)
    decide(house, "annotator", n=2)
    page = tab(house)
    said = everything(page, texts_of)
    assert "還不到五篇" in said
    assert list(page.dataframe[-1].value["中位秒數"]) == ["–"]
    assert "還沒有兩個人" in everything(tab(house, "agreement"), texts_of)


def test_somebody_who_only_skips_has_a_rate_and_no_days(house: House, texts_of: Said, tmp_path: Path) -> None:
    fill(house, tmp_path)
    decide(house, "annotator", decision="skipped", n=3)
    page = tab(house)
    everything(page, texts_of)
    table = page.dataframe[-1].value
    assert (list(table["略過"]), list(table["每天"]), list(table["非常快"])) == (["100.0 % (3/3)"], ["–"], ["–"])


def test_two_who_always_agree_and_never_differ(house: House, texts_of: Said, tmp_path: Path) -> None:
    with house.open() as db:
        settings(db, house, overlap=2)
    texts(house, tmp_path, n=4)
    for role in ("annotator", "reviewer"):
        decide(house, role, n=4)
    page = tab(house, "agreement")
    said = everything(page, texts_of)
    assert page.metric[-1].value == "–"
    assert "大家選的全都一樣" in said
    assert "κ 說不出來" in said


def test_ninety_labels_and_many_people_fit() -> None:
    alphas = [(f"標籤{n}", service.Estimate(0.5, None, None, 9), n) for n in range(90)]
    found = plotted(people_figures.label_alphas(alphas, "zh"))
    assert len(found.layout.yaxis.ticktext) == 90
    assert found.layout.yaxis.ticktext[3] == "標籤3（3，太少）"
    assert found.layout.yaxis.range == (89.5, -0.5)
    day = dt.date(2026, 3, 5)
    work = service.Work(since=None, people=(), per_day=tuple((day, f"p{n:02}", 20 - n) for n in range(12)))
    bars = plotted(people_figures.per_day(work, "others", "en")).data
    assert [bar.name for bar in bars] == [*(f"p{n:02}" for n in range(8)), "others"]
    assert [int(bar.y[0]) for bar in bars] == [*range(20, 12, -1), 12 + 11 + 10 + 9]
    looks = {(bar.marker.color, bar.marker.pattern.shape) for bar in bars}
    assert len(looks) == len({colour for colour, _ in looks}) == 9


def test_one_day_stands_last_in_its_week_and_no_day_to_come_is_shown() -> None:
    day = dt.date(2026, 3, 5)
    figure = plotted(people_figures.per_day(service.Work(since=None, people=(), per_day=((day, "ann", 3),)), "", "zh"))
    first, last = figure.layout.xaxis.range
    assert first.date() < dt.date(2026, 2, 28)
    assert last.date() == day


def test_many_days_are_shown_by_the_week() -> None:
    days = [dt.date(2026, 1, 1) + dt.timedelta(days=n) for n in range(200)]
    work = service.Work(since=None, people=(), per_day=tuple((day, "ann", 1) for day in days))
    (bars,) = plotted(people_figures.per_day(work, "others", "zh")).data
    assert {day.weekday() for day in bars.x} == {0}
    assert sum(bars.y) == 200
    assert 28 <= len(bars.x) <= 30


def test_names_are_shown_and_never_read_as_markup(crowd: House) -> None:
    with crowd.open() as db:
        found = service.work(db, crowd.project_id)
    bars = plotted(people_figures.per_day(found, "others", "zh")).data
    assert "&lt;b>Eve&lt;/b> *100%*" in {bar.name for bar in bars}
    assert not [bar for bar in bars if "100%*" in bar.hovertemplate], "a per cent sign would begin a field"


@pytest.mark.parametrize("role", ["annotator", "reviewer"])
def test_only_leads_see_it(crowd: House, role: str) -> None:
    page = crowd.page("dashboard", role)
    page.query_params["tab"] = "people"
    page.run()
    assert not charts(page)
    assert not page.dataframe
