"""A project that a round of seconds can be trained on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sqlite_utils import Database

from core.config import RoundConfig
from core.services import curating
from core.services.curating import ImportOptions
from tests.conftest import NOW, make_project

SMALL = {
    "vector_size": 8, "filters": 4, "hidden": 8, "max_epochs": 2, "patience": 1, "class_weights": [0.5, 1, 3],
    "threads": 1, "gru_hidden": 4,
}  # fmt: skip
WORDS = {"甲": "血壓 心臟 高鹽 頭暈", "乙": "失眠 焦慮 壓力 情緒", "丙": "魚油 維他命 膠囊 補充"}


def corpus(n: int, seed: int) -> list[dict]:
    """Texts whose words give their labels away."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(n):
        labels = [name for name in WORDS if rng.random() < 0.45] or ["甲"]
        words = [str(rng.choice(WORDS[name].split())) for name in labels for _ in range(3)]
        found.append({"text": f"{'，'.join(rng.permutation(words))}。{rng.integers(1e9)}", "labels": labels})
    return found


@pytest.fixture
def ready(db: Database, people: dict[str, int], tmp_path: Path) -> tuple[Database, int, dict[str, int]]:
    """A project with 40 labelled, 20 gold and 30 waiting texts."""
    project = make_project(
        db,
        round_min_labels=20,
        round_every=10,
        fast_lane_every=3,
        round=json.loads(RoundConfig.from_mapping(SMALL).to_json()),
    )
    lines = [{**r, "split": "train"} for r in corpus(40, 1)] + [{**r, "split": "gold"} for r in corpus(20, 2)]
    lines += [{"text": r["text"], "split": "pool"} for r in corpus(30, 3)]
    file = tmp_path / "c.jsonl"
    file.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in lines), encoding="utf-8")
    curating.run_import(db, project, file, options=ImportOptions(), by=None, now=NOW)
    return db, project, people
