import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from core.config import RoundConfig
from core.errors import ModelUnavailable
from core.models import table
from core.models.registry import ARCHITECTURES, build
from core.models.textcnn import TextCNN
from core.models.textcnn_att import TextCNNAtt
from core.text.batches import padded
from core.text.encode import encoder
from core.text.tokenize import reader
from core.text.vocab import Vocab
from core.train import scoring
from core.train.scoring import (
    EngineScorer,
    LabelTableScorer,
    TableScorer,
    score_row_steps,
    score_rows,
    score_texts,
    scorer,
)
from tests.core.making import drained

SMALL = {
    "vector_size": 10, "filters": 5, "hidden": 8, "rnn_hidden": 6, "gru_hidden": 6, "han_hidden": 4,
    "sentence_tokens": 7, "max_tokens": 40,
}  # fmt: skip
LENGTHS = [0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 40, 0, 23]
KERNELS = [True, False] if table.gather_max is not None else [False]
TOKENS = 30


def made(arch: str = "textcnn.v1", **changed) -> tuple[torch.nn.Module, RoundConfig]:
    config = RoundConfig(arch=arch, **{**SMALL, **changed})
    vectors = np.random.default_rng(1).standard_normal((TOKENS, 10)).astype(np.float32)  # padding's row too: not zero
    breaks = np.zeros(TOKENS, dtype=bool)
    breaks[3] = True
    return build(arch, vectors, 4, config, seed=2, breaks=breaks).eval(), config


def rows(lengths=LENGTHS) -> list[np.ndarray]:
    draw = np.random.default_rng(3)
    return [draw.integers(1, TOKENS, n) for n in lengths]


def by_module(model, asked) -> np.ndarray:
    """One document at a time through the module itself."""
    with torch.no_grad():
        return np.concatenate([model(torch.from_numpy(padded([row]))).sigmoid().numpy() for row in asked])


@pytest.mark.parametrize("compiled", KERNELS)
@pytest.mark.parametrize("chunks", [1, 2, 3, 5])
@pytest.mark.parametrize("kept", [1, 12, 1000])
def test_the_table_answers_as_the_module(compiled: bool, chunks: int, kept: int):
    model, _ = made(chunks=chunks)
    row_bytes = 4 * 14 * SMALL["filters"]
    by = TableScorer(model, compiled=compiled, table_bytes=kept * row_bytes)
    assert by.table.compiled == compiled
    assert len(by.table.hot) == min(kept, TOKENS)
    assert np.abs(score_rows(by, rows()) - by_module(model, rows())).max() < 1e-5


@pytest.mark.parametrize("compiled", KERNELS)
@pytest.mark.parametrize("kept", [1, 12, 1000])
def test_label_attention_over_the_table_answers_as_the_module(compiled: bool, kept: int):
    _, config = made()
    vectors = np.random.default_rng(1).standard_normal((TOKENS, 10)).astype(np.float32)
    model = TextCNNAtt(vectors, 4, config, seed=2).eval()
    by = LabelTableScorer(model, compiled=compiled, table_bytes=kept * 4 * 14 * SMALL["filters"])
    by.batch = 5
    assert np.abs(score_rows(by, rows()) - by_module(model, rows())).max() < 1e-5
    assert np.abs(score_rows(by, rows([0])) - by_module(model, rows([0]))).max() < 1e-5


@pytest.mark.parametrize("compiled", KERNELS)
def test_many_rare_tokens_are_made_in_parts(compiled: bool, monkeypatch: pytest.MonkeyPatch):
    model, _ = made()
    by = TableScorer(model, compiled=compiled, table_bytes=0)
    by.table.most_rare = 3
    assert np.abs(score_rows(by, rows()) - by_module(model, rows())).max() < 1e-5


