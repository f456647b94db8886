"""How much longer an experiment takes: from the seconds that finished cells took, and from the cells in work."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from core.reproduce.plan import LINEAR, Key, is_teacher

_TELLING = 0.05  # a cell in work says how long its kind takes once so much of it is done


class Clock:
    """Cells that are alike take alike; what is like nothing measured yet counts as the mean of all networks.

    Units: seconds.
    """

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        self.spent: dict[tuple[str, str], list[float]] = defaultdict(list)

    def note(self, key: Key, seconds: float) -> None:
        """A cell of this kind took so long."""
        self.spent[key.arch, key.model].append(seconds)

    def left_s(self, waiting: Sequence[Key], at_hand: Mapping[Key, tuple[float, float]]) -> float | None:
        """None while nothing can be said. ``at_hand``: seconds spent and share done of the cells in work."""
        known = {kind: list(seconds) for kind, seconds in self.spent.items() if seconds}
        for key, (spent, share) in at_hand.items():
            if share >= _TELLING and (key.arch, key.model) not in known:
                known[key.arch, key.model] = [spent / share]
        total = 0.0
        for key in waiting:
            usual = _usual(key, known)
            if usual is None:
                return None
            spent, share = at_hand.get(key, (0.0, 0.0))
            left = max(usual - spent, usual * (1 - share) / 2)  # it may end early, or take longer than others did
            total += left if _alone(key) else left / min(self.lanes, 2)  # students go side by side
        return total


def _alone(key: Key) -> bool:
    return key.model == LINEAR or is_teacher(key.model)


def _usual(key: Key, known: Mapping[tuple[str, str], Sequence[float]]) -> float | None:
    """Of its own kind; else of its family in its architecture; else of its kind in others; else of any network."""
    networks = {kind: seconds for kind, seconds in known.items() if kind[1] != LINEAR}
    groups = (
        [known[key.arch, key.model]] if (key.arch, key.model) in known else [],
        [s for (arch, model), s in networks.items() if arch == key.arch and is_teacher(model) == is_teacher(key.model)],
        [s for (_, model), s in known.items() if model == key.model],
        [] if key.model == LINEAR else list(networks.values()),
    )
    found = next((group for group in groups if group), [])
    return float(np.mean([seconds for each in found for seconds in each])) if found else None
