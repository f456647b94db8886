"""Rows as frozen values: what crosses from the tables to the rules above."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class User:
    id: int
    name: str
    role: str
    active: bool
    lang: str


@dataclass(frozen=True, kw_only=True)
class Job:
    id: int
    project_id: int
    kind: str
    state: str
    payload: dict[str, Any]
    progress: dict[str, Any]
    cancel_requested: bool
    attempts: int
    token: str
    error: dict[str, Any] | None
    created_at: float
    started_at: float | None
    finished_at: float | None


@dataclass(frozen=True, kw_only=True)
class RoundRow:
    id: int
    number: int
    state: str
    config: dict[str, Any]
    code_version: str
    n_train: int | None
    n_valid: int | None
    n_gold: int | None
    timings: dict[str, float]
    warnings: tuple[tuple[str, dict[str, Any]], ...]
    error: dict[str, Any] | None
    started_at: float
    finished_at: float | None
    snapshot_annotation: int = 0
    kind: str = "round"  # of its job


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One figure of one model of one round; ``low`` and ``high`` bound the 95 % interval of F1."""

    round: int
    model: str
    split: str
    scope: str
    precision: float
    recall: float
    f1: float
    support: int
    threshold: float | None
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True, kw_only=True)
class Place:
    """One figure of the first ``k`` places of a ranked list, with its 95 % interval over texts."""

    model: str
    split: str
    measure: str
    k: int
    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, kw_only=True)
class NewDocument:
    """A document about to enter; ``labels`` is None for one without a label set."""

    external_id: str
    text: str
    sha256: str
    role: str
    labels: tuple[str, ...] | None
    source: str
    meta: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class QueueRow:
    document_id: int
    rank: int
    score: float
    reason: dict[str, Any]
