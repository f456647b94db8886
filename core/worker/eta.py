"""How much longer a round takes: from the round before where there is one, else from the stage at hand."""

from __future__ import annotations

from collections.abc import Mapping

STAGES = ("text", "vectors", "teachers", "student", "evaluate", "score", "save", "publish")
_SHARE_AFTER_TEACHERS = 0.2  # what follows the teachers, as a share of them, while nothing better is known


class Clock:
    """Knows when each stage began. Units: seconds of a monotonic clock."""

    def __init__(self, before: Mapping[str, float], *, now: float) -> None:
        self.before, self.stage, self.began = before, "", now
        self.spent: dict[str, float] = {}

    def eta_s(self, stage: str, done: int, total: int, *, now: float) -> float | None:
        """Seconds left, or None while nothing can be said."""
        if stage != self.stage:
            if self.stage:
                self.spent[self.stage] = now - self.began
            self.stage, self.began = stage, now
        in_stage = now - self.began
        left = in_stage / done * (total - done) if done and total else None
        if self.before:
            known = {name: self.before.get(name, 0.0) for name in STAGES}
            here = left if left is not None else max(known.get(stage, 0.0) - in_stage, 0.0)
            rest = STAGES[STAGES.index(stage) + 1 :] if stage in STAGES else ()
            return round(here + self._pace(known) * sum(known[name] for name in rest), 1)
        if stage == "teachers" and left is not None and done >= 3:
            return round(left + _SHARE_AFTER_TEACHERS * (in_stage + left), 1)
        if stage in ("evaluate", "score", "save", "publish"):
            return round(left or 5.0, 1)
        return None

    def _pace(self, known: Mapping[str, float]) -> float:
        """How this round's finished stages went against those of the round before."""
        then = sum(known.get(name, 0.0) for name in self.spent)
        return sum(self.spent.values()) / then if then > 1.0 else 1.0
