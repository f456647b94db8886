"""The masked language model: made new in ALBERT's form, or a given encoder that is to go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from core.encoders import load
from core.encoders.fused import fuse
from core.encoders.pretrain.batches import Hidden, Marks
from core.encoders.pretrain.plan import PretrainPlan
from core.errors import EncoderUnavailable
from core.seeds import derive
from core.text.hub import first_line, quiet

_HEADS = ("predictions", "cls", "lm_head")  # of ALBERT, BERT, RoBERTa: from vectors to token scores


def fresh(plan: PretrainPlan, vocabulary: int) -> Any:
    """An encoder with drawn weights; no global seed is moved. Raises EncoderUnavailable: no package."""
    transformers, size = load.library(), plan.shape
    settings = transformers.AlbertConfig(
        vocab_size=vocabulary, embedding_size=size.embedding, hidden_size=size.width, num_hidden_layers=size.layers,
        num_attention_heads=size.heads, intermediate_size=size.inner, max_position_embeddings=tokens_of(plan),
        hidden_act="gelu_pytorch_tanh",  # as published, in one step
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, pad_token_id=0, bos_token_id=2, eos_token_id=3,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(plan.seed, "pretrain", "weights"))
        return transformers.AlbertForMaskedLM(settings)


def tokens_of(plan: PretrainPlan) -> int:
    return plan.max_tokens or plan.shape.max_tokens


def continued(plan: PretrainPlan) -> tuple[Any, load.Encoder]:
    """A given encoder as a masked language model, and as it is. Where its head was thrown away it is drawn anew.

    Raises EncoderUnavailable: as ``load``, or it cannot predict hidden tokens.
    """
    name = plan.start
    encoder = load.load(name)  # says first what is wrong with it
    source = str(Path(name).expanduser()) if Path(name).expanduser().is_dir() else name
    try:
        with quiet(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive(plan.seed, "pretrain", "head"))
            network = load.library().AutoModelForMaskedLM.from_pretrained(source, dtype=torch.float32)
    except Exception as error:  # no such form, or weights that do not fit it
        raise EncoderUnavailable(name=name, why="not_masked", detail=first_line(error)) from error
    known = _HEADS if encoder.tokenizer.mask_token_id is not None else ()
    if not any(hasattr(network, head) for head in known):
        raise EncoderUnavailable(name=name, why="not_masked", detail=type(network).__name__)
    fuse(network)
    return network, encoder


def marks_of(tokenizer: Any, network: Any) -> Marks:
    return Marks(
        pad=int(tokenizer.pad_token_id), mask=int(tokenizer.mask_token_id),
        special=frozenset(map(int, tokenizer.all_special_ids)), vocabulary=int(network.config.vocab_size),
    )  # fmt: skip


def scores(network: Any, batch: Hidden) -> Tensor:
    """Of every token in the place of each hidden one; the head sees those places alone. Shapes: → (n, V)."""
    found = network.base_model(input_ids=batch.tokens, attention_mask=batch.mask.to(torch.int64))
    head = next(getattr(network, name) for name in _HEADS if hasattr(network, name))
    return head(found.last_hidden_state[batch.where])
