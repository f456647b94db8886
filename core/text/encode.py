"""Texts to token positions, many at a time: for single characters by one look-up table instead of a loop.

Reading a pool costs as much as scoring it, unless reading is fast as well. The result is that of reading each text by
itself; a text that holds anything unusual is read that way.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from core.config import RoundConfig
from core.text.tokenize import read_all
from core.text.vocab import UNK, Vocab

Encoder = Callable[[Sequence[str]], list[NDArray[np.int64]]]

_NEW, _UNUSUAL, _BLANK, _GONE, _ASCII = -1, -2, -3, -4, -1000  # what a code point is, where it is no token
# Blocks in which a character that is no combining mark means the same whatever stands beside it.
_PLAIN = (
    (0x0000, 0x024F), (0x0370, 0x03FF), (0x0400, 0x04FF), (0x2000, 0x2BFF), (0x2E80, 0xA4CF), (0xF900, 0xFAFF),
    (0xFF00, 0xFFEF), (0x1F000, 0x1FAFF), (0x20000, 0x3FFFF),
)  # fmt: skip


def encoder(vocab: Vocab, config: RoundConfig) -> Encoder:
    """From texts as they came to the positions of their first ``max_tokens`` tokens; safe for threads.

    Raises ModelUnavailable, BadSetting: as ``core.text.tokenize.reader``.
    """

    def one_by_one(texts: Sequence[str]) -> list[NDArray[np.int64]]:
        read = read_all(config.segmenter, config.conversion, texts)
        return [vocab.encode(tokens, config.max_tokens) for tokens in read]

    one_by_one(())
    if config.segmenter == "characters" and not config.conversion:
        return _Characters(vocab, config.max_tokens, one_by_one)
    return one_by_one


class _Characters:
    """The segmenter ``characters`` and the normal form before it, a code point at a time."""

    def __init__(self, vocab: Vocab, max_tokens: int, one_by_one: Encoder) -> None:
        self.position = vocab.position
        self.max_tokens = max_tokens
        self.one_by_one = one_by_one
        self.kind = np.full(0x110000, _NEW, dtype=np.int32)  # filled in as code points are met

    def __call__(self, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        raw = "".join(texts).encode("utf-32-le", "surrogatepass")
        ends = np.cumsum([0, *map(len, texts)])
        kinds, ends, unusual = self._kinds(np.frombuffer(raw, dtype=np.uint32), ends)
        self._join_runs(kinds, ends)
        kept = kinds >= 0
        ends = np.concatenate([[0], np.cumsum(kept)])[ends]
        flat = kinds[kept].astype(np.int64)
        limit = self.max_tokens
        rows = [flat[a : min(b, a + limit)] for a, b in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)]
        for n, row in zip(unusual, self.one_by_one([texts[n] for n in unusual]), strict=True):
            rows[n] = row
        return rows

    def _kinds(self, codes: NDArray, ends: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int64], list[int]]:
        """What each code point is, without those that go; where texts end; which texts are to be read one by one."""
        kinds = self.kind[codes]
        new = kinds == _NEW
        if new.any():
            for code in np.unique(codes[new]).tolist():
                self.kind[code] = self._kind_of(chr(code))
            kinds = self.kind[codes]
        where = np.flatnonzero(kinds == _UNUSUAL)
        unusual = np.unique(np.searchsorted(ends, where, side="right") - 1).tolist()
        gone = kinds == _GONE
        if gone.any():
            ends = ends - np.concatenate([[0], np.cumsum(gone)])[ends]
            kinds = kinds[~gone]
        return kinds, ends, unusual

    def _kind_of(self, char: str) -> int:
        normal = unicodedata.normalize("NFKC", char)
        low = normal.lower()
        if (
            not any(first <= ord(char) <= last for first, last in _PLAIN)
            or len(normal) != 1
            or len(low) != 1
            or normal == "Σ"  # two small forms: its neighbours say which
            or any(unicodedata.category(one).startswith("M") for one in (char, normal))
        ):
            return _UNUSUAL
        if normal.isspace():
            return _BLANK
        if unicodedata.category(normal) in ("Cc", "Cf", "Cs"):
            return _GONE
        if "a" <= low <= "z" or "0" <= low <= "9":
            return _ASCII - ord(low)
        return self.position.get(low, UNK)

    def _join_runs(self, kinds: NDArray[np.int32], ends: NDArray[np.int64]) -> None:
        """A run of Latin letters, or of digits, becomes one token at its first place; in place."""
        where = np.flatnonzero(kinds <= _ASCII)
        if not len(where):
            return
        chars = (_ASCII - kinds[where]).astype(np.uint8)
        letter = chars >= ord("a")
        owner = np.searchsorted(ends, where, side="right")
        starts = np.ones(len(where), dtype=bool)
        starts[1:] = (np.diff(where) > 1) | (letter[1:] != letter[:-1]) | (owner[1:] != owner[:-1])
        kinds[where] = _BLANK
        edges = np.flatnonzero(starts)
        kinds[where[edges]] = [self.position.get(run, UNK) for run in _cut(chars.tobytes().decode(), edges.tolist())]


def _cut(text: str, edges: list[int]) -> Iterator[str]:
    for first, end in zip(edges, [*edges[1:], len(text)], strict=True):
        yield text[first:end]
