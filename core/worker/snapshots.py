"""What a round sees of a project: everything as it was at one moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sqlite_utils import Database

from core.distill.pipeline import RoundData
from core.errors import NoGold, TooFewLabels
from core.labels import LabelSet
from core.services import projects, settling
from core.services.settling import LabelledText
from core.xmc.round import TreeData
from db import annotations as annotation_rows
from db import documents
from db.connect import reading


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Texts in the order of their ids."""

    project: projects.Project
    train: tuple[LabelledText, ...]
    gold: tuple[LabelledText, ...]
    pool: tuple[tuple[int, str], ...]  # waiting texts
    annotation_id: int

    @property
    def gold_ids(self) -> tuple[int, ...]:
        return tuple(each.document_id for each in self.gold)

    @property
    def pool_ids(self) -> list[int]:
        return [document_id for document_id, _ in self.pool]

    @property
    def pool_texts(self) -> list[str]:
        return [text for _, text in self.pool]

    @cached_property
    def positives(self) -> NDArray[np.int64]:
        """Labelled pool texts of each label. Shapes: → (K,)."""
        return np.asarray(sparse_rows(self.project.label_set, self.train).sum(axis=0)).ravel().astype(np.int64)

    @cached_property
    def data(self) -> RoundData:
        """For a flat round: labels as dense rows."""
        encode = self.project.label_set.encode
        return RoundData(
            label_keys=self.project.label_set.keys,
            train_texts=[each.text for each in self.train],
            train_y=encode([each.labels for each in self.train]),
            gold_texts=[each.text for each in self.gold],
            gold_y=encode([each.labels for each in self.gold]),
            pool_ids=self.pool_ids,
            pool_texts=self.pool_texts,
        )

    @cached_property
    def tree_data(self) -> TreeData:
        """For a round of a tree: labels as sparse rows."""
        labels = self.project.label_set
        return TreeData(
            label_keys=labels.keys,
            train_texts=[each.text for each in self.train],
            train_y=sparse_rows(labels, self.train),
            gold_texts=[each.text for each in self.gold],
            gold_y=sparse_rows(labels, self.gold),
            pool_texts=self.pool_texts,
        )


def sparse_rows(labels: LabelSet, texts: Sequence[LabelledText]) -> sp.csr_matrix:
    """As ``LabelSet.encode``, what is not there not stored. Shapes: → (N, K) of 0 and 1."""
    position = {key: k for k, key in enumerate(labels.keys)}
    at = [sorted(position[key] for key in each.labels) for each in texts]
    starts = np.cumsum([0, *(len(each) for each in at)])
    columns = np.fromiter((k for each in at for k in each), dtype=np.int64, count=int(starts[-1]))
    return sp.csr_matrix((np.ones(len(columns), dtype=np.int8), columns, starts), shape=(len(at), len(position)))


def snapshot(db: Database, project_id: int) -> Snapshot:
    """Labelled pool, labelled gold and open pool, in one read. Raises TooFewLabels, NoGold."""
    with reading(db):
        project = projects.project(db, project_id)
        train = settling.label_sets(db, project_id, "pool")
        gold = settling.label_sets(db, project_id, "gold")
        pool = documents.unlabelled_pool(db, project_id)
        latest = annotation_rows.latest_id(db, project_id)
    if len(train) < project.settings.round_min_labels:
        raise TooFewLabels(have=len(train), need=project.settings.round_min_labels)
    if not gold:
        raise NoGold()
    return Snapshot(project=project, train=tuple(train), gold=tuple(gold), pool=tuple(pool), annotation_id=latest)
