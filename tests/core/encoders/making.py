"""Encoders of one small layer and random weights, in folders as a model hub has them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

CHARACTERS = "高血壓患者應該注意飲食避免糖尿病症狀治療藥物,。abc1"
TEXTS = ["高血壓患者", "注意飲食,避免糖尿病。", "症狀", "治療藥物應該注意", "abc 1 高血壓", "糖尿病患者避免糖"]
SMALL = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 40,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
}


def tokenizer(characters: Iterable[str] = CHARACTERS) -> Any:
    """Of characters, or of words."""
    from transformers import BertTokenizer

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *dict.fromkeys(characters)]
    return BertTokenizer(vocab={word: n for n, word in enumerate(words)}, model_max_length=40)


def network(kind: str = "albert", *, seed: int = 0, vocab: int = 60) -> Any:
    """A base model; its weights are spread out, or all texts would look alike."""
    import transformers

    settings: Any
    if kind == "albert":
        settings = transformers.AlbertConfig(vocab_size=vocab, embedding_size=8, **SMALL)
    elif kind == "bert":
        settings = transformers.BertConfig(vocab_size=vocab, **SMALL)
    elif kind == "roberta":
        settings = transformers.RobertaConfig(vocab_size=vocab, pad_token_id=0, **SMALL)
    else:
        settings = transformers.XLNetConfig(
            vocab_size=vocab, d_model=16, n_layer=2, n_head=2, d_inner=24, pad_token_id=0
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = transformers.AutoModel.from_config(settings)
    with torch.no_grad():
        made.get_input_embeddings().weight.mul_(30)
    return made.eval()


def folder(
    path: Path, kind: str = "albert", *, characters: Iterable[str] = CHARACTERS, seed: int = 0, vocab: int = 60
) -> Path:
    """The encoder saved with its tokenizer."""
    network(kind, seed=seed, vocab=vocab).save_pretrained(path)
    tokenizer(characters).save_pretrained(path)
    return path
