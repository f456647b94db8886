"""A small corpus whose labels are phrases, and a simulation of it that takes seconds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from core.experiments.corpus import Corpus, load
from core.simulate.plan import Plan
from core.simulate.run import labelled

PHRASES = ("血壓偏高要注意", "每天服用藥物", "長輩容易跌倒", "補充維他命", "多喝白開水", "早點上床睡覺", "散步半小時")
LABELS = ("血壓", "藥物<&>", "跌倒")


def rows(n: int = 240) -> list[dict]:
    """The first three phrases are the labels, the third one rare; a few texts have no label."""
    draw = np.random.default_rng(0)
    out = []
    for at in range(n):
        chosen = draw.random(len(PHRASES)) < [0.6, 0.3, 0.08, 0.5, 0.5, 0.5, 0.5]
        text = f"第{at}篇：" + "，".join(PHRASES[k] for k in draw.permutation(np.flatnonzero(chosen)))
        out.append({"text": text, "labels": [LABELS[k] for k in np.flatnonzero(chosen[:3])]})
    return out


def corpus_file(path: Path, found: list[dict] | None = None) -> Path:
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in (rows() if found is None else found)]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def small_corpus(folder: Path) -> Corpus:
    return labelled(load(corpus_file(folder / "small.jsonl")))


def tiny_plan(**changes) -> Plan:
    return Plan(**{"strategies": ("tail_uncertainty",), "seeds": 2, "first": 10, "batch": 15, "budget": 50, **changes})
