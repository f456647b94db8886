"""The stacked recurrent models against their plain modules, which are the reference."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from core.config import RoundConfig
from core.models import recurrent
from core.models.base import TextModel
from core.models.dense import DenseEngine
from core.models.engine import Engine, Weights
from core.models.gru_att import GRUAtt
from core.models.han import HAN
from core.models.stacked_rnn import StackedGRUAtt, StackedHAN, StackedTextRNN
from core.models.textrnn import TextRNN

RNG = np.random.default_rng(0)
VECTORS = RNG.normal(size=(300, 20)).astype(np.float32)
VECTORS[0] = 0
BREAKS = RNG.random(300) < 0.1
ROWS = [RNG.integers(1, 300, size=n) for n in (40, 1, 0, 2, 300, 7, 7, 33, *RNG.integers(1, 80, size=24))]
KINDS: dict[str, tuple[Callable[..., TextModel], Callable[[TextModel], Engine]]] = {
    "textrnn": (TextRNN, StackedTextRNN),
    "gru_att": (GRUAtt, StackedGRUAtt),
    "han": (HAN, StackedHAN),
}

pytestmark = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # the modules' steps are too small for two
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=["compiled", "plain"])
def path(request, monkeypatch):
    if request.param == "plain":
        monkeypatch.setattr(recurrent, "COMPILED", False)
    else:
        assert recurrent.COMPILED, "numba is a pinned requirement: without it the compiled path would go untested"


def models_of(kind: str, labels: int, width: int = 10) -> tuple[RoundConfig, list[TextModel], Engine, Engine]:
    config = RoundConfig(
        vector_size=20, rnn_hidden=width, gru_hidden=width, han_hidden=width, sentence_tokens=9, dropout=0.0
    )
    build, engine = KINDS[kind]
    models = [build(VECTORS, labels, config, seed=seed, breaks=BREAKS) for seed in range(3)]
    return config, models, engine(models[0]), DenseEngine(models[0])


def learned(engine: Engine, models: list[TextModel], rows, config: RoundConfig) -> tuple[torch.Tensor, list[Weights]]:
    weights = {name: value.requires_grad_() for name, value in engine.stack(models).items()}
    found = engine.logits(weights, engine.pack(rows, models[0].vectors, config), config)
    (found.sigmoid() ** 2).sum().backward()
    gradients: Weights = {
        name: torch.zeros_like(value) if value.grad is None else value.grad for name, value in weights.items()
    }
    return found.detach(), [engine.unstack(gradients, m) for m in range(len(models))]


@pytest.mark.parametrize(("labels", "width"), [(1, 10), (5, 16), (2, 37)])
def test_logits_and_gradients_equal_the_modules(kind: str, labels: int, width: int, path):
    config, models, engine, dense = models_of(kind, labels, width)
    found, gradients = learned(engine, models, ROWS, config)
    expected, theirs = learned(dense, models, ROWS, config)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    for own, other in zip(gradients, theirs, strict=True):
        assert own.keys() == other.keys()
        for name in own:
            torch.testing.assert_close(own[name], other[name], atol=1e-5, rtol=1e-4, msg=lambda m, n=name: f"{n}: {m}")


def test_steps_of_adam_on_a_stack_equal_those_of_one_model_after_another(kind: str):
    config, models, engine, dense = models_of(kind, 2)

    def trained(how: Engine, which: list[TextModel]) -> list[Weights]:
        weights = {name: value.requires_grad_() for name, value in how.stack(which).items()}
        adam = torch.optim.Adam(weights.values(), lr=1e-3)
        for step in range(5):
            rows = ROWS[step : step + 16]
            found = how.logits(weights, how.pack(rows, models[0].vectors, config), config)
            target = torch.arange(len(rows)).unsqueeze(1).expand(-1, 2) % 2 == 0
            loss = torch.nn.functional.binary_cross_entropy_with_logits(
                found, target.float().expand_as(found), reduction="none"
            )
            adam.zero_grad()
            loss.mean(dim=(1, 2)).sum().backward()
            adam.step()
        return [how.unstack(weights, m) for m in range(len(which))]

    together = trained(engine, models)
    for m, model in enumerate(models):
        (alone,) = trained(dense, [model])
        for name, value in alone.items():
            torch.testing.assert_close(together[m][name], value, atol=1e-5, rtol=0, msg=lambda t, n=name: f"{n}: {t}")


def test_nothing_is_kept_for_gradients_that_nobody_asks_for(kind: str, path):
    config, models, engine, _ = models_of(kind, 3)
    weights = {name: value.requires_grad_() for name, value in engine.stack(models).items()}
    packed = engine.pack(ROWS, models[0].vectors, config)
    with torch.no_grad():
        looked = engine.logits(weights, packed, config)
    assert not looked.requires_grad
    torch.testing.assert_close(looked, engine.logits(weights, packed, config).detach(), atol=1e-6, rtol=0)


def test_dropout_comes_before_the_output(kind: str):
    config, models, engine, _ = models_of(kind, 4)
    weights = engine.stack(models)
    nothing = torch.zeros(3, len(ROWS), models[0].width)
    found = engine.logits(weights, engine.pack(ROWS, models[0].vectors, config), config, nothing)
    torch.testing.assert_close(found, weights["output.bias"].unsqueeze(1).expand(-1, len(ROWS), -1))


def test_a_stacked_model_can_be_taken_out_again(kind: str):
    config, models, engine, _ = models_of(kind, 4)
    fresh = KINDS[kind][0](VECTORS, 4, config, seed=77, breaks=BREAKS)
    fresh.load_state_dict(engine.unstack(engine.stack(models), 1), strict=False)
    for name, value in fresh.state_dict().items():
        assert torch.equal(value, models[1].state_dict()[name]), name


def test_no_document_at_all_and_only_empty_ones(kind: str, path):
    config, models, engine, dense = models_of(kind, 4)
    none = np.empty(0, dtype=np.int64)
    assert engine.logits(engine.stack(models), engine.pack([], models[0].vectors, config), config).shape == (3, 0, 4)
    found, _ = learned(engine, models, [none, none], config)
    expected, _ = learned(dense, models, [none, none], config)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


def test_weights_that_are_no_number_are_seen_in_the_logits(kind: str, path):
    config, models, engine, _ = models_of(kind, 1)
    weights = engine.stack(models)
    for name in weights:
        if name.endswith("weight_hh_l0"):
            weights[name][1] = float("nan")
    found = engine.logits(weights, engine.pack(ROWS[:2], models[0].vectors, config), config)
    assert found[1, 0].isnan().all()
    assert found[[0, 2]].isfinite().all()
