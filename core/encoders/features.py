"""Vectors of a frozen encoder, kept by what the text says: on a CPU a text is read once, however many heads learn."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
from collections.abc import Generator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from core.encoders.load import Encoder
from core.encoders.reading import batch_of, hidden_of
from core.experiments.directory import publish
from core.text.batches import by_length

_BATCH = 32
_BLOCK = 256  # texts a file
KEPT = 4  # encoders whose vectors stay on the disk, the latest used


class Features:
    """What an encoder makes of texts, in ``folder`` under the encoder's own digest; a damaged file is made again.

    Kept as float16, which differs from a frozen encoder's vectors by 0.1 % at most, and read from the disk when a
    batch asks for them: memory does not grow with the texts.
    """

    def __init__(self, encoder: Encoder, folder: Path, *, max_tokens: int = 0) -> None:
        self.encoder = encoder
        self.max_tokens = min(max_tokens or encoder.longest, encoder.longest)
        self.folder = folder / f"{encoder.digest}-{self.max_tokens}"
        self.read_texts = 0  # how many went through the encoder, for whoever wants to know what the cache brought
        self._where: dict[str, NDArray[np.float16]] = {}  # views of files
        if self.folder.exists():
            os.utime(self.folder)
        _forget(folder, self.folder)
        for path in sorted(self.folder.glob("*.npy")):
            self._take(path)

    def __contains__(self, text: str) -> bool:
        return _name(text) in self._where

    def kept(self, text: str) -> NDArray[np.float16]:
        """Of a text that is there. Shapes: → (T, D)."""
        return self._where[_name(text)]

    def _take(self, path: Path) -> None:
        beside = path.with_suffix(".json")
        try:
            held = json.loads(beside.read_text(encoding="utf-8"))
            vectors = np.load(path, mmap_mode="r", allow_pickle=False)
            if len(vectors) != held["ends"][-1] or len(held["names"]) != len(held["ends"]):
                raise ValueError("cut short")
        except (OSError, ValueError, KeyError, IndexError, TypeError, EOFError):
            path.unlink(missing_ok=True)
            beside.unlink(missing_ok=True)
            return
        for name, start, end in zip(held["names"], [0, *held["ends"][:-1]], held["ends"], strict=True):
            self._where[name] = vectors[start:end]

    def of(self, texts: Sequence[str]) -> Generator[float, None, list[NDArray[np.float16]]]:
        """The vectors of each text, (T, D) with T its own length; yields the share that is read."""
        names = [_name(text) for text in texts]
        missing = list({name: n for n, name in enumerate(names) if name not in self._where}.values())
        for start in range(0, len(missing), _BLOCK):
            part = missing[start : start + _BLOCK]
            vectors = yield from self._read([texts[n] for n in part], start / len(missing), len(missing))
            self._keep([names[n] for n in part], vectors)
        return [self._where[name] for name in names]

    def _read(
        self, texts: Sequence[str], share: float, total: int
    ) -> Generator[float, None, list[NDArray[np.float16]]]:
        rows = self.encoder.rows(texts, self.max_tokens)
        device = next(self.encoder.network.parameters()).device
        out: list[NDArray[np.float16]] = [np.zeros((0, 0), dtype=np.float16)] * len(rows)
        for at in by_length(rows, _BATCH):
            with torch.no_grad():
                found = hidden_of(
                    self.encoder.network, batch_of([rows[n] for n in at], self.encoder.pad, device=device)
                )
            for n, vectors in zip(at.tolist(), found.to(torch.float16).cpu().numpy(), strict=True):
                out[n] = vectors[: len(rows[n])]
            share += len(at) / total
            yield min(1.0, share)
        self.read_texts += len(texts)
        return out

    def _keep(self, names: Sequence[str], vectors: Sequence[NDArray[np.float16]]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        file = io.BytesIO()
        np.save(file, np.concatenate(vectors), allow_pickle=False)
        path = self.folder / f"{hashlib.sha256(''.join(names).encode()).hexdigest()[:24]}.npy"
        ends = np.cumsum([len(each) for each in vectors]).tolist()
        publish(path.with_suffix(".json"), json.dumps({"names": names, "ends": ends}).encode())
        publish(path, file.getvalue())
        self._take(path)


def _forget(folder: Path, own: Path) -> None:
    """Remove what other encoders made, but for the latest used: it is many times what their texts take."""
    others = [each for each in folder.glob("*-*") if each.is_dir() and each != own]
    for old in sorted(others, key=lambda each: each.stat().st_mtime, reverse=True)[KEPT - 1 :]:
        shutil.rmtree(old, ignore_errors=True)


def _name(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
