"""The vocabulary: tokens that a model has a vector for, in an order that depends on their counts alone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

PAD = 0
UNK = 1
SENTENCE_ENDS = frozenset("。!?;！？；")  # normalised text has the narrow forms of the last three


@dataclass(frozen=True)
class Vocab:
    """Tokens by position; the first two are padding and "unknown"."""

    tokens: tuple[str, ...]

    PAD: ClassVar[int] = PAD
    UNK: ClassVar[int] = UNK

    def __len__(self) -> int:
        return len(self.tokens)

    @cached_property
    def position(self) -> dict[str, int]:
        return {token: n for n, token in enumerate(self.tokens) if n > UNK}

    @property
    def breaks(self) -> NDArray[np.bool_]:
        """The tokens that end a sentence. Shapes: → (V,)."""
        return np.array([token in SENTENCE_ENDS for token in self.tokens])

    @classmethod
    def build(cls, token_lists: Iterable[Sequence[str]], min_count: int, max_size: int = 100_000) -> Self:
        """Tokens seen at least ``min_count`` times, the most frequent first, ties by spelling."""
        counts: Counter[str] = Counter()
        for tokens in token_lists:
            counts.update(tokens)
        return cls.of_counts(counts, min_count, max_size)

    @classmethod
    def of_counts(cls, counts: Counter[str], min_count: int, max_size: int = 100_000) -> Self:
        """As ``build``, from how often each token was seen."""
        kept = sorted((t for t, n in counts.items() if n >= min_count), key=lambda t: (-counts[t], t))
        return cls(("<pad>", "<unk>", *kept[: max_size - 2]))

    def encode(self, tokens: Sequence[str], max_tokens: int) -> NDArray[np.int64]:
        """Positions of the first ``max_tokens`` tokens, without padding."""
        find = self.position.get
        return np.array([find(token, UNK) for token in tokens[:max_tokens]], dtype=np.int64)

    def to_json(self) -> str:
        return json.dumps(list(self.tokens), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        return cls(tuple(json.loads(text)))
