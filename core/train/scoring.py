"""A pool scored in one pass: read, scored and forgotten chunk by chunk, so memory does not grow with it.

Only the probabilities of all texts are kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit
from torch import Tensor

from core.config import RoundConfig
from core.encoders.classifier import Classifier
from core.encoders.scoring import HeadScorer
from core.errors import ModelUnavailable
from core.models.base import TextModel
from core.models.engine import Rows
from core.models.registry import build, engine_of
from core.models.table import Buffers, ConvolutionTable
from core.models.textcnn import TextCNN
from core.models.textcnn_att import TextCNNAtt
from core.steps import drained
from core.text.encode import Encoder

CHUNK_CHARACTERS = 500_000  # of texts read together: their code points are held several times over
Item = TypeVar("Item")
Steps = Generator[int, None, NDArray[np.float32]]


class Scorer(Protocol):
    """A trained model made ready for many texts; safe for threads."""

    method: str
    n_labels: int
    chunk: int  # documents sorted by length together; between two chunks a caller may stop
    batch: int  # documents scored together

    def logits(self, rows: Rows) -> NDArray[np.float32]:
        """Shapes: B rows of like length, without padding → (B, K)."""
        ...

    def placed(self, rows: Rows) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits, and where the rows lie among others (``TextModel.embedding``). Shapes: → (B, K), (B, E)."""
        ...


class TableScorer:
    """TextCNN by its table; padding never arises, so a whole chunk is one batch."""

    chunk = batch = 1024

    def __init__(self, model: TextCNN, **options: Any) -> None:
        self.table = ConvolutionTable(model, **options)
        self.model = model
        self.weight, self.bias = model.get_parameter("hidden.weight"), model.get_parameter("hidden.bias")
        self._buffers = Buffers()
        self.n_labels = _labels(model)
        self.method = "table, compiled" if self.table.compiled else "table, torch"

    def logits(self, rows: Rows) -> NDArray[np.float32]:
        with torch.no_grad():
            return self.model.output(self._read(rows)).cpu().numpy()

    def placed(self, rows: Rows) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        with torch.no_grad():
            return _both(self.model, self._read(rows))

    def _read(self, rows: Rows) -> Tensor:
        """A thread's next call may write over it."""
        seen = self.table.features(rows)
        out = self._buffers.take(len(rows), len(self.bias)) if seen.device.type == "cpu" else None
        return torch.addmm(self.bias, seen, self.weight.t(), out=out).relu_()


class LabelTableScorer:
    """TextCNN under label attention by the same table: each position by itself, then the model's own attention."""

    chunk, batch = 1024, 64

    def __init__(self, model: TextCNNAtt, **options: Any) -> None:
        self.table = ConvolutionTable(model, **options)
        self.model = model
        self.n_labels = _labels(model)
        self.method = "table, compiled" if self.table.compiled else "table, torch"

    def logits(self, rows: Rows) -> NDArray[np.float32]:
        with torch.no_grad():
            return self.model.output(self._read(rows)).cpu().numpy()

    def placed(self, rows: Rows) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        with torch.no_grad():
            return _both(self.model, self._read(rows))

    def _read(self, rows: Rows) -> Tensor:
        return self.model.attention(*self.table.states(rows)).flatten(1)


class EngineScorer:
    """Any architecture by the engine that also trains it.

    ``batch`` as measured: the rows of distinct tokens are shared by more documents, and still fit the cache.
    """

    chunk, batch = 1024, 256

    def __init__(self, model: TextModel, config: RoundConfig, *, dense: bool = False) -> None:
        model, self.config = _frozen(model, config)
        self.model, self.vectors = model, model.vectors.detach()
        self.engine = engine_of(config.arch, model, dense=dense)
        self.weights = self.engine.stack([model])
        self.n_labels = _labels(model)
        self.method = "plain, trimmed" if dense else type(self.engine).__name__

    def logits(self, rows: Rows) -> NDArray[np.float32]:
        with torch.no_grad():
            packed = self.engine.pack(rows, self.vectors, self.config)
            return self.engine.logits(self.weights, packed, self.config)[0].float().cpu().numpy()

    def placed(self, rows: Rows) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        with torch.no_grad():
            packed = self.engine.pack(rows, self.vectors, self.config)
            return _both(self.model, self.engine.read(self.weights, packed, self.config)[0].float())


def _both(model: TextModel, seen: Tensor) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Logits and embedding of what a model has read; neither shares its memory."""
    return model.output(seen).cpu().numpy(), model.embedding(seen).clone().cpu().numpy()


def _labels(model: TextModel) -> int:
    """Every architecture's output has a row of weights a label."""
    return model.get_parameter("output.weight").shape[0]


