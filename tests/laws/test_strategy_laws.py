"""What every acquisition strategy must obey, whatever it looks at: one table, the registry's own."""

from __future__ import annotations

import re
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from core.active.candidates import Candidates
from core.active.order import best_first
from core.active.registry import STRATEGIES, Strategy
from core.errors import StrategyNeeds

every_strategy = pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES)
DOCS = Path(__file__).resolve().parents[2] / "docs"
BIBLIOGRAPHY, GUIDE = DOCS / "bibliography.md", DOCS / "acquisition.md"


class Following(np.random.Generator):
    """What the same seed draws for a pool, handed to the texts where they stand now: a lot is a text's own."""

    def __init__(self, seed, place) -> None:
        super().__init__(np.random.PCG64(seed))
        self.place = place

    def random(self, size=None, *args, **kwargs):
        drawn = super().random(size, *args, **kwargs)
        return drawn[self.place] if size == len(self.place) else drawn


def rng(seed=0):
    return np.random.default_rng(seed)


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def state(seed=0, size=60, labels=5, labelled=40, width=6, **more):
    """A pool with all that any strategy looks at, without ties, and read-only."""
    draw = rng(seed)
    y = (draw.random((labelled, labels)) < np.linspace(0.6, 0.1, labels)).astype(np.int8)
    y[:, -1] = y[::-1, labels // 2]  # two labels with as many positives
    fields = {
        "probs": draw.beta(0.5, 1, (size, labels)),
        "thresholds": draw.uniform(0.2, 0.8, labels),
        "labelled_y": y,
        "labelled_probs": 0.3 * y + 0.7 * draw.random((labelled, labels)),  # the learner knows something
        "likely": draw.beta(0.5, 1, (size, labels)),
        "committee": draw.beta(0.5, 1, (3, size, labels)),
        "teacher": draw.beta(0.5, 1, (size, labels)),
        "words": draw.random((size, labels)),
        "need": draw.random(labels),
        "embeddings": unit(draw.standard_normal((size, width))),
        "labelled_embeddings": unit(draw.standard_normal((labelled, width))),
    } | more
    for array in fields.values():
        if isinstance(array, np.ndarray):
            array.flags.writeable = False
    return Candidates(**fields)


def sparse(candidates):
    return replace(
        candidates,
        embeddings=sp.csr_matrix(candidates.embeddings),
        labelled_embeddings=sp.csr_matrix(candidates.labelled_embeddings),
    )


def relabelled(c, order):
    """The same state with the labels in another order."""
    return replace(
        c,
        probs=c.probs[:, order],
        thresholds=c.thresholds[order],
        labelled_y=c.labelled_y[:, order],
        labelled_probs=c.labelled_probs[:, order],
        likely=c.likely[:, order],
        committee=c.committee[:, :, order],
        teacher=c.teacher[:, order],
        words=c.words[:, order],
        need=c.need[order],
    )


@every_strategy
def test_no_position_twice_and_as_many_as_asked_or_as_there_are(strategy: Strategy):
    for size, asked in ((60, 7), (60, 60), (60, 500), (3, 10), (1, 1), (60, 0), (0, 5)):
        got = strategy(state(size=size), asked, rng())
        assert got.dtype == np.int64
        assert len(set(got.tolist())) == len(got) == min(size, asked)
        assert set(got.tolist()) <= set(range(size))


@every_strategy
@pytest.mark.parametrize("seed", range(3))
def test_permuting_the_candidates_permutes_the_answer(strategy: Strategy, seed: int):
    pool, place = state(seed), rng(seed + 50).permutation(60)
    before = strategy(pool, 20, rng(7))
    after = strategy(pool.at(place), 20, Following(7, place))
    assert place[after].tolist() == before.tolist()


@every_strategy
@pytest.mark.parametrize("order", [[4, 3, 2, 1, 0], [1, 2, 3, 4, 0], [2, 0, 4, 1, 3]], ids=str)
def test_permuting_the_labels_changes_nothing(strategy: Strategy, order: list[int]):
    after = strategy(relabelled(state(), order), 20, rng(7))
    assert after.tolist() == strategy(state(), 20, rng(7)).tolist()


@every_strategy
def test_the_same_seed_gives_the_same_batch(strategy: Strategy):
    assert strategy(state(), 20, rng(3)).tolist() == strategy(state(), 20, rng(3)).tolist()


@every_strategy
def test_a_longer_batch_begins_with_the_shorter_one(strategy: Strategy):
    long = strategy(state(), 60, rng(3)).tolist()
    for size in (1, 2, 7, 20, 59):
        assert strategy(state(), size, rng(3)).tolist() == long[:size]


@every_strategy
def test_ties_fall_either_way_across_seeds(strategy: Strategy):
    for text in range(3):
        same = state(size=3).at(np.full(4, text))
        orders = [tuple(strategy(same, 4, rng(seed)).tolist()) for seed in range(14)]
        assert {first for first, *_ in orders} == {0, 1, 2, 3}
        assert len(set(orders)) > 6  # of 24


@every_strategy
def test_dense_and_sparse_embeddings_give_the_same_batch(strategy: Strategy):
    assert strategy(sparse(state()), 20, rng(3)).tolist() == strategy(state(), 20, rng(3)).tolist()


@every_strategy
def test_a_strategy_says_what_it_lacks(strategy: Strategy):
    for what in strategy.needs:
        with pytest.raises(StrategyNeeds) as error:
            strategy(state(**{what: None}), 5, rng())
        assert error.value.fields == {"strategy": strategy.name, "what": what}
    optional = ("labelled_probs", "committee", "teacher", "embeddings", "labelled_embeddings", "need", "words")
    bare = state(**{what: None for what in optional if what not in strategy.needs})
    assert len(strategy(bare, 5, rng())) == 5  # and it needs nothing else


@every_strategy
def test_labels_that_nobody_has_and_nothing_labelled_are_defined(strategy: Strategy):
    nobody = state(labelled_y=np.zeros((40, 5), dtype=np.int8))
    everybody = state(labelled_y=np.ones((40, 5), dtype=np.int8))
    for pool in (nobody, everybody, state(labelled=0), state(labels=1), state(labelled=1)):
        assert len(set(strategy(pool, 20, rng()).tolist())) == 20


NUMBERS = st.one_of(st.sampled_from([0.0, 0.5, 1.0, 1e-300, 1 - 1e-16]), st.floats(0, 1))
ROWS = np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8], [-1.0, 0.0], [0.0, 0.0]])  # the last: a text without a known word


