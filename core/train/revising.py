"""What is done to a network's logits before anybody sees them: neighbours, then calibration; kept with the student."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from core.config import RoundConfig
from core.errors import ModelUnavailable
from core.evaluate.calibration import Calibration, fit
from core.models.engine import Rows
from core.models.neighbours import Neighbours, chosen
from core.train.checkpoint import NEIGHBOURS
from core.train.scoring import Scorer, row_logit_steps


class Said(NamedTuple):
    """What a model says of texts, and where they lie for it. Shapes: logits (N, K), places (N, E), of E = 0 unasked."""

    logits: NDArray[np.floating[Any]]
    places: NDArray[np.float32]

    def part(self, at: slice) -> Said:
        return Said(self.logits[at], self.places[at])


@dataclass(frozen=True)
class Revision:
    """Both are None where the round does without."""

    neighbours: Neighbours | None = None
    calibration: Calibration | None = None

    @property
    def empty(self) -> bool:
        return self.neighbours is None and self.calibration is None

    def __call__(self, said: Said) -> NDArray[np.floating[Any]]:
        """Logits as they are published. Shapes: → (N, K)."""
        logits = said.logits
        if self.neighbours is not None:
            logits = self.neighbours(logits, said.places)
        return logits if self.calibration is None else self.calibration(logits)

    def cuts_of_half(self, labels: int) -> NDArray[np.float64]:
        """Where the network's own one half lies after calibration, which so changes no decision. Shapes: → (K,)."""
        zero = np.zeros(labels)
        return np.asarray(expit(zero if self.calibration is None else self.calibration(zero)))

    def to_json(self) -> dict[str, Any]:
        near = self.neighbours
        return {
            "calibration": self.calibration.to_json() if self.calibration is not None else None,
            "neighbours": {"nearest": near.nearest, "width": near.width, "share": near.share} if near else None,
        }

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What is too large for JSON."""
        return {} if self.neighbours is None else {"places": self.neighbours.places, "y": self.neighbours.y}

    @classmethod
    def from_json(cls, values: Mapping[str, Any] | None, directory: Path) -> Self:
        """A student of before there were revisions has none. Raises ModelUnavailable: a part is absent or damaged."""
        try:
            told = values or {}
            calibration = Calibration.from_json(told["calibration"]) if told.get("calibration") else None
            if not told.get("neighbours"):
                return cls(None, calibration)
            with (directory / NEIGHBOURS).open("rb") as raw, np.load(raw, allow_pickle=False) as found:
                places, y = found["places"], found["y"]
            if places.ndim != 2 or y.ndim != 2 or len(places) != len(y):
                raise ValueError(f"places {places.shape}, labels {y.shape}")
            return cls(Neighbours(places=places, y=y, **told["neighbours"]), calibration)
        except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
            raise ModelUnavailable(name=str(directory), why=f"{type(error).__name__}: {error}") from error


def fitted(config: RoundConfig, valid: Said, valid_y: NDArray, train: Said | None, train_y: NDArray) -> Revision:
    """What the config asks for, from validation alone; ``train`` is what neighbours are looked for in.

    Shapes: valid_y (V, K), train_y (N, K).
    """
    neighbours = None
    if train is not None and config.neighbours == "auto":
        neighbours = chosen(
            train.places, train_y, valid_logits=valid.logits, valid_places=valid.places, valid_y=valid_y
        )  # fmt: skip
    if config.calibration == "none":
        return Revision(neighbours)
    return Revision(neighbours, fit(config.calibration, Revision(neighbours)(valid), valid_y))


class Revised:
    """A scorer whose logits are revised, for whatever takes a scorer; memory grows with a batch alone."""

    def __init__(self, by: Scorer, revision: Revision) -> None:
        self.by, self.revision = by, revision
        self.n_labels, self.chunk, self.batch, self.method = by.n_labels, by.chunk, by.batch, by.method

    def logits(self, rows: Rows) -> NDArray[np.float32]:
        if self.revision.neighbours is None:
            logits = self.by.logits(rows)
            said = Said(logits.astype(np.float64), np.empty((len(rows), 0), dtype=np.float32))
        else:
            logits, places = self.by.placed(rows)
            said = Said(logits.astype(np.float64), places)
        return self.revision(said).astype(np.float32)

    def placed(self, rows: Rows) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return self.logits(rows), self.by.placed(rows)[1]


def revised(by: Scorer, revision: Revision) -> Scorer:
    """The scorer itself where there is nothing to revise."""
    return by if revision.empty else Revised(by, revision)


class _Placing:
    """A scorer's logits and places side by side, as if all were logits."""

    def __init__(self, by: Scorer) -> None:
        self.by, self.labels = by, by.n_labels
        self.n_labels = by.n_labels + by.placed([np.empty(0, dtype=np.int64)])[1].shape[1]
        self.chunk, self.batch, self.method = by.chunk, by.batch, by.method

    def logits(self, rows: Rows) -> NDArray[np.float32]:
        return np.concatenate(self.by.placed(rows), axis=1)

    def placed(self, rows: Rows) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return self.by.placed(rows)


def said_steps(by: Scorer, rows: Rows, *, places: bool, lanes: int = 1) -> Generator[int, None, Said]:
    """What the model says of these rows; yields how many are done."""
    if not places:
        logits = yield from row_logit_steps(by, rows, lanes)
        return Said(logits, np.empty((len(rows), 0), dtype=np.float32))
    found = yield from row_logit_steps(_Placing(by), rows, lanes)
    return Said(found[:, : by.n_labels], found[:, by.n_labels :])
