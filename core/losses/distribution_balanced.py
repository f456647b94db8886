"""Distribution-balanced loss and its parts for text (wu2020, huang2021): rebalanced weights, negative tolerance.

*Rebalanced weight.* A text that carries common labels is drawn more often than its rare one deserves:
r_ki = (1/n_i) / Σ_{j: y_kj=1} (1/n_j), made smooth as ŵ = α + σ(β(r - μ)), for every label i of text k. A text without
labels has r = ∞ and the weight 1.1.

*Negative tolerance* (NTR). u = z - v with v = -κ·log(n/(N-n)), larger for a rare label, and λ·u for negatives: what
is plainly negative already pulls no further. Published code multiplies by λ and divides the loss of negatives by λ in
DB, DB-0FL and CB-NTR, not in NTR-FL, where the paper does: both forms of it are here. Predictions are σ(z), without v
and λ: that is what lowers the bar for rare labels.
"""

from __future__ import annotations

import torch
from torch import Tensor

from core.losses.bce import weighted_bce
from core.losses.focal import effective_weight, focal
from core.losses.frequencies import Frequencies

KAPPA, LAMBDA = 0.05, 2.0
SMOOTH_ALPHA, SMOOTH_BETA = 0.1, 10.0


def rebalanced(targets: Tensor, seen: Frequencies) -> Tensor:
    """ŵ. Shapes: targets (…, N, K) of 0 and 1 → the same."""
    inverse = 1 / seen.counts
    r = inverse / (targets * inverse).sum(dim=-1, keepdim=True)
    return SMOOTH_ALPHA + torch.sigmoid(SMOOTH_BETA * (r - seen.centre))


def tolerant(logits: Tensor, targets: Tensor, seen: Frequencies) -> Tensor:
    """The logits that the loss sees: u for positives, λ·u for negatives. Shapes: (…, N, K) each."""
    shifted = logits + KAPPA * torch.log(seen.counts / (seen.texts - seen.counts).clamp(min=1.0))
    return torch.where(targets > 0, shifted, LAMBDA * shifted)


def of_negatives(targets: Tensor) -> Tensor:
    """1 for positives and 1/λ for negatives."""
    return torch.where(targets > 0, 1.0, 1 / LAMBDA)


def r_fl(logits: Tensor, targets: Tensor, seen: Frequencies) -> Tensor:
    """Focal loss, rebalanced."""
    return focal(logits, targets, rebalanced(targets, seen))


def ntr_fl(logits: Tensor, targets: Tensor, seen: Frequencies) -> Tensor:
    """Focal loss with negative tolerance, as in the published code."""
    return focal(tolerant(logits, targets, seen), targets)


def ntr_fl_paper(logits: Tensor, targets: Tensor, seen: Frequencies) -> Tensor:
    """The same as the paper writes it: negatives count 1/λ."""
    return focal(tolerant(logits, targets, seen), targets, of_negatives(targets))


def db_0fl(logits: Tensor, targets: Tensor, seen: Frequencies) -> Tensor:
    """Distribution-balanced without the focal factor."""
    weight = rebalanced(targets, seen) * of_negatives(targets)
    return weight * weighted_bce(tolerant(logits, targets, seen), targets)


def cb_ntr(logits: Tensor, targets: Tensor, seen: Frequencies) -> Tensor:
    """Class-balanced focal loss with negative tolerance."""
    weight = effective_weight(seen.counts) * of_negatives(targets)
    return focal(tolerant(logits, targets, seen), targets, weight)


def db(logits: Tensor, targets: Tensor, seen: Frequencies) -> Tensor:
    """Distribution-balanced: all parts together."""
    weight = rebalanced(targets, seen) * of_negatives(targets)
    return focal(tolerant(logits, targets, seen), targets, weight)
