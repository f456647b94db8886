"""The report says what an independent computation says, names nobody unasked, and stands for any project."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score
from sqlite_utils import Database

from core import __main__ as command_line
from core.export.report import Document, Table, bundle
from core.export.report_html import html
from core.services import accounts, labelling, membership
from core.services.dashboard import report
from core.services.dashboard.report import Wanted, pseudonyms
from db.connect import execute, rows, writing
from db.errors import NotFound
from tests.conftest import NOW, PASSWORD, make_project
from tests.core.services.dashboard import modelled
from tests.core.services.dashboard.crowd import label_for_days
from tests.core.services.dashboard.measuring import gold_ids, import_texts

CUTS = (0.5, 0.45, 0.4)
NAMES = ("Wang-Meili", "Chen-Dawei")


@pytest.fixture
def measured(db: Database, tmp_path: Path) -> tuple[int, np.ndarray, dict]:
    """A project with gold, two rounds, and two people who overlap: (project, truth, the last round's answers)."""
    project = make_project(db, overlap=2)
    y = modelled.labelled(1, 60, (0.8, 0.4, 0.1))
    import_texts(db, project, tmp_path, modelled.labelled(2, 40, (0.8, 0.4, 0.1)), split="train")
    import_texts(db, project, tmp_path, y, split="gold")
    import_texts(db, project, tmp_path, np.zeros((30, 3), dtype=bool), split="pool")
    people = {}
    for name in NAMES:
        people[name] = accounts.create_user(db, name, PASSWORD, "annotator", by=None, now=NOW).id
        membership.add(db, project, people[name], by=None, now=NOW)
    label_for_days(db, project, people, begin=NOW, days=3, a_day=10)
    gold = gold_ids(db, project)
    modelled.publish(db, project, gold, y, modelled.said(y, 3), thresholds=CUTS, now=NOW + 1)
    probs = modelled.said(y, 4)
    modelled.publish(db, project, gold, y, probs, thresholds=CUTS, now=NOW + 2)
    return project, y, probs


def made(db: Database, project: int, **wanted: object) -> Document:
    return report.report(db, project, Wanted(**{"lang": "en", **wanted}), now=NOW + 9)


def table(document: Document, name: str) -> list[dict]:
    found: Table = next(each for each in document.tables if each.name == name)
    return [dict(zip(found.heads, row, strict=True)) for row in found.rows]


def test_every_labels_figures_are_scikit_learns(db: Database, measured: tuple) -> None:
    project, y, probs = measured
    found = {each["Key"]: each for each in table(made(db, project), "labels")}
    for k, cut in enumerate(CUTS):
        said, line = probs["student"][:, k] >= np.float32(cut), found[f"k{k}"]
        assert line["F1"] == pytest.approx(f1_score(y[:, k], said))
        assert line["Precision"] == pytest.approx(precision_score(y[:, k], said))
        assert line["Recall"] == pytest.approx(recall_score(y[:, k], said))
        assert line["Gold positives"] == y[:, k].sum()
        assert line["Threshold"] == pytest.approx(cut)
        assert line["95 % low"] <= line["F1"] <= line["95 % high"]
        assert bool(line["Remark"]) == (y[:, k].sum() < 10)


def test_calibration_is_that_of_an_independent_sum(db: Database, measured: tuple) -> None:
    project, y, probs = measured
    document = made(db, project)
    said = probs["student"].astype(np.float32).astype(np.float64)
    bins = table(document, "calibration_bins")
    for line in table(document, "calibration"):
        k = int(line["Label"][-1])
        assert line["Gold positives"] == y[:, k].sum()
        assert line["Expected positives (sum of probabilities)"] == pytest.approx(said[:, k].sum())
        place = np.minimum((said[:, k] * 10).astype(int), 9)
        gaps = [abs(said[place == b, k].sum() - y[place == b, k].sum()) for b in range(10)]
        assert line["ECE"] == pytest.approx(sum(gaps) / 60, abs=1e-6)
        own = [each for each in bins if each["Label"] == line["Label"]]
        assert [each["n"] for each in own] == [int((place == b).sum()) for b in range(10) if (place == b).any()]
        assert sum(each["k"] for each in own) == y[:, k].sum()
        assert all(each["95 % low"] - 1e-9 <= each["Came true"] <= each["95 % high"] + 1e-9 for each in own)


def test_what_needs_attention_comes_first_in_words(db: Database, measured: tuple) -> None:
    project = measured[0]
    for lang, title, never, few in (
        ("en", "What needs attention", "Act: No sign of the worker yet", "Look: label 2 has"),
        ("zh", "需要留意的事", "要處理：背景程式還沒有動靜", "留意：丙 在金標準裡只有"),
    ):
        first = made(db, project, lang=lang).sections[0]
        assert first.title == title
        assert first.sentences[0].startswith(never)
        assert any(each.startswith(few) for each in first.sentences), first.sentences
        assert not [each for each in first.sentences if "`" in each or "**" in each]
        labelled = modelled.labelled(1, 60, (0.8, 0.4, 0.1)).sum(axis=0)
        assert labelled[2] < 10  # which is why the third label is spoken of


@pytest.mark.parametrize("lang", ["zh", "hans", "en"])
def test_no_table_bears_the_title_of_its_section(db: Database, measured: tuple, lang: str) -> None:
    document = made(db, measured[0], lang=lang)
    titles = [each.title for each in document.sections] + [each.title for each in document.tables]
    assert len(set(titles)) == len(titles)


def test_the_project_is_called_what_pages_call_it(db: Database, measured: tuple) -> None:
    project = measured[0]
    with writing(db):
        execute(db, "UPDATE projects SET name = '健康文本', name_en = 'Health texts' WHERE id = :p", p=project)
    for lang, name in (("zh", "健康文本"), ("hans", "健康文本"), ("en", "Health texts")):
        found = made(db, project, lang=lang)
        assert name in found.title
        assert found.facts[0][1] == f"{name} (p)"
    with writing(db):
        execute(db, "UPDATE projects SET name_en = '' WHERE id = :p", p=project)
    assert "健康文本" in made(db, project).title


def test_a_report_after_a_merge_says_which_labels_its_figures_are_of(db: Database, measured: tuple) -> None:
    project = measured[0]
    lead = accounts.create_user(db, "lead", PASSWORD, "lead", by=None, now=NOW, projects=[project])
    labelling.merge(db, project, "k0", "k1", by=lead.id, now=NOW)
    told = "Round 2 learnt 3 labels; since then label 0 was merged into label 1."
    document = made(db, project)
    sections = {each.title: " ".join(each.sentences) for each in document.sections}
    assert all(told in sections[title] for title in ("Overview", "Labels", "Long tail and distillation"))


def test_models_and_rounds_are_those_of_the_tables(db: Database, measured: tuple) -> None:
    project, y, probs = measured
    document = made(db, project)
    models = {(each["Model"], each["Aggregate"]): each["F1"] for each in table(document, "models")}
    for model, name in (("student", "student"), ("linear", "linear model")):
        said = probs[model] >= np.float32(CUTS)
        for average in ("macro", "micro", "weighted"):
            assert models[name, f"{average}-F1"] == pytest.approx(f1_score(y, said, average=average))
    rounds = table(document, "rounds")
    assert [each["Round"] for each in rounds] == ["2", "1"]
    assert rounds[0]["macro-F1"] == models["student", "macro-F1"]
    gains = {each["Label"]: each["Gain of distillation"] for each in table(document, "long_tail")}
    both = [f1_score(y, probs[m] >= np.float32(CUTS), average=None) for m in ("student", "standalone")]
    assert [gains[f"label {k}"] for k in range(3)] == pytest.approx(list(both[0] - both[1]))


def test_counts_are_those_of_the_tables(db: Database, measured: tuple) -> None:
    project, y, _ = measured
    document = made(db, project)
    gold = table(document, "together_gold")
    order = [int(each["Label"][-1]) for each in gold]
    assert [[each[f"label {k}"] for k in order] for each in gold] == (y.T.astype(int) @ y)[
        np.ix_(order, order)
    ].tolist()
    overview = {each["Measure"]: each["Value"] for each in table(document, "overview")}
    assert overview["Gold texts labelled"] == 60
    done = rows(db, "SELECT count(DISTINCT document_id) AS n FROM current_annotations WHERE decision = 'skipped'")
    assert overview["Texts skipped by somebody"] == done[0]["n"]
    people = table(document, "people")
    counted = rows(
        db, "SELECT count(*) AS n FROM current_annotations c JOIN users u ON u.id = c.user_id "
        "WHERE u.role != 'system' AND c.decision IN ('labelled', 'flagged') GROUP BY u.id",
    )  # fmt: skip
    assert sorted(each["Texts"] for each in people) == sorted(each["n"] for each in counted)


def files(document: Document) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(bundle(document))) as found:
        return {name: found.read(name).decode("utf-8-sig") for name in found.namelist()}


