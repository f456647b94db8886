"""A head, and the encoder under it unless that is frozen, learns labels or a teacher's probabilities.

A generator, so that progress, heartbeat and stopping live in the caller. As published there is no early stop.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.encoders.classifier import HEADS, Classifier, refuse_soft
from core.encoders.features import Row
from core.encoders.heads import Head
from core.encoders.memory import bytes_needed, refuse_too_little
from core.encoders.optim import BertAdam, layered, set_rate, share_of_rate
from core.encoders.reading import checkpoint_layers, padded_hidden
from core.errors import BadSetting, LabelWithoutPositives, TrainingDiverged
from core.losses.registry import Made
from core.seeds import derive, numbers
from core.text.batches import shuffled

Vectors = Sequence[Row | NDArray[np.floating[Any]]]  # of each text (T, D), as ``core.encoders.features`` keeps them


@dataclass(frozen=True, kw_only=True)
class HeadPlan:
    """How a head is trained; the defaults are the published ones, but for the head's own rate."""

    head: str = "cls.v1"
    epochs: int = 5
    batch_size: int = 32
    lr: float = 5e-5
    head_lr: float = 1e-3  # what is drawn at random has further to go
    layer_decay: float = 1.0
    warm_up: float = 0.1
    weight_decay: float = 0.01
    clip: float = 1.0
    max_tokens: int = 256
    frozen: bool = False
    checkpointing: bool = False
    lowered: bool = True  # to bfloat16, on CUDA
    seed: int = 0

    def __post_init__(self) -> None:
        bounds: dict[str, tuple[float, float]] = {
            "epochs": (1, 1000), "batch_size": (1, 4096), "lr": (0, 1), "head_lr": (0, 1), "layer_decay": (0.1, 1),
            "warm_up": (0, 1), "weight_decay": (0, 1), "clip": (1e-3, 1e3), "max_tokens": (8, 512),
        }  # fmt: skip
        for name, (low, high) in bounds.items():
            if not low <= getattr(self, name) <= high:
                raise BadSetting(field=name, value=getattr(self, name), why=f"{low:g} … {high:g}")
        if self.head not in HEADS:
            raise BadSetting(field="head", value=self.head, why=" | ".join(HEADS))


class Learned(NamedTuple):
    """After a step."""

    step: int
    steps: int
    loss: float


def fit(
    classifier: Classifier,
    texts: Sequence[str],
    targets: NDArray,
    plan: HeadPlan,
    *,
    vectors: Vectors | None = None,
    objective: Made | None = None,
    every_label: bool = True,
) -> Generator[Learned, None, None]:
    """Train in place. ``vectors`` are the texts' own where the encoder is frozen; without them it is asked each time.

    Shapes: targets (N, K): 0 and 1, or probabilities; what ``objective`` reads in place of the head's own loss. Raises
    HeadNeedsHard: probabilities for a head that learns sets; LabelWithoutPositives: ``every_label`` is to have
    a text, and one has none; TooLittleMemory; TrainingDiverged.
    """
    targets = np.asarray(targets, dtype=np.float32)
    refuse_soft(plan.head, targets)
    if every_label:
        _refuse_unseen(classifier.label_keys, targets)
    device = next(classifier.head.parameters()).device
    _refuse(classifier, plan, device)
    given = _given(classifier, texts, plan, vectors)
    optimizer = _optimizer(classifier, plan)
    learning = [value for group in optimizer.param_groups for value in group["params"]]
    steps = plan.epochs * -(-len(texts) // plan.batch_size)
    at = 0
    classifier.head.train()
    classifier.encoder.network.train(not plan.frozen)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(plan.seed, "head", "dropout"))
        state = torch.get_rng_state()
    for epoch in range(plan.epochs):
        for batch in shuffled(len(texts), plan.batch_size, numbers(plan.seed, "head", "batches", epoch)):
            set_rate(optimizer, share_of_rate(at, steps, plan.warm_up))
            with torch.random.fork_rng(devices=[]):  # dropout's own stream: the caller's is left alone
                torch.set_rng_state(state)
                with torch.autocast(device.type, dtype=torch.bfloat16, enabled=plan.lowered and device.type == "cuda"):
                    loss = _loss(classifier.head, given(batch), torch.from_numpy(targets[batch]).to(device), objective)
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                state = torch.get_rng_state()
            if not math.isfinite(loss.item()):
                raise TrainingDiverged(lr=plan.head_lr if plan.frozen else plan.lr)
            torch.nn.utils.clip_grad_norm_(learning, plan.clip)
            optimizer.step()
            at += 1
            yield Learned(at, steps, float(loss.item()))
    classifier.head.eval()
    classifier.encoder.network.eval()


def _refuse_unseen(label_keys: Sequence[str], targets: NDArray) -> None:
    empty = [key for key, seen in zip(label_keys, targets.max(axis=0), strict=True) if not seen]
    if empty:
        raise LabelWithoutPositives(labels=", ".join(empty))


def _loss(head: Head, given: tuple[Tensor, Tensor], targets: Tensor, objective: Made | None) -> Tensor:
    if objective is None:
        return head.loss(*given, targets)
    return objective(head(*given).float(), targets).mean()


def _refuse(classifier: Classifier, plan: HeadPlan, device: torch.device) -> None:
    network = classifier.encoder.network
    need = bytes_needed(
        network.config, sum(value.numel() for value in network.parameters()), batch=plan.batch_size,
        tokens=min(plan.max_tokens, classifier.encoder.longest), learning=not plan.frozen,
        checkpointing=plan.checkpointing,
    )  # fmt: skip
    refuse_too_little(plan.head, need, device)


def _given(
    classifier: Classifier, texts: Sequence[str], plan: HeadPlan, vectors: Vectors | None
) -> Callable[[NDArray[np.int64]], tuple[Tensor, Tensor]]:
    """From positions of texts to what the head reads of them."""
    device = next(classifier.head.parameters()).device
    if plan.frozen and vectors is not None:

        def kept(batch: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
            hidden, mask = padded_hidden([vectors[n] for n in batch])
            return hidden.to(device), mask.to(device)

        return kept
    rows = classifier.encoder.rows(texts, min(plan.max_tokens, classifier.max_tokens))
    if plan.checkpointing and not plan.frozen:
        checkpoint_layers(classifier.encoder)

    def read(batch: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        with torch.set_grad_enabled(not plan.frozen):
            return classifier.hidden([rows[n] for n in batch])

    return read


def _optimizer(classifier: Classifier, plan: HeadPlan) -> BertAdam:
    network: torch.nn.Module = torch.nn.Module() if plan.frozen else classifier.encoder.network
    groups = layered(
        network, classifier.head, lr=plan.lr, head_lr=plan.head_lr, decay=plan.layer_decay,
        weight_decay=plan.weight_decay,
    )  # fmt: skip
    return BertAdam(groups, lr=plan.lr)
