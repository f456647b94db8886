"""Word vectors learned from the project's own texts; no gold text is ever among them.

Approximate on purpose: a large corpus is sampled (``SAMPLE_TOKENS``) and passed over fewer times (``BUDGET_TOKENS``),
so that this stage takes seconds, not minutes, on 50,000 texts.
Source: mikolov2013 (skip-gram with negative sampling).
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Generator, Sequence
from pathlib import Path

import numpy as np
from gensim.models import Word2Vec
from numpy.typing import NDArray

from core.seeds import derive
from core.text.vocab import UNK, Vocab

SAMPLE_TOKENS = 1_500_000  # at most so many tokens are learned from
BUDGET_TOKENS = 4_000_000  # at most so many are passed over, all epochs together (one epoch at least)
MAX_EPOCHS = 20
_SPREAD = 0.3  # standard deviation of the entries: at 1.0 a frozen table is memorised in a few epochs
_SLICE_TOKENS = 150_000  # between two reports
_VERSION = "3"  # changes when the recipe does: an old cache file is then not found


def train_vectors(
    token_lists: Sequence[Sequence[str]], vocab: Vocab, *, size: int, seed: int, cache_dir: Path | None
) -> NDArray[np.float32]:
    """Vectors for a vocabulary. Shapes: → (V, D); the row of padding is zero."""
    steps = vector_steps(token_lists, vocab, size=size, seed=seed, cache_dir=cache_dir)
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return finished.value


def vector_steps(
    token_lists: Sequence[Sequence[str]], vocab: Vocab, *, size: int, seed: int, cache_dir: Path | None
) -> Generator[tuple[int, int], None, NDArray[np.float32]]:
    """Like ``train_vectors``, but yields (tokens done, tokens in all) every second or so."""
    corpus = _sample(token_lists, vocab)
    path = None if cache_dir is None else Path(cache_dir) / f"vectors-{_key(corpus, vocab, size, seed)}.npy"
    if path is not None and (found := _read(path, (len(vocab), size))) is not None:
        return found
    vectors = yield from _train(corpus, vocab, size, seed)
    if path is not None:
        _write(path, vectors)
    return vectors


def _sample(token_lists: Sequence[Sequence[str]], vocab: Vocab) -> list[list[str]]:
    known = vocab.position
    corpus: list[list[str]] = []
    total = 0
    for tokens in token_lists:
        kept = [token for token in tokens if token in known]
        if len(kept) < 2:
            continue
        corpus.append(kept)
        total += len(kept)
        if total >= SAMPLE_TOKENS:
            break
    return corpus


def _train(
    corpus: list[list[str]], vocab: Vocab, size: int, seed: int
) -> Generator[tuple[int, int], None, NDArray[np.float32]]:
    tokens = sum(map(len, corpus))
    vectors = _fallback(len(vocab), size, seed)
    if not tokens:
        return vectors
    epochs = min(MAX_EPOCHS, max(1, BUDGET_TOKENS // tokens))
    model = Word2Vec(
        vector_size=size,
        window=5,
        min_count=1,
        sg=1,
        negative=5,
        workers=1,
        seed=derive(seed, "vectors") % 2**31,
        hashfxn=_stable_hash,
    )
    model.build_vocab(corpus)
    slices = _slices(corpus)
    steps = epochs * len(slices)
    for step in range(steps):
        part = slices[step % len(slices)]
        start, end = (0.025 * (1 - at / steps) + 1e-4 for at in (step, step + 1))
        model.train(part, total_examples=len(part), epochs=1, start_alpha=start, end_alpha=end)
        yield (step + 1) * tokens * epochs // steps, tokens * epochs
    learned = np.asarray(model.wv.vectors, dtype=np.float32)
    learned = (learned - learned.mean(axis=0)) * (_SPREAD / max(float(learned.std()), 1e-6))
    rows = np.array([vocab.position[token] for token in model.wv.index_to_key])
    vectors[rows] = learned
    rare = learned[-max(1, len(learned) // 10) :]  # gensim's order: the rarest tokens come last
    vectors[UNK] = rare.mean(axis=0)
    return vectors


def _fallback(n: int, size: int, seed: int) -> NDArray[np.float32]:
    """Smaller random vectors, for tokens that the sample did not hold."""
    vectors = np.random.default_rng(derive(seed, "unseen")).normal(0, 0.1, (n, size)).astype(np.float32)
    vectors[0] = 0
    return vectors


def _slices(corpus: list[list[str]]) -> list[list[list[str]]]:
    out: list[list[list[str]]] = [[]]
    held = 0
    for tokens in corpus:
        if held >= _SLICE_TOKENS:
            out.append([])
            held = 0
        out[-1].append(tokens)
        held += len(tokens)
    return out


def _stable_hash(text: str) -> int:
    """Python salts ``hash(str)`` anew in each process."""
    return zlib.crc32(text.encode())


def _key(corpus: list[list[str]], vocab: Vocab, size: int, seed: int) -> str:
    digest = hashlib.sha256(f"{_VERSION} {size} {seed} {SAMPLE_TOKENS} {BUDGET_TOKENS}".encode())
    digest.update(vocab.to_json().encode())
    for tokens in corpus:
        digest.update("\x1f".join(tokens).encode() + b"\n")
    return digest.hexdigest()[:24]


def _read(path: Path, shape: tuple[int, int]) -> NDArray[np.float32] | None:
    """A cached file, or nothing when it is absent or damaged."""
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return found if found.shape == shape and found.dtype == np.float32 else None


def _write(path: Path, vectors: NDArray[np.float32]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(f".{os.getpid()}.part")
    with beside.open("wb") as file:
        np.save(file, vectors)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