def test_people_are_letters_unless_their_names_are_asked_for_and_no_text_is_in_it(
    db: Database, measured: tuple
) -> None:
    project = measured[0]
    hidden, named = files(made(db, project)), files(made(db, project, names=True))
    assert not [name for name in NAMES for text in hidden.values() if name in text]
    assert all(name in named["tables/people.csv"] and name in named["report.html"] for name in NAMES)
    assert [row[0] for row in csv.reader(io.StringIO(hidden["tables/people.csv"]))][1:] == ["A", "B"]
    texts = [each["text"] for each in rows(db, "SELECT text FROM documents")]
    assert not [text for text in texts for file in (*hidden.values(), *named.values()) if text[:12] in file]


def test_pseudonyms_stay_and_go_on_after_z() -> None:
    many = [f"person {n}" for n in range(60)]
    found = pseudonyms(many, salt="p")
    assert found == pseudonyms(reversed(many), salt="p")
    assert sorted(found.values(), key=lambda name: (len(name), name))[24:28] == ["Y", "Z", "AA", "AB"]
    assert found != pseudonyms(many, salt="q")


def test_the_methods_say_how_the_round_was_made_and_name_known_literature(db: Database, measured: tuple) -> None:
    text = files(made(db, measured[0]))["methods.md"]
    assert "Round 2" in text
    assert "Approximation" in text
    assert "500 resamples" in text
    known = Path(__file__).parents[4] / "docs" / "bibliography.md"
    keys = set(re.findall(r"\b[a-z]{3,}(?:19|20)\d\d[a-z]*\b", text))
    assert keys
    assert not [key for key in keys if f"`{key}`" not in known.read_text("utf-8")]


