"""Adaptive probabilistic label clusters: a full layer for frequent labels, ever narrower ones for rare clusters.

A rare label's probability is that of its cluster times its own within it. Labels stand in the order of their training
texts, the commonest first; the head has the first of them and one logit a cluster. Source: ye2020.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn import functional as F

from core.errors import BadSetting, TooManyClusters

Q = 2.0  # each cluster's layer is so much narrower than the one before
FIRST = 256  # labels of the head where clusters grow


def equal_parts(labels: int, parts: int) -> tuple[int, ...]:
    """Where to cut for clusters of equal size; two parts are a head and one tail cluster, as for Eurlex-4K.

    Raises TooManyClusters: more parts than labels.
    """
    if not 1 <= parts <= labels:
        raise TooManyClusters(labels=labels, clusters=parts)
    return tuple(labels * part // parts for part in range(1, parts))


def geometric_parts(labels: int, first: int = FIRST, *, factor: float = Q) -> tuple[int, ...]:
    """Where to cut so that each cluster has ``factor`` times the labels of the one before, the head ``first``.

    Its layer being narrower by the same factor, each cluster costs the same, and all of them grow with the logarithm of
    the labels. The last one has between a half and one and a half of its size; of few labels the head has half.
    Raises TooManyClusters: one label.
    """
    if labels < 2:
        raise TooManyClusters(labels=labels, clusters=2)
    cuts, size = [min(first, labels // 2)], float(first)
    while cuts[-1] + factor * size * 1.5 < labels:
        size *= factor
        cuts.append(int(cuts[-1] + size))
    return tuple(cuts)


class AdaptiveHead(nn.Module):
    """Shapes: texts (B, d) → one log probability a label (B, K), labels in the caller's order."""

    order: Tensor  # (K,) the commonest label's position first

    def __init__(
        self, width: int, counts: ArrayLike, cutoffs: Sequence[int], *, factor: float = Q, seed: int = 0
    ) -> None:
        """``counts`` (K,) are each label's training texts; ``cutoffs`` where the tail clusters begin.

        Raises TooManyClusters: one label, or more clusters than labels. BadSetting: cutoffs that do not rise within
        the labels, a factor below 1, or one that leaves a cluster's layer narrower than two.
        """
        super().__init__()
        frequent = np.asarray(counts)
        labels, bounds = len(frequent), [*map(int, cutoffs), len(frequent)]
        if labels < max(2, len(bounds)):
            raise TooManyClusters(labels=labels, clusters=max(2, len(bounds)))
        if not all(a < b for a, b in zip([0, *bounds], bounds, strict=False)):
            raise BadSetting(field="cutoffs", value=list(cutoffs), why=f"0 < … < {labels}")
        if not factor >= 1 or int(width / factor ** (len(bounds) - 1)) < 2:
            raise BadSetting(field="factor", value=factor, why=f"≥ 1, {width} / factor^{len(bounds) - 1} ≥ 2")
        self.register_buffer("order", torch.from_numpy(np.argsort(-frequent, kind="stable").astype(np.int64)))
        self.bounds, self.labels, self.width = bounds, labels, width
        self.first = bounds[0]
        self.head = nn.Linear(width, self.first + len(bounds) - 1, bias=False)
        self.tails = nn.ModuleList(
            _tail(width, int(width / factor**i), bounds[i] - bounds[i - 1]) for i in range(1, len(bounds))
        )
        generator = torch.Generator().manual_seed(seed)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                bound = layer.in_features**-0.5
                with torch.no_grad():
                    layer.weight.uniform_(-bound, bound, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        """Log probabilities of all labels. Shapes: (B, d) → (B, K)."""
        ours, roots = self._head(x)
        parts = [F.logsigmoid(ours)]
        parts += [F.logsigmoid(roots[:, [i]]) + F.logsigmoid(tail(x)) for i, tail in enumerate(self.tails)]
        out = torch.empty(len(x), self.labels, device=x.device, dtype=x.dtype)
        out[:, self.order] = torch.cat(parts, dim=1)
        return out

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Mean over texts of binary cross-entropy over its parts, divided by how many terms the text has.

        Terms: each head label; each label of a cluster that holds a label of the text; of any other cluster only that
        it is not meant. A meant cluster's own logit learns through the product alone.
        Shapes: x (B, d), y (B, K) in 0 … 1.
        """
        y = y.index_select(1, self.order)
        ours, roots = self._head(x)
        total = F.binary_cross_entropy_with_logits(ours, y[:, : self.first], reduction="none").sum(dim=1)
        terms = torch.full((len(x),), float(self.first), device=x.device)
        for i, tail in enumerate(self.tails):
            truth, root = y[:, self.bounds[i] : self.bounds[i + 1]], roots[:, i]
            meant = (truth > 0).any(dim=1)
            own = torch.zeros_like(root)
            own[~meant] = F.softplus(root[~meant])
            if meant.any():
                own[meant] = product_bce(root[meant].unsqueeze(1), tail(x[meant]), truth[meant]).sum(dim=1)
            total = total + own
            terms = terms + torch.where(meant, float(truth.shape[1]), 1.0)
        return (total / terms).mean()

    @torch.no_grad()
    def top(self, x: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """The k best labels and their log probabilities, exactly those of ``forward``; few clusters are computed.

        A label is never likelier than its cluster, so a cluster below the k-th best found so far is left out.
        Shapes: (B, d) → (B, min(k, K)) twice.
        """
        k = min(k, self.labels)
        ours, roots = self._head(x)
        scores, places = _best(F.logsigmoid(ours), torch.arange(self.first).expand(len(x), -1), k)
        bounds = F.logsigmoid(roots)
        for i, tail in enumerate(self.tails):
            at = torch.nonzero(bounds[:, i] > scores[:, -1]).ravel()
            if not len(at):
                continue
            found = bounds[at, i].unsqueeze(1) + F.logsigmoid(tail(x[at]))
            theirs = torch.arange(self.bounds[i], self.bounds[i + 1]).expand(len(at), -1)
            both = torch.cat([scores[at], found], dim=1), torch.cat([places[at], theirs], dim=1)
            scores[at], places[at] = _best(*both, k)
        return torch.where(places >= 0, self.order[places.clamp(min=0)], -1), scores

    def _head(self, x: Tensor) -> tuple[Tensor, Tensor]:
        found = self.head(x)
        return found[:, : self.first], found[:, self.first :]


def product_bce(root: Tensor, own: Tensor, y: Tensor) -> Tensor:
    """Binary cross-entropy of p = σ(root)·σ(own), from logits alone.

    log p = log σ(root) + log σ(own). log(1 - p) = log(σ(-root) + σ(root)·σ(-own)) is log1mexp(log p), and stays finite
    also where p rounds to one. Shapes: all broadcast to that of ``own``.
    """
    rest = torch.logaddexp(F.logsigmoid(-root), F.logsigmoid(root) + F.logsigmoid(-own))
    return -(y * (F.logsigmoid(root) + F.logsigmoid(own)) + (1 - y) * rest)


def _tail(width: int, narrow: int, labels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(width, narrow, bias=False), nn.LayerNorm(narrow), nn.ReLU(), nn.Linear(narrow, labels, bias=False)
    )


def _best(scores: Tensor, places: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k best, filled with -inf and -1 where there are fewer. Shapes: (B, n) twice → (B, k) twice."""
    if scores.shape[1] < k:
        lacking = (0, k - scores.shape[1])
        scores, places = F.pad(scores, lacking, value=-torch.inf), F.pad(places, lacking, value=-1)
    found = torch.topk(scores, k, dim=1)
    return found.values, places.gather(1, found.indices)
