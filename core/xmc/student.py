"""A tree as a round publishes it: weighted grams, machines down to the labels, a curve, thresholds; and on disk.

Labels that no training text carried are in no cluster, and have the probability 0 of every text.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from core.errors import ModelUnavailable
from core.models.linear import CharacterTfidf
from core.on_disk import sync
from core.predictions import KEPT, Likeliest
from core.xmc.calibrating import Curve
from core.xmc.ranker import Block, Ranker
from core.xmc.recursive import BEAM, Descent
from core.xmc.tree import Tree

FORMAT = 1
MODEL, META = "tree.npz", "tree.json"
_CHUNK = 1_000  # texts read at a time


class Candidates(NamedTuple):
    """What was looked at, a number each: which text, which label, its own margin, the path's score. Shapes: (n,)."""

    texts: NDArray[np.int64]
    labels: NDArray[np.int64]
    margins: NDArray[np.float64]
    paths: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class TreeStudent:
    """Shapes: seen (K',) positions of the tree's labels among all K; thresholds (K,)."""

    vectoriser: CharacterTfidf
    descent: Descent
    curve: Curve
    seen: NDArray[np.int64]
    label_keys: tuple[str, ...]
    thresholds: NDArray[np.float64]
    meta: Mapping[str, Any]

    def answers(self, texts: Sequence[str], *, most: int = KEPT) -> Generator[int, None, Likeliest]:
        """The likeliest labels of each text, read a thousand at a time; yields how many texts are read."""
        parts = [of_rows(self, self.vectoriser.transform([]), most)]
        for start in range(0, len(texts), _CHUNK):
            yield start
            parts.append(of_rows(self, self.vectoriser.transform(texts[start : start + _CHUNK]), most))
        labels, probs = (np.concatenate([getattr(each, name) for each in parts]) for name in ("labels", "probs"))
        return Likeliest(labels, probs, len(self.label_keys))


def of_rows(student: TreeStudent, rows: sp.csr_matrix, most: int) -> Likeliest:
    """Shapes: rows (P, F) → lists of (P, min(most, K'))."""
    last, curve, most = student.descent.levels[-1], student.curve, min(most, len(student.seen))
    sent = student.descent.clusters(rows)
    found = last.ranked(rows, sent, most, combine=lambda paths, margins: curve.logits(margins, paths))
    known = found.labels >= 0
    labels = np.where(known, student.seen[np.where(known, found.labels, 0)], -1)
    probs = np.where(known, 1 / (1 + np.exp(-np.where(known, found.scores, 0))), 0)
    return Likeliest(labels, probs.astype(np.float32), len(student.label_keys))


def candidates_of(descent: Descent, rows: sp.csr_matrix, most: int = KEPT) -> Candidates:
    """The labels that lead by margin and path together, of each text. Shapes: rows (N, F)."""
    last, sent = descent.levels[-1], descent.clusters(rows)
    found = last.ranked(rows, sent, most, combine=lambda paths, margins: paths + margins)
    texts, places = np.nonzero(found.labels >= 0)
    labels = found.labels[texts, places]
    paths = (
        np.zeros(len(texts))
        if sent is None or not len(texts)
        else np.asarray(sent[texts, last.tree.cluster[labels]]).ravel()
    )
    return Candidates(texts, labels, found.scores[texts, places] - paths, paths)


def arrays_of(student: TreeStudent) -> dict[str, NDArray[Any]]:
    """All numbers of the model. Clusters stand one behind another; ``…_sizes`` tell where one ends."""
    out: dict[str, NDArray[Any]] = {
        "grams": student.vectoriser.grams,
        "idf": student.vectoriser.idf,
        "curve": np.array(student.curve, dtype=np.float64),
        "seen": student.seen,
        "thresholds": student.thresholds,
        "beam": np.array(BEAM),
        "levels": np.array(len(student.descent.levels)),
    }
    for n, level in enumerate(student.descent.levels):
        blocks = level.blocks
        out |= {
            f"cluster_{n}": level.tree.cluster,
            f"depth_{n}": np.array(level.tree.depth),
            f"label_sizes_{n}": np.array([len(each.labels) for each in blocks]),
            f"labels_{n}": np.concatenate([each.labels for each in blocks]),
            f"offsets_{n}": np.concatenate([each.offsets for each in blocks]),
            f"column_sizes_{n}": np.array([len(each.columns) for each in blocks]),
            f"columns_{n}": np.concatenate([each.columns for each in blocks]),
            f"row_sizes_{n}": np.concatenate([np.diff(each.weights.indptr) for each in blocks]),
            f"indices_{n}": np.concatenate([each.weights.indices for each in blocks]).astype(np.int32),
            f"weights_{n}": np.concatenate([each.weights.data for each in blocks]),
        }
    return out


def _level(given: Mapping[str, NDArray[Any]], n: int) -> Ranker:
    blocks, at = [], {"labels": 0, "columns": 0, "weights": 0}
    for labels, columns in zip(given[f"label_sizes_{n}"].tolist(), given[f"column_sizes_{n}"].tolist(), strict=True):
        own = slice(at["labels"], at["labels"] + labels)
        wide = slice(at["columns"], at["columns"] + columns)
        starts = np.concatenate([[0], np.cumsum(given[f"row_sizes_{n}"][wide])])
        part = slice(at["weights"], at["weights"] + int(starts[-1]))
        weights = sp.csr_matrix(
            (given[f"weights_{n}"][part], given[f"indices_{n}"][part], starts), shape=(columns, labels)
        )  # fmt: skip
        blocks.append(
            Block(given[f"labels_{n}"][own], given[f"columns_{n}"][wide], weights, given[f"offsets_{n}"][own])
        )
        at = {"labels": own.stop, "columns": wide.stop, "weights": part.stop}
    return Ranker(Tree(given[f"cluster_{n}"], int(given[f"depth_{n}"])), tuple(blocks))


def save_tree(directory: Path, student: TreeStudent) -> None:
    """Write both files and see them on disk."""
    np.savez_compressed(directory / MODEL, allow_pickle=False, **arrays_of(student))
    about = {"format": FORMAT, "label_keys": list(student.label_keys), **student.meta}
    text = json.dumps(about, ensure_ascii=False, indent=1, sort_keys=True)
    (directory / META).write_text(text, encoding="utf-8")
    for name in (MODEL, META):
        sync(directory / name)


def load_tree(directory: Path) -> TreeStudent:
    """Raises ModelUnavailable: a file is absent or damaged, or written by newer code."""
    try:
        about = json.loads((directory / META).read_text(encoding="utf-8"))
        if about["format"] > FORMAT:
            raise ModelUnavailable(name=directory.name, why=f"format {about['format']} > {FORMAT}")
        with np.load(directory / MODEL, allow_pickle=False) as found:
            given = {name: found[name] for name in found.files}
        vectoriser = CharacterTfidf()
        vectoriser.grams, vectoriser.idf = given["grams"], given["idf"]
        levels = tuple(_level(given, n) for n in range(int(given["levels"])))
        keys = tuple(about.pop("label_keys"))
        if len(keys) != len(given["thresholds"]):
            raise ValueError(f"{len(keys)} labels, {len(given['thresholds'])} thresholds")
        return TreeStudent(
            vectoriser=vectoriser, descent=Descent(levels), curve=Curve(*given["curve"].tolist()), seen=given["seen"],
            label_keys=keys, thresholds=given["thresholds"], meta={k: v for k, v in about.items() if k != "format"},
        )  # fmt: skip
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ModelUnavailable(name=directory.name, why=f"{type(error).__name__}: {error}") from error
