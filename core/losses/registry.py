"""Losses by versioned name; each gives one number an entry, and the caller takes the mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from core.errors import LossUndefined, ModelUnavailable
from core.losses import distribution_balanced as balanced
from core.losses.adjusted import adjusted
from core.losses.asymmetric import asymmetric, hill
from core.losses.bce import weighted_bce
from core.losses.focal import effective_weight, focal
from core.losses.frequencies import Frequencies
from core.losses.ranking import zlpr

Made = Callable[[Tensor, Tensor], Tensor]  # logits, targets → each entry's loss, all (…, N, K)


@dataclass(frozen=True)
class Loss:
    """``soft``: targets may lie between 0 and 1. ``binary``: means something for one label by itself, a teacher's."""

    of: Callable[[Tensor, Tensor, Frequencies], Tensor]
    source: str
    soft: bool = False
    binary: bool = True
    scale: float = 1.0  # huang2021's factor on Reuters; with Adam it hardly matters


def _alone(function: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor, Frequencies], Tensor]:
    return lambda logits, targets, seen: function(logits, targets)


LOSSES: dict[str, Loss] = {
    "bce.v1": Loss(_alone(weighted_bce), "lee2022kd", soft=True),
    "fl.v1": Loss(_alone(focal), "lin2017focal", soft=True),
    "cb.v1": Loss(lambda z, y, seen: focal(z, y, effective_weight(seen.counts)), "cui2019", soft=True, scale=10.0),
    "r_fl.v1": Loss(balanced.r_fl, "wu2020", binary=False),
    "ntr_fl.v1": Loss(balanced.ntr_fl, "huang2021"),
    "ntr_fl_paper.v1": Loss(balanced.ntr_fl_paper, "huang2021"),
    "db_0fl.v1": Loss(balanced.db_0fl, "huang2021", binary=False, scale=0.5),
    "cb_ntr.v1": Loss(balanced.cb_ntr, "huang2021", scale=10.0),
    "db.v1": Loss(balanced.db, "wu2020", binary=False),
    "asl.v1": Loss(_alone(asymmetric), "ridnik2021"),
    "hill.v1": Loss(_alone(hill), "zhang2021hill"),
    "zlpr.v1": Loss(_alone(zlpr), "su2022zlpr"),
    "la.v1": Loss(adjusted, "menon2021", soft=True),
}


def loss(name: str) -> Loss:
    """Raises ModelUnavailable: no loss of that name."""
    if name not in LOSSES:
        raise ModelUnavailable(name=name, why="one of " + ", ".join(LOSSES))
    return LOSSES[name]


def made(name: str, seen: Frequencies, *, soft: bool = False, binary: bool = False) -> Made:
    """The loss for labels of these frequencies, times its published factor.

    Raises ModelUnavailable (no such loss), LossUndefined (for soft targets, or for one label by itself).
    """
    chosen = loss(name)
    if soft and not chosen.soft:
        raise LossUndefined(name=name, where="soft", known=", ".join(n for n, each in LOSSES.items() if each.soft))
    if binary and not chosen.binary:
        raise LossUndefined(name=name, where="binary", known=", ".join(n for n, each in LOSSES.items() if each.binary))
    return lambda logits, targets: chosen.scale * chosen.of(logits, targets, seen)
