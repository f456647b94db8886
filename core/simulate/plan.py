"""What a simulation consists of: a cell for each strategy and seed, and one a seed that has every label at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from core.active import queue
from core.config import ProjectSettings, RoundConfig
from core.errors import BadSetting
from core.seeds import derive

LEARNERS = {  # the fewest labels that each learns from, and what it gives a strategy beside probabilities and labels
    "linear": (5, ("embeddings", "labelled_embeddings", "labelled_probs")),
    "student": (10, ("embeddings", "labelled_embeddings", "committee", "teacher")),
}
CHANCE = queue.CHANCE  # in every simulation: what the others have to beat
FULL = "all"  # no strategy: the whole pool is labelled from the start
_OF_NO_CELL = ("threads",)  # changes how long a cell takes, not what is in it


def served(learner: str) -> tuple[str, ...]:
    """Every strategy that this learner gives all that it needs. Raises BadSetting: no such learner."""
    if learner not in LEARNERS:
        raise BadSetting(field="learner", value=learner, why=" | ".join(LEARNERS))
    return tuple(name for name in queue.offered() if queue.serves(name, LEARNERS[learner][1]))


@dataclass(frozen=True, order=True)
class Key:
    """Which cell."""

    seed: int
    strategy: str

    @property
    def name(self) -> str:
        return f"{self.strategy}-seed{self.seed}"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """``first`` texts by chance, then ``batch`` after ``batch`` by the strategy, until ``budget`` texts are labelled.

    Without a first text the linear learner begins as a new project does, by the labels' own words where a strategy
    uses them.
    Raises BadSetting: an unknown strategy, one that needs what the learner does not give, sizes that do not fit.
    """

    strategies: tuple[str, ...]
    learner: str = "linear"
    seeds: int = 5
    first: int = 30
    batch: int = 20
    budget: int = 430
    test_share: float = 0.25
    explore_share: float = ProjectSettings.explore_share
    settings: Mapping[str, Any] = field(default_factory=dict)  # of a round, for --learner student

    def __post_init__(self) -> None:
        possible = served(self.learner)
        object.__setattr__(self, "strategies", tuple(dict.fromkeys([*self.strategies, CHANCE])))
        least = LEARNERS[self.learner][0]
        for name in self.strategies:
            found = queue.find(name)
            if name not in possible:
                why = f"needs {', '.join(found.needs)}, which --learner {self.learner} does not give"
                raise BadSetting(field="strategy", value=name, why=why)
        cold = self.learner == "linear" and self.first == 0
        for name, value, low, high in (
            ("seeds", self.seeds, 1, 1000),
            ("budget", self.budget, least, 10**9),
            ("first", self.first, 0 if cold else least, self.budget),
            ("batch", self.batch, least if cold else 1, min(self.budget, *map(queue.length, self.strategies))),
            ("test_share", self.test_share, 0.05, 0.8),
            ("explore_share", self.explore_share, 0, 1),
        ):
            if not low <= value <= high:
                raise BadSetting(field=name, value=value, why=f"{low} … {high}")
        self.config(0)

    def cells(self) -> Iterator[Key]:
        """Seed by seed, so that a part of a simulation is one with fewer seeds."""
        for seed in range(self.seeds):
            for name in (FULL, *self.strategies):
                yield Key(seed, name)

    def config(self, seed: int) -> RoundConfig:
        """How a round of that seed is trained: flat, unless the settings say otherwise, whatever the labels."""
        given = RoundConfig.from_mapping({"label_model": "flat", **self.settings})
        return replace(given, seed=derive(seed, "simulated rounds") % 2**31, threads=1)

    def project(self, key: Key) -> ProjectSettings:
        """The settings of the cell's project: rounds and refits come when they are called for."""
        return ProjectSettings(
            acquisition=CHANCE if key.strategy == FULL else key.strategy,
            explore_share=self.explore_share,
            round_every=1_000_000,
            round_min_labels=10,
            fast_lane_every=1,
            overlap=1,
            gold_double_share=0.0,
            round=self.config(key.seed),
        )

    def frozen(self) -> dict[str, Any]:
        """What must not change under one output directory; strategies and seeds may be added."""
        values = asdict(RoundConfig.from_mapping({**self.settings})) if self.learner == "student" else {}
        config = {name: value for name, value in values.items() if name not in _OF_NO_CELL}
        names = ("learner", "first", "batch", "budget", "test_share", "explore_share")
        return {**{name: getattr(self, name) for name in names}, **config}
