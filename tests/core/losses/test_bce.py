import pytest
import torch

from core.errors import ModelUnavailable
from core.losses.bce import weighted_bce
from core.losses.registry import loss


def test_the_weight_multiplies_the_positive_term_only():
    logits, targets = torch.tensor([0.3, -1.2, 2.0]), torch.tensor([1.0, 0.0, 0.25])
    p = logits.sigmoid()
    expected = -(5 * targets * p.log() + (1 - targets) * (1 - p).log())
    torch.testing.assert_close(weighted_bce(logits, targets, torch.tensor(5.0)), expected)


def test_an_unknown_loss_is_refused():
    with pytest.raises(ModelUnavailable):
        loss("bce.v0")
