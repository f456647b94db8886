"""Chinese health texts in any number: sentences of the demo corpus, put together anew and each with its own number."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

DEMO = Path(__file__).resolve().parents[1] / "demo" / "corpus.jsonl"


def write_texts(path: Path, n: int, *, labelled: int = 0, seed: int = 0) -> Path:
    """``n`` texts for the pool, ``labelled`` ones with their sources' labels, and the demo's gold texts where any are.

    A project whose texts are all unlabelled never trains; one with labels and gold can at once.
    """
    rng = random.Random(seed)
    rows = [json.loads(line) for line in DEMO.read_text("utf-8").splitlines()]
    sources = [(re.findall(r"[^。\n]+。?", row["text"]), row["labels"]) for row in rows if row["split"] == "train"]
    with path.open("w", encoding="utf-8") as file:
        for number in range(n + labelled):
            parts = rng.sample(sources, 2)
            words = "".join(rng.choice(sentences) for sentences, _ in parts for _ in range(2))
            row: dict[str, object] = {"id": f"t{number}", "text": f"{words}（第 {number + 1} 則）", "split": "pool"}
            if number >= n:
                row |= {"labels": sorted({label for _, labels in parts for label in labels}), "split": "train"}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
        for row in rows if labelled else []:
            if row["split"] == "gold":
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return path
