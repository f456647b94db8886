"""A small corpus file and the options of a run on it that takes seconds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from core.reproduce.plan import Plan
from tests.core.making import small_data

ROOT = Path(__file__).resolve().parents[3]
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


STRUCK = """
import os, sys
from core.__main__ import main
from core.reproduce.store import Store

write, left = Store.write, int(sys.argv[1])

def written(*args):
    global left
    write(*args)
    left -= 1
    if left == 0:
        os.kill(os.getpid(), int(sys.argv[2]))

Store.write = written
sys.exit(main(sys.argv[3:]))
"""


def struck(line: list[str], cells: int, by: signal.Signals) -> subprocess.CompletedProcess:
    """A run that is sent a signal when it has written so many cells, however fast or slow the machine is."""
    run = [sys.executable, "-c", STRUCK, str(cells), str(int(by)), *line]
    env = {**os.environ, "TAGTAIL_LANG": "en"}
    return subprocess.run(run, cwd=ROOT, env=env, capture_output=True, text=True, timeout=900, check=False)
