"""Adaptive label clusters against the same sums done plainly and in double precision."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from core.errors import BadSetting, LabelWithoutPositives, TooManyClusters
from core.evaluate.ranking import precision_at
from core.messages import sentence
from core.steps import drained
from core.xmc.nets.aplc import AdaptiveHead, equal_parts, geometric_parts, product_bce
from core.xmc.nets.clustered import Clustered, fit_steps
from core.xmc.nets.readers import Bag
from core.xmc.nets.training import Training
from tests.core.xmc.made import world

COUNTS = np.array([3, 50, 7, 20, 7, 1, 90, 2, 11, 4])
BY_FREQUENCY = [6, 1, 3, 8, 2, 4, 9, 0, 7, 5]
X = torch.randn(6, 16, generator=torch.Generator().manual_seed(0))


def head(cutoffs: tuple[int, ...] = (4, 7), seed: int = 1) -> AdaptiveHead:
    return AdaptiveHead(16, COUNTS, cutoffs, seed=seed)


def plain(model: AdaptiveHead, x: torch.Tensor) -> torch.Tensor:
    """Probabilities in double precision, labels in the caller's order."""
    model, x = model.double(), x.double()
    found = torch.sigmoid(x @ model.head.weight.T)
    parts = [found[:, :4]]
    for i, (down, norm, _, up) in enumerate(model.tails):
        inside = x @ down.weight.T
        centred = inside - inside.mean(dim=1, keepdim=True)
        scaled = centred / (centred.square().mean(dim=1, keepdim=True) + norm.eps).sqrt()
        parts.append(found[:, [4 + i]] * torch.sigmoid((scaled * norm.weight + norm.bias).clamp(min=0) @ up.weight.T))
    out = torch.empty(len(x), 10, dtype=torch.float64)
    out[:, BY_FREQUENCY] = torch.cat(parts, dim=1)
    return out


def test_labels_stand_by_their_training_texts_and_layers_narrow() -> None:
    model = head()
    assert model.order.tolist() == BY_FREQUENCY
    assert model.head.weight.shape == (4 + 2, 16)
    assert [tail[0].weight.shape for tail in model.tails] == [(8, 16), (4, 16)]
    assert [tail[3].weight.shape for tail in model.tails] == [(3, 8), (3, 4)]
    assert [layer.bias for layer in (model.head, model.tails[0][0], model.tails[0][3])] == [None] * 3


def test_probabilities_are_those_of_a_plain_computation() -> None:
    ours = head()(X).exp()
    assert ours.detach().numpy() == pytest.approx(plain(head(), X).detach().numpy(), abs=1e-6)


@pytest.mark.parametrize("soft", [False, True])
def test_the_loss_and_its_normaliser_are_those_given(soft: bool) -> None:
    rng = np.random.default_rng(2)
    y = torch.from_numpy((rng.random((6, 10)) < 0.2).astype(np.float32))
    y[0], y[1, :] = 0, 1
    if soft:
        y = y * 0.7
    found, model = plain(head(), X).detach(), head().double()
    roots = torch.sigmoid(X.double() @ model.head.weight.T)[:, 4:].detach()
    expected = 0.0
    for n in range(6):
        total, terms = 0.0, 4
        for j in BY_FREQUENCY[:4]:
            total += F.binary_cross_entropy(found[n, j], y[n, j].double())
        for i, members in enumerate((BY_FREQUENCY[4:7], BY_FREQUENCY[7:])):
            if y[n, members].any():
                total += sum(F.binary_cross_entropy(found[n, j], y[n, j].double()) for j in members)
                terms += len(members)
            else:
                total += -torch.log(1 - roots[n, i])
                terms += 1
        expected += float(total) / terms / 6
    assert head().loss(X, y).item() == pytest.approx(expected, rel=1e-5)


def test_a_root_that_is_not_meant_learns_alone_and_a_meant_one_through_its_labels() -> None:
    model, y = head(), torch.zeros(6, 10)
    model.loss(X, y).backward()
    assert all(weight.grad is None for weight in model.tails.parameters())
    assert model.head.weight.grad[4:].abs().sum() > 0
    y[:, BY_FREQUENCY[8]] = 1
    model = head()
    model.loss(X, y).backward()
    assert model.tails[0][0].weight.grad is None
    assert model.tails[1][0].weight.grad.abs().sum() > 0
    assert model.head.weight.grad[5].abs().sum() > 0


