"""An encoder's GELU in one step: the same values, in loading and in pretraining."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from core.encoders.fused import fuse
from core.encoders.load import library


def small(act: str) -> Any:
    transformers = library()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return transformers.AlbertModel(
            transformers.AlbertConfig(
                vocab_size=60, embedding_size=8, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
                intermediate_size=32, max_position_embeddings=16, hidden_act=act,
            )
        ).eval()  # fmt: skip


def test_the_values_stay_and_a_second_time_finds_nothing() -> None:
    tokens = torch.arange(5, 15).reshape(2, 5)
    for act in ("gelu_new", "gelu_fast"):
        network = small(act)
        with torch.no_grad():
            before = network(input_ids=tokens).last_hidden_state
            assert fuse(network) == 1  # ALBERT's layers are one
            after = network(input_ids=tokens).last_hidden_state
        assert torch.allclose(before, after, atol=1e-5)
        assert any(isinstance(part, nn.GELU) for part in network.modules())
        assert fuse(network) == 0


def test_other_functions_are_left_alone() -> None:
    for act in ("gelu", "relu", "silu"):
        assert fuse(small(act)) == 0


def test_gradients_are_the_same() -> None:
    tokens = torch.arange(5, 15).reshape(2, 5)
    grads = []
    for fused in (False, True):
        network = small("gelu_new")
        if fused:
            fuse(network)
        network(input_ids=tokens).last_hidden_state.square().sum().backward()
        grads.append(network.encoder.embedding_hidden_mapping_in.weight.grad)
    assert torch.allclose(*grads, rtol=1e-3, atol=1e-5)


def test_a_loaded_encoder_keeps_its_word_for_it(tmp_path: Path) -> None:
    """The folder that is saved names the function that the given one named."""
    network = small("gelu_new")
    fuse(network)
    network.save_pretrained(tmp_path)
    assert library().AutoConfig.from_pretrained(tmp_path).hidden_act == "gelu_new"