@st.composite
def any_state(draw):
    size, labels, labelled = draw(st.integers(0, 6)), draw(st.integers(1, 3)), draw(st.integers(0, 4))

    def numbers(*shape):
        return draw(hnp.arrays(np.float64, shape, elements=NUMBERS))

    def rows(count):
        return ROWS[draw(hnp.arrays(np.int64, count, elements=st.integers(0, len(ROWS) - 1)))].reshape(count, 2)

    return Candidates(
        probs=numbers(size, labels),
        thresholds=numbers(labels),
        labelled_y=draw(hnp.arrays(np.int8, (labelled, labels), elements=st.integers(0, 1))),
        labelled_probs=numbers(labelled, labels),
        committee=numbers(2, size, labels),
        teacher=numbers(size, labels),
        embeddings=rows(size),
        labelled_embeddings=rows(labelled),
    )


@given(pool=any_state(), asked=st.integers(0, 8))
@settings(max_examples=60, deadline=None)
def test_no_input_breaks_a_strategy_or_makes_a_score_that_is_no_number(pool, asked):
    for strategy in STRATEGIES.values():
        got = strategy(pool, asked, rng())
        assert len(set(got.tolist())) == len(got) == min(len(pool), asked), strategy.name
        if strategy.score is not None:
            assert np.isfinite(strategy.score(pool)).all(), strategy.name


@pytest.mark.parametrize("strategy", [each for each in STRATEGIES.values() if each.score], ids=lambda each: each.name)
def test_a_ranking_is_the_order_of_its_scores(strategy: Strategy):
    pool = state()
    scores = strategy.score(pool)
    assert scores.shape == (60,)
    assert strategy(pool, 20, rng(3)).tolist() == best_first(scores, 20, rng(3)).tolist()


@every_strategy
def test_memory_grows_with_the_pool_and_not_with_its_square_or_its_gradients(strategy: Strategy):
    def peak(size):
        pool = state(size=size, labels=9, labelled=50, width=64)
        tracemalloc.start()
        strategy(pool, 5, rng())
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    strategy(state(), 5, rng())  # imports and caches are not the pool's
    small, large = peak(1000), peak(4000)
    assert large < 5 * max(small, 200_000)
    assert large < 4000 * 9 * 64 * 8 / 2  # half of what the gradients of BADGE would take


@every_strategy
def test_each_is_named_sourced_and_in_the_guide(strategy: Strategy):
    assert STRATEGIES[strategy.name] is strategy
    assert strategy.what
    known = re.findall(r"^\| `([a-z]+\d{4}[a-z]*)` \|", BIBLIOGRAPHY.read_text(encoding="utf-8"), re.MULTILINE)
    assert strategy.source in ("", *known)
    row = re.search(rf"^\| `{strategy.name}` \|(.*)\|(.*)\|.*\|$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    assert row, f"{strategy.name} has no row in {GUIDE.name}"
    assert tuple(re.findall(r"`(\w+)`", row[1])) == strategy.needs
    assert "".join(re.findall(r"`(\w+)`", row[2])) == strategy.source
