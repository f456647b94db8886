"""What the comparison of losses consists of: its cells, and the frozen configuration of each.

A cell is one network by (architecture, seed, loss), or a baseline. The parts of the corpus and the word vectors are the
same for all of them: a seed is other first weights, another dropout and another order of the batches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from core.config import ARCHS, LOSSES, RoundConfig
from core.errors import BadSetting
from core.reproduce.plan import LINEAR, Key, Plan
from core.seeds import derive

PUBLISHED_LOSSES = (
    "bce.v1", "fl.v1", "cb.v1", "r_fl.v1", "ntr_fl.v1", "db_0fl.v1", "cb_ntr.v1", "db.v1",
)  # fmt: skip
SVM = "svm"
BAG = "bag.v1"  # no architecture of a round: core.reproduce.losses.bag
BASELINES = (Key(0, 0, SVM, SVM), Key(0, 0, "-", LINEAR))
# Published: batches of 32, lr 1e-4, dropout .1, patience 5, 40 epochs, 512 tokens, for a pretrained network. A small
# one that starts from nothing needs larger steps; its size is what two slow cores train forty times in an hour.
PROTOCOL: dict[str, Any] = {
    "batch_size": 64,
    "lr": 2e-3,
    "dropout": 0.2,
    "patience": 5,
    "max_epochs": 15,
    "max_tokens": 120,
    "vector_size": 100,
    "filters": 64,
}
_OF_EACH = {"arch", "seed", "threads", "loss"}  # not for all cells


@dataclass(frozen=True, kw_only=True)
class LossPlan:
    """Raises BadSetting: an unknown architecture or loss, none, one twice, no seed, a setting out of bounds."""

    losses: tuple[str, ...] = PUBLISHED_LOSSES
    archs: tuple[str, ...] = ("textcnn.v1",)
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    settings: Mapping[str, Any] = field(default_factory=dict)  # beyond PROTOCOL, for every cell
    threads: int = 0

    def __post_init__(self) -> None:
        for name, given, known in (("arch", self.archs, (*ARCHS, BAG)), ("losses", self.losses, LOSSES)):
            for one in given:
                if one not in known:
                    raise BadSetting(field=name, value=one, why=" | ".join(known))
            if not given or len(set(given)) < len(given):
                raise BadSetting(field=name, value=", ".join(given), why="one or more, each once")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds) or min(self.seeds) < 0:
            raise BadSetting(field="seeds", value=", ".join(map(str, self.seeds)), why="one or more, each once, ≥ 0")
        names = {each.name for each in fields(RoundConfig)} - _OF_EACH
        for name in self.settings:
            if name not in names:
                raise BadSetting(field=name, value=self.settings[name], why="unknown setting")
        for arch in self.archs:
            self.config(Key(0, 0, arch, self.losses[0]))

    @property
    def shared(self) -> RoundConfig:
        """What every cell has in common: how texts are read, and the word vectors."""
        return RoundConfig.from_mapping({**PROTOCOL, **self.settings, "seed": 0, "threads": self.threads})

    def config(self, key: Key) -> RoundConfig:
        """The frozen configuration of a cell."""
        given = {**PROTOCOL, **self.settings, "threads": self.threads}
        if key in BASELINES:
            return RoundConfig.from_mapping({**given, "seed": 0})
        arch = RoundConfig.arch if key.arch == BAG else key.arch
        seed = derive(key.seed, "losses") % 2**31
        return RoundConfig.from_mapping({**given, "arch": arch, "loss": key.model, "seed": seed})

    def cells(self) -> Iterator[Key]:
        """In the order in which they are made: a seed is whole before the next begins."""
        for seed in self.seeds:
            yield from self.networks(seed)
        yield from BASELINES

    def networks(self, seed: int) -> list[Key]:
        """The networks of one seed."""
        return [Key(seed, 0, arch, loss) for arch in self.archs for loss in self.losses]

    def frozen(self) -> dict[str, Any]:
        """What must not change under one output directory; architectures, seeds and losses may be added."""
        return self.comparable(self.shared)

    def comparable(self, config: RoundConfig) -> dict[str, Any]:
        """A configuration without what changes no result."""
        return Plan.comparable(config)
