"""How much longer a round takes: from the round before where there is one, else from the stage at hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

STAGES = ("text", "vectors", "teachers", "student", "tree", "machines", "evaluate", "score", "save", "publish")
_BESIDE = {"standalone": "student"}  # they learn side by side, reporting by turns: one stage
# What follows the teachers, as a share of them, while nothing better is known: two networks, then scoring.
_NETWORKS_AFTER, _SHARE_AFTER = 3, 0.15
# The settings that decide how long a round takes; with others, the round before says nothing.
_COSTLY = (
    "label_model", "arch", "teacher_arch", "teachers", "sweep", "soft_targets", "oof_folds",
    "student_epoch", "class_weights", "segmenter",
    "conversion", "max_tokens", "vectors_file", "trainable_vectors", "max_epochs", "patience", "teacher_patience",
    "teacher_steps", "spliced", "encoder", "encoder_tokens", "encoder_frozen", "encoder_epochs",
)  # fmt: skip


def comparable(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether a round of one config takes about as long as one of the other. Both as JSON has them."""
    return all(before.get(name) == now.get(name) for name in _COSTLY)


class Clock:
    """Knows when each stage began. Units: seconds of a monotonic clock."""

    def __init__(self, before: Mapping[str, float], *, now: float) -> None:
        self.before, self.stage, self.began = before, "", now
        self.spent: dict[str, float] = {}

    def eta_s(self, stage: str, done: int, total: int, *, now: float) -> float | None:
        """Seconds left, or None while nothing can be said."""
        stage = _BESIDE.get(stage, stage)
        if stage != self.stage:
            if self.stage:
                self.spent[self.stage] = now - self.began
            self.stage, self.began = stage, now
        in_stage = now - self.began
        left = in_stage / done * (total - done) if done and total else None
        if self.before:
            known = {name: self.before.get(name, 0.0) for name in STAGES}
            pace = self._pace(known)
            told = left is not None and done >= total / 10  # before that, what a stage begins with weighs too much
            here = left if told and left is not None else max(pace * known.get(stage, 0.0) - in_stage, 0.0)
            rest = STAGES[STAGES.index(stage) + 1 :] if stage in STAGES else ()
            return round(here + pace * sum(known[name] for name in rest), 1)
        if stage == "teachers" and left is not None and done >= 3:
            share = _SHARE_AFTER + _NETWORKS_AFTER / max(total, _NETWORKS_AFTER)
            return round(left + share * (in_stage + left), 1)
        if stage in ("evaluate", "score", "save", "publish"):
            return round(left or 5.0, 1)
        return None

    def _pace(self, known: Mapping[str, float]) -> float:
        """How this round's finished stages went against those of the round before."""
        then = sum(known.get(name, 0.0) for name in self.spent)
        return sum(self.spent.values()) / then if then > 1.0 else 1.0
