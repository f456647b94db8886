"""Each encoder under label-wise attention reads what it promises: tokens, or HAN its sentences."""

import numpy as np
import pytest
import torch

from core.config import LABEL_ATTENTION, RoundConfig
from core.models.attended import LabelAttended
from core.models.han_att import HANAtt
from core.models.registry import build
from core.models.textrnn import TextRNN
from core.models.textrnn_att import TextRNNAtt
from core.text.batches import padded

VECTORS = np.random.default_rng(0).normal(size=(20, 6)).astype(np.float32)
VECTORS[0] = 0
BREAKS = np.arange(20) == 9
SIZES = {"vector_size": 6, "filters": 4, "hidden": 5, "rnn_hidden": 4, "gru_hidden": 3, "han_hidden": 3}
ROW = np.array([3, 4, 9, 5, 6, 3, 9, 7])


def made(arch: str) -> LabelAttended:
    model = build(arch, VECTORS, 3, RoundConfig(arch=arch, **SIZES), breaks=BREAKS).eval()
    assert isinstance(model, LabelAttended)
    return model


def by_hand(model: LabelAttended, states: torch.Tensor) -> torch.Tensor:
    """Logits of one document from its states, label by label. Shapes: (T, H) → (K,)."""
    hidden = torch.tanh(states @ model.attention.project.weight.T)
    output = model.output
    views = [torch.softmax(hidden @ query, 0) @ states for query in model.attention.queries.weight]
    return torch.stack([view @ output.weight[k] + output.bias[k] for k, view in enumerate(views)])


@pytest.mark.parametrize("arch", ["textrnn_att.v1", "gru_label_att.v1"])
def test_a_recurrent_encoder_is_attended_token_by_token(arch: str):
    model = made(arch)
    embedded = model.vectors[torch.from_numpy(ROW)].unsqueeze(0)
    if arch == "gru_label_att.v1":
        ahead, back = model.gru.ahead(embedded)[0], model.gru.back(embedded.flip(1))[0].flip(1)
        states = torch.cat([ahead, back], dim=2)[0]
    else:
        states = model.lstm(embedded)[0][0]
    found = model(torch.from_numpy(padded([ROW], width=12)))[0]
    torch.testing.assert_close(found, by_hand(model, states), atol=1e-6, rtol=1e-5)


def test_han_is_attended_sentence_by_sentence():
    model = made("han_att.v1")
    assert isinstance(model, HANAtt)
    sentences = [ROW[:3], ROW[3:7], ROW[7:]]  # token 9 ends one
    views = []
    for words in sentences:
        states = model.words(model.vectors[torch.from_numpy(words)].unsqueeze(0), torch.tensor([len(words)]))
        views.append(model.word_attention(states, torch.ones(1, len(words), dtype=torch.bool)))
    states = model.sentences(torch.stack(views, dim=1), torch.tensor([3]))[0]  # (S, 2H)
    found = model(torch.from_numpy(padded([ROW], width=12)))[0]
    torch.testing.assert_close(found, by_hand(model, states), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("arch", LABEL_ATTENTION)
def test_labels_share_the_encoder_and_nothing_else(arch: str):
    model = made(arch)
    model(torch.from_numpy(padded([ROW])))[0, 1].backward()
    for part in (model.attention.queries.weight, model.output.weight, model.output.bias):
        assert part.grad is not None
        assert [bool(row.any()) for row in part.grad] == [False, True, False]


@pytest.mark.parametrize("arch", LABEL_ATTENTION)
def test_where_a_document_lies_does_not_grow_with_labels(arch: str):
    model = made(arch)
    tokens = torch.tensor([[0, 0], [3, 0]])
    if arch != "han_att.v1":  # where it is one sentence without a word
        torch.testing.assert_close(model(tokens)[0], model.output.bias)
    where = model.embedding(model.read(tokens))
    assert where.shape == (2, model.states)
    torch.testing.assert_close(where, model.read(tokens).view(2, 3, model.states).mean(dim=1))


def test_the_forget_gate_is_open_at_the_start_as_in_textrnn():
    config = RoundConfig(arch="textrnn.v1", **SIZES)
    plain, attended = TextRNN(VECTORS, 3, config, seed=4), TextRNNAtt(VECTORS, 3, config, seed=4)
    for name, value in plain.lstm.named_parameters():
        assert torch.equal(value, attended.lstm.get_parameter(name)), name
    assert attended.lstm.all_weights[0][2][4:8].min() > 0
