"""Words worth a highlight for each label, taken from its definition and examples where the lead has named none.

A help for the eye, no measurement: what is listed in a definition, and what an example has in common with it or with
another example. A word that several labels share says nothing and is left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

MAX_WORDS = 40
SHORTEST, LONGEST = 2, 6
_CUT = re.compile(
    r"[^\u3400-\u9fff]+|以及|包括|例如|關於|某種|各種|已發生|本身|[的與及或和等之是為對把要就不也能會可由從在以]"
)
_RUN = re.compile(r"[\u3400-\u9fff]{2,}")


def _listed(definition: str) -> set[str]:
    return {part for part in _CUT.split(definition) if SHORTEST <= len(part) <= LONGEST}


def _grams(text: str) -> set[str]:
    """All runs of 2 to 4 Chinese characters."""
    return {
        run[start : start + length]
        for run in _RUN.findall(text)
        for length in (2, 3, 4)
        for start in range(len(run) - length + 1)
    }


def _shared(definition: str, examples: Sequence[str]) -> set[str]:
    """What occurs in two of: the definition, each example; only the longest of words inside each other."""
    counts = Counter(gram for text in (definition, *examples) for gram in _grams(text))
    found = {gram for gram, n in counts.items() if n > 1 and not _CUT.search(gram)}
    return {gram for gram in found if not any(gram != other and gram in other for other in found)}


def keywords(labels: Mapping[str, tuple[str, Sequence[str], Sequence[str]]]) -> dict[str, tuple[str, ...]]:
    """Label key → words, longest first. A label is its definition, its examples, and the words that a lead has set."""
    derived = {
        key: _listed(definition) | _shared(definition, examples)
        for key, (definition, examples, given) in labels.items()
        if not given
    }
    owners = Counter(word for words in derived.values() for word in words)
    found = {}
    for key, (_, _, given) in labels.items():
        own = {word.strip() for word in given if word.strip()} or {w for w in derived.get(key, ()) if owners[w] == 1}
        found[key] = tuple(sorted(own, key=lambda word: (-len(word), word))[:MAX_WORDS])
    return found
