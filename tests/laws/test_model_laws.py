"""What every registered architecture must satisfy; a new one is tested by being in the registry."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch

from core.config import RoundConfig
from core.models.base import TextModel
from core.models.registry import ARCHITECTURES, build
from core.text.batches import padded

CONFIG = RoundConfig(vector_size=12, filters=24, hidden=20, chunks=2, dropout=0.5)
VECTORS = np.random.default_rng(0).normal(size=(50, 12)).astype(np.float32)
VECTORS[0] = 0
LENGTHS = (9, 1, 0, 30, 2, 3, 17)
ROWS = [np.random.default_rng(n).integers(1, 50, size=n) for n in LENGTHS]
TOKENS = torch.from_numpy(padded(ROWS))

every_model = pytest.mark.parametrize("arch", sorted(ARCHITECTURES))


def model_of(arch: str, *, labels: int = 4, seed: int = 0, config: RoundConfig = CONFIG) -> TextModel:
    return build(arch, VECTORS, labels, config, seed=seed).eval()


@every_model
@pytest.mark.parametrize("labels", [1, 4])
@pytest.mark.parametrize("chunks", [1, 2, 3])
def test_builds_from_config_with_the_promised_shape(arch: str, labels: int, chunks: int):
    config = RoundConfig.from_mapping({"vector_size": 12, "filters": 6, "hidden": 5, "chunks": chunks})
    logits = model_of(arch, labels=labels, config=config)(TOKENS)
    assert logits.shape == (len(ROWS), labels)
    assert torch.isfinite(logits).all()


@every_model
def test_the_seed_decides_the_start_and_the_global_one_is_left_alone(arch: str):
    before = torch.get_rng_state()
    first, again, other = model_of(arch), model_of(arch), model_of(arch, seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first(TOKENS), again(TOKENS))
    assert not torch.equal(first(TOKENS), other(TOKENS))


@every_model
def test_batched_equals_one_by_one(arch: str):
    model = model_of(arch)
    alone = torch.cat([model(torch.from_numpy(padded([row]))) for row in ROWS])
    torch.testing.assert_close(model(TOKENS), alone, atol=1e-5, rtol=1e-5)


@every_model
@pytest.mark.parametrize("extra", [1, 7, 40])
def test_padding_is_inert(arch: str, extra: int):
    model = model_of(arch)
    wider = torch.from_numpy(padded(ROWS, width=TOKENS.shape[1] + extra))
    torch.testing.assert_close(model(wider), model(TOKENS), atol=1e-6, rtol=1e-6)


@every_model
def test_dropout_is_off_when_predicting(arch: str):
    model = model_of(arch)
    assert torch.equal(model(TOKENS), model(TOKENS))


@every_model
def test_each_real_token_gets_gradient_and_padding_none(arch: str):
    wide = RoundConfig.from_mapping({"vector_size": 12, "filters": 128, "hidden": 64})  # enough for every token to win
    model = model_of(arch, config=wide)
    embedded = torch.nn.functional.embedding(TOKENS, model.vectors).requires_grad_()
    lengths = (TOKENS != 0).sum(dim=1)
    model.forward_embedded(embedded, lengths).square().sum().backward()
    assert embedded.grad is not None
    touched = embedded.grad.abs().sum(dim=2) > 0
    assert torch.equal(touched, TOKENS != 0)


@every_model
def test_the_embedding_is_frozen(arch: str):
    model = model_of(arch)
    assert not model.vectors.requires_grad
    assert all("vectors" not in name for name, _ in model.named_parameters())


@every_model
def test_one_batch_can_be_overfit(arch: str):
    model = model_of(arch)  # dropout off: the law is about what the layers can hold
    rows = [row for row in ROWS if len(row)]
    tokens = torch.from_numpy(padded(rows))
    targets = torch.from_numpy(np.random.default_rng(1).integers(0, 2, (len(rows), 4)).astype(np.float32))
    adam = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(120):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model(tokens), targets)
        adam.zero_grad()
        loss.backward()
        adam.step()
    assert loss.item() < 0.01
    assert torch.equal(model(tokens) > 0, targets > 0)


@every_model
def test_saved_and_loaded_it_gives_the_same_logits(arch: str, tmp_path: Path):
    model, other = model_of(arch), model_of(arch, seed=9)
    torch.save(model.state_dict(), tmp_path / "model.pt")
    other.load_state_dict(torch.load(tmp_path / "model.pt", weights_only=True))
    assert torch.equal(model(TOKENS), other(TOKENS))


@every_model
@pytest.mark.filterwarnings("ignore:.*LeafSpec.*:FutureWarning")  # torch's own exporter
def test_exported_it_runs_without_torch_on_any_batch_and_length(arch: str):
    import onnxruntime

    model, file = model_of(arch), io.BytesIO()
    batch, length = torch.export.Dim("batch", min=1, max=4096), torch.export.Dim("tokens", min=2, max=2048)
    program = torch.onnx.export(
        model,
        (TOKENS,),
        dynamo=True,
        input_names=["tokens"],
        output_names=["logits"],
        dynamic_shapes=({0: batch, 1: length},),
        verbose=False,
    )
    program.save(file)
    session = onnxruntime.InferenceSession(file.getvalue(), providers=["CPUExecutionProvider"])
    for rows, width in ((ROWS, 30), (ROWS[:1], 9), (ROWS[4:5], 2), (ROWS * 3, 50)):
        tokens = padded(rows, width=width)
        (found,) = session.run(["logits"], {"tokens": tokens})
        np.testing.assert_allclose(found, model(torch.from_numpy(tokens)).detach().numpy(), atol=1e-5)
