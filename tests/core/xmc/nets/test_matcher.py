"""Which clusters a text is sent to, from weighted grams, embeddings and a text model."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from core.config import RoundConfig
from core.errors import BadSetting, TooLittleMemory, TrainingDiverged
from core.models.registry import build
from core.steps import drained
from core.xmc.labels import joined, pifa
from core.xmc.nets.matcher import Matcher, fit_steps, kept_of, squared_hinge
from core.xmc.nets.readers import Bag, Given, Tokens
from core.xmc.nets.training import Training, trained
from core.xmc.ranker import fit, instances
from core.xmc.tree import grown
from tests.core.xmc.made import world

TRAINING = Training(steps=200, batch_size=64, lr=1e-2, head_lr=1e-2, warm_up=20)


def test_the_squared_hinge_by_hand() -> None:
    scores, targets = torch.tensor([[2.0, 0.5], [-1.0, 0.0]]), torch.tensor([[1.0, 1.0], [0.0, 1.0]])
    assert float(squared_hinge(scores, targets)) == pytest.approx((0 + 0.25 + 0 + 1) / 4)


def test_the_best_clusters_are_kept_with_their_scores() -> None:
    kept = kept_of(np.array([[0.5, 2.0, -1.0], [0.0, 0.0, 0.0]], dtype=np.float32), 2)
    assert kept.indices.tolist() == [0, 1, 0, 1]
    assert kept.data.tolist() == [-0.25, 0.0, -1.0, -1.0]
    assert kept_of(np.zeros((1, 3)), 10).nnz == 3


def test_the_rate_rises_then_falls() -> None:
    training = Training(steps=10, warm_up=4)
    assert [training.share(step) for step in range(4)] == [0.25, 0.5, 0.75, 1.0]
    assert training.share(4) == 1
    assert training.share(9) == pytest.approx(1 / 6)
    assert Training(steps=10, warm_up=0).share(0) == 1


def test_from_grams_it_finds_the_clusters_and_the_ranker_the_labels() -> None:
    rows, y = world(texts=500)
    asked, truth = world(texts=200, seed=1)
    tree = grown(pifa(rows, y), 3, seed=0)
    torch.manual_seed(0)
    matcher = Matcher(Bag(rows.shape[1], 24), tree.clusters)
    losses = list(fit_steps(matcher, rows, y, tree, TRAINING))
    assert losses[-1] < 0.7 * losses[0]
    sent = matcher.clusters(asked, 3)
    own = instances(truth, tree)
    reached = sent.copy()
    reached.data[:] = 1
    assert own.multiply(reached).sum() / own.sum() > 0.75  # chance: 3 of 8
    ranker = fit(rows, y, tree, instances(y, tree, matcher.clusters(rows, 3)))
    right = truth.toarray()[np.arange(200), ranker.ranked(asked, sent, 1).labels[:, 0]].mean()
    assert right > 0.6


def test_embeddings_are_read_as_they_are_and_join_the_rankers_rows() -> None:
    rows, y = world(texts=500)
    dense = rows.toarray() @ np.random.default_rng(0).normal(size=(rows.shape[1], 16))
    tree = grown(pifa(dense, y), 3, seed=0)
    matcher = Matcher(Given(16), tree.clusters)
    losses = list(fit_steps(matcher, dense, y, tree, TRAINING))
    assert losses[-1] < losses[0]
    both = joined(rows, dense)
    assert fit(both, y, tree, instances(y, tree)).margins(both).shape == (500, 32)


def test_a_text_model_reads_too() -> None:
    draw = np.random.default_rng(0)
    texts = [draw.integers(2, 30, size=n).astype(np.int64) for n in draw.integers(3, 9, size=120)]
    y = np.array([[(text % 8 == k).any() for k in range(8)] for text in texts], dtype=np.float32)
    config = RoundConfig(arch="textcnn.v1", filters=8, hidden=16)
    model = build("textcnn.v1", draw.normal(size=(30, 12)).astype(np.float32), 5, config, seed=0)
    matcher = Matcher(Tokens(model), 4)
    tree = grown(np.eye(8), 2, seed=0)
    losses = list(fit_steps(matcher, texts, y, tree, TRAINING))
    assert np.mean(losses[-10:]) < 0.6 * losses[0]
    alone = [matcher.scores(texts[n : n + 1])[0] for n in range(3)]
    assert matcher.scores(texts)[:3] == pytest.approx(np.array(alone), abs=1e-5)


def test_no_texts_are_answered_by_nothing() -> None:
    assert Matcher(Given(4), 3).scores(np.zeros((0, 4))).shape == (0, 3)


def test_what_does_not_fit_is_refused_with_the_number_before_it_starts() -> None:
    layer, asked = nn.Linear(2, 1), []

    def loss(at: np.ndarray) -> torch.Tensor:
        asked.append(at)
        return layer(torch.ones(1, 2)).sum()

    large = Training(batch_size=10**6)
    with pytest.raises(TooLittleMemory) as caught:
        drained(trained(loss, [(layer, 1.0)], 10**6, large, seed=0, outputs=10**9))
    assert asked == []
    assert caught.value.fields["need_mb"] > caught.value.fields["have_mb"] > 0


def test_a_loss_that_is_no_number_ends_it() -> None:
    layer = nn.Linear(2, 1)
    with pytest.raises(TrainingDiverged):
        drained(trained(lambda at: layer(torch.full((1, 2), torch.inf)).sum(), [(layer, 1.0)], 4, Training(), seed=0))
    assert torch.isfinite(layer.weight).all()


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"lr": 0}, {"lr": float("nan")}, {"clip": -1}, {"warm_up": -1}])
def test_settings_outside_their_bounds_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(BadSetting):
        Training(**wrong)  # type: ignore[arg-type]
