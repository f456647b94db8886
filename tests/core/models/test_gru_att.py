import numpy as np
import torch

from core.config import RoundConfig
from core.models.gru_att import GRUAtt
from core.text.batches import padded

VECTORS = np.random.default_rng(0).normal(size=(20, 6)).astype(np.float32)
VECTORS[0] = 0
CONFIG = RoundConfig(vector_size=6, gru_hidden=4)


def test_the_published_width_is_384():
    assert GRUAtt(np.zeros((3, 300), dtype=np.float32), 9, RoundConfig()).width == 384


def test_concatenates_attention_maximum_and_mean_of_the_states():
    model = GRUAtt(VECTORS, 2, CONFIG).eval()
    rows = [np.array([3, 4, 5, 6, 3]), np.array([7]), np.array([8, 9])]
    for row, found in zip(rows, model.read(torch.from_numpy(padded(rows, width=8))), strict=True):
        states = model.gru(model.vectors[torch.from_numpy(row)].unsqueeze(0), torch.tensor([len(row)]))[0]  # (T, H)
        at = model.attention
        fit = torch.tanh(states @ at.project.weight.T + at.project.bias) @ at.context.weight[0]
        attended = (torch.softmax(fit, 0).unsqueeze(1) * states).sum(0)
        expected = torch.cat([attended, states.max(0).values, states.mean(0)])
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)


def test_an_empty_document_is_zero_and_gives_no_nan_gradient():
    model = GRUAtt(VECTORS, 2, CONFIG).eval()
    tokens = torch.tensor([[0, 0], [3, 0]])
    seen = model.read(tokens)
    assert not seen[0].any()
    seen.square().sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
