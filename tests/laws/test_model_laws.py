"""What every registered architecture must satisfy; a new one is tested by being in the registry."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config import ARCHS, RoundConfig
from core.export.bundle import export_onnx
from core.models.base import TextModel
from core.models.registry import ARCHITECTURES, build
from core.text.batches import padded
from core.text.vocab import PAD

SIZES = {"vector_size": 12, "filters": 24, "hidden": 20, "rnn_hidden": 10, "gru_hidden": 6, "han_hidden": 5}
CONFIG = RoundConfig.from_mapping({**SIZES, "sentence_tokens": 7})
VECTORS = np.random.default_rng(0).normal(size=(50, 12)).astype(np.float32)
VECTORS[PAD] = 0
BREAKS = np.arange(50) >= 44
LENGTHS = (9, 1, 0, 30, 2, 3, 17)
ROWS = [np.random.default_rng(n).integers(1, 50, size=n) for n in LENGTHS]
TOKENS = torch.from_numpy(padded(ROWS))

every_model = pytest.mark.parametrize("arch", sorted(ARCHITECTURES))
documents = st.lists(st.lists(st.integers(1, 49), max_size=24), min_size=1, max_size=5)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Models this small lose time to threads, and on a busy machine a great deal of it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def model_of(arch: str, *, labels: int = 4, seed: int = 0, config: RoundConfig = CONFIG) -> TextModel:
    return build(arch, VECTORS, labels, config, seed=seed, breaks=BREAKS).eval()


kept = cache(model_of)  # for properties, which only read it


def with_settings(**values: object) -> RoundConfig:
    return RoundConfig.from_mapping({**SIZES, **values})


def test_every_architecture_that_a_round_may_name_is_here():
    assert set(ARCHITECTURES) == set(ARCHS)


@every_model
@pytest.mark.parametrize("labels", [1, 4])
@pytest.mark.parametrize("chunks", [1, 2, 3])
def test_builds_from_config_with_the_promised_shape(arch: str, labels: int, chunks: int):
    model = model_of(arch, labels=labels, config=with_settings(filters=6, hidden=5, chunks=chunks))
    assert model.read(TOKENS).shape == (len(ROWS), model.width)
    assert model(TOKENS).shape == (len(ROWS), labels)


@every_model
@pytest.mark.parametrize("tokens", [[[0]], [[0, 0, 0]], [[0, 0], [0, 0]], [[0, 0], [5, 0]]])
def test_an_empty_document_has_finite_logits_and_gradients(arch: str, tokens: list[list[int]]):
    model = model_of(arch)
    logits = model(torch.tensor(tokens))
    logits.square().sum().backward()
    assert torch.isfinite(logits).all()
    assert all(torch.isfinite(value.grad).all() for value in model.parameters() if value.grad is not None)


@every_model
def test_the_seed_decides_the_start_and_the_global_one_is_left_alone(arch: str):
    before = torch.get_rng_state()
    first, again, other = model_of(arch), model_of(arch), model_of(arch, seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first(TOKENS), again(TOKENS))
    assert not torch.equal(first(TOKENS), other(TOKENS))
    for (name, one), (_, two) in zip(first.named_parameters(), other.named_parameters(), strict=True):
        assert not torch.equal(one, two), f"{name} is not drawn"


@every_model
@settings(max_examples=25, deadline=None)
@given(rows=documents, extra=st.integers(0, 9))
def test_batched_equals_one_by_one_and_padding_is_inert(arch: str, rows: list[list[int]], extra: int):
    model, arrays = kept(arch), [np.array(row, dtype=np.int64) for row in rows]
    alone = torch.cat([model(torch.from_numpy(padded([row]))) for row in arrays])
    together = model(torch.from_numpy(padded(arrays, width=max([1, *map(len, rows)]) + extra)))
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


@every_model
@pytest.mark.parametrize("extra", [1, 7, 40])
def test_more_padding_changes_nothing(arch: str, extra: int):
    model = model_of(arch)
    wider = torch.from_numpy(padded(ROWS, width=TOKENS.shape[1] + extra))
    torch.testing.assert_close(model(wider), model(TOKENS), atol=1e-6, rtol=1e-6)


@every_model
def test_what_stands_past_the_end_is_never_read(arch: str):
    model, lengths = model_of(arch), torch.tensor(LENGTHS)
    clean = torch.nn.functional.embedding(TOKENS, model.vectors)
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    dirty = torch.where((TOKENS == PAD).unsqueeze(2), noise, clean)
    expected, found = (model.output(model.features(TOKENS, one, lengths)) for one in (clean, dirty))
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-6)


@every_model
def test_dropout_is_off_when_predicting_and_on_when_training(arch: str):
    model = model_of(arch)
    assert torch.equal(model(TOKENS), model(TOKENS))
    model.train()
    assert not torch.equal(model(TOKENS), model(TOKENS))


@every_model
def test_each_real_token_gets_gradient_and_padding_none(arch: str):
    model = model_of(arch, config=with_settings(filters=128, hidden=64))  # enough filters for every token to win one
    embedded = torch.nn.functional.embedding(TOKENS, model.vectors).requires_grad_()
    model.output(model.features(TOKENS, embedded, torch.tensor(LENGTHS))).square().sum().backward()
    assert embedded.grad is not None
    touched = embedded.grad.abs().sum(dim=2) > 0
    assert torch.equal(touched, TOKENS != PAD)


@every_model
def test_the_embedding_is_frozen_unless_it_is_asked_to_learn(arch: str):
    model = model_of(arch)
    assert not model.vectors.requires_grad
    assert all("vectors" not in name for name, _ in model.named_parameters())


@every_model
def test_vectors_that_learn_get_gradient_but_for_padding(arch: str):
    model, fixed = model_of(arch, config=with_settings(filters=128, trainable_vectors=True)), VECTORS.copy()
    assert "vectors" in dict(model.named_parameters())
    torch.testing.assert_close(model.vectors.detach(), torch.from_numpy(VECTORS))
    model(TOKENS).square().sum().backward()
    assert model.vectors.grad is not None
    touched = (model.vectors.grad.abs().sum(dim=1) > 0).nonzero().squeeze(1)
    assert touched.tolist() == sorted(set(TOKENS.unique().tolist()) - {PAD})
    torch.optim.SGD(model.parameters(), lr=1.0).step()
    assert np.array_equal(VECTORS, fixed), "the caller's table is not the one that learns"


@every_model
def test_one_batch_can_be_overfit(arch: str):
    model = model_of(arch)  # dropout off: the law is about what the layers can hold
    rows = [row for row in ROWS if len(row)]
    tokens = torch.from_numpy(padded(rows))
    targets = torch.from_numpy(np.random.default_rng(1).integers(0, 2, (len(rows), 4)).astype(np.float32))
    adam = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(300):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model(tokens), targets)
        adam.zero_grad()
        loss.backward()
        adam.step()
        if loss.item() < 0.01:
            break
    assert loss.item() < 0.01
    assert torch.equal(model(tokens) > 0, targets > 0)


@every_model
@pytest.mark.parametrize("trainable", [False, True])
def test_saved_and_loaded_it_gives_the_same_logits(arch: str, trainable: bool, tmp_path: Path):
    config = with_settings(trainable_vectors=trainable)
    model = model_of(arch, config=config)
    torch.save(model.state_dict(), tmp_path / "model.pt")
    other = build(arch, np.zeros_like(VECTORS), 4, config, seed=9).eval()  # knows neither vectors nor breaks
    other.load_state_dict(torch.load(tmp_path / "model.pt", weights_only=True))
    assert torch.equal(model(TOKENS), other(TOKENS))


@every_model
def test_exported_it_runs_without_torch_on_any_batch_and_length(arch: str):
    import onnxruntime

    model = model_of(arch)
    session = onnxruntime.InferenceSession(export_onnx(model), providers=["CPUExecutionProvider"])
    draw = np.random.default_rng(0)
    batches = [ROWS, ROWS * 3, *([row] for row in ROWS)]
    batches += [[draw.integers(1, 50, size=n)] for n in (4, 7, 8, 64, 300)]
    for rows, extra in ((rows, extra) for rows in batches for extra in (0, 5)):
        tokens = padded(rows, width=max([1, *map(len, rows)]) + extra)
        (found,) = session.run(["logits"], {"tokens": tokens})
        np.testing.assert_allclose(found, model(torch.from_numpy(tokens)).detach().numpy(), atol=1e-5)
