from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.errors import BadFile
from core.experiments.parted import load
from tests.core.reproduce.making import LABELS, corpus_file, rows


def split_rows(tested: int = 12) -> list[dict]:
    return [{**row, "split": "test" if n < tested else "train"} for n, row in enumerate(rows())]


def test_a_file_that_names_its_test_part_keeps_it(tmp_path: Path) -> None:
    found = load(corpus_file(tmp_path / "a.jsonl", split_rows()))
    assert set(found.at(found.test)) == {row["text"] for row in rows()[:12]}
    parts = np.concatenate([found.train, found.valid, found.test])
    assert sorted(parts) == list(range(len(found.texts)))
    assert found.y[found.train].any(axis=0).all()
    assert found.rule.startswith("The test part is the file's own")
    for row in rows():
        chosen = found.y[found.texts.index(row["text"])]
        assert {key for key, has in zip(found.label_keys, chosen, strict=True) if has} == set(row["labels"])


def test_without_one_a_fifth_is_tested(tmp_path: Path) -> None:
    found = load(corpus_file(tmp_path / "a.jsonl"))
    assert len(found.test) == pytest.approx(len(rows()) / 5, abs=2)
    assert "stratified fifth" in found.rule
    assert set(found.label_keys) == set(LABELS)
    assert (np.diff(found.counts) <= 0).all()


def test_a_text_of_both_sides_is_only_tested(tmp_path: Path) -> None:
    given = split_rows()
    given.append({**given[0], "split": "train"})
    found = load(corpus_file(tmp_path / "a.jsonl", given))
    assert found.texts.count(given[0]["text"]) == 1
    assert given[0]["text"] in found.at(found.test)
    assert "1 rows repeat another text" in found.notes[0]


def test_parts_follow_the_texts_and_not_their_order(tmp_path: Path) -> None:
    one = load(corpus_file(tmp_path / "a.jsonl", split_rows()))
    turned = load(corpus_file(tmp_path / "b.jsonl", split_rows()[::-1]))
    assert set(one.at(one.valid)) == set(turned.at(turned.valid))
    other = split_rows()
    other[3]["labels"] = [LABELS[0]] if other[3]["labels"] != [LABELS[0]] else [LABELS[1]]
    assert load(corpus_file(tmp_path / "c.jsonl", other)).digest != one.digest


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ([{"text": f"t{n}", "labels": []} for n in range(9)], "no_labels"),
        ([{"text": f"t{n}", "labels": ["a"]} for n in range(5)], "unreadable"),
        ([{"text": f"t{n}", "labels": ["a"], "split": "test" if n else "train"} for n in range(9)], "unreadable"),
    ],
)
def test_what_cannot_be_parted_is_refused(found: list[dict], why: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in found), encoding="utf-8")
    with pytest.raises(BadFile) as caught:
        load(path)
    assert caught.value.fields["why"] == why
