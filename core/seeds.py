"""Seeds by name: every random choice of a round is drawn from its own stream, so that adding one moves no other."""

from __future__ import annotations

import hashlib

import numpy as np


def derive(seed: int, *names: object) -> int:
    """A seed below 2**63 for the stream called ``names``; the same on every machine."""
    words = "\x1f".join([str(seed), *map(str, names)])
    return int.from_bytes(hashlib.sha256(words.encode()).digest()[:8], "big") >> 1


def numbers(seed: int, *names: object) -> np.random.Generator:
    """A numpy generator of its own for the stream called ``names``."""
    return np.random.default_rng(derive(seed, *names))
