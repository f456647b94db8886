import numpy as np
import pytest
import torch

from core.config import RoundConfig
from core.models.engine import Engine
from core.models.registry import engine_of
from core.models.textcnn import TextCNN
from core.train.loop import Course, Fitted, Judge, fit, packed_by_length, score
from core.train.optim import StackedAdam
from tests.core.making import drained

RNG = np.random.default_rng(0)
VECTORS = RNG.normal(size=(40, 8)).astype(np.float32)
VECTORS[0] = 0
ROWS = [RNG.integers(2, 40, size=n) for n in RNG.integers(1, 20, size=50)]
Y = np.array([[float((row < 12).any())] for row in ROWS], dtype=np.float32)


def loss_judge(found: np.ndarray, models: np.ndarray) -> np.ndarray:
    return np.array([[-(np.logaddexp(0, z) - Y[40:] * z).mean()] for z in found.astype(float)])


def taught(
    seeds: list[int],
    judge: Judge = loss_judge,
    *,
    targets: np.ndarray | None = None,
    to_the_end: bool = False,
    **changes: object,
) -> tuple[list, Fitted]:
    values = {"vector_size": 8, "filters": 5, "hidden": 6, "max_epochs": 12, "patience": 2, "lr": 0.02, **changes}
    config = RoundConfig.from_mapping(values)
    fresh = [TextCNN(VECTORS, 1, config, seed=seed) for seed in seeds]
    engine, models = engine_of("textcnn.v1", fresh[0]), len(seeds)
    course = Course(
        engine=engine,
        width=fresh[0].width,
        vectors=torch.from_numpy(VECTORS),
        train_rows=ROWS[:40],
        valid_rows=ROWS[40:],
        targets=torch.from_numpy(Y[:40]).expand(models, -1, -1) if targets is None else torch.from_numpy(targets),
        positive_weight=torch.ones(models, 1),
        judge=judge,
        config=config,
        seeds=seeds,
        order_seed=3,
        to_the_end=to_the_end,
    )
    return drained(fit(engine.stack(fresh), course))


def test_a_model_learns_the_same_alone_and_in_company():
    _, together = taught([0, 1, 2, 3])
    assert len(set(together.best_epoch)) > 1  # so some left the stack before others
    for m in range(4):
        _, alone = taught([m])
        assert alone.best_epoch[0] == together.best_epoch[m]
        for name, value in together.weights.items():
            torch.testing.assert_close(alone.weights[name][0], value[m], atol=1e-4, rtol=1e-3)


def test_the_best_epoch_is_kept_and_patience_ends_it():
    reports, fitted = taught([0, 1])
    config = RoundConfig(vector_size=8, filters=5, hidden=6)
    engine: Engine = engine_of("textcnn.v1", TextCNN(VECTORS, 1, config))
    valid = packed_by_length(engine, ROWS[40:], torch.from_numpy(VECTORS), config)
    found = score(engine, fitted.weights, valid, config)
    np.testing.assert_allclose(loss_judge(found, np.arange(2)), fitted.scores, atol=1e-6)
    assert fitted.epochs <= fitted.best_epoch.max() + 2
    assert reports[-1].epoch == fitted.epochs
    assert reports[0].steps == 2


def test_to_the_end_neither_patience_nor_a_worse_score_counts():
    def worse_and_worse(found: np.ndarray, models: np.ndarray) -> np.ndarray:
        asked.append(len(asked))
        return np.full((len(found), 1), -float(len(asked)))

    asked: list[int] = []
    _, fitted = taught([0, 1], worse_and_worse, to_the_end=True)
    assert (fitted.best_epoch == 12).all()
    assert fitted.epochs == 12


def test_ties_in_the_first_score_are_decided_by_the_second():
    calls = iter([(1.0, 0.0), (1.0, 2.0), (1.0, 1.0), (0.5, 9.0)])
    _, fitted = taught([0], judge=lambda found, models: np.array([next(calls)]))
    assert fitted.best_epoch.tolist() == [2]
    assert fitted.scores.tolist() == [[1.0, 2.0]]


def test_a_model_whose_numbers_run_away_leaves_and_spoils_no_other():
    spoilt = Y[:40][None].repeat(2, axis=0)
    spoilt[1, 7] = np.nan
    _, fitted = taught([0, 1], targets=spoilt)
    _, alone = taught([0])
    assert fitted.best_epoch.tolist() == [alone.best_epoch[0], 0]
    assert fitted.spent[1] == 1
    assert all(value.isfinite().all() for value in fitted.weights.values())
    for name, value in alone.weights.items():
        torch.testing.assert_close(fitted.weights[name][0], value[0], atol=1e-4, rtol=1e-3)


def test_no_global_random_state_is_moved():
    before = torch.get_rng_state()
    taught([0], max_epochs=1)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("steps", [1, 3])
def test_models_that_leave_do_not_change_adam_for_the_others(steps: int):
    start = {"w": torch.randn(3, 4, generator=torch.Generator().manual_seed(0))}
    whole, part = (StackedAdam({"w": start["w"].clone()}, 0.1) for _ in range(2))
    for adam in (whole, part):
        for _ in range(steps):
            adam.step((adam.weights["w"] ** 4).sum())
    part.keep(torch.tensor([0, 2]))
    for adam in (whole, part):
        for _ in range(2):
            adam.step((adam.weights["w"] ** 4).sum())
    torch.testing.assert_close(part.weights["w"], whole.weights["w"][[0, 2]])
