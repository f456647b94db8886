"""The stacked computation against the plain module, which is the reference."""

import numpy as np
import pytest
import torch

from core.config import RoundConfig
from core.models.packed import pack
from core.models.stacked import logits, stack, unstack
from core.models.textcnn import TextCNN
from core.text.batches import padded

RNG = np.random.default_rng(0)
VECTORS = RNG.normal(size=(300, 20)).astype(np.float32)
VECTORS[0] = 0
ROWS = [RNG.integers(1, 300, size=n) for n in (40, 1, 0, 2, 90, 7, 7, 33, *RNG.integers(1, 80, size=24))]


def models_of(chunks: int, labels: int) -> tuple[RoundConfig, list[TextCNN]]:
    config = RoundConfig(vector_size=20, filters=10, hidden=16, chunks=chunks)
    return config, [TextCNN(VECTORS, labels, config, seed=seed).eval() for seed in range(3)]


@pytest.mark.parametrize(("chunks", "labels"), [(1, 1), (2, 1), (2, 5), (3, 2)])
def test_logits_and_gradients_equal_the_modules(chunks: int, labels: int):
    config, models = models_of(chunks, labels)
    weights = {name: value.requires_grad_() for name, value in stack(models).items()}
    found = logits(weights, pack(ROWS, models[0].vectors, config.chunks), config.chunks)
    expected = torch.stack([model(torch.from_numpy(padded(ROWS))) for model in models])
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    (found.sigmoid() ** 2).sum().backward()
    (expected.sigmoid() ** 2).sum().backward()
    gradients = {name: value.grad for name, value in weights.items()}
    for m, model in enumerate(models):
        ours = unstack(gradients, m)  # type: ignore[arg-type]
        for name, value in model.named_parameters():
            torch.testing.assert_close(ours[name], value.grad, atol=1e-5, rtol=1e-5, msg=name)


def test_dropout_is_applied_between_the_linear_layers():
    config, models = models_of(2, 4)
    weights = stack(models)
    nothing = torch.zeros(3, len(ROWS), config.hidden)
    found = logits(weights, pack(ROWS, models[0].vectors, 2), 2, nothing)
    torch.testing.assert_close(found, weights["output.bias"].unsqueeze(1).expand(-1, len(ROWS), -1))


def test_a_stacked_model_can_be_taken_out_again():
    config, models = models_of(2, 4)
    fresh = TextCNN(VECTORS, 4, config, seed=77).eval()
    fresh.load_state_dict(unstack(stack(models), 1), strict=False)
    tokens = torch.from_numpy(padded(ROWS))
    assert torch.equal(fresh(tokens), models[1](tokens))


def test_no_document_at_all_and_only_empty_ones():
    _, models = models_of(2, 4)
    for rows in ([], [np.empty(0, dtype=np.int64)] * 2):
        assert logits(stack(models), pack(rows, models[0].vectors, 2), 2).shape == (3, len(rows), 4)