def _frozen(model: TextModel, config: RoundConfig) -> tuple[TextModel, RoundConfig]:
    """The same model with vectors that no longer learn: what the fast engines want. It shares the vectors."""
    if not model.vectors.requires_grad:
        return model, config
    config = replace(config, trainable_vectors=False)
    state = {name: value for name, value in model.state_dict().items() if name != "vectors"}
    twin = build(config.arch, model.vectors.detach(), _labels(model), config, breaks=state.get("breaks"))
    twin.to(model.vectors.device).load_state_dict(state, strict=False)
    return twin.eval(), config


def scorer(model: TextModel | Classifier, config: RoundConfig) -> Scorer:
    """The fastest exact way known for this architecture on the model's own device.

    Raises ModelUnavailable: the model holds a value that is no number, so its answers would be none.
    """
    if isinstance(model, Classifier):
        return HeadScorer(model)
    model.eval()
    with torch.no_grad():
        if not all(bool(value.sum().isfinite()) for value in model.state_dict().values()):
            raise ModelUnavailable(name=config.arch, why="a weight is not a finite number")
    if isinstance(model, TextCNN):
        return TableScorer(model)
    if isinstance(model, TextCNNAtt):
        return LabelTableScorer(model)
    return EngineScorer(model, config)


def score_rows(by: Scorer, rows: Rows, lanes: int = 1) -> NDArray[np.float32]:
    """Probabilities in the rows' own order. Shapes: N rows → (N, K)."""
    return drained(score_row_steps(by, rows, lanes))


def score_row_steps(by: Scorer, rows: Rows, lanes: int = 1) -> Steps:
    """As ``score_rows``; yields how many rows are done after each chunk. Closing it stops after the chunks at work."""
    chunks = (rows[start : start + by.chunk] for start in range(0, len(rows), by.chunk))
    return _collected(by, _in_order(lambda part: _sigmoid(_score(by, part)), chunks, lanes), total=len(rows))


def row_logit_steps(by: Scorer, rows: Rows, lanes: int = 1) -> Steps:
    """Logits in the rows' own order, otherwise as ``score_row_steps``. Shapes: N rows → (N, K)."""
    chunks = (rows[start : start + by.chunk] for start in range(0, len(rows), by.chunk))
    return _collected(by, _in_order(partial(_score, by), chunks, lanes), total=len(rows))


def score_texts(by: Scorer, encode: Encoder, texts: Iterable[str], lanes: int = 1) -> Steps:
    """Probabilities of texts as they come, each asked for once and not kept. Shapes: P texts → (P, K).

    Yields how many texts are done after each chunk. Closing it stops after the chunks at work.
    """
    chunks = _chunks(texts, by.chunk)
    total = len(texts) if isinstance(texts, Sequence) else None
    return _collected(by, _in_order(lambda part: _sigmoid(_score(by, encode(part))), chunks, lanes), total=total)


def _score(by: Scorer, rows: Rows) -> NDArray[np.float32]:
    out = np.empty((len(rows), by.n_labels), dtype=np.float32)
    order = np.argsort([len(row) for row in rows], kind="stable")
    for start in range(0, len(order), by.batch):
        at = order[start : start + by.batch]
        out[at] = by.logits([rows[n] for n in at])
    return out


def _sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    return expit(logits, out=logits)


def _chunks(texts: Iterable[str], size: int) -> Iterator[list[str]]:
    """So many texts at a time, fewer where they are long."""
    left = iter(texts)
    part: list[str] = []
    characters = 0
    for text in left:
        part.append(text)
        characters += len(text)
        if len(part) == size or characters >= CHUNK_CHARACTERS:
            yield part
            part, characters = [], 0
    if part:
        yield part


def _in_order(
    work: Callable[[Item], NDArray[np.float32]], items: Iterable[Item], lanes: int
) -> Generator[NDArray[np.float32], None, None]:
    """Each item's result in turn, ``lanes`` at work at a time and no more than one waiting for each."""
    if lanes <= 1:
        yield from map(work, items)
        return
    left = iter(items)
    waiting: deque[Future[NDArray[np.float32]]] = deque()
    with ThreadPoolExecutor(lanes, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        try:
            waiting.extend(pool.submit(work, item) for item in islice(left, 2 * lanes))
            while waiting:
                yield waiting.popleft().result()
                waiting.extend(pool.submit(work, item) for item in islice(left, 1))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _collected(by: Scorer, parts: Generator[NDArray[np.float32], None, None], total: int | None) -> Steps:
    """All parts as one array: written in place where their number is known, else doubled when it is full."""
    out = np.empty((max(1, total or by.chunk), by.n_labels), dtype=np.float32)
    done = 0
    try:
        for part in parts:
            while done + len(part) > len(out):
                out = np.concatenate([out, np.empty_like(out)])
            out[done : done + len(part)] = part
            done += len(part)
            yield done
    finally:
        parts.close()
    return out[:done]
