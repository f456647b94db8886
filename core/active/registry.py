"""Every acquisition strategy by name: what it needs, where it is from, and the one way to ask it.

    positions = choose("threshold_entropy", candidates, 10, np.random.default_rng(0))

A strategy of one's own is a function of (Candidates, size, rng) and a line in ``STRATEGIES``; the laws in
``tests/laws/test_strategy_laws.py`` then hold for it too. Where a strategy draws, it draws one number a candidate by
``rng.random(P)``, so that what falls to a text does not depend on where the text stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from core.active import (
    adaptive,
    badge,
    balanced,
    chance,
    committee,
    cvirs,
    direct,
    k_centre,
    long_tail,
    mmc,
    uncertainty,
)
from core.active.candidates import Candidates
from core.active.order import best_first
from core.errors import BadSetting, StrategyNeeds

Chooser = Callable[[Candidates, int, np.random.Generator], NDArray[np.int64]]
Score = Callable[[Candidates], NDArray[np.float64]]


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """One way to choose: ``needs`` names fields of ``Candidates``, ``source`` is a bibliography key or "" for ours."""

    name: str
    function: Chooser
    what: str
    source: str = ""
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()  # fields that it looks at where they are given
    score: Score | None = None  # where the strategy is a ranking by a score
    sought: Callable[[Candidates], NDArray[np.bool_]] | None = None  # (K,): labels looked for by their words
    costs_more_each: bool = False  # time grows with every text that is chosen
    parts: Score | None = None  # (P, K): what each label adds to a text's worth, where that is known

    def __post_init__(self) -> None:
        unknown = {*self.needs, *self.uses} - {each.name for each in fields(Candidates)}
        if unknown:
            raise ValueError(f"{self.name} looks at {sorted(unknown)}, which Candidates does not have")

    def __call__(self, candidates: Candidates, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Positions of the texts to label, the most useful first; fewer than ``size`` where the pool is smaller.

        Raises StrategyNeeds: the candidates lack what it looks at.
        """
        for what in self.needs:
            if getattr(candidates, what) is None:
                raise StrategyNeeds(strategy=self.name, what=what)
        size = min(size, len(candidates))
        return self.function(candidates, size, rng) if size > 0 else np.zeros(0, dtype=np.int64)


def strategy(name: str) -> Strategy:
    """Raises BadSetting: no strategy of that name."""
    if name not in STRATEGIES:
        raise BadSetting(field="strategy", value=name, why=" | ".join(STRATEGIES))
    return STRATEGIES[name]


def choose(name: str, candidates: Candidates, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """What the strategy of that name takes. Raises BadSetting, StrategyNeeds."""
    return strategy(name)(candidates, size, rng)


def usable(candidates: Candidates) -> list[str]:
    """The strategies for which these candidates have all that is needed."""
    return [each.name for each in STRATEGIES.values() if all(getattr(candidates, n) is not None for n in each.needs)]


def by_score(name: str, score: Score, what: str, *, source: str = "", needs: Iterable[str] = ()) -> Strategy:
    """A strategy that takes the highest scores, ties by lot."""

    def function(candidates: Candidates, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
        return best_first(score(candidates), size, rng)

    return Strategy(name=name, function=function, what=what, source=source, needs=tuple(needs), score=score)


_ALL = (
    Strategy(
        name="long_tail",
        function=long_tail.choose,
        what="each label its share by need: likely positives near the threshold, where teachers and student disagree",
        uses=("need", "likely", "teacher", "embeddings", "words"),
        parts=long_tail.parts,
        sought=long_tail.sought,
    ),
    by_score("chance", chance.score, "texts at random: what every strategy has to beat"),
    by_score(
        "mean_entropy",
        uncertainty.mean_entropy,
        "mean binary entropy of the probabilities as they are",
        source="lewis1994",
    ),
    by_score("max_entropy", uncertainty.max_entropy, "entropy of the least decided label", source="lewis1994"),
    by_score(
        "threshold_distance",
        uncertainty.threshold_distance,
        "the label that lies nearest to its own threshold",
        source="brinker2006",
    ),
    by_score("threshold_entropy", uncertainty.threshold_entropy, "mean entropy seen from each label's threshold"),
    by_score(
        "mmc",
        mmc.score,
        "loss against the most probable labels, their number learned from sorted probabilities",
        source="yang2009",
        needs=("labelled_probs",),
    ),
    by_score(
        "adaptive",
        adaptive.score,
        "narrow margin between given and other labels, times an unusual number of labels",
        source="liguo2013",
    ),
    by_score(
        "cvirs",
        cvirs.score,
        "label sets unlike those seen so far, times Borda's count of the labels' margins",
        source="reyes2018",
    ),
    by_score(
        "bald",
        committee.bald,
        "what an answer would tell about which teacher is right, mean over labels",
        source="houlsby2011",
        needs=("committee",),
    ),
    by_score(
        "disagreement",
        committee.disagreement,
        "Jensen-Shannon divergence of teachers and student seen from the threshold",
        source="lin1991",
        needs=("teacher",),
    ),
    by_score(
        "balanced",
        balanced.score,
        "entropy of each label weighted by its probability and its rarity",
        source="fairstein2024",
    ),
    Strategy(
        name="direct",
        function=direct.choose,
        costs_more_each=True,
        what="texts around the cut that separates what is labelled, a label at a time, shared by rarity",
        source="nuggehalli2025",
        needs=("labelled_probs",),
    ),
    Strategy(
        name="badge",
        function=badge.choose,
        costs_more_each=True,
        what="long gradients that differ from each other, drawn as in k-means++",
        source="ash2020",
        needs=("embeddings",),
    ),
    Strategy(
        name="k_centre",
        function=k_centre.choose,
        costs_more_each=True,
        what="the text furthest from all that is labelled or chosen; the learner plays no part",
        source="sener2018",
        needs=("embeddings",),
        uses=("labelled_embeddings",),
    ),
)
STRATEGIES: dict[str, Strategy] = {each.name: each for each in _ALL}
