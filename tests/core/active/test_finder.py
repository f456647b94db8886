"""What a finder says of texts that have a label for one sentence of theirs."""

from __future__ import annotations

import numpy as np
import pytest

from core.active.finder import FEW, LONG, Finder, Passages, cut, learned, windows
from core.models.linear import CharacterTfidf

RARE = ("乳鐵蛋白", "葡萄糖胺", "魚油膠囊", "紅麴膠囊")
OTHER = (
    "今天天氣很好",
    "先看門診再說",
    "每天走路半小時",
    "飯後記得刷牙",
    "水要喝得夠多",
    "晚上早點上床",
    "孩子要打疫苗",
    "醫師說不要緊",
)


def made(n: int, seed: int = 0) -> tuple[list[str], np.ndarray]:
    """Long texts; one in six has a rare product in one of its many sentences."""
    draw = np.random.default_rng(seed)
    texts, y = [], []
    for at in range(n):
        sentences = [f"{draw.choice(OTHER)}，{draw.choice(OTHER)}，第{draw.integers(99)}次" for _ in range(8)]
        y.append(at % 6 == 0)
        if y[-1]:
            sentences[int(draw.integers(8))] = f"可以補充{draw.choice(RARE)}，效果因人而異"
        texts.append("。".join(sentences))
    return texts, np.array(y, dtype=np.int8)[:, None]


def passages(vectoriser: CharacterTfidf, texts: list[str]) -> Passages:
    parts, starts = windows(texts)
    return Passages(vectoriser.transform(parts), starts)


@pytest.fixture(scope="module")
def found() -> tuple[Finder, CharacterTfidf]:
    texts, y = made(150)
    vectoriser = CharacterTfidf().fit([*texts, *made(150, seed=1)[0]])
    return learned(vectoriser.transform(texts), y, passages(vectoriser, texts), seed=0), vectoriser


def test_every_character_is_in_a_passage_and_a_short_text_is_one() -> None:
    for size in (0, 1, LONG, LONG + 1, 3 * LONG + 7):
        text = "".join(chr(0x4E00 + n) for n in range(size))
        parts = cut(text)
        assert "".join(sorted(set("".join(parts)))) == text
        assert all(len(each) <= LONG for each in parts)
        assert len(parts) == 1 or size > LONG
    parts, starts = windows(["短", "長" * 100, ""])
    assert (starts.tolist(), len(parts)) == ([0, 1, 5], 6)


def test_a_texts_best_passage_is_its_greatest_product() -> None:
    from scipy.sparse import csr_matrix

    rows = csr_matrix([[1.0, 0], [0, 1], [0.5, 0.5], [0, 0]])
    found = Passages(rows, np.array([0, 2, 3])).best(np.array([[2.0, 0], [3, 1]]))
    assert found.tolist() == [[3, 1], [2.5, 0.5], [0, 0]]
    assert Passages(rows[:0], np.zeros(0, dtype=np.int64)).best(np.ones((2, 3))).shape == (0, 3)


def test_the_passage_finds_what_the_whole_text_hides(found: tuple[Finder, CharacterTfidf]) -> None:
    finder, vectoriser = found
    texts, y = made(150, seed=1)
    whole = finder.scores(vectoriser.transform(texts))[:, 0]
    best = finder.scores(passages(vectoriser, texts))[:, 0]
    has = y[:, 0] > 0

    def between(scores: np.ndarray) -> float:  # the least that parts texts with the label from those without
        return float(scores[has].min() - scores[~has].max())

    assert between(best) > 1.2 * between(whole) > 0


def test_a_yield_is_the_share_among_the_likeliest_that_have_the_label(found: tuple[Finder, CharacterTfidf]) -> None:
    finder, vectoriser = found
    texts, y = made(150, seed=1)
    assert finder.yields(finder.scores(passages(vectoriser, texts)))[0] > 0.8
    without = [text for text, has in zip(texts, y[:, 0], strict=True) if not has]
    assert finder.yields(finder.scores(passages(vectoriser, without)))[0] < 0.2
    assert finder.yields(np.zeros((0, 1))).tolist() == [1.0]


def test_a_label_with_too_few_texts_of_a_kind_has_no_model_and_full_yield() -> None:
    texts, y = made(60)
    few = np.hstack([y, np.zeros_like(y), 1 - np.zeros_like(y), y])
    few[np.flatnonzero(few[:, 3])[FEW - 1 :], 3] = 0
    vectoriser = CharacterTfidf().fit(texts)
    finder = learned(vectoriser.transform(texts), few, passages(vectoriser, texts), seed=0)
    assert finder.known.tolist() == [True, False, False, False]
    assert finder.yields(finder.scores(vectoriser.transform(texts)))[1:].tolist() == [1.0, 1.0, 1.0]
    assert np.isfinite(finder.weights).all()


def test_labels_of_pure_noise_give_finite_figures_and_no_false_hope() -> None:
    texts, _ = made(80)
    y = (np.random.default_rng(3).random((80, 1)) < 0.15).astype(np.int8)
    vectoriser = CharacterTfidf().fit(texts)
    finder = learned(vectoriser.transform(texts), y, passages(vectoriser, texts), seed=0)
    scores = finder.scores(passages(vectoriser, made(200, seed=5)[0]))
    assert np.isfinite(scores).all()
    assert finder.yields(scores)[0] < 0.6
    assert finder.slopes[0] >= 0
