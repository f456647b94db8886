"""What a round tells of when to stop: how unsure its student is, and how far it differs from the one in use before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from core.active.stopping import Signals, changed, kappas, overall_uncertainty, stop_set
from core.predictions import Likeliest, unpacked
from db import rounds as round_rows
from db import signals as signal_rows
from db.connect import reading


def of_round(
    db: Database, project_id: int, *, keys: Sequence[str], fingerprint: str, pool_ids: Sequence[int],
    probs: NDArray | Likeliest, thresholds: NDArray,
) -> dict[str, Any]:  # fmt: skip
    """The new student against the current one, whose predictions are still there; as JSON has it.

    Compared are texts that both have scored and nobody has labelled since, cut at each one's own thresholds, in the
    precision in which predictions are kept. A student of another label set is not compared with.
    Shapes: probs (P, K) or P lists, thresholds (K,).
    """
    found = Signals(uncertainty=_uncertainty(probs), n_pool=len(pool_ids))
    chosen = stop_set(np.asarray(pool_ids, dtype=np.int64))
    with reading(db):
        current = round_rows.current_model(db, project_id, "student")
        if current is None or current["fingerprint"] != fingerprint or not len(chosen):
            return asdict(found)
        before = signal_rows.predictions_of(db, current["id"], [pool_ids[place] for place in chosen])
        number = next(
            each.number for each in round_rows.all_rounds(db, project_id) if each.id == current["round_id"]
        )  # fmt: skip
    both = [int(place) for place in chosen if pool_ids[place] in before]
    cuts = np.array([current["thresholds"][key] for key in keys])
    was = np.zeros((len(both), len(keys)), dtype=bool)
    for n, place in enumerate(both):
        was[n] = unpacked(before[pool_ids[place]], len(keys)) >= cuts
    now = _half(probs, np.array(both, dtype=np.int64)) >= thresholds
    shares = changed(was, now)
    known = {key: float(k) for key, k in zip(keys, kappas(was, now), strict=True) if np.isfinite(k)}
    return asdict(
        Signals(
            uncertainty=found.uncertainty, n_pool=found.n_pool, against=number, n_both=len(both),
            decisions_changed=shares[0] if shares else None, texts_changed=shares[1] if shares else None,
            kappa=float(np.mean(list(known.values()))) if known else None, kappa_by_label=known,
        )
    )  # fmt: skip


def _uncertainty(probs: NDArray | Likeliest) -> float | None:
    """A label that a list leaves out counts as decided."""
    if not isinstance(probs, Likeliest):
        return overall_uncertainty(probs.astype("<f2"))
    listed = overall_uncertainty(probs.probs.astype("<f2"))
    return None if listed is None else listed * probs.probs.shape[1] / max(probs.n_labels, 1)


def _half(probs: NDArray | Likeliest, at: NDArray[np.int64]) -> NDArray:
    """These texts' probabilities as they are kept. Shapes: → (n, K)."""
    dense = probs.at(at).dense() if isinstance(probs, Likeliest) else probs[at]
    return np.asarray(dense.astype("<f2"))
