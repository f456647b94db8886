"""Three ways to answer which of many labels a text has: each learns, then is asked, on one core."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from bench.xmc.made import Made
from core.evaluate.ranking import precision_at
from core.steps import drained
from core.xmc.labels import pifa
from core.xmc.nets.aplc import AdaptiveHead, equal_parts, geometric_parts
from core.xmc.nets.matcher import KEPT, Matcher, fit_steps, kept_of
from core.xmc.nets.readers import Given
from core.xmc.nets.training import Training, trained
from core.xmc.ranker import fit, instances
from core.xmc.tree import grown

PLACES = 5
SINGLE, TOGETHER = 150, 64  # texts asked one by one; texts asked at once
Ask = Callable[[slice], NDArray]  # texts → their best labels (n, 5)


def flat(data: Made, training: Training) -> tuple[dict[str, Any], Ask]:
    """One layer for all labels, binary cross-entropy."""
    layer = nn.Linear(data.encoded.shape[1], data.y.shape[1])

    def loss(at: NDArray[np.int64]) -> torch.Tensor:
        x, y = torch.from_numpy(data.encoded[at]), torch.from_numpy(data.y[at].toarray())
        return F.binary_cross_entropy_with_logits(layer(x), y)

    groups = [(layer, training.head_lr)]
    spent = timed(trained(loss, groups, data.rows.shape[0] - data.asked, training, seed=0))

    said = {"step_s": spent, "weights": sum(each.numel() for each in layer.parameters())}
    return said, partial(_flat, layer, data)


@torch.no_grad()
def _flat(layer: nn.Linear, data: Made, at: slice) -> NDArray:
    return torch.topk(layer(torch.from_numpy(data.encoded[at])), PLACES, dim=1).indices.numpy()


def tree(data: Made, training: Training) -> tuple[dict[str, Any], Ask]:
    """Clusters by PIFA, a matcher on the encoded texts, a ranker on weighted grams for the labels of ten clusters."""
    rows, y = data.rows[data.taught], data.y[data.taught]
    started = time.process_time()
    clusters = grown(pifa(rows, y), seed=0)
    grown_s = time.process_time() - started
    matcher = Matcher(Given(data.encoded.shape[1]), clusters.clusters)
    spent = timed(fit_steps(matcher, data.encoded[data.taught], y, clusters, training))
    sent = matcher.clusters(data.encoded[data.taught])
    started = time.process_time()
    ranker = fit(rows, y, clusters, instances(y, clusters, sent))
    own = instances(data.y[data.tested], clusters)
    found = kept_of(matcher.scores(data.encoded[data.tested]))
    found.data[:] = 1

    def ask(at: slice) -> NDArray:
        return ranker.ranked(data.rows[at], matcher.clusters(data.encoded[at]), PLACES).labels

    def ask_all(at: slice) -> NDArray:
        return ranker.ranked(data.rows[at], None, PLACES).labels

    said = {
        "step_s": spent,
        "clusters": clusters.clusters,
        "reached": round(float(own.multiply(found).sum() / own.sum()), 3),  # of the tested texts' clusters
        "kept": min(KEPT, clusters.clusters),
        "grown_s": round(grown_s, 2),
        "ranker_s": round(time.process_time() - started, 1),
        "weights": ranker.numbers + sum(each.numel() for each in matcher.parameters()),
        "all_labels_s": one_by_one(data, ask_all)[0],
    }
    return said, ask


def aplc(data: Made, training: Training) -> tuple[dict[str, Any], Ask]:
    """Adaptive clusters of which each has twice the labels of the one before, at half its width."""
    return _aplc(data, training, geometric_parts(data.y.shape[1]))


def halves(data: Made, training: Training) -> tuple[dict[str, Any], Ask]:
    """As published for a few thousand labels: a head and one cluster of equal size."""
    return _aplc(data, training, equal_parts(data.y.shape[1], 2))


def _aplc(data: Made, training: Training, cutoffs: tuple[int, ...]) -> tuple[dict[str, Any], Ask]:
    counts = np.asarray(data.y[data.taught].sum(axis=0)).ravel()
    head = AdaptiveHead(data.encoded.shape[1], counts, cutoffs)

    def loss(at: NDArray[np.int64]) -> torch.Tensor:
        return head.loss(torch.from_numpy(data.encoded[at]), torch.from_numpy(data.y[at].toarray()))

    spent = timed(trained(loss, [(head, training.head_lr)], data.rows.shape[0] - data.asked, training, seed=0))

    def ask(at: slice) -> NDArray:
        return head.top(torch.from_numpy(data.encoded[at]), PLACES)[0].numpy()

    said = {"step_s": spent, "cutoffs": list(cutoffs), "weights": sum(each.numel() for each in head.parameters())}
    return said, ask


WAYS = {"flat": flat, "tree": tree, "aplc": aplc, "halves": halves}


def measured(data: Made, way: str, training: Training) -> dict[str, Any]:
    """CPU seconds a step and a query of one core, weights, and P@k of the tested texts."""
    torch.manual_seed(0)
    said, ask = WAYS[way](data, training)
    answers = ask(data.tested)
    own, beside = one_by_one(data, ask, one_layer(data))
    return {
        **said,
        "query_s": own,
        "beside_s": beside,
        "together_s": together(data, ask),
        **{f"P@{k}": round(100 * precision_at(answers, data.y[data.tested], k), 2) for k in (1, 3, 5)},
    }


def one_layer(data: Made) -> Ask:
    """A flat layer that has learned nothing: its speed does not depend on its weights."""
    layer = nn.Linear(data.encoded.shape[1], data.y.shape[1])
    return partial(_flat, layer, data)


def one_by_one(data: Made, *asks: Ask) -> list[float]:
    """Median seconds of a single text, by each way in turn: what else the machine does slows them all alike."""
    first = data.tested.start
    parts = [slice(first + n, first + n + 1) for n in range(min(SINGLE, data.asked))]
    laps: list[list[float]] = [[] for _ in asks]
    for part in [parts[0], *parts]:
        for ask, spent in zip(asks, laps, strict=True):
            started = time.process_time()
            ask(part)
            spent.append(time.process_time() - started)
    return [float(np.median(spent[1:])) for spent in laps]


def together(data: Made, ask: Ask) -> float:
    """Median seconds a text, of 64 at once."""
    first, size = data.tested.start, min(TOGETHER, data.asked)
    starts = range(first, data.tested.stop - size + 1, size)
    found = []
    for at in list(starts)[:10]:
        started = time.process_time()
        ask(slice(at, at + size))
        found.append(time.process_time() - started)
    return float(np.median(found)) / size


def timed(steps: Generator[float, None, None]) -> float:
    """Median CPU seconds of a step, the first one left out."""
    laps: list[float] = []

    def told() -> Generator[None, None, None]:
        last = time.process_time()
        for _ in steps:
            now = time.process_time()
            laps.append(now - last)
            last = now
            yield

    drained(told())
    return float(np.median(laps[1:] or laps))
