"""A round of a tree in the worker: from a snapshot to what is published, the queue of likely labels among it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from core.active import queue, top_k
from core.active.top_k import TopCandidates
from core.config import RoundConfig
from core.distill.pipeline import RoundReport
from core.evaluate.metrics import MetricRow, rows
from core.export.tree_bundle import write_tree_bundle
from core.models.linear import THRESHOLD, FastLane, LinearModel
from core.seeds import numbers
from core.services.projects import Project
from core.worker.learned import Learned, Tell
from core.worker.needs import Figure, label_words, needs
from core.worker.ranking import queue_rows
from core.worker.snapshots import Snapshot
from core.worker.words import named_by_words
from core.xmc.round import TreeData, TreeResult, run_tree_round
from db.records import QueueRow

LINEAR_CELLS = 500_000  # training texts times labels; beyond, the linear baseline would take longer than the round
NAMED = 10  # labels that a warning names
KIND = {"label_model": "tree"}  # by which a page knows the stages


def learn(seen: Snapshot, config: RoundConfig, out: Path, number: int, tell: Tell) -> Learned:
    """Run the round and rank the pool. Raises as ``run_tree_round``, and whatever ``tell`` raises to stop it."""
    data = seen.tree_data
    steps = run_tree_round(data, config, out)
    try:
        while True:
            tell(RoundReport(*next(steps), KIND))
    except StopIteration as finished:
        result: TreeResult = finished.value
    finally:
        steps.close()
    tell(RoundReport("publish", 0, 2, KIND))
    linear = _linear(data, config.seed, tell)
    metrics = [*result.metrics, *linear[0]]
    pool = result.pool.matrix()
    ranked = ranked_texts(seen, pool, result.thresholds, seen.positives, metrics, number)
    tell(RoundReport("publish", 0, 2, KIND))
    return Learned(
        metrics=metrics, thresholds=result.thresholds, gold={"student": result.gold.dense(), **linear[1]},
        pool_probs=result.pool, ranked=ranked, student_dir=out, pack=write_tree_bundle, n_train=result.n_train,
        n_valid=result.n_valid, timings=result.timings, warnings=_warnings(seen.project, result), at_k=result.at_k,
        card={"quality": result.quality, "at_k": [asdict(each) for each in result.at_k]},
    )  # fmt: skip


def _linear(data: TreeData, seed: int, tell: Tell) -> tuple[list[MetricRow], dict[str, NDArray[np.float32]]]:
    """The baseline that every round is held against, where one machine a label on all texts is affordable."""
    labels = len(data.label_keys)
    if len(data.train_texts) * labels > LINEAR_CELLS:
        return [], {}
    model = LinearModel()
    for _ in model.fit_steps(data.train_texts, data.train_y.toarray(), seed=seed):
        tell(RoundReport("publish", 0, 2, KIND))
    probs = model.probabilities(data.gold_texts)
    cut = np.full(labels, THRESHOLD)
    said = {"keys": data.label_keys, "model": "linear", "split": "gold", "seed": seed}
    return rows(probs, data.gold_y.toarray(), cut, **said), {"linear": probs}  # type: ignore[arg-type]


def ranked_texts(
    seen: Snapshot, probs: sp.csr_matrix, thresholds: NDArray, positives: NDArray[np.int64],
    figures: Sequence[Figure], number: int,
) -> list[QueueRow]:  # fmt: skip
    """The open pool by the project's strategy, or by the one that stands in for it. Shapes: probs (P, K)."""
    project, settings, given = seen.project, seen.project.settings, {}
    name = settings.acquisition
    if not len(seen.pool):
        return []
    if top_k.looks(name):
        lane = FastLane([*seen.pool_texts, *(each.text for each in seen.train)])
        at = np.arange(len(seen.pool))
        given = {
            "embeddings": lane.rows(at),
            "words": named_by_words(lane, at, label_words(project.label_set), positives),
            "need": needs(figures, project.label_set.keys, positives, target=settings.target_f1),
        }
    candidates = TopCandidates(probs=probs, thresholds=thresholds, positives=positives, **given)
    found = top_k.ranked(
        name, candidates, numbers(settings.round.seed, "queue", number), limit=queue.length(queue.FALLBACK),
        explore_share=settings.explore_share,
    )  # fmt: skip
    return queue_rows(found, seen.pool_ids, project.label_set.keys)


def _warnings(project: Project, result: TreeResult) -> list[tuple[str, dict[str, Any]]]:
    """One for all labels that this round could not learn."""
    if not len(result.unseen):
        return []
    labels = project.label_set.labels
    named = "、".join(labels[k].zh for k in result.unseen[:NAMED].tolist())
    more = f" … ({len(result.unseen)})" if len(result.unseen) > NAMED else ""
    return [("LabelWithoutPositives", {"labels": named + more})]
