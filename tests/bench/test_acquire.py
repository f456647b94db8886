"""The bench of strategies: its loop on arrays is the product's own, and its figures are what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.acquire import cells, cold, loop, ours, report, rivals, speed
from bench.acquire.corpora import commonest
from core.experiments.corpus import Corpus
from core.simulate.cells import cell, split
from core.simulate.curves import Curves
from core.simulate.plan import CHANCE, FULL, Key
from core.steps import drained
from tests.core.simulate.making import small_corpus, tiny_plan

SIZES = loop.Sizes(first=10, batch=15, budget=50)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return small_corpus(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def pool(corpus: Corpus) -> loop.Pool:
    return loop.Pool(corpus, split(tiny_plan(), corpus, 1), 1)


@pytest.mark.parametrize("name", ["long_tail", "direct", "badge", CHANCE])
def test_the_loop_on_arrays_gives_the_products_own_curve_to_the_digit(
    corpus: Corpus, pool: loop.Pool, name: str, tmp_path: Path
) -> None:
    simulated = drained(cell(tiny_plan(strategies=(name,)), corpus, Key(1, name), tmp_path))
    found = loop.curve(pool, ours.by_queue(name), SIZES)
    assert found["chosen"] == simulated["chosen"]
    assert found["points"] == [{k: v for k, v in each.items() if k != "learn_s"} for each in simulated["points"]]


def test_the_point_of_every_label_is_that_of_the_simulation(corpus: Corpus, pool: loop.Pool, tmp_path: Path) -> None:
    simulated = drained(cell(tiny_plan(), corpus, Key(1, FULL), tmp_path))["points"][0]
    assert pool.whole() == {name: value for name, value in simulated.items() if name != "learn_s"}


def test_every_strategy_of_modal_is_asked_by_its_own_code_for_a_whole_batch(pool: loop.Pool) -> None:
    from core.active.modal_bridge import BASELINES, by_name

    sets = {}
    for name in BASELINES:
        found = loop.curve(pool, rivals._modal(by_name(name, seed=0)), loop.Sizes(first=10, batch=15, budget=25))
        sets[name] = frozenset(found["chosen"])
        assert len(sets[name]) == 25
    assert len(set(sets.values())) > 3, "they do not all take the same"


def test_a_chooser_that_gives_a_text_twice_is_refused(pool: loop.Pool) -> None:
    with pytest.raises(ValueError, match="1 texts of 15"):
        loop.curve(pool, lambda asked, size: np.zeros(size, dtype=np.int64), SIZES)


def test_the_oracle_finds_the_rare_label_first(pool: loop.Pool) -> None:
    told, by_chance = (loop.curve(pool, each, SIZES)["points"] for each in (ours.oracle, ours.by_queue(CHANCE)))
    assert told[1]["positives"][2] > by_chance[1]["positives"][2]


def work_in(folder: Path, corpus: Corpus, **changed) -> cells.Work:
    given = {
        "corpus": corpus, "strategies": ("long_tail", CHANCE), "seeds": (0,), "sizes": SIZES, "test_share": 0.25,
        "folder": folder, "whole": frozenset({CHANCE}), "part": 40,
    }  # fmt: skip
    return cells.Work(**{**given, **changed})


def test_finished_curves_are_kept_and_other_sizes_make_them_anew(corpus: Corpus, tmp_path: Path) -> None:
    work = work_in(tmp_path, corpus)
    cells._made(work, 0, work.missing(0))
    assert work.missing(0) == ()
    ends = {name: work.read(name, 0)["points"][-1]["n"] for name in work.strategies}  # type: ignore[index]
    assert ends == {"long_tail": 40, CHANCE: 50}
    assert work_in(tmp_path, corpus, sizes=loop.Sizes(first=10, batch=20, budget=50)).missing(0) == (
        FULL,
        *work.strategies,
    )
    work.path("long_tail", 0).write_text("{")
    assert work.missing(0) == ("long_tail",)


def drawn(name: str, tail: list[list[float]], n: list[int], micro: float = 0.5) -> Curves:
    values = np.array(tail)
    same = np.full(values.shape, micro) + np.arange(len(values))[:, None] / 1000
    return Curves(
        strategy=name, labelled=np.tile(n, (len(values), 1)), values={"tail": values, "macro": values, "micro": same},
        f1=values[..., None], positives=np.ones((*values.shape, 1), dtype=np.int64), seconds=np.ones(len(values)),
        learn_s=np.zeros((len(values), 1)),
    )  # fmt: skip


def test_areas_labels_and_the_ratio_to_chance_by_hand() -> None:
    n = [0, 100, 200, 400]
    found = {
        FULL: drawn(FULL, [[1.0], [1.0]], [500]),
        "long_tail": drawn("long_tail", [[0, 0.9, 1, 1], [0, 0.9, 1, 1]], n, micro=0.6),
        CHANCE: drawn(CHANCE, [[0, 0.25, 0.5, 1], [0, 0.25, 0.5, 1]], n),
        "other:best": drawn("other:best", [[0, 0.5, 0.8, 1], [0, 0.6, 0.8, 1]], n),
    }
    assert report.areas(found["long_tail"], "tail", 200).tolist() == pytest.approx([0.7, 0.7])
    assert report.areas(found["long_tail"], "tail", 150)[0] == pytest.approx((45 + 46.25) / 150)
    said = report.figures_of(found, "long_tail", ratio=1 / 3)
    assert said["labels_tail95"] == {"long_tail": 150, CHANCE: 380, "other:best": 350}
    assert said["labels_vs_random_tail95"] == pytest.approx(150 / 380, abs=1e-3)
    assert (said["best_rival"], said["micro_points_below_random"]) == ("other:best", 0)
    assert 0 < said["p_vs_best_rival"] < 1


def test_the_tables_name_every_strategy(tmp_path: Path) -> None:
    n = [0, 100, 200]
    found = {name: drawn(name, [[0, 0.2, 0.5], [0, 0.3, 0.5]], n) for name in ("long_tail", CHANCE, "other:best")}
    found["long_tail"] = drawn("long_tail", [[0, 0.2, 0.5, 0.6], [0, 0.3, 0.5, 0.6]], [*n, 300])  # goes on further
    report.write({FULL: drawn(FULL, [[1.0], [1.0]], [500]), **found}, "long_tail", tmp_path, ratio=0.3, title="here")
    for name in ("table.csv", "curves.csv", "curves_tail.svg"):
        assert all(each in (tmp_path / name).read_text("utf-8") for each in found), name
    assert (tmp_path / "significance.csv").read_text("utf-8").count("corrected_t") == 6


def test_the_text_with_which_every_label_has_its_first_positives(corpus: Corpus) -> None:
    order = np.lexsort((np.arange(len(corpus.y)), corpus.y[:, 2] == 0))  # those with the rarest label first
    had = np.cumsum(corpus.y[order], axis=0).min(axis=1)
    assert cold._after(corpus, order.tolist()) == int((had >= 3).argmax()) + 1
    assert cold._after(corpus, order[-5:].tolist()) is None
    found = cold.cold_start(corpus, strategy="long_tail", seeds=2, test_share=0.25)
    assert len(found["cold_start_after"]) == 2
    assert found["cold_start_hits"] >= found["cold_start_hits_chance"]


def test_ranking_is_measured_on_a_queue_of_distinct_texts() -> None:
    found = speed.rank(3_000)
    assert found["s"] > 0
    assert found["peak_mb"] > found["extra_mb"] >= 0


def test_a_corpus_is_cut_to_its_commonest_labels(corpus: Corpus) -> None:
    found = commonest(corpus, labels=2, texts=50)
    assert found.label_keys == corpus.label_keys[:2]
    assert len(found.texts) == 50
    assert found.y.any(axis=1).all()
    assert commonest(corpus).texts == corpus.texts
