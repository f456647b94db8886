"""How an encoder is fine-tuned."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from core.encoders.optim import BertAdam, depth_of, layered, set_rate, share_of_rate
from tests.core.encoders.making import network


def test_a_step_is_that_of_the_paper_without_correction():
    value = nn.Parameter(torch.tensor([1.0, -2.0]))
    adam = BertAdam([{"params": [value], "weight_decay": 0.1}], lr=0.5)
    start, grad = value.detach().clone(), torch.tensor([0.3, -4.0])
    value.grad = grad.clone()
    adam.step()
    mean, square = 0.1 * grad, 0.001 * grad**2
    torch.testing.assert_close(value.detach(), start - 0.5 * (mean / (square.sqrt() + 1e-6) + 0.1 * start))


def test_lower_layers_learn_more_slowly_and_norms_are_not_decayed():
    bert, head = network("bert"), nn.Linear(16, 3)
    groups = layered(bert, head, lr=1.0, head_lr=7.0, decay=0.5, weight_decay=0.01)
    rate = {id(value): (group["lr"], group["weight_decay"]) for group in groups for value in group["params"]}
    named = dict(bert.named_parameters())
    assert rate[id(named["encoder.layer.1.output.dense.weight"])] == (1.0, 0.01)
    assert rate[id(named["encoder.layer.0.output.dense.weight"])] == (0.5, 0.01)
    assert rate[id(named["embeddings.word_embeddings.weight"])] == (0.25, 0.01)
    assert rate[id(named["encoder.layer.1.output.LayerNorm.weight"])] == (1.0, 0.0)
    assert rate[id(named["encoder.layer.1.output.dense.bias"])] == (1.0, 0.0)
    assert rate[id(head.weight)] == (7.0, 0.01)
    learning = sum(value.requires_grad for value in [*bert.parameters(), *head.parameters()])
    assert sum(len(group["params"]) for group in groups) == learning


@pytest.mark.parametrize(
    ("name", "depth"),
    [
        ("embeddings.word_embeddings.weight", 0),
        ("encoder.albert_layer_groups.0.albert_layers.0.ffn.weight", 1),
        ("encoder.layer.11.output.dense.bias", 12),
        ("layer.3.ff.layer_1.weight", 4),
    ],
)
def test_depth_is_read_from_the_name(name: str, depth: int):
    assert depth_of(name) == depth


def test_the_rate_warms_up_and_falls_to_nothing():
    shares = [share_of_rate(step, 100, 0.1) for step in range(100)]
    assert shares[:10] == pytest.approx([0.1 * n for n in range(1, 11)])
    assert shares[10] == 1.0
    assert all(one > two for one, two in pairwise(shares[10:]))
    assert 0 < shares[-1] < 0.02
    assert share_of_rate(0, 1, 0.1) == 1.0
    value = nn.Parameter(torch.zeros(1))
    adam = BertAdam([{"params": [value], "peak": 4.0}], lr=4.0)
    set_rate(adam, 0.25)
    assert adam.param_groups[0]["lr"] == 1.0
