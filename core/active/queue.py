"""The one way from a strategy's name to a queue: its choice, some places given to chance, and why each text is there.

A strategy may need what a lane cannot give, a committee for instance: ``serves`` tells.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from core.active.candidates import Candidates
from core.active.order import added
from core.active.registry import STRATEGIES, Strategy, by_score
from core.active.select import EXPLORE_EVERY_UNSEEN, Ranked, contributions, reasons, with_chance
from core.errors import BadSetting

CHANCE = "chance"
FALLBACK = "long_tail"  # where there is not what the project's own strategy needs
LENGTH = 2_000  # ranked texts that a queue keeps; beyond, the pool's shuffled order serves
SHORT = 400  # of a strategy that weighs each text against those before it: its cost grows with every one
EXPLORE_SHARE = 0.1  # of a queue's places: the score looks only where the model already doubts


def _tail_uncertainty(candidates: Candidates) -> NDArray[np.float64]:
    return added(contributions(candidates.probs, candidates.thresholds, candidates.positives))


_OURS = by_score(
    "tail_uncertainty",
    _tail_uncertainty,
    "uncertainty of all labels, the rarer so far the heavier",
    source="fairstein2024",
)


def offered() -> dict[str, Strategy]:
    """Every strategy that a queue can be made by."""
    return {_OURS.name: _OURS, **STRATEGIES}


def find(name: str) -> Strategy:
    """Raises BadSetting: no strategy of that name."""
    known = offered()
    if name not in known:
        raise BadSetting(field="acquisition", value=name, why=" | ".join(known))
    return known[name]


def serves(name: str, given: Collection[str]) -> bool:
    """Whether there is such a strategy and these fields of ``Candidates`` are all that it needs."""
    found = offered().get(name)
    return found is not None and set(found.needs) <= set(given)


def looks_at(name: str) -> set[str]:
    """The optional fields of ``Candidates`` that are worth making for this strategy; none for an unknown one."""
    found = offered().get(name)
    return set() if found is None else {*found.needs, *found.uses}


def length(name: str) -> int:
    """How many texts that strategy is asked for, where people are served: the fast lane asks anew all the time."""
    found = offered().get(name)
    return SHORT if found is not None and found.costs_more_each else LENGTH


def ranked(
    name: str,
    candidates: Candidates,
    rng: np.random.Generator,
    *,
    limit: int | None = None,
    explore_share: float = EXPLORE_SHARE,
) -> list[Ranked]:
    """The first ``limit`` texts of a queue (all, if None), no text twice.

    Every so-manyth place goes to a text drawn from the whole pool: each fourth at least while some label has no
    positive, for chance finds its first; none where ``explore_share`` is 0.
    Raises BadSetting (no such strategy), StrategyNeeds.
    """
    strategy = find(name)
    size = len(candidates) if limit is None else min(limit, len(candidates))
    if size <= 0:
        return []
    chosen = strategy(candidates, size, rng)
    parts = _parts(strategy, candidates)
    every = _every(explore_share, candidates) if name != CHANCE else 0
    order, by_chance = with_chance(chosen, every, rng, of=len(candidates))
    if name == CHANCE:
        by_chance[:] = True
    p, t = np.asarray(candidates.probs), np.asarray(candidates.thresholds)
    labels = reasons(parts[order], p[order], t)
    scores = (added(parts) if strategy.score is None else strategy.score(candidates))[order]
    by_words = np.zeros(len(t), dtype=bool) if strategy.sought is None else strategy.sought(candidates)
    columns = (order, scores, labels, p[order, labels], t[labels], by_chance, by_words[labels])
    return [Ranked(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def _parts(strategy: Strategy, candidates: Candidates) -> NDArray[np.float64]:
    """What each label adds to a text's worth: the strategy's own account, or its doubt weighted by rarity."""
    if strategy.parts is not None:
        return strategy.parts(candidates)
    return contributions(candidates.probs, candidates.thresholds, candidates.positives)


def _every(share: float, candidates: Candidates) -> int:
    if share <= 0:
        return 0
    every = max(1, round(1 / share))
    return every if (candidates.positives > 0).all() else min(every, EXPLORE_EVERY_UNSEEN)
