"""A tree's student as one zip that runs alone: numpy and scipy are all it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core.errors import ModelUnavailable
from core.export.tree_card import tree_card
from core.export.zipped import as_json, write_zip
from core.xmc.student import MODEL, TreeStudent, load_tree

FORMAT = 1
FILES = Path(__file__).resolve().parent / "bundle_files"
REQUIREMENTS = "numpy>=1.26\nscipy>=1.11\n"


def write_tree_bundle(
    student_dir: Path, labels: Sequence[Mapping[str, Any]], card: Mapping[str, Any], out_zip: Path
) -> Path:
    """Write the zip beside, then give it its name; on an error nothing of it is left.

    ``labels`` as for ``bundle.write_bundle``; ``card``: see ``core.export.tree_card``.
    Raises ModelUnavailable: the student's folder is damaged, or has other labels.
    """
    student = load_tree(Path(student_dir))
    named = _labels(student, labels)
    about = {"format": FORMAT, "kind": "tree", "config": student.meta.get("config", {})}
    return write_zip(Path(out_zip), {
        "tree.npz": (Path(student_dir) / MODEL).read_bytes(),
        "labels.json": as_json(named),
        "student.json": as_json(about),
        "MODEL_CARD.md": tree_card(named, about["config"], card, grams=len(student.vectoriser.grams)).encode(),
        "predict.py": (FILES / "predict_tree.py").read_bytes(),
        "common.py": (FILES / "predict.py").read_bytes(),
        "requirements.txt": REQUIREMENTS.encode(),
    })  # fmt: skip


def _labels(student: TreeStudent, labels: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    keys = tuple(label["key"] for label in labels)
    if keys != student.label_keys:
        raise ModelUnavailable(name="student", why=f"{len(student.label_keys)} labels ≠ {len(keys)}")
    learnt = set(student.seen.tolist())
    return [
        {
            **{name: label.get(name) or "" for name in ("key", "zh", "en", "definition")},
            "threshold": float(threshold),
            "learnt": k in learnt,
        }
        for k, (label, threshold) in enumerate(zip(labels, student.thresholds, strict=True))
    ]
