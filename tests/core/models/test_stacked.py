"""The stacked computation against the plain module, which is the reference."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from core.config import RoundConfig
from core.models import stacked
from core.models.dense import DenseEngine
from core.models.engine import Engine
from core.models.stacked import StackedCNN
from core.models.textcnn import TextCNN
from core.text.batches import padded
from core.train.optim import StackedAdam

RNG = np.random.default_rng(0)
VECTORS = RNG.normal(size=(300, 20)).astype(np.float32)
VECTORS[0] = 0
ROWS = [RNG.integers(1, 300, size=n) for n in (40, 1, 0, 2, 90, 7, 7, 33, *RNG.integers(1, 80, size=24))]


@pytest.fixture(params=["compiled", "plain"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both computations; the compiled one is what a CPU with numba takes."""
    if request.param == "plain":
        monkeypatch.setattr(stacked, "COMPILED", False)
    return request.param


def models_of(chunks: int, labels: int, filters: int = 10, hidden: int = 16) -> tuple[RoundConfig, list[TextCNN]]:
    config = RoundConfig(vector_size=20, filters=filters, hidden=hidden, chunks=chunks)
    return config, [TextCNN(VECTORS, labels, config, seed=seed).eval() for seed in range(3)]


@pytest.mark.parametrize(
    ("chunks", "labels", "filters", "hidden"), [(1, 1, 10, 16), (2, 1, 64, 128), (2, 5, 100, 64), (3, 2, 10, 16)]
)
def test_logits_and_gradients_equal_the_modules(way: str, chunks: int, labels: int, filters: int, hidden: int):
    config, models = models_of(chunks, labels, filters, hidden)
    engine = StackedCNN(models[0])
    weights = {name: value.requires_grad_() for name, value in engine.stack(models).items()}
    found = engine.logits(weights, engine.pack(ROWS, models[0].vectors, config), config)
    expected = torch.stack([model(torch.from_numpy(padded(ROWS))) for model in models])
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    (found.sigmoid() ** 2).sum().backward()
    (expected.sigmoid() ** 2).sum().backward()
    gradients = {name: value.grad for name, value in weights.items()}
    for m, model in enumerate(models):
        ours = engine.unstack(gradients, m)  # type: ignore[arg-type]
        for name, value in model.named_parameters():
            torch.testing.assert_close(ours[name], value.grad, atol=1e-5, rtol=1e-5, msg=name)


@pytest.mark.parametrize("kind", [StackedCNN, DenseEngine])
def test_dropout_is_applied_between_the_linear_layers(kind: type):
    config, models = models_of(2, 4)
    engine = kind(models[0])
    weights = engine.stack(models)
    nothing = torch.zeros(3, len(ROWS), config.hidden)
    found = engine.logits(weights, engine.pack(ROWS, models[0].vectors, config), config, nothing)
    torch.testing.assert_close(found, weights["output.bias"].unsqueeze(1).expand(-1, len(ROWS), -1))


@pytest.mark.parametrize("kind", [StackedCNN, DenseEngine])
def test_a_stacked_model_can_be_taken_out_again(kind: type):
    config, models = models_of(2, 4)
    engine = kind(models[0])
    fresh = TextCNN(VECTORS, 4, config, seed=77).eval()
    fresh.load_state_dict(engine.unstack(engine.stack(models), 1), strict=False)
    tokens = torch.from_numpy(padded(ROWS))
    assert torch.equal(fresh(tokens), models[1](tokens))


def test_the_dense_engine_gives_what_the_stacked_one_gives(way: str):
    config, models = models_of(2, 3)
    mask = (torch.rand(3, len(ROWS), config.hidden) < 0.5) * 2.0
    found = []
    for engine in (StackedCNN(models[0]), DenseEngine(models[0])):
        weights = {name: value.requires_grad_() for name, value in engine.stack(models).items()}
        logits = engine.logits(weights, engine.pack(ROWS, models[0].vectors, config), config, mask)
        (logits.sigmoid() ** 2).sum().backward()
        found.append((logits.detach(), engine.unstack({n: v.grad for n, v in weights.items()}, 1)))  # type: ignore[misc]
    torch.testing.assert_close(found[0][0], found[1][0], atol=1e-5, rtol=0)
    for name, value in found[0][1].items():
        torch.testing.assert_close(value, found[1][1][name], atol=1e-5, rtol=1e-5, msg=name)


def trained(engine: Engine, models: list[TextCNN], config: RoundConfig, steps: int = 6) -> list[dict]:
    adam = StackedAdam(engine.stack(models), 1e-3)
    for step in range(steps):
        rows = ROWS[5 * step : 5 * step + 5]
        logits = engine.logits(adam.weights, engine.pack(rows, models[0].vectors, config), config)
        adam.step(torch.nn.functional.softplus(logits).mean(dim=(1, 2)).sum())
    return [engine.unstack(adam.weights, m) for m in range(len(models))]


def test_a_stack_learns_what_each_model_learns_by_itself(way: str):
    config, models = models_of(2, 3)
    together = trained(StackedCNN(models[0]), models, config)
    for m, model in enumerate(models):
        (alone,) = trained(DenseEngine(model), [model], config)
        for name, value in alone.items():
            torch.testing.assert_close(together[m][name], value, atol=1e-5, rtol=0, msg=name)


def test_two_threads_at_a_time_give_what_one_gives():
    config, models = models_of(2, 3, 70)
    expected = trained(StackedCNN(models[0]), models, config)
    with ThreadPoolExecutor(2) as threads:
        lanes = [threads.submit(trained, StackedCNN(models[0]), models, config) for _ in range(4)]
        for lane in lanes:
            for found, value in zip(lane.result(), expected, strict=True):
                assert all(torch.equal(found[name], value[name]) for name in value)


def test_numbers_of_other_kinds_are_computed_plainly():
    config, models = models_of(2, 4)
    engine = StackedCNN(models[0])
    single = engine.logits(engine.stack(models), engine.pack(ROWS, models[0].vectors, config), config)
    weights = {name: value.double() for name, value in engine.stack(models).items()}
    double = engine.logits(weights, engine.pack(ROWS, models[0].vectors.double(), config), config)
    assert double.dtype == torch.float64
    torch.testing.assert_close(single, double.float(), atol=1e-5, rtol=0)


def test_a_weight_that_is_not_a_number_is_not_hidden(way: str):
    config, models = models_of(2, 4)
    engine = StackedCNN(models[0])
    weights = engine.stack(models)
    weights["convolutions.1.weight"][1, 2, 3, 4] = torch.nan
    found = engine.logits(weights, engine.pack(ROWS[:1], models[0].vectors, config), config)
    assert found[1].isnan().all()
    assert found[[0, 2]].isfinite().all()


def test_no_document_at_all_and_only_empty_ones(way: str):
    config, models = models_of(2, 4)
    engine = StackedCNN(models[0])
    for rows in ([], [np.empty(0, dtype=np.int64)] * 2):
        packed = engine.pack(rows, models[0].vectors, config)
        assert engine.logits(engine.stack(models), packed, config).shape == (3, len(rows), 4)
