"""What every flat round is held against: two models without a network, on the same texts, measured on the same gold."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
from numpy.typing import NDArray

from core.config import RoundConfig
from core.distill.pipeline import RoundData
from core.evaluate.metrics import MetricRow, rows
from core.models.linear import THRESHOLD, CharacterTfidf, LinearModel
from core.models.svm import tuned_rows
from core.splits import hold_out
from core.steps import through


def linear_steps(data: RoundData, seed: int) -> Generator[None, None, tuple[list[MetricRow], NDArray[np.float32]]]:
    """Logistic regressions, whose classes are balanced and which are cut at one half. Shapes: probabilities (G, K)."""
    steps = LinearModel().fit_steps(data.train_texts, data.train_y, seed=seed)
    model: LinearModel = yield from through(steps, lambda _: None)
    probs = model.probabilities(data.gold_texts)
    cut = np.full(len(data.label_keys), THRESHOLD)
    return rows(probs, data.gold_y, cut, keys=data.label_keys, model="linear", split="gold", seed=seed), probs


def svm_steps(data: RoundData, config: RoundConfig) -> Generator[None, None, list[MetricRow]]:
    """One-vs-rest SVM on the networks' own training and validation texts. Source: huang2021.

    It says which labels, and not how likely: there are figures of it, and no probabilities.
    """
    y = np.asarray(data.train_y)
    train, valid = hold_out(data.train_texts, y, share=config.valid_share, seed=config.seed)
    texts = [data.train_texts[n] for n in train]
    grams = CharacterTfidf().fit(texts)
    yield
    asked = [data.train_texts[n] for n in valid]
    parts = [grams.transform(each).astype(np.float64) for each in (texts, asked, data.gold_texts)]
    found = yield from through(tuned_rows(parts[0], y[train], parts[1], y[valid], parts[2]), lambda _: None)
    cut = np.full(len(data.label_keys), found.cut)
    return rows(found.test, data.gold_y, cut, keys=data.label_keys, model="svm", split="gold", seed=config.seed)
