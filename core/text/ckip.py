"""CKIP's word segmentation: a network of its own, an optional extra, slow without a GPU.

``CKIP_MODEL`` names the model: a local folder, a name on the model hub, or CKIP's short one (``bert-base``, ...).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from core.errors import ModelUnavailable
from core.text.hub import first_line, quiet

DEFAULT = "bert-base"
AT_ONCE = 32  # texts in one pass through the network
_MARKS = 5  # tokens that are no characters; a tokenizer without its file has these alone
_INSTALL = "pip install -r requirements-ckip.txt"
_FETCH = "set CKIP_MODEL to a local folder that holds the model, or to its name on a hub that can be reached"


class Ckip:
    """A loaded model: texts in, words out; the longest text is cut into pieces that the network can read."""

    def __init__(self, model: str = "") -> None:
        """Raises ModelUnavailable: the package is not installed, or the model cannot be had or cuts no words."""
        self.name = model or os.environ.get("CKIP_MODEL", "") or DEFAULT
        try:
            from ckip_transformers.nlp import CkipWordSegmenter, util
        except ImportError as error:
            raise ModelUnavailable(name="ckip", why=f"{_INSTALL} ({error})") from error
        short = CkipWordSegmenter._model_names.get(self.name, self.name)
        source = str(Path(short).expanduser()) if Path(short).expanduser().is_dir() else short
        try:
            with quiet():
                self._driver: Any = CkipWordSegmenter(
                    model_name=source, device=0 if util.torch.cuda.is_available() else -1
                )
        except Exception as error:  # a hub, a folder and a damaged file fail in as many ways as there are
            raise ModelUnavailable(name=f"ckip {self.name}", why=f"{_FETCH} ({first_line(error)})") from error
        settings = self._driver.model.config
        heads = settings.architectures or []
        if len(self._driver.tokenizer) <= _MARKS:
            raise ModelUnavailable(
                name=f"ckip {self.name}", why=f"it knows no character, vocab.txt is missing; {_FETCH}"
            )
        if settings.num_labels != 2 or not any("TokenClassification" in head for head in heads):
            # Loaded all the same, its last layer would be drawn at random.
            raise ModelUnavailable(name=f"ckip {self.name}", why=f"it is no model for word segmentation; {_FETCH}")
        limit = min(self._driver.tokenizer.model_max_length, getattr(settings, "max_position_embeddings", 512))
        self._longest = limit - 3  # marks at both ends, and the package wants one less

    def __call__(self, text: str) -> list[str]:
        return self.many([text])[0]

    def many(self, texts: Sequence[str]) -> list[list[str]]:
        """Words of each text, in the texts' order; texts of like length go through the network together."""
        out: list[list[str]] = [[] for _ in texts]
        order = sorted((n for n, text in enumerate(texts) if text.strip()), key=lambda n: len(texts[n]))
        for start in range(0, len(order), AT_ONCE):
            part = order[start : start + AT_ONCE]
            found = self._driver(
                [texts[n].lower() for n in part],
                batch_size=AT_ONCE,
                max_length=self._longest,
                show_progress=False,
            )
            for n, words in zip(part, found, strict=True):
                out[n] = [piece for word in words for piece in word.split()]
        return out


@lru_cache(maxsize=2)
def _loaded(model: str) -> Ckip:
    return Ckip(model)


def load() -> Ckip:
    """The model that ``CKIP_MODEL`` names, loaded once a process; raises as ``Ckip`` does."""
    return _loaded(os.environ.get("CKIP_MODEL", ""))
