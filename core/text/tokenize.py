"""Segmenters: a name to a function from text to tokens. A model stores the name and is read with the same one."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import islice

from core.errors import ModelUnavailable
from core.text.convert import converter
from core.text.normalize import normalize

Segmenter = Callable[[str], list[str]]

_CHUNK = 512  # texts that a segmenter for many gets at once
_WORDS = re.compile(r"\w+|[^\w\s]")
_RUNS = re.compile(r"([a-z]+|[0-9]+)")


def _characters(text: str) -> list[str]:
    """Each character by itself, but runs of Latin letters and of digits whole."""
    out: list[str] = []
    for n, part in enumerate(_RUNS.split(text.lower())):
        if n % 2:
            out.append(part)
        else:
            out.extend("".join(part.split()))
    return out


def _words(text: str) -> list[str]:
    return _WORDS.findall(text.lower())


def _rjieba() -> Segmenter:
    try:
        import rjieba
    except ImportError as error:
        raise ModelUnavailable(name="rjieba", why=f"pip install rjieba ({error})") from error

    def cut(text: str) -> list[str]:
        return [token for token in rjieba.cut(text.lower()) if not token.isspace()]

    return cut


@lru_cache(maxsize=1)
def _jieba() -> Segmenter:
    """Its dictionary is read here and not by itself: that would go through a file that all users of /tmp share."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own age
            import jieba
    except ImportError as error:
        raise ModelUnavailable(name="jieba", why=f"pip install jieba ({error})") from error
    jieba.setLogLevel(60)
    own = jieba.Tokenizer()
    with own.get_dict_file() as file:
        own.FREQ, own.total = own.gen_pfdict(file)
    own.initialized = True

    def cut(text: str) -> list[str]:
        return [token for token in own.cut(text.lower()) if not token.isspace()]

    return cut


def _ckip() -> Segmenter:
    from core.text import ckip

    return ckip.load()


_SEGMENTERS: dict[str, Callable[[], Segmenter]] = {
    "characters": lambda: _characters,
    "rjieba": _rjieba,
    "jieba": _jieba,
    "words": lambda: _words,
    "ckip": _ckip,
}


def segmenter(name: str) -> Segmenter:
    """The segmenter of that name; it expects normalised text.

    Raises ModelUnavailable: no segmenter of that name, or its library or model cannot be had.
    """
    if name not in _SEGMENTERS:
        raise ModelUnavailable(name=name, why="one of " + ", ".join(_SEGMENTERS))
    return _SEGMENTERS[name]()


def segment_all(name: str, texts: Iterable[str]) -> Iterator[list[str]]:
    """Tokens of each normalised text in turn; a segmenter that is faster on many gets many. Raises as ``segmenter``."""
    cut = segmenter(name)
    many = getattr(cut, "many", None)
    return map(cut, texts) if many is None else _in_chunks(many, iter(texts))


def _in_chunks(many: Callable[[list[str]], list[list[str]]], texts: Iterator[str]) -> Iterator[list[str]]:
    while chunk := list(islice(texts, _CHUNK)):
        yield from many(chunk)


def reader(segmenter_name: str, conversion: str = "") -> Segmenter:
    """From a text as it came to its tokens: normalised, converted, cut.

    Raises ModelUnavailable, BadSetting: as ``segmenter`` and ``core.text.convert.convert``.
    """
    cut = segmenter(segmenter_name)
    if not conversion:
        return lambda text: cut(normalize(text))
    turn = converter(conversion)
    return lambda text: cut(turn(normalize(text)))


def read_all(segmenter_name: str, conversion: str, texts: Iterable[str]) -> Iterator[list[str]]:
    """``reader`` for many texts, one after another as they are asked for; raises at once as ``reader`` does."""
    turn = converter(conversion)
    return segment_all(segmenter_name, (turn(normalize(text)) for text in texts))
