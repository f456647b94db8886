from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from core.errors import BadFile, BadRows
from core.experiments.corpus import describe, load
from tests.core.reproduce.making import LABELS, corpus_file, rows


def test_labels_come_by_frequency_and_each_text_keeps_its_own(tmp_path: Path) -> None:
    corpus = load(corpus_file(tmp_path / "a.jsonl"))
    counts = corpus.y.sum(axis=0)
    assert set(corpus.label_keys) == set(LABELS)
    assert (np.diff(counts) <= 0).all()
    for row in rows():
        chosen = corpus.y[corpus.texts.index(row["text"])]
        assert {key for key, has in zip(corpus.label_keys, chosen, strict=True) if has} == set(row["labels"])
    assert describe(corpus)["positives"][corpus.label_keys[0]] == counts[0]
    assert corpus.notes == ()


def test_the_digest_follows_the_content_not_the_order_or_the_packing(tmp_path: Path) -> None:
    one = load(corpus_file(tmp_path / "a.jsonl"))
    turned = load(corpus_file(tmp_path / "b.jsonl", rows()[::-1]))
    with gzip.open(tmp_path / "c.jsonl.gz", "wb") as packed:
        packed.write((tmp_path / "a.jsonl").read_bytes())
    changed = rows()
    changed[1]["labels"] = []
    assert one.digest == turned.digest == load(tmp_path / "c.jsonl.gz").digest
    assert one.digest != load(corpus_file(tmp_path / "d.jsonl", changed)).digest


def test_csv_is_read_like_json_lines(tmp_path: Path) -> None:
    cells = "".join(f'"{row["text"]}","{"|".join(row["labels"])}"\n' for row in rows() if row["labels"])
    (tmp_path / "a.csv").write_text("text,labels\n" + cells, encoding="utf-8")
    with_labels = [row for row in rows() if row["labels"]]
    assert load(tmp_path / "a.csv").digest == load(corpus_file(tmp_path / "a.jsonl", with_labels)).digest


def test_a_repeated_text_is_kept_once_and_said(tmp_path: Path) -> None:
    found = rows()
    again = [
        {**found[0], "text": found[0]["text"] + " \u200b"},
        {"text": found[1]["text"], "labels": [LABELS[2], "新的"]},
    ]
    corpus = load(corpus_file(tmp_path / "a.jsonl", found + again))
    assert len(corpus.texts) == len(set(corpus.texts)) == len(found)
    assert "新的" not in corpus.label_keys
    assert corpus.notes[0].startswith("2 rows repeat an earlier text and were left out (1 of them with other labels)")


def test_rows_without_a_labels_field_are_left_out_and_counted_empty_lists_stay(tmp_path: Path) -> None:
    extra = [{"text": "says nothing"}, {"text": "has none", "labels": []}]
    corpus = load(corpus_file(tmp_path / "a.jsonl", rows() + extra))
    assert "1 rows say nothing of labels" in corpus.notes[0]
    assert not corpus.y[corpus.texts.index("has none")].any()


def test_bad_rows_name_line_and_field(tmp_path: Path) -> None:
    found = [*rows(), {"text": "  "}, {"labels": ["x"]}, {"text": "y", "labels": [1]}]
    with pytest.raises(BadRows) as caught:
        load(corpus_file(tmp_path / "a.jsonl", found))
    n = len(rows())
    assert [(bad.line, bad.field, bad.code) for bad in caught.value.fields["report"]] == [
        (n + 1, "text", "EmptyText"), (n + 2, "text", "NoText"), (n + 3, "labels", "LabelsNotAList"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ([], "empty"),
        ([{"text": f"t{n}"} for n in range(20)], "no_labels"),
        ([{"text": f"t{n}", "labels": []} for n in range(20)], "no_labels"),
        ([{"text": f"t{n}", "labels": [f"l{n}"]} for n in range(5001)], "too_many_labels"),
        ([{"text": f"t{n}", "labels": ["l"]} for n in range(7)], "unreadable"),
    ],
)
def test_a_file_that_cannot_be_learned_from_is_refused(tmp_path: Path, found: list[dict], why: str) -> None:
    with pytest.raises(BadFile) as caught:
        load(corpus_file(tmp_path / "a.jsonl", found))
    assert caught.value.fields["why"] == why


def test_a_missing_file_is_said_so(tmp_path: Path) -> None:
    for path, pool in ((tmp_path / "no.jsonl", None), (corpus_file(tmp_path / "a.jsonl"), tmp_path / "no.jsonl")):
        with pytest.raises(BadFile) as caught:
            load(path, pool=pool)
        assert caught.value.fields == {"name": "no.jsonl", "why": "missing"}


def test_a_label_of_one_text_and_one_of_all_are_noted(tmp_path: Path) -> None:
    found = [{"text": f"text {n}", "labels": ["all", "half"][: 1 + n % 2] + ["once"] * (n == 3)} for n in range(20)]
    notes = load(corpus_file(tmp_path / "a.jsonl", found)).notes
    assert notes == ("Label “once” has a single text.", "Every text carries label “all”.")


def test_a_trial_takes_the_same_texts_whatever_their_order(tmp_path: Path) -> None:
    one = load(corpus_file(tmp_path / "a.jsonl"), limit=20)
    other = load(corpus_file(tmp_path / "b.jsonl", rows()[::-1]), limit=20)
    assert (len(one.texts), one.digest) == (20, other.digest)
    assert "A trial on 20 of 66 texts." in one.notes


def test_unlabelled_texts_leave_out_what_the_corpus_has(tmp_path: Path) -> None:
    pool = tmp_path / "pool.jsonl"
    texts = ["of its own", rows()[0]["text"], "of its own", ""]
    pool.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    plain, corpus = load(corpus_file(tmp_path / "a.jsonl")), load(tmp_path / "a.jsonl", pool=pool)
    assert corpus.pool == ("of its own",)
    assert corpus.digest != plain.digest
    assert "1 unusable rows and 1 texts of the corpus" in corpus.notes[-1]
