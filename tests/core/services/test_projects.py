"""Project files: read whole or refused by field; the demo that ships is one of them."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from sqlite_utils import Database

from core import label_rules
from core.config import ProjectSettings, RoundConfig
from core.errors import (
    BadFile,
    BadLabel,
    BadName,
    BadProjectFile,
    BadRows,
    BadSetting,
    ModelUnavailable,
    NameTaken,
    NotAllowed,
)
from core.messages import sentence
from core.services import labelling, membership, projects, starting
from core.services.projects import NewProject
from db.connect import open_database, value, writing
from tests.conftest import NOW, make_project

DEMO = Path(__file__).resolve().parents[3] / "demo"
GOOD = 'key = "x"\nname = "甲乙"\n[[labels]]\nkey = "a"\nzh = "甲"\n[[labels]]\nkey = "b"\nzh = "乙"\n'


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "p.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_small_file_is_enough_and_keys_come_by_themselves(tmp_path: Path) -> None:
    read = projects.read_project_file(write(tmp_path, GOOD))
    assert [(label.key, label.hotkey) for label in read.labels] == [("a", "1"), ("b", "2")]
    assert len({label.colour for label in read.labels}) == 2


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("key = ", ""),
        ('name = "n"\n', "key"),
        ('key = "x"\nname = "n"\n', "labels"),
        (GOOD.replace('key = "b"', 'key = "a"'), "labels.key"),
        (GOOD.replace('zh = "乙"', 'zh = "甲"'), "labels.zh"),
        (GOOD.replace('zh = "乙"', 'zhh = "乙"'), "labels[1].zhh"),
        (GOOD.replace('zh = "乙"', 'zh = ""'), "labels[1].zh"),
        (GOOD.replace('key = "x"', 'key = "x"\ncorpus = "nowhere.jsonl"'), "corpus"),
        (GOOD + "[settings]\nround_every = 0\n", "settings"),
    ],
)
def test_a_wrong_file_is_refused_by_field(tmp_path: Path, text: str, field: str) -> None:
    with pytest.raises(BadProjectFile) as caught:
        projects.read_project_file(write(tmp_path, text))
    assert caught.value.fields["field"] == field


@pytest.mark.parametrize(
    ("given", "zh", "en"),
    [
        ("folder", "folder 是資料夾", "folder is a folder. PROJECT names the project file itself"),
        ("nothing.toml", "沒有專案檔 nothing.toml", "There is no project file nothing.toml"),
        ("torn.toml", "專案檔 torn.toml 讀不出來", "The project file torn.toml cannot be read"),
        ("binary.toml", "專案檔 binary.toml 讀不出來", "The project file binary.toml cannot be read"),
    ],
)
def test_what_is_no_project_file_is_told_with_what_to_do(tmp_path: Path, given: str, zh: str, en: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "torn.toml").write_text("key = ", "utf-8")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadProjectFile) as caught:
        projects.read_project_file(tmp_path / given)
    for lang, told in (("zh", zh), ("en", en)):
        said = sentence(caught.value, lang)
        assert told in said
        assert "Errno" not in said


def test_a_bad_corpus_leaves_no_half_made_project(db: Database, tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text('{"text": "好"}\n{"text": ""}\n', encoding="utf-8")
    file = write(tmp_path, GOOD.replace('key = "x"', 'key = "x"\ncorpus = "c.jsonl"'))
    with pytest.raises(BadRows):
        starting.make_first_project(db, file, now=NOW)
    assert value(db, "SELECT count(*) FROM projects") == value(db, "SELECT count(*) FROM documents") == 0


def test_what_a_round_could_not_be_trained_with_is_refused_when_it_is_set(
    db: Database, people: dict[str, int], project_id: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wants(**of_round: object) -> None:
        now = projects.project(db, project_id).settings
        wanted = replace(now, round=replace(now.round, **of_round))  # type: ignore[arg-type]
        projects.update_settings(db, project_id, wanted, by=people["lee"], now=NOW)

    with pytest.raises(BadFile, match="missing"):
        wants(vectors_file=str(tmp_path / "mine.bin"))
    monkeypatch.setattr(projects, "find_spec", lambda name: None)
    with pytest.raises(ModelUnavailable, match="requirements-ckip"):
        wants(segmenter="ckip")
    with pytest.raises(ModelUnavailable, match="opencc"):
        wants(conversion="t2s")
    assert projects.project(db, project_id).settings.round == RoundConfig()
    (tmp_path / "mine.bin").write_bytes(b"1 1\n")
    wants(vectors_file=str(tmp_path / "mine.bin"))
    (tmp_path / "mine.bin").unlink()
    wants(patience=3)  # a file that has gone since keeps nobody from setting something else
    assert projects.project(db, project_id).settings.round.patience == 3


def test_a_project_is_made_with_labels_of_its_own_or_like_another(
    db: Database, people: dict[str, int], project_id: int
) -> None:
    typed = label_rules.typed("飲食，Food\n\n運動\n")
    own = NewProject(key="own", name=" 自己的 ", labels=typed, guideline="看全文。")
    made = projects.make_project(db, own, by=people["lee"], now=NOW)
    assert (made.name, made.label_set.keys, made.guideline) == ("自己的", ("food", "運動"), "看全文。")
    assert [label.hotkey for label in made.label_set.labels] == ["1", "2"]
    labelling.retire(db, project_id, "k0", by=people["lee"], now=NOW)
    labelling.move(db, project_id, "k2", -1, by=people["lee"], now=NOW)
    labelling.set_guideline(db, project_id, "準則", seen="", by=people["lee"], now=NOW)
    settings = replace(projects.project(db, project_id).settings, daily_goal=7)
    projects.update_settings(db, project_id, settings, by=people["lee"], now=NOW)
    like = NewProject(key="like", name="一樣的", like=project_id)
    made = projects.make_project(db, like, by=people["lee"], now=NOW)
    assert (made.label_set.keys, made.guideline, made.settings.daily_goal) == (("k2", "k1"), "準則", 7)
    assert not made.label_set.gone
    assert membership.require_member(db, made.id, people["lee"], "lead")
    bare = replace(like, key="bare", same_guideline=False, same_settings=False)
    made = projects.make_project(db, bare, by=people["lee"], now=NOW)
    assert (made.guideline, made.settings) == ("", ProjectSettings())


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"name": " "}, BadName),
        ({"name": "長" * 61}, BadName),
        ({"key": "Not fit"}, BadFile),
        ({"key": "p"}, NameTaken),
        ({"labels": ()}, BadLabel),
        ({"like": 99}, NotAllowed),
    ],
)
def test_a_project_that_cannot_be_is_refused_whole(
    db: Database, people: dict[str, int], project_id: int, change: dict, error: type[Exception]
) -> None:
    good = NewProject(key="new", name="新的", labels=label_rules.typed("甲"))
    with pytest.raises(error):
        projects.make_project(db, replace(good, **change), by=people["lee"], now=NOW)
    with pytest.raises(NotAllowed):
        projects.make_project(db, good, by=people["ann"], now=NOW)
    assert len(projects.list_projects(db)) == 1


@pytest.mark.parametrize(("text", "why"), [("\n ", "none"), ("甲\n甲", "taken"), ("甲|乙", "characters")])
def test_typed_labels_are_told_apart(text: str, why: str) -> None:
    with pytest.raises(BadLabel) as caught:
        label_rules.typed(text)
    assert caught.value.fields["why"] == why


def test_a_label_that_is_refused_is_named_by_its_line() -> None:
    with pytest.raises(BadLabel) as caught:
        label_rules.typed("甲\n\n乙, B\n丙, b\n丁")
    assert sentence(caught.value, "zh").startswith("第 4 行：")
    assert sentence(caught.value, "en").startswith("Line 4: ")
    with pytest.raises(BadLabel) as caught:
        label_rules.typed("\n".join([*(f"標籤{n}" for n in range(1199)), "", "標籤7"]))
    assert sentence(caught.value, "en").startswith("Line 1,201: ")


def test_thousands_of_labels_are_typed_and_the_digits_stay_free_for_those_at_hand() -> None:
    names = [f"標籤{n}" for n in range(label_rules.MAX_LABELS)]
    made = label_rules.typed("\n".join(names))
    assert [label.zh for label in made] == names
    assert not any(label.hotkey for label in made)
    with pytest.raises(BadLabel) as caught:
        label_rules.typed("\n".join([*names, "一個"]))
    assert caught.value.fields == {"field": "labels", "why": "many", "have": 5001, "limit": 5000}
    few = label_rules.typed("\n".join(names[: label_rules.LISTED]))
    assert [label.hotkey for label in few[:10]] == [*"123456789", ""]
    assert label_rules.free_hotkey(made) == label_rules.free_hotkey(few) == ""


def test_labels_are_read_once_until_somebody_changes_one(db: Database, path: Path, project_id: int) -> None:
    first = projects.project(db, project_id).label_set
    assert projects.project(db, project_id).label_set is first
    with closing(open_database(path)) as other, writing(other):
        other.execute("UPDATE labels SET zh = '新名' WHERE key = 'k1'")
    second = projects.project(db, project_id).label_set
    assert (first.labels[1].zh, second.labels[1].zh) == ("乙", "新名")
    with suppress(ZeroDivisionError), writing(db):
        db.execute("DELETE FROM labels WHERE key = 'k1'")
        assert projects.project(db, project_id).label_set.keys == ("k0", "k2")
        1 / 0  # noqa: B018
    assert projects.project(db, project_id).label_set is second


def test_the_first_start_makes_one_project_and_one_admin_and_the_second_nothing(db: Database) -> None:
    made = starting.make_first_project(db, DEMO / "project.toml", now=NOW)
    assert made is not None
    assert made.report is not None
    assert made.report.added == 264
    admin = starting.make_first_admin(db, password=None, now=NOW)
    assert admin is not None
    assert len(admin[1]) >= 12
    assert starting.make_first_project(db, DEMO / "project.toml", now=NOW) is None
    assert starting.make_first_admin(db, password=None, now=NOW) is None


def test_the_demo_corpus_is_what_its_page_says() -> None:
    read = projects.read_project_file(DEMO / "project.toml")
    rows = [json.loads(line) for line in (DEMO / "corpus.jsonl").read_text(encoding="utf-8").splitlines()]
    answers = [json.loads(line) for line in (DEMO / "answers.jsonl").read_text(encoding="utf-8").splitlines()]
    known = {row["id"]: row["labels"] for row in rows if row["labels"]} | {row["id"]: row["labels"] for row in answers}
    assert len(rows) >= 240
    assert set(known) == {row["id"] for row in rows}
    assert all(80 <= len(row["text"]) <= 300 for row in rows)
    assert len({row["text"][:6] for row in rows}) == len(rows), "no two open alike"
    assert {row["genre"] for row in rows} == {"news", "qa", "column", "leaflet"}
    counts = Counter(label for labels in known.values() for label in labels)
    share = {label: n / len(rows) for label, n in counts.items()}
    assert set(counts) == {label.zh for label in read.labels}
    assert 0.65 <= max(share.values()) <= 0.75
    assert 0.08 <= min(share.values()) <= 0.12
    assert 2.7 <= sum(counts.values()) / len(rows) <= 3.3
    assert all(label.definition and label.definition_en and len(label.examples) == 2 for label in read.labels)
    assert {row["split"] for row in rows} == {"gold", "train", "pool"}
    assert all((row["labels"] is None) == (row["split"] == "pool") for row in rows)


def test_a_strategy_that_nobody_knows_is_refused_when_it_is_named(
    db: Database, people: dict[str, int], project_id: int
) -> None:
    wanted = ProjectSettings(acquisition="luck")
    with pytest.raises(BadSetting, match="tail_uncertainty"):
        projects.update_settings(db, project_id, wanted, by=people["lee"], now=NOW)
    with pytest.raises(BadSetting, match="tail_uncertainty"):
        make_project(db, key="other", acquisition="luck")
    chance = ProjectSettings(acquisition="chance", explore_share=0.5)
    projects.update_settings(db, project_id, chance, by=people["lee"], now=NOW)
    assert projects.project(db, project_id).settings == chance
