"""Vectors of a frozen encoder, kept by what the text says: on a CPU a text is read once, however many heads learn."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
from collections import OrderedDict
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray

from core.encoders.load import Encoder
from core.encoders.reading import batch_of, hidden_of
from core.experiments.directory import publish
from core.text.batches import by_length

_BATCH = 32
_BLOCK = 256  # texts a file
KEPT = 4  # encoders whose vectors stay on the disk, the latest used
OPEN = 32  # files mapped at a time: each holds a handle of the system


@dataclass
class _Files:
    """Files of vectors, mapped when they are asked for; the OPEN that were asked for last stay so."""

    mapped: OrderedDict[Path, NDArray[np.float16]] = field(default_factory=OrderedDict)

    def vectors(self, path: Path) -> NDArray[np.float16]:
        found = self.mapped.pop(path, None)
        self.mapped[path] = np.load(path, mmap_mode="r", allow_pickle=False) if found is None else found
        while len(self.mapped) > OPEN:
            self.mapped.popitem(last=False)
        return self.mapped[path]


@dataclass(frozen=True, slots=True)
class Row:
    """A text's vectors where they lie in a file; an array is made of them when it is asked for. Shapes: (T, D)."""

    files: _Files = field(repr=False)
    path: Path
    start: int
    end: int
    width: int

    def __len__(self) -> int:
        return self.end - self.start

    @property
    def shape(self) -> tuple[int, int]:
        return len(self), self.width

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        found = np.array(self.files.vectors(self.path)[self.start : self.end])  # a view would keep the file open
        return found if dtype is None else found.astype(dtype, copy=False)


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
        self._files = _Files()
        self._where: dict[str, Row] = {}
        if self.folder.exists():
            os.utime(self.folder)
        _forget(folder, self.folder)
        for path in sorted(self.folder.glob("*.npy")):
            self._take(path)

    def __contains__(self, text: str) -> bool:
        return _name(text) in self._where

    def kept(self, text: str) -> Row:
        """Of a text that is there. Shapes: → (T, D)."""
        return self._where[_name(text)]

    def _take(self, path: Path) -> None:
        """Raises OSError: a whole file may well be there, so it is left, where a damaged one is removed."""
        beside = path.with_suffix(".json")
        try:
            held = json.loads(beside.read_text(encoding="utf-8"))
            vectors = self._files.vectors(path)
            if len(vectors) != held["ends"][-1] or len(held["names"]) != len(held["ends"]):
                raise ValueError("cut short")
        except (FileNotFoundError, ValueError, KeyError, IndexError, TypeError, EOFError):
            self._files.mapped.pop(path, None)
            path.unlink(missing_ok=True)
            beside.unlink(missing_ok=True)
            return
        for name, start, end in zip(held["names"], [0, *held["ends"][:-1]], held["ends"], strict=True):
            self._where[name] = Row(self._files, path, start, end, vectors.shape[1])

    def of(self, texts: Sequence[str]) -> Generator[float, None, list[Row]]:
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
        self._files.mapped.pop(path, None)  # of a file that was there before
        self._take(path)


def _forget(folder: Path, own: Path) -> None:
    """Remove what other encoders made, but for the latest used: it is many times what their texts take."""
    others = [each for each in folder.glob("*-*") if each.is_dir() and each != own]
    for old in sorted(others, key=lambda each: each.stat().st_mtime, reverse=True)[KEPT - 1 :]:
        shutil.rmtree(old, ignore_errors=True)


def _name(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
