import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from core.models import neighbours
from core.models.neighbours import Neighbours, chosen, mixed

PLACES = np.array([[0, 0], [3, 0], [0, 4], [30, 30]], dtype=np.float32)
Y = np.array([[1, 0], [0, 1], [1, 1], [1, 1]], dtype=bool)


def test_the_nearest_count_by_distance_as_the_formula_says():
    near = Neighbours(places=PLACES, y=Y, nearest=3, width=2.0, share=0.25)
    weights = np.exp(-np.array([0.0, 3.0, 4.0]) / 2.0)
    expected = weights @ Y[:3] / weights.sum()
    found = near.labels_near(np.zeros((1, 2)))[0]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    z = np.array([[0.7, -1.2]])
    np.testing.assert_allclose(expit(near(z, np.zeros((1, 2))))[0], 0.75 * expit(z[0]) + 0.25 * expected, rtol=1e-12)


def test_texts_equally_far_all_count_whatever_their_order():
    places = np.array([[1, 0], [-1, 0], [0, 1], [5, 5]], dtype=np.float32)
    y = np.array([[1], [0], [0], [1]], dtype=bool)
    for order in ([0, 1, 2, 3], [2, 1, 0, 3]):
        near = Neighbours(places=places[order], y=y[order], nearest=1, width=1.0, share=0.5)
        assert near.labels_near(np.zeros((1, 2)))[0, 0] == pytest.approx(1 / 3)


def test_a_pool_goes_through_in_parts_and_each_text_by_itself(monkeypatch: pytest.MonkeyPatch):
    draw = np.random.default_rng(0)
    near = Neighbours(
        places=draw.normal(size=(40, 6)).astype(np.float32),
        y=draw.random((40, 3)) < 0.3,
        nearest=5,
        width=0.7,
        share=0.3,
    )
    asked, z = draw.normal(size=(50, 6)), draw.normal(size=(50, 3))
    together = near(z, asked)
    sizes = []
    distances = neighbours._distances

    def watched(*given):
        for at, found in distances(*given):
            sizes.append(found.size)
            yield at, found

    monkeypatch.setattr(neighbours, "_distances", watched)
    monkeypatch.setattr(neighbours, "_TOGETHER", 200)
    np.testing.assert_allclose(near(z, asked), together, atol=1e-12)
    assert max(sizes) <= 200
    alone = np.concatenate([near(z[n : n + 1], asked[n : n + 1]) for n in range(50)])
    np.testing.assert_allclose(alone, together, atol=1e-12)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**16), st.integers(1, 30), st.floats(1e-3, 100), st.floats(0, 1), st.floats(-800, 800))
def test_whatever_lies_where_it_is_a_probability(seed, n, width, share, logit):
    draw = np.random.default_rng(seed)
    places = np.repeat(draw.normal(size=(n, 3)), 2, axis=0).astype(np.float32) * draw.choice([0, 1, 1e4])
    near = Neighbours(places=places, y=draw.random((2 * n, 2)) < 0.5, nearest=5, width=width, share=share)
    found = near(np.full((2 * n, 2), logit), places)
    assert np.isfinite(found).all()
    p = near.labels_near(places)
    assert ((p >= -1e-9) & (p <= 1 + 1e-9)).all()


def corpus(*, told_by_place: bool, seed: int = 0):
    """A model that knows nothing of one label, which the place may tell. Shapes: (500, 4), (500, 2), (500, 2)."""
    draw = np.random.default_rng(seed)
    y = draw.random((500, 2)) < 0.3
    places = draw.normal(size=(500, 4))
    if told_by_place:
        places[:, 0] += 4 * y[:, 1]
    logits = np.stack([np.where(y[:, 0], 1.0, -1.0), np.zeros(500)], axis=1) + 0.5 * draw.normal(size=(500, 2))
    return places.astype(np.float32), y, logits


def test_neighbours_are_asked_where_validation_gains_and_new_texts_gain_too():
    places, y, logits = corpus(told_by_place=True)
    found = chosen(places[:300], y[:300], valid_logits=logits[300:], valid_places=places[300:], valid_y=y[300:])
    assert found is not None
    assert found.share > 0
    new_places, new_y, new_logits = corpus(told_by_place=True, seed=1)
    plain, drawn = ((each >= 0)[:, 1] == new_y[:, 1] for each in (new_logits, found(new_logits, new_places)))
    assert drawn.mean() > plain.mean() + 0.2


@pytest.mark.parametrize("seed", range(5))
def test_none_are_asked_where_places_tell_nothing(seed: int):
    places, y, logits = corpus(told_by_place=False, seed=seed)
    logits[:, 1] += 3 * y[:, 1]
    found = chosen(places[:300], y[:300], valid_logits=logits[300:], valid_places=places[300:], valid_y=y[300:])
    assert found is None


def test_nothing_to_choose_by_is_none():
    places, y, logits = corpus(told_by_place=True)
    none = {"valid_logits": logits[:0], "valid_places": places[:0], "valid_y": y[:0]}
    assert chosen(places[:300], y[:300], **none) is None
    some = {"valid_logits": logits[300:], "valid_places": np.zeros_like(places[300:]), "valid_y": y[300:]}
    assert chosen(np.zeros_like(places[:300]), y[:300], **some) is None, "all texts lie on one another"
    assert chosen(places[:3], y[:3], **some) is None, "fewer texts than the fewest neighbours"


def test_a_share_of_none_is_the_model_itself():
    z = np.random.default_rng(0).normal(size=(5, 3)) * 5
    np.testing.assert_allclose(mixed(z, np.ones((5, 3)), 0.0), z, atol=1e-9)
