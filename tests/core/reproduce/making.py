"""A small corpus file and the options of a run on it that takes seconds."""

from __future__ import annotations

import json
from pathlib import Path

from core.reproduce.plan import Plan
from tests.core.making import small_data

LABELS = ("甲類症狀", "乙類", "丙<&>")
TINY = {
    "segmenter": "words", "vector_size": 12, "filters": 6, "hidden": 12, "max_epochs": 2, "patience": 1, "lr": 0.01,
    "class_weights": [0.5, 3.0], "sweep": "fast",
}  # fmt: skip


def rows(n: int = 66) -> list[dict]:
    data = small_data(n=n)
    return [
        {"text": text, "labels": [label for label, has in zip(LABELS, y, strict=True) if has]}
        for text, y in zip(data.train_texts, data.train_y, strict=True)
    ]


def corpus_file(path: Path, found: list[dict] | None = None) -> Path:
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in (rows() if found is None else found)]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def tiny_plan(**changes) -> Plan:
    return Plan(**{"archs": ("textcnn.v1",), "folds": 3, "settings": TINY, "threads": 2, **changes})