@pytest.mark.parametrize("lang", ["zh", "hans", "en"])
@pytest.mark.parametrize("kind", ["empty", "one_label", "no_gold", "ninety", "no_round"])
def test_any_project_has_a_report(db: Database, tmp_path: Path, lang: str, kind: str) -> None:
    k = {"one_label": 1, "ninety": 90}.get(kind, 3)
    project = make_project(db, labels=tuple(f"標籤{n}<b>" for n in range(k)))
    if kind != "empty":
        y = modelled.labelled(5, 20, (0.5,) * k)
        import_texts(db, project, tmp_path, y, split="train")
        if kind != "no_gold":
            import_texts(db, project, tmp_path, y, split="gold")
            if kind != "no_round":
                modelled.publish(db, project, gold_ids(db, project), y, modelled.said(y, 6), thresholds=(0.5,) * k)
    document = made(db, project, lang=lang)
    page = html(document)
    cells = [cell for one in document.tables for row in one.rows for cell in row]
    assert not [cell for cell in cells if isinstance(cell, float) and not np.isfinite(cell)]
    assert not re.search(r"\bnan\b|\binf\b|<b>", page)
    assert not [each for each in files(document).values() if re.search(r"\bnan\b", each)]


def test_what_was_made_is_kept_until_something_happens(db: Database, measured: tuple) -> None:
    project, steps = measured[0], []
    first = report.made(
        db, project, Wanted(), now=NOW, tick=lambda step, done, total: steps.append((step, done, total))
    )
    assert steps == [(step, n, len(report.STEPS)) for n, step in enumerate(report.STEPS)]
    assert report.made(db, project, Wanted(), now=NOW + 50) == first
    assert report.made(db, project, Wanted(names=True), now=NOW) != first
    content = first.read_bytes()
    modelled.rank(db, project, [{"label": "k0", "random": False, "words": False}])
    second = report.made(db, project, Wanted(), now=NOW + 60)
    assert second != first
    assert second.read_bytes() != content
    for n in range(6):
        modelled.rank(db, project, [{"label": "k0", "random": bool(n % 2), "words": False}])
        report.made(db, project, Wanted(), now=NOW)
    assert len(list(second.parent.iterdir())) == report.KEPT


def test_an_unknown_project_has_none(db: Database) -> None:
    with pytest.raises(NotFound):
        made(db, 99)


def test_the_command_writes_the_same_report(
    db: Database, measured: tuple, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.setenv("DATA_DIR", str(path.parent))
    out = tmp_path / "out.zip"
    assert command_line.main(["report", "--lang", "en", "--out", str(out)]) == 0
    with zipfile.ZipFile(out) as found:
        told = found.read("tables/labels.csv").decode("utf-8-sig")
    assert told == files(made(db, measured[0]))["tables/labels.csv"]
    assert str(out) in capsys.readouterr().out
    assert command_line.main(["report", "--out", str(tmp_path / "out.txt")]) == 2
    assert "zip" in capsys.readouterr().err
    assert command_line.main(["report", "--project", "none", "--out", str(out)]) == 2


@pytest.mark.parametrize("given", ["folder", "nothing", "demo/project.toml", ""])
def test_a_key_that_is_no_projects_is_told_with_those_there_are(
    path: Path, db: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    make_project(db, key="health")
    make_project(db, key="other")
    wanted = path.parent / "folder"
    wanted.mkdir()
    monkeypatch.setenv("DATA_DIR", str(path.parent))
    monkeypatch.setattr(command_line, "LANG", "en")
    key = str(wanted) if given == "folder" else given
    out = path.parent / "r.zip"
    assert command_line.main(["report", "--project", key, "--out", str(out)]) == 2
    told = capsys.readouterr().err
    assert f"No project has the key “{key}”" in told
    assert "keys here: health, other" in told
    assert "Traceback" not in told
    assert not out.exists()
