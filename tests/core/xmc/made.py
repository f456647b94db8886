"""Texts with many labels, where each label has a word of its own and its neighbours in a group share another."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from sklearn.preprocessing import normalize


def world(texts: int = 300, labels: int = 32, seed: int = 0, group: int = 4) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    """Shapes: rows (N, F) of length one, y (N, K); each label has three texts at least, each text one to three."""
    rng = np.random.default_rng(seed)
    y = np.zeros((texts, labels), dtype=np.float32)
    chance = 1 / np.arange(1, labels + 1) ** 0.7
    for n in range(texts):
        y[n, rng.choice(labels, rng.integers(1, 4), replace=False, p=chance / chance.sum())] = 1
    for n in range(3 * labels):
        y[n % texts, n % labels] = 1
    groups = np.kron(np.eye(labels // group), np.ones((group, 1)))  # (K, K / group)
    noise = (rng.random((texts, 40)) < 0.15).astype(np.float32)
    words = np.hstack([y * (rng.random(y.shape) < 0.85), y @ groups, noise])
    return normalize(sp.csr_matrix(words, dtype=np.float32)), sp.csr_matrix(y)
