"""Reuters' texts as the ladder's teachers read them: words, characters, the title, the beginning, and what is alike.

Weights of grams come from the training texts, whichever fold they are in: labels play no part in them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer

from core.errors import BadProjectFile
from core.text.mentions import mentions

KEYWORDS = Path(__file__).with_name("keywords.toml")
BEGINNING = 40  # tokens
NEAREST = 60  # kept of each text; those of its own fold do not vote
_CHUNK = 1_000
_TOKEN = re.compile(r"<[A-Za-z0-9&./ -]{1,12}>|[A-Za-z][A-Za-z&]*(?:[.'][A-Za-z]+)*|\d[\d.,/:]*")
_WORD = re.compile(r"[a-z][a-z0-9&']*(?:\.[a-z0-9]+)*")
_SMALL = re.compile(r"[a-z]")


@dataclass(frozen=True)
class Views:
    """Training texts first, then test texts.

    Shapes: rows name → (N, F); nearest (N, 60) positions of training texts, alike (N, 60) their cosine; mentions
    (N, K, 8); figures name → (N,).
    """

    rows: dict[str, sp.csr_matrix]
    nearest: NDArray[np.int32]
    alike: NDArray[np.float32]
    mentions: NDArray[np.float32]
    figures: dict[str, NDArray[np.float32]]


def views(training: Sequence[str], test: Sequence[str], label_keys: Sequence[str]) -> Views:
    """Raises BadProjectFile: a label without keywords."""
    texts, n = [*training, *test], len(training)
    parts = [title_and_body(text) for text in texts]
    titles, bodies = [tokens(title) for title, _ in parts], [tokens(body) for _, body in parts]
    whole = [a + b for a, b in zip(titles, bodies, strict=True)]
    rows = {
        "words": weighed(whole, n, lambda each: each),
        "characters": characters(texts, n),
        "title": weighed(titles, n, lambda each: grams(each, 2)),
        "beginning": weighed(
            list(zip(titles, whole, strict=True)),
            n,
            lambda each: grams(each[1][:BEGINNING], 2) + [f"title:{token}" for token in each[0]],
        ),
    }
    said = mentions([stems(title) for title, _ in parts], [stems(body) for _, body in parts], keywords_of(label_keys))
    lengths = np.log([len(text.split()) + 1 for text in texts]).astype(np.float32)
    digits = np.array([sum(map(str.isdigit, text)) / max(len(text), 1) for text in texts], dtype=np.float32)
    nearest, alike = neighbours(rows["words"], n)
    return Views(rows, nearest, alike, said, {"length": lengths, "digits": digits})


def title_and_body(text: str) -> tuple[str, str]:
    """A story begins with its title in capitals; the article before the first small letter belongs to the body."""
    words = text.split(" ")
    end = next((at for at, word in enumerate(words) if _SMALL.search(word)), len(words))
    if end > 3 and words[end - 1] in ("A", "U.S.", "U.K."):
        end -= 1
    return " ".join(words[:end]), " ".join(words[end:])


def tokens(text: str) -> list[str]:
    """Words in small letters; of a number what kind it is, of a ticker symbol that it is one."""
    return [_kind(token) for token in _TOKEN.findall(text)]


def _kind(token: str) -> str:
    if token[0] == "<":
        return "<ticker>"
    if not token[0].isdigit():
        return token.lower()
    number = token.rstrip(".,:/")
    if "/" in number:
        return "0/0"
    if "." in number:
        return "0." + "0" * min(len(number.split(".")[-1]), 3)
    return "0," * number.count(",") + "0" if "," in number else "0" * min(len(number), 5)


def stems(text: str) -> list[str]:
    """Words for keywords to be found among: without the plural's s."""
    return [_singular(word) for word in _WORD.findall(text.lower())]


def _singular(word: str) -> str:
    bare = re.sub(r"'s?$", "", word)
    return bare[:-1] if len(bare) > 3 and bare.endswith("s") and not bare.endswith("ss") else bare


def keywords_of(label_keys: Sequence[str], path: Path = KEYWORDS) -> list[list[list[str]]]:
    """The labels' keywords as stems, and the label's own key, where it is of several words. Raises BadProjectFile."""
    given = tomllib.loads(path.read_text("utf-8"))["keywords"]
    found = []
    for key in label_keys:
        if not given.get(key):
            raise BadProjectFile(name=path.name, field=f"keywords.{key}", why="missing")
        phrases = [stems(phrase.replace("-", " ")) for phrase in given[key]]
        found.append([*phrases, stems(key.replace("-", " "))] if "-" in key else phrases)
    return found


def grams(found: Sequence[str], most: int) -> list[str]:
    """All runs of one to ``most`` tokens."""
    return [" ".join(found[at : at + n]) for n in range(1, most + 1) for at in range(len(found) - n + 1)]


def weighed(documents: Sequence[Any], training: int, analyse: Callable[[Any], Sequence[str]]) -> sp.csr_matrix:
    """TF-IDF with sublinear counts, rows of length one; grams of two training texts at least. Source: salton1988."""
    vectoriser = TfidfVectorizer(analyzer=analyse, min_df=2, sublinear_tf=True, dtype=np.float32)
    return _both(vectoriser, documents, training)


def characters(texts: Sequence[str], training: int) -> sp.csr_matrix:
    """The same of three to five characters within a word, all digits alike."""
    vectoriser = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), min_df=4, sublinear_tf=True, dtype=np.float32)
    return _both(vectoriser, [re.sub(r"\d", "0", text.lower()) for text in texts], training)


def _both(vectoriser: TfidfVectorizer, documents: Sequence[Any], training: int) -> sp.csr_matrix:
    taught = vectoriser.fit_transform(documents[:training])
    return sp.vstack([taught, vectoriser.transform(documents[training:])], format="csr")


def neighbours(rows: sp.csr_matrix, training: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The most alike training texts of each text, itself left out, the nearest first. Shapes: → (N, 60) twice."""
    kept = min(NEAREST, training - 1)
    places, cosines = [], []
    others = rows[:training].T.tocsr()
    for start in range(0, rows.shape[0], _CHUNK):
        found = (rows[start : start + _CHUNK] @ others).toarray()
        own = np.arange(start, min(start + _CHUNK, training))
        found[own - start, own] = -1
        near = np.argpartition(-found, kept - 1, axis=1)[:, :kept]
        near = np.take_along_axis(near, np.argsort(-np.take_along_axis(found, near, axis=1), axis=1), axis=1)
        places.append(near.astype(np.int32))
        cosines.append(np.take_along_axis(found, near, axis=1))
    return np.concatenate(places), np.concatenate(cosines)