@pytest.mark.parametrize("root", [-200.0, -40.0, -1.0, 0.0, 30.0, 200.0])
@pytest.mark.parametrize("own", [-200.0, -3.0, 0.0, 40.0, 200.0])
def test_value_and_gradients_are_finite_at_any_logit(root: float, own: float) -> None:
    a, b = (torch.tensor(value, requires_grad=True) for value in (root, own))
    for y in (0.0, 1.0):
        value = product_bce(a, b, torch.tensor(y))
        grads = torch.autograd.grad(value, (a, b))
        assert torch.isfinite(value)
        assert all(torch.isfinite(grad) for grad in grads)
        exact_root, exact_own = (torch.tensor(each, dtype=torch.float64) for each in (root, own))
        log_p = F.logsigmoid(exact_root) + F.logsigmoid(exact_own)
        if log_p < -1e-12:  # where log1mexp itself can be had in double precision
            other = torch.log(-torch.expm1(log_p)) if log_p > -np.log(2) else torch.log1p(-torch.exp(log_p))
            assert value.item() == pytest.approx((-(y * log_p + (1 - y) * other)).item(), rel=1e-4, abs=1e-6)


def test_the_best_labels_are_those_of_all_probabilities() -> None:
    for seed in range(5):
        model = head(seed=seed).eval()
        with torch.no_grad():
            model.head.weight[4:] *= 12  # some clusters are far off, and must not be needed
            full = torch.sort(model(X), dim=1, descending=True)
        labels, scores = model.top(X, 4)
        assert labels.tolist() == full.indices[:, :4].tolist()
        assert scores.numpy() == pytest.approx(full.values[:, :4].numpy(), abs=1e-5)
    assert head().top(X, 99)[0].sort(dim=1).values.tolist() == [list(range(10))] * 6
    assert head((2, 5)).top(X, 4)[0].min() >= 0  # more asked for than the head has


def test_few_clusters_are_computed_for_the_best_labels() -> None:
    model, asked = head(), []
    model.tails[1].register_forward_hook(lambda *_: asked.append(1))
    with torch.no_grad():
        model.head.weight[5] = -100 * torch.sign(X[0])
    model.top(X[:1], 3)
    assert asked == []
    model(X[:1])
    assert asked == [1]


@pytest.mark.parametrize(("labels", "cutoffs"), [(1, ()), (1, (1,)), (3, (1, 2, 3))])
def test_one_label_or_more_clusters_than_labels_are_refused(labels: int, cutoffs: tuple[int, ...]) -> None:
    with pytest.raises(TooManyClusters) as caught:
        AdaptiveHead(16, np.arange(labels), cutoffs)
    assert "cluster" in sentence(caught.value, "en")
    with pytest.raises(TooManyClusters):
        equal_parts(3, 4)


@pytest.mark.parametrize(
    ("cutoffs", "factor"), [((4, 4), 2), ((0, 4), 2), ((7, 4), 2), ((4, 10), 2), ((4, 7), 0.5), ((4, 7), 3)]
)
def test_cutoffs_and_factors_that_make_no_layers_are_refused(cutoffs: tuple[int, ...], factor: float) -> None:
    with pytest.raises(BadSetting):
        AdaptiveHead(16, COUNTS, cutoffs, factor=factor)


def test_parts_are_those_published() -> None:
    assert equal_parts(3_956, 2) == (1_978,)
    assert equal_parts(30_938, 2) == (15_469,)
    assert equal_parts(10, 1) == ()


def test_clusters_that_grow_as_their_layers_narrow() -> None:
    assert geometric_parts(5_000) == (256, 768, 1_792, 3_840)
    assert geometric_parts(90) == (45,)
    few, many = len(geometric_parts(20_000)), len(geometric_parts(320_000))
    assert many - few == 4  # sixteen times the labels: four more clusters of the same cost
    for labels in (2, 3, 385, 1_000, 30_938):
        bounds = [0, *geometric_parts(labels), labels]
        assert (np.diff(bounds) > 0).all()
    AdaptiveHead(768, np.arange(20_000), geometric_parts(20_000))
    with pytest.raises(TooManyClusters):
        geometric_parts(1)


def test_it_learns_and_the_same_seed_learns_the_same() -> None:
    rows, y = world(texts=400)
    counts = np.asarray(y.sum(axis=0)).ravel()
    training = Training(steps=250, batch_size=32, lr=2e-2, head_lr=2e-2, warm_up=0)
    found = []
    for _ in range(2):
        torch.manual_seed(7)
        model = Clustered(Bag(rows.shape[1], 32), AdaptiveHead(32, counts, (16,)))
        losses = list(fit_steps(model, rows, y, training))
        found.append(model.ranked(rows, 3))
    assert np.mean(losses[-20:]) < 0.5 * np.mean(losses[:20])
    assert np.array_equal(found[0].labels, found[1].labels)
    assert precision_at(found[0].labels, y, 1) > 0.8
    model.load_state_dict({name: value.clone() for name, value in model.state_dict().items()})
    assert np.array_equal(model.ranked(rows, 3).labels, found[1].labels)


def test_a_label_without_texts_is_refused_before_learning() -> None:
    rows, y = world()
    lacking = y.tolil()
    lacking[:, 3] = 0
    model = Clustered(Bag(rows.shape[1], 8), AdaptiveHead(8, np.ones(32), (16,)))
    with pytest.raises(LabelWithoutPositives):
        drained(fit_steps(model, rows, lacking.tocsr(), Training(steps=1)))