def test_without_numba_the_table_goes_through_torch(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(table, "gather_max", None)
    model, config = made()
    by = scorer(model, config)
    assert by.method == "table, torch"
    assert np.abs(score_rows(by, rows()) - by_module(model, rows())).max() < 1e-5


@pytest.mark.parametrize("trainable", [False, True])
@pytest.mark.parametrize("arch", sorted(ARCHITECTURES))
def test_every_architecture_is_scored_as_its_module_does(arch: str, trainable: bool):
    model, config = made(arch, trainable_vectors=trainable)
    by = scorer(model, config)
    assert by.n_labels == 4
    found = score_rows(by, rows())
    assert found.dtype == np.float32
    assert np.abs(found - by_module(model, rows())).max() < 1e-5
    plain = EngineScorer(model, config, dense=True)
    assert np.abs(score_rows(plain, rows()) - found).max() < 1e-5


@pytest.mark.parametrize("lanes", [1, 3])
def test_chunks_and_lanes_change_nothing_and_progress_is_told(lanes: int):
    model, config = made()
    by = scorer(model, config)
    by.chunk = by.batch = 4
    reports, found = drained(score_row_steps(by, rows(), lanes))
    assert reports == [4, 8, 12, 13]
    assert np.abs(found - by_module(model, rows())).max() < 1e-5


def test_no_rows_are_no_probabilities():
    model, config = made()
    assert score_rows(scorer(model, config), []).shape == (0, 4)


@pytest.mark.parametrize("lanes", [1, 2])
def test_texts_are_read_as_they_are_scored_and_no_sooner(lanes: int):
    texts = [f"高血壓{n} abc {n}" for n in range(50)]
    read = reader("characters")
    vocab = Vocab.build(map(read, texts[:25]), min_count=1, max_size=TOKENS)
    model, config = made()
    by = scorer(model, config)
    by.chunk = by.batch = 5
    given = 0

    def coming() -> Iterator[str]:
        nonlocal given
        for text in texts:
            given += 1
            yield text

    steps = score_texts(by, encoder(vocab, config), coming(), lanes)
    assert next(steps) == 5
    assert given <= 5 * (2 * lanes + 1)
    reports, found = drained(steps)
    assert reports[-1] == 50
    whole = [vocab.encode(read(text), config.max_tokens) for text in texts]
    assert np.abs(found - by_module(model, whole)).max() < 1e-5
    assert np.array_equal(drained(score_texts(by, encoder(vocab, config), texts))[1], found)


def test_long_texts_come_in_smaller_chunks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scoring, "CHUNK_CHARACTERS", 10)
    model, config = made()
    vocab = Vocab.build([["高"]], min_count=1)
    reports, _ = drained(score_texts(scorer(model, config), encoder(vocab, config), ["高" * 10, "高", "高" * 30, "高"]))
    assert reports == [1, 3, 4]


@pytest.mark.parametrize("lanes", [1, 2])
def test_closing_stops_and_leaves_no_thread(lanes: int):
    model, config = made()
    by = scorer(model, config)
    by.chunk = by.batch = 1
    before = threading.active_count()
    steps = score_row_steps(by, rows() * 20, lanes)
    next(steps)
    steps.close()
    assert threading.active_count() == before


@pytest.mark.parametrize("lanes", [1, 2])
def test_what_goes_wrong_with_a_text_reaches_the_caller(lanes: int):
    model, config = made()

    def broken(texts):
        raise ModelUnavailable(name="segmenter", why="gone")

    with pytest.raises(ModelUnavailable):
        drained(score_texts(scorer(model, config), broken, ["a"] * 3, lanes))


@pytest.mark.parametrize("name", ["vectors", "output.bias"])
def test_weights_that_are_no_numbers_are_refused(name: str):
    model, config = made()
    with torch.no_grad():
        model.state_dict()[name].flatten()[3] = float("nan")
    with pytest.raises(ModelUnavailable):
        scorer(model, config)


def test_a_model_of_full_size_is_scored_to_the_fifth_place():
    config = RoundConfig(max_tokens=300)
    draw = np.random.default_rng(0)
    vectors = draw.standard_normal((500, 300)).astype(np.float32)
    model = TextCNN(vectors, 9, config, seed=1).eval()
    asked = [draw.integers(1, 500, n) for n in (0, 1, 5, 80, 300)]
    assert np.abs(score_rows(scorer(model, config), asked) - by_module(model, asked)).max() < 1e-5
