"""Word vectors learned from the project's own texts (no gold text is ever among them), or brought along by its owner.

Approximate on purpose: a large corpus is sampled (``SAMPLE_TOKENS``) and passed over fewer times (``BUDGET_TOKENS``),
so that this stage takes seconds, not minutes, on 50,000 texts.
Source: mikolov2013 (skip-gram with negative sampling).
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import time
import zlib
from collections.abc import Generator, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import gensim
import numpy as np
from gensim.models import Word2Vec
from numpy.typing import NDArray

from core.seeds import derive
from core.text.user_vectors import content_hash, vector_rows
from core.text.vocab import UNK, Vocab

log = logging.getLogger(__name__)

SAMPLE_TOKENS = 1_500_000  # at most so many tokens are learned from
BUDGET_TOKENS = 4_000_000  # at most so many are passed over, all epochs together (one epoch at least)
MAX_EPOCHS = 20
_SPREAD = 0.3  # standard deviation of the entries: at 1.0 a frozen table is memorised in a few epochs
_SLICE_TOKENS = 150_000  # between two reports
_SUM = hashlib.sha256().digest_size
CACHE_BYTES = 1024**3  # of the cache together; what was used last is kept first
_ABANDONED_S = 86_400  # a half-written file of this age is a dead process's
_VERSION = "4"  # changes when the recipe does: an old cache file is then not found


Steps = Generator[tuple[int, int], None, NDArray[np.float32]]


def train_vectors(
    token_lists: Sequence[Sequence[str]], vocab: Vocab, *, size: int, seed: int, cache_dir: Path | None
) -> NDArray[np.float32]:
    """Vectors for a vocabulary. Shapes: → (V, D); the row of padding is zero."""
    return _drained(vector_steps(token_lists, vocab, size=size, seed=seed, cache_dir=cache_dir))


def vector_steps(
    token_lists: Sequence[Sequence[str]],
    vocab: Vocab,
    *,
    size: int,
    seed: int,
    cache_dir: Path | None,
    user_file: str = "",
) -> Steps:
    """Like ``train_vectors``, but yields (done, in all) every second or so: tokens, or bytes of ``user_file``.

    The cache is found by its content: texts, vocabulary, recipe, or the user's own file as it is now. One that is
    stale, damaged or cannot be written costs time and nothing else. Beyond CACHE_BYTES those go that were not used for
    longest.
    Raises BadFile: ``user_file`` is named and cannot be used, see ``load_user_vectors``.
    """
    if user_file:
        file = Path(user_file).expanduser()
        digest = yield from content_hash(file)
        key, steps = _key([[digest]], vocab, size, seed), _user_steps(file, vocab, size, seed)
    else:
        corpus = _sample(token_lists, vocab)
        key, steps = _key(corpus, vocab, size, seed), _train(corpus, vocab, size, seed)
    path = None if cache_dir is None else Path(cache_dir) / f"vectors-{key}.npy"
    if path is not None and (found := _read(path, (len(vocab), size))) is not None:
        return found
    vectors = yield from steps
    if path is not None:
        _write(path, vectors)
        _prune(path)
    return vectors


def load_user_vectors(path: Path | str, vocab: Vocab, size: int, *, seed: int = 0) -> NDArray[np.float32]:
    """Vectors from a word2vec file (text or binary, also .gz), scaled as learned ones. Shapes: → (V, D).

    Raises BadFile: not there, damaged, vectors of another width (``have``, ``need``), or no token in common.
    """
    return _drained(_user_steps(Path(path).expanduser(), vocab, size, seed))


def _user_steps(path: Path, vocab: Vocab, size: int, seed: int) -> Steps:
    rows, found = yield from vector_rows(path, vocab, size)
    held = rows[found]
    del rows
    if len(held) > 1:  # one alone would vanish
        held -= held.mean(axis=0)
    held *= _SPREAD / max(float(held.std()), 1e-6)
    return _placed(held, found, len(vocab), seed)


def _drained(steps: Steps) -> NDArray[np.float32]:
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return finished.value


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


def _train(corpus: list[list[str]], vocab: Vocab, size: int, seed: int) -> Steps:
    tokens = sum(map(len, corpus))
    if not tokens:
        return _fallback(len(vocab), size, seed)
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
    scale = _SPREAD / max(float(learned.std()), 1e-6)
    rows = np.array([vocab.position[token] for token in model.wv.index_to_key])
    return _placed((learned - learned.mean(axis=0)) * scale, rows, len(vocab), seed)


def _placed(learned: NDArray[np.float32], rows: NDArray[np.int64], n: int, seed: int) -> NDArray[np.float32]:
    """Rows put where they belong, the rarest tokens last; "unknown" is the mean of the rarest tenth."""
    vectors = _fallback(n, learned.shape[1], seed)
    vectors[rows] = learned
    vectors[UNK] = learned[-max(1, len(learned) // 10) :].mean(axis=0)
    return vectors


def _fallback(n: int, size: int, seed: int) -> NDArray[np.float32]:
    """Smaller random vectors, for tokens that the sample did not hold."""
    draw = np.random.default_rng(derive(seed, "unseen"))
    vectors = np.empty((n, size), dtype=np.float32)
    for start in range(0, n, 4096):  # drawn as float64, which at once would be twice the table
        part = vectors[start : start + 4096]
        part[:] = draw.normal(0, 0.1, part.shape)
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
    return zlib.crc32(_bytes(text))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _key(corpus: list[list[str]], vocab: Vocab, size: int, seed: int) -> str:
    recipe = (_VERSION, gensim.__version__, size, seed, SAMPLE_TOKENS, BUDGET_TOKENS, MAX_EPOCHS, _SPREAD)
    digest = hashlib.sha256(repr(recipe).encode())
    digest.update(_bytes(vocab.to_json()))
    for tokens in corpus:
        digest.update(_bytes("\x1f".join(tokens)) + b"\n")
    return digest.hexdigest()[:24]


def _read(path: Path, shape: tuple[int, int]) -> NDArray[np.float32] | None:
    """A cached file, or nothing when it is absent or not as it was written: its end is the sum of the rest."""
    try:
        content = memoryview(path.read_bytes())
        if hashlib.sha256(content[:-_SUM]).digest() != content[-_SUM:]:
            return None
        found = np.load(io.BytesIO(content[:-_SUM]), allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    with suppress(OSError):
        os.utime(path)  # used now: ``_prune`` goes by it
    return found if found.shape == shape and found.dtype == np.float32 else None


def _write(path: Path, vectors: NDArray[np.float32]) -> None:
    """Beside, then under its name; a disk that is full leaves no cache and no error."""
    beside = path.with_suffix(f".{os.getpid()}.part")
    content = io.BytesIO()
    np.save(content, vectors)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            file.write(content.getbuffer())
            file.write(hashlib.sha256(content.getbuffer()).digest())
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        log.warning("vectors are not cached: %s", error)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _prune(used: Path) -> None:
    """Remove what the cache has too much of, never ``used``. Another process has what it needs in memory already."""
    left = CACHE_BYTES
    with suppress(OSError):
        left -= used.stat().st_size
    for path, size in _oldest_last(used.parent.glob("vectors-*.npy")):
        if path == used:
            continue
        left -= size
        if left < 0:
            _remove(path)
    for path in used.parent.glob("vectors-*.part"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _ABANDONED_S:
                _remove(path)


def _oldest_last(paths: Iterable[Path]) -> list[tuple[Path, int]]:
    """With their sizes, by when they were used; one that another process removes meanwhile is left out."""
    found = []
    for path in paths:
        with suppress(OSError):
            known = path.stat()
            found.append((known.st_mtime_ns, path, known.st_size))
    return [(path, size) for _, path, size in sorted(found, reverse=True)]


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
