"""Texts in, labels out: all or nothing, each bad row told, and the way there and back is the identity."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from core.errors import BadFile, BadRows, NotAllowed, NothingToExport
from core.services import curating, labelling
from core.services.curating import ImportOptions
from db.connect import open_database, rows, value
from tests.conftest import LABELS, NOW, make_project

OPTIONS = ImportOptions()


def write(path: Path, *objects: object) -> Path:
    path.write_text("".join(json.dumps(o, ensure_ascii=False) + "\n" for o in objects), encoding="utf-8")
    return path


def run(db: Database, project: int, path: Path, **options: bool) -> curating.ImportReport:
    return curating.run_import(db, project, path, options=ImportOptions(**options), by=None, now=NOW)


def test_jsonl_and_csv_bring_the_same(db: Database, tmp_path: Path) -> None:
    one, two = make_project(db, key="one"), make_project(db, key="two")
    lines = write(
        tmp_path / "a.jsonl",
        {"id": "x1", "text": "血壓，偏高", "labels": ["乙", "甲"], "split": "train"},
        {"id": 2, "text": "多喝水\n多休息", "labels": None},
        {"text": "金標準", "labels": ["label 2"], "split": "test", "genre": "qa"},
    )
    table = tmp_path / "a.csv"
    table.write_text(
        'id,text,labels,split,genre\r\nx1,"血壓，偏高",乙|甲,train,\r\n'
        '2,"多喝水\n多休息",,,\r\n,金標準,label 2,test,qa\r\n',
        encoding="utf-8-sig",
    )
    a, b = run(db, one, lines), run(db, two, table)
    assert (a.added, a.labelled, a.gold) == (b.added, b.labelled, b.gold) == (3, 2, 1)
    out = [list(curating.export_labels(db, p, format="jsonl", include="all", now=NOW)) for p in (one, two)]
    assert out[0] == out[1]
    assert json.loads(out[0][0])["labels"] == ["甲", "乙"], "in the project's order"


def test_one_bad_row_stops_the_whole_file_unless_told_otherwise(db: Database, project_id: int, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(
        '{"text": "好的"}\n{"text": ""}\nnot json\n[1]\n{"text": 5}\n{"labels": ["甲"]}\n'
        '{"text": "未知", "labels": ["丁"]}\n{"text": "串", "labels": 3}\n{"text": "好的 "}\n'
        + json.dumps({"text": "分組", "split": "glod"}) + "\n" + json.dumps({"text": "長" * 1_000_000}) + "\n",
        encoding="utf-8",
    )  # fmt: skip
    with pytest.raises(BadRows) as caught:
        run(db, project_id, file)
    assert value(db, "SELECT count(*) FROM documents") == 0
    bad = {each.line: (each.field, each.code) for each in caught.value.fields["report"]}
    assert bad == {
        2: ("text", "EmptyText"), 3: ("", "NotJson"), 4: ("", "NotJson"), 5: ("text", "NoText"), 6: ("text", "NoText"),
        7: ("labels", "UnknownLabel"), 8: ("labels", "LabelsNotAList"), 10: ("split", "UnknownSplit"),
        11: ("text", "TextTooLong"),
    }  # fmt: skip
    report = run(db, project_id, file, allow_partial=True)
    assert (report.added, report.duplicates, len(report.refused)) == (1, 1, 9)


def test_planning_writes_nothing(db: Database, project_id: int, tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", {"text": "一", "labels": ["丁"]}, {"text": "二", "labels": ["甲"]})
    plan = curating.plan_import(db, project_id, file, options=OPTIONS)
    assert (plan.rows, plan.good, len(plan.bad), plan.new_labels) == (2, 1, 1, ("丁",))
    assert value(db, "SELECT count(*) FROM documents") == 0


def test_the_same_text_enters_once_however_it_is_spelled(db: Database, project_id: int, tmp_path: Path) -> None:
    file = write(
        tmp_path / "a.jsonl", {"text": "ＡＢＣ　維他命"}, {"text": "ABC 維他命"}, {"text": " ABC  維他命\u200b"}
    )
    assert run(db, project_id, file).duplicates == 2
    assert run(db, project_id, file).duplicates == 3


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.txt", b"x", "jsonl_or_csv"),
        ("a.jsonl", b"", "empty"),
        ("a.jsonl", "文".encode("big5"), "not_utf8"),
        ("a.csv", b"a,b\n1,2\n", "no_text_column"),
        ("a.csv", b"", "no_text_column"),
        ("a.csv", b'text\n"never closed\nmore\n', "unreadable"),
        ("a.jsonl.gz", b"not gzip", "unreadable"),
        ("a.jsonl.gz", gzip.compress(b'{"text": "x"}\n' * 99, mtime=0)[:40], "unreadable"),
    ],
)
def test_a_file_that_is_no_data_is_refused_with_the_reason(
    db: Database, project_id: int, tmp_path: Path, name: str, content: bytes, why: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(BadFile) as caught:
        run(db, project_id, file)
    assert caught.value.fields["why"] == why
    assert value(db, "SELECT count(*) FROM documents") == 0


def test_gold_is_set_aside_once_at_random_and_the_same_everywhere(db: Database, tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", *({"text": f"段落{i}"} for i in range(400)))
    projects = [make_project(db, key="g", gold_share=0.2)]
    run(db, projects[0], file)
    gold = {r["text"] for r in rows(db, "SELECT text FROM documents WHERE role = 'gold'")}
    assert 50 < len(gold) < 110
    other = open_database(tmp_path / "other.db", create=True)
    again = make_project(other, key="g", gold_share=0.2)
    run(other, again, write(tmp_path / "b.jsonl", *({"text": f"段落{i}"} for i in reversed(range(400)))))
    assert {r["text"] for r in rows(other, "SELECT text FROM documents WHERE role = 'gold'")} == gold
    other.close()
    run(db, projects[0], write(tmp_path / "c.jsonl", *({"text": f"後來{i}"} for i in range(100))))
    assert value(db, "SELECT count(*) FROM documents WHERE role = 'gold' AND text LIKE '後來%'") == 0


def test_training_labels_can_be_left_out_while_gold_keeps_its_own(
    db: Database, project_id: int, tmp_path: Path
) -> None:
    file = write(
        tmp_path / "a.jsonl",
        {"text": "一", "labels": ["甲"], "split": "train"},
        {"text": "二", "labels": ["乙"], "split": "test"},
    )
    report = run(db, project_id, file, use_labels=False)
    assert (report.labelled, report.gold) == (1, 1)
    assert value(db, "SELECT state FROM documents WHERE text = '一'") == "open"


def test_a_new_project_takes_the_labels_it_finds_commonest_first(db: Database, tmp_path: Path) -> None:
    file = write(
        tmp_path / "a.jsonl",
        {"text": "一", "labels": ["罕見", "常見"]},
        {"text": "二", "labels": ["常見"]},
        {"text": "三"},
    )
    made, report = curating.import_as_project(
        db, file, key="new", name="新", options=OPTIONS, by=None, now=NOW
    )  # fmt: skip
    assert made.label_set.keys == ("常見", "罕見")
    assert report.added == 3
    bare = write(tmp_path / "b.jsonl", {"text": "無標籤"})
    with pytest.raises(BadFile):
        curating.import_as_project(db, bare, key="bare", name="", options=OPTIONS, by=None, now=NOW)
    assert [p.key for p in curating.list_projects(db)] == ["new"]


def test_nothing_labelled_is_said_not_exported_as_an_empty_file(db: Database, project_id: int) -> None:
    with pytest.raises(NothingToExport):
        curating.export_labels(db, project_id, format="csv", now=NOW)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60).filter(lambda t: t.strip())
ROW = st.fixed_dictionaries(
    {
        "id": st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8),
        "text": TEXT,
        "labels": st.one_of(st.none(), st.lists(st.sampled_from(LABELS), min_size=1, max_size=3, unique=True)),
        "split": st.sampled_from(["train", "gold", "pool"]),
    }
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=st.lists(ROW, min_size=1, max_size=8), kind=st.sampled_from(["jsonl", "csv"]))
def test_exported_and_imported_again_is_the_identity(tmp_path_factory, found: list[dict], kind: str) -> None:
    folder = tmp_path_factory.mktemp("way")
    db = open_database(folder / "t.db", create=True)
    first, second = make_project(db, key="first"), make_project(db, key="second")
    write(folder / "a.jsonl", *found)
    run(db, first, folder / "a.jsonl", allow_partial=True)
    if value(db, "SELECT count(*) FROM documents"):
        out = b"".join(curating.export_labels(db, first, format=kind, include="all", now=NOW))
        (folder / f"b.{kind}").write_bytes(out)
        run(db, second, folder / f"b.{kind}")
        assert b"".join(curating.export_labels(db, second, format=kind, include="all", now=NOW)) == out
    db.close()


def test_a_spreadsheet_never_runs_what_people_wrote_and_the_way_back_is_still_exact(
    db: Database, project_id: int, tmp_path: Path
) -> None:
    texts = ["=HYPERLINK(1)", "+1", "-1", "@x", "'=1", "''", "'quoted'"]
    run(db, project_id, write(tmp_path / "a.jsonl", *({"text": t, "id": t, "split": "pool"} for t in texts)))
    out = b"".join(curating.export_labels(db, project_id, format="csv", include="all", now=NOW))
    cells = out.decode("utf-8-sig").splitlines()[1:]
    assert not [cell for cell in cells if cell[0] in "=+-@"]
    (tmp_path / "b.csv").write_bytes(out)
    other = make_project(db, key="other")
    run(db, other, tmp_path / "b.csv")
    found = rows(db, "SELECT text FROM documents WHERE project_id = :p ORDER BY id", p=other)
    assert [row["text"] for row in found] == texts


def test_half_a_character_is_a_bad_row_and_not_a_crash(db: Database, project_id: int, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"text": "好"}\n{"text": "x\\ud83d"}\n{"text": "y", "meta": {"a": "\\ud83d"}}\n', encoding="utf-8")
    report = run(db, project_id, file, allow_partial=True)
    assert [(bad.line, bad.code) for bad in report.refused] == [(2, "NotWritable"), (3, "NotWritable")]
    assert report.added == 1


def test_a_small_archive_that_unpacks_to_a_giant_is_refused_early(
    db: Database, project_id: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.export.datasets.MAX_BYTES", 2**20)
    for name, content in (("many.jsonl.gz", b'{"text": "x"}\n' * 200_000), ("one.jsonl.gz", b"x" * 2**21)):
        (tmp_path / name).write_bytes(gzip.compress(content))
        with pytest.raises(BadFile) as caught:
            run(db, project_id, tmp_path / name)
        assert caught.value.fields["why"] == "too_large"
    (tmp_path / "damaged.jsonl.gz").write_bytes(gzip.compress(b'{"text": "x"}\n')[:10] + b"\xff" * 40)
    with pytest.raises(BadFile):
        run(db, project_id, tmp_path / "damaged.jsonl.gz")


def test_only_a_lead_imports_and_labels_for_texts_already_here_are_counted(
    db: Database, project_id: int, people: dict[str, int], tmp_path: Path
) -> None:
    file = write(tmp_path / "a.jsonl", {"text": "一", "labels": ["甲"], "split": "train"})
    with pytest.raises(NotAllowed):
        curating.run_import(db, project_id, file, options=OPTIONS, by=people["ann"], now=NOW)
    assert value(db, "SELECT count(*) FROM documents") == 0
    curating.run_import(db, project_id, file, options=OPTIONS, by=people["lee"], now=NOW)
    assert run(db, project_id, file).labels_not_taken == 1


@pytest.mark.parametrize("name", ["藥物、注意事項", "a|b", "甲，乙", "a;b"])
def test_labels_that_look_like_several_are_asked_about(db: Database, tmp_path: Path, name: str) -> None:
    file = write(tmp_path / "a.jsonl", {"text": "一", "labels": [name]})
    with pytest.raises(BadFile) as caught:
        curating.import_as_project(db, file, key="x", name="x", options=OPTIONS, by=None, now=NOW)
    assert caught.value.fields == {"name": "a.jsonl", "why": "bar_in_label", "label": name}


@pytest.mark.parametrize("key", ["../evil", "", "A", "x" * 41, "a b"])
def test_a_project_key_is_fit_to_name_a_folder(db: Database, tmp_path: Path, key: str) -> None:
    file = write(tmp_path / "a.jsonl", {"text": "一", "labels": ["甲"]})
    with pytest.raises(BadFile):
        curating.import_as_project(db, file, key=key, name="x", options=OPTIONS, by=None, now=NOW)


def test_a_file_that_names_a_merged_label_is_taken_and_one_that_names_a_retired_label_is_asked_about(
    db: Database, project_id: int, people: dict[str, int], tmp_path: Path
) -> None:
    labelling.merge(db, project_id, "k1", "k2", by=people["lee"], now=NOW)
    labelling.retire(db, project_id, "k0", by=people["lee"], now=NOW)
    file = write(tmp_path / "old.jsonl", {"text": "一", "labels": ["乙"]}, {"text": "二", "labels": ["丙", "甲"]})
    with pytest.raises(BadRows) as caught:
        run(db, project_id, file)
    bad = caught.value.fields["report"]
    assert [(row.line, row.code, row.fields) for row in bad] == [(2, "RetiredLabel", {"label": "甲"})]
    run(db, project_id, file, allow_partial=True)
    assert [set(each.labels) for each in curating.label_sets(db, project_id, "pool")] == [{"k2"}]
    assert json.loads(value(db, "SELECT labels FROM annotations")) == ["k1"]  # as the file said
    texts = b"".join(curating.export_labels(db, project_id, format="jsonl", now=NOW)).decode()
    assert json.loads(texts)["labels"] == ["丙"]
    decision = json.loads(
        b"".join(curating.export_labels(db, project_id, format="jsonl", include="decisions", now=NOW))
    )
    assert (decision["labels"], decision["chosen"]) == (["丙"], ["乙"])


def test_an_empty_list_of_labels_is_no_label_in_the_plan_either(db, project_id, tmp_path) -> None:
    file = tmp_path / "c.jsonl"
    lines = [{"text": "甲文", "labels": ["甲"]}, {"text": "乙文", "labels": []}, {"text": "丙文"}]
    file.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf-8")
    plan = curating.plan_import(db, project_id, file, options=ImportOptions(use_labels=True))
    assert (plan.good, plan.with_labels) == (3, 1)
