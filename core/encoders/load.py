"""Any Hugging Face encoder with its tokenizer: from a local folder, or by its name on a hub.

The package is an optional extra. Weights are read as safetensors where there are any; code that comes with a model is
never run. ``tagtail.json`` beside the weights names the conversion of characters that an encoder of one's own was
trained under, so that texts are read as it learned them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.encoder_folder import source
from core.encoders.fused import fuse
from core.encoders.memory import bytes_needed, parameters_of, refuse_too_little
from core.errors import EncoderUnavailable, ModelUnavailable
from core.text.convert import convert
from core.text.hub import first_line, quiet
from core.text.normalize import normalize

OURS = "tagtail.json"
_MARKS = 5  # tokens that are no characters; a tokenizer without its file has these alone
_ENDLESS = 10**6  # a tokenizer that knows no limit says a huge number


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """A network from token ids to one vector a token, its tokenizer, and the pooler it was trained with, if any."""

    name: str
    network: Any  # PreTrainedModel, its pooler taken out
    tokenizer: Any
    pooler: tuple[Tensor, Tensor] | None  # weight (D, D), bias (D,)
    longest: int  # tokens, the marks included
    conversion: str = ""

    @property
    def width(self) -> int:
        return int(self.network.config.hidden_size)

    @property
    def pad(self) -> int:
        return int(self.tokenizer.pad_token_id)

    @cached_property
    def mark_at_end(self) -> bool:
        """XLNet has its classification mark behind the text, all others before it."""
        ids = self.tokenizer("1")["input_ids"]
        return bool(ids[0] != self.tokenizer.cls_token_id and ids[-1] == self.tokenizer.cls_token_id)

    @cached_property
    def digest(self) -> str:
        """Changes with any weight, and with how texts are read."""
        digest = hashlib.sha256(f"{self.conversion}\x1f{type(self.network).__name__}".encode())
        digest.update(json.dumps(self.tokenizer.get_vocab(), sort_keys=True).encode())
        for name, value in sorted(self.network.state_dict().items()):
            digest.update(name.encode())
            digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()[:24]

    def read(self, text: str) -> str:
        """The text in the characters that the encoder knows."""
        return convert(normalize(text), self.conversion)

    def rows(self, texts: Sequence[str], max_tokens: int = 0) -> list[NDArray[np.int64]]:
        """Token ids with the marks, cut at ``max_tokens`` (0: as long as the encoder reads); a text's words for marks
        are words."""
        limit = min(max_tokens or self.longest, self.longest)
        read = [self.read(text) for text in texts]
        if not read:
            return []
        found = self.tokenizer(read, truncation=True, max_length=limit, padding=False, split_special_tokens=True)
        return [np.array(ids, dtype=np.int64) for ids in found["input_ids"]]


def load(name: str, *, offline: bool = False, batch: int = 0, tokens: int = 0, learning: bool = True) -> Encoder:
    """The encoder in a folder, or of that name on the hub; ``offline`` looks only at what was fetched before.

    With a ``batch`` the memory that it will take is estimated before the weights are read.
    Raises EncoderUnavailable: no package, folder, weights or network, a damaged file, a tokenizer of another
    encoder. TooLittleMemory: need and have in its fields.
    """
    transformers = library()
    folder = source(name)
    with _told(name, "corrupt" if folder.is_dir() else "network"):
        settings = transformers.AutoConfig.from_pretrained(
            _named(folder, name), local_files_only=offline, trust_remote_code=False
        )
    if batch:
        _refuse(name, settings, batch=batch, tokens=tokens, learning=learning)
    with _told(name, "corrupt" if folder.is_dir() else "network"):
        network, said = transformers.AutoModel.from_pretrained(
            _named(folder, name),
            local_files_only=offline,
            trust_remote_code=False,
            dtype=torch.float32,
            output_loading_info=True,
        )
    missing = sorted(key for key in said["missing_keys"] if "pooler" not in key)
    if missing or said.get("mismatched_keys"):
        wrong = missing or [str(key) for key in said["mismatched_keys"]]
        raise EncoderUnavailable(name=name, why="incomplete", detail=", ".join(wrong[:3]))
    with _told(name, "tokenizer" if folder.is_dir() else "network"):
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            _named(folder, name), local_files_only=offline, trust_remote_code=False
        )
    return assembled(
        name, network, tokenizer, conversion=_conversion(folder),
        pooler_known=not any("pooler" in key for key in said["missing_keys"]),
    )  # fmt: skip


def library() -> Any:
    """The package. Raises EncoderUnavailable: it is not installed."""
    try:
        import transformers
    except ImportError as error:
        raise EncoderUnavailable(name="transformers", why="package", detail=first_line(error)) from error
    return transformers


def assembled(name: str, network: Any, tokenizer: Any, *, conversion: str = "", pooler_known: bool = False) -> Encoder:
    """An encoder of parts that are here. Raises EncoderUnavailable: the tokenizer does not fit."""
    _refuse_misfit(name, network, tokenizer)
    pooler = _pooler_of(network) if pooler_known else None
    if getattr(network, "pooler", None) is not None:
        network.pooler = None
    fuse(network)
    limits = (int(tokenizer.model_max_length), int(getattr(network.config, "max_position_embeddings", 0) or 0))
    # RoBERTa counts its positions from behind the padding's
    spent = int(network.config.pad_token_id or 0) + 1 if network.config.model_type in _SHIFTED else 0
    known = [limits[0]] * (0 < limits[0] < _ENDLESS) + [limits[1] - spent] * (limits[1] > 0)
    return Encoder(
        name=name, network=network.eval(), tokenizer=tokenizer, pooler=pooler, longest=min([512, *known]),
        conversion=conversion,
    )  # fmt: skip


_SHIFTED = ("roberta", "xlm-roberta", "camembert")


def _named(folder: Path, name: str) -> str:
    return str(folder) if folder.is_dir() else name


@contextmanager
def _told(name: str, why: str) -> Iterator[None]:
    """A hub, a folder and a damaged file fail in as many ways as there are."""
    try:
        with quiet():
            yield
    except Exception as error:
        raise EncoderUnavailable(name=name, why=why, detail=first_line(error)) from error


def _refuse(name: str, settings: Any, *, batch: int, tokens: int, learning: bool) -> None:
    from core.models.base import best_device

    need = bytes_needed(settings, parameters_of(settings), batch=batch, tokens=tokens or 512, learning=learning)
    refuse_too_little(name, need, best_device())


def _refuse_misfit(name: str, network: Any, tokenizer: Any) -> None:
    """Raises EncoderUnavailable: ids without a vector, no characters at all, or no marks."""

    def refused(detail: str) -> EncoderUnavailable:
        return EncoderUnavailable(name=name, why="tokenizer", detail=detail)

    vectors = network.get_input_embeddings().weight.shape[0]
    highest = max(tokenizer.get_vocab().values(), default=-1)
    if len(tokenizer) <= _MARKS:
        raise refused("it knows no character / 詞表是空的")
    if highest >= vectors:
        raise refused(f"token {highest}, {vectors} vectors / 詞表編號 {highest}，向量 {vectors} 個")
    if tokenizer.pad_token_id is None or tokenizer.cls_token_id is None:
        raise refused("no [PAD] or [CLS] / 沒有 [PAD] 或 [CLS]")
    if tokenizer.cls_token_id not in tokenizer("1")["input_ids"]:
        raise refused("it sets no [CLS] / 不會加上 [CLS]")


def _pooler_of(network: Any) -> tuple[Tensor, Tensor] | None:
    pooler = getattr(network, "pooler", None)
    layer = getattr(pooler, "dense", pooler)
    return (layer.weight.detach().clone(), layer.bias.detach().clone()) if isinstance(layer, nn.Linear) else None


def _conversion(folder: Path) -> str:
    """Which characters an encoder of one's own reads. Raises EncoderUnavailable: the note is damaged."""
    path = folder / OURS
    if not path.is_file():
        return ""
    try:
        name = str(json.loads(path.read_text(encoding="utf-8"))["conversion"])
        convert("", name)
    except (OSError, ValueError, KeyError, TypeError, ModelUnavailable) as error:
        raise EncoderUnavailable(name=str(path), why="corrupt", detail=first_line(error)) from error
    return name
