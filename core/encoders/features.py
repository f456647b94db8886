"""Vectors of a frozen encoder, kept by what the text says: on a CPU a text is read once, however many heads learn."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray

from core.encoders.load import Encoder
from core.encoders.reading import batch_of, hidden_of
from core.experiments.directory import publish
from core.text.batches import by_length

_BATCH = 32
_BLOCK = 256  # texts a file


class Features:
    """What an encoder makes of texts, in ``folder`` under the encoder's own digest; a damaged file is made again.

    Kept as float16: a frozen encoder's vectors differ from those by 0.1 % at most.
    """

    def __init__(self, encoder: Encoder, folder: Path, *, max_tokens: int = 0) -> None:
        self.encoder = encoder
        self.max_tokens = min(max_tokens or encoder.longest, encoder.longest)
        self.folder = folder / f"{encoder.digest}-{self.max_tokens}"
        self.read_texts = 0  # how many went through the encoder, for whoever wants to know what the cache brought
        self._where: dict[str, tuple[Path, int, int]] = {}
        for path in sorted(self.folder.glob("*.npz")):
            self._take(path)

    def _take(self, path: Path) -> None:
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
                names, ends = held["names"].tolist(), held["ends"].tolist()
                if len(held["vectors"]) != ends[-1]:
                    raise ValueError("cut short")
        except (OSError, ValueError, KeyError, IndexError, EOFError, BadZipFile):
            path.unlink(missing_ok=True)
            return
        for name, start, end in zip(names, [0, *ends[:-1]], ends, strict=True):
            self._where[name] = (path, start, end)

    def of(self, texts: Sequence[str]) -> Generator[float, None, list[NDArray[np.float32]]]:
        """The vectors of each text, (T, D) with T its own length; yields the share that is read."""
        names = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() for text in texts]
        missing = list({name: n for n, name in enumerate(names) if name not in self._where}.values())
        for start in range(0, len(missing), _BLOCK):
            part = missing[start : start + _BLOCK]
            self._keep([names[n] for n in part], self._read([texts[n] for n in part]))
            yield min(1.0, (start + _BLOCK) / len(missing))
        return self._gathered(names)

    def _read(self, texts: Sequence[str]) -> list[NDArray[np.float16]]:
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
        self.read_texts += len(texts)
        return out

    def _keep(self, names: Sequence[str], vectors: Sequence[NDArray[np.float16]]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        file = io.BytesIO()
        np.savez(
            file, names=np.array(names), ends=np.cumsum([len(each) for each in vectors]),
            vectors=np.concatenate(vectors), allow_pickle=False,
        )  # fmt: skip
        path = self.folder / f"{hashlib.sha256(''.join(names).encode()).hexdigest()[:24]}.npz"
        publish(path, file.getvalue())
        self._take(path)

    def _gathered(self, names: Iterable[str]) -> list[NDArray[np.float32]]:
        wanted = list(names)
        blocks: dict[Path, NDArray[np.float16]] = {}
        out = []
        for name in wanted:
            path, start, end = self._where[name]
            if path not in blocks:
                with np.load(path, allow_pickle=False) as held:
                    blocks[path] = held["vectors"]
            out.append(blocks[path][start:end].astype(np.float32))
        return out
