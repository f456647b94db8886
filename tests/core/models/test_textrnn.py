import numpy as np
import torch

from core.config import RoundConfig
from core.models.textrnn import TextRNN
from core.text.batches import padded

VECTORS = np.random.default_rng(0).normal(size=(20, 6)).astype(np.float32)
CONFIG = RoundConfig(vector_size=6, rnn_hidden=5)


def test_reads_the_state_after_the_last_real_token():
    model = TextRNN(VECTORS, 2, CONFIG).eval()
    rows = [np.array([3, 4, 5, 6]), np.array([7]), np.array([8, 9])]
    for row, found in zip(rows, model.read(torch.from_numpy(padded(rows))), strict=True):
        _, (state, _) = model.lstm(model.vectors[torch.from_numpy(row)].unsqueeze(0))
        torch.testing.assert_close(found, state[0, 0], atol=1e-6, rtol=1e-6)


def test_an_empty_document_is_the_zero_state():
    model = TextRNN(VECTORS, 2, CONFIG).eval()
    tokens = torch.tensor([[0, 0], [3, 0]])
    assert not model.read(tokens)[0].any()
    assert torch.equal(model(tokens)[0], model.output.bias)


def test_the_order_of_words_matters():
    model = TextRNN(VECTORS, 2, CONFIG).eval()
    assert not torch.allclose(model(torch.tensor([[3, 4, 5]])), model(torch.tensor([[5, 4, 3]])))


def test_the_forget_gate_starts_open_and_no_other():
    lstm = TextRNN(VECTORS, 2, CONFIG).lstm
    gates = (lstm.bias_ih_l0 + lstm.bias_hh_l0).detach().view(4, 5).mean(dim=1)
    assert gates.argmax() == 1
    assert gates[1] > 0.5 > gates[[0, 2, 3]].max()
