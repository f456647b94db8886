"""Where a text names a label: how often, how early and beside how many others, from each label's keywords.

For a label with one or two examples its name says more than they do (keywords are what a lead has given, or a guideline
lists). Texts and keywords are sequences of tokens: words where words are spaced, characters where they are not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LEAD = 40  # tokens behind the title; in news they say what the text is about
FIGURES = ("in_title", "in_lead", "in_rest", "by_name", "name_in_title", "first", "share", "density")
_TITLE, _BEHIND, _REST, _NAME, _NAME_TITLE, _FIRST, _SHARE, _DENSITY = range(len(FIGURES))

Tokens = Sequence[str]


def mentions(
    titles: Sequence[Tokens], bodies: Sequence[Tokens], keywords: Sequence[Sequence[Tokens]]
) -> NDArray[np.float32]:
    """FIGURES of each text and label, dense. A label's first keyword is its name, and so is any of several tokens.

    ``in_title``, ``in_lead``, ``in_rest``, ``by_name``, ``name_in_title``: counts; ``first``: the place of the first
    mention, 0 … 1, 1 without any; ``share``: of all mentions in the text, this label's; ``density``: a hundred tokens'.
    Shapes: N titles, N bodies, K lists of keywords → (N, K, 8). Raises ValueError: an empty keyword, unlike lengths.
    """
    if len(titles) != len(bodies):
        raise ValueError(f"{len(titles)} titles, {len(bodies)} bodies")
    beginning: dict[str, list[tuple[int, tuple[str, ...], bool]]] = defaultdict(list)
    for k, words in enumerate(keywords):
        for rank, phrase in enumerate(dict.fromkeys(map(tuple, words))):
            if not phrase:
                raise ValueError(f"an empty keyword of label {k}")
            beginning[phrase[0]].append((k, phrase, rank == 0 or len(phrase) > 1))
    out = np.zeros((len(titles), len(keywords), len(FIGURES)), dtype=np.float32)
    out[:, :, _FIRST] = 1
    for n, (title, body) in enumerate(zip(titles, bodies, strict=True)):
        tokens = (*title, *body)
        for at, token in enumerate(tokens):
            for k, phrase, name in beginning.get(token, ()):
                if tokens[at : at + len(phrase)] == phrase:
                    _count(out[n, k], at, len(title), len(tokens), name)
        found = out[n, :, _TITLE] + out[n, :, _BEHIND] + out[n, :, _REST]
        out[n, :, _SHARE] = found / max(found.sum(), 1)
        out[n, :, _DENSITY] = 100 * found / max(len(tokens), 1)
    return out


def _count(figures: NDArray[np.float32], at: int, title: int, length: int, name: bool) -> None:
    figures[_TITLE if at < title else _BEHIND if at < title + LEAD else _REST] += 1
    figures[_NAME] += name
    figures[_NAME_TITLE] += name and at < title
    figures[_FIRST] = min(figures[_FIRST], at / length)
