"""Labels that come together: every number against counting it anew, and the texts behind it are those counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import multilabel_confusion_matrix
from sqlite_utils import Database

from core.services import labelling, membership, projects
from core.services.dashboard import together
from core.services.settling import label_sets
from db.connect import rows
from db.errors import NotFound
from tests.conftest import NOW, make_project
from tests.core.services.dashboard.measuring import gold_ids, import_texts
from tests.core.services.dashboard.modelled import labelled, publish, said

CUTS = (0.5, 0.45, 0.5, 0.4)
NAMES = ("甲", "乙", "丙", "丁")
SHARES = (0.2, 0.6, 0.35, 0.1)


@pytest.fixture
def made(db: Database, tmp_path: Path) -> tuple[Database, int, NDArray, NDArray]:
    """A project with a round on all its gold texts: (db, project, truth, decisions)."""
    project = make_project(db, labels=NAMES)
    import_texts(db, project, tmp_path, labelled(1, 90, SHARES), split="train")
    y = labelled(2, 70, SHARES)
    import_texts(db, project, tmp_path, y, split="gold")
    probs = said(y, 3, noise={"student": 0.3})
    publish(db, project, gold_ids(db, project), y, probs, thresholds=CUTS)
    return db, project, y, probs["student"] >= np.array(CUTS)


def matrix(db: Database, project: int, role: str, keys: list[str]) -> NDArray:
    found = label_sets(db, project, role)
    return np.array([[key in each.labels for key in keys] for each in found])


@pytest.mark.parametrize("role", ["pool", "gold"])
def test_people_are_counted_as_training_counts_them(made: tuple, role: str) -> None:
    db, project, _, _ = made
    found = together.view(db, project)
    keys = [label.key for label in found.labels]
    y = matrix(db, project, role, keys).astype(int)
    seen = found.pool if role == "pool" else found.gold
    np.testing.assert_array_equal(seen.of().counts, y.T @ y)
    np.testing.assert_array_equal(seen.of([2, 0]).counts, y[:, [2, 0]].T @ y[:, [2, 0]])
    assert seen.n == len(y)
    support = [int(found.pool.support[k] + found.gold.support[k]) for k in range(4)]
    assert support == sorted(support, reverse=True)
    assert list(found.support) == support


def test_the_student_and_people_are_compared_on_the_same_texts(made: tuple) -> None:
    db, project, y, named = made
    found = together.view(db, project).answers
    assert found is not None
    assert (found.round, found.n) == (1, 70)
    at = [NAMES.index(label.zh) for label in found.labels]
    np.testing.assert_array_equal(found.truth.of().counts, y[:, at].astype(int).T @ y[:, at].astype(int))
    np.testing.assert_array_equal(found.student.of().counts, named[:, at].astype(int).T @ named[:, at].astype(int))
    errors = multilabel_confusion_matrix(y[:, at], named[:, at])
    assert list(found.missed) == list(errors[:, 1, 0])
    assert list(found.false) == list(errors[:, 0, 1])
    for each in found.confused:
        i, j = at[each.missed], at[each.named]
        assert each.texts == sum(a[i] and not b[i] and b[j] and not a[j] for a, b in zip(y, named, strict=True))
        assert each.texts > each.expected == pytest.approx(errors[each.missed, 1, 0] * errors[each.named, 0, 1] / 70)


def test_each_number_lists_exactly_its_texts(made: tuple) -> None:
    db, project, _, _ = made
    found = together.view(db, project)
    for source in together.SOURCES:
        of = found.of(source)
        assert of is not None
        labels, seen = of
        for i, a in enumerate(labels):
            for j, b in enumerate(labels):
                listed, page = [], 0
                while True:
                    part = together.texts(db, project, source, a.key, b.key, page=page)
                    assert part.n == seen.counts[i, j]
                    listed += part.texts
                    page += 1
                    if page >= part.pages:
                        break
                assert len({each.document_id for each in listed}) == seen.counts[i, j]
                for each in listed:
                    said_by = each.named if source == "student" else each.labels
                    assert said_by is not None
                    assert {a.key, b.key} <= set(said_by)
                    assert (each.named is None) == (source in ("pool", "gold"))
    worst = found.answers and found.answers.confused[0]
    assert worst
    missed, instead = (found.answers.labels[k].key for k in (worst.missed, worst.named))
    part = together.confused_texts(db, project, missed, instead)
    assert part.n == worst.texts
    for each in part.texts:
        assert missed in each.labels
        assert missed not in (each.named or ())
        assert instead in (each.named or ())
        assert instead not in each.labels
    texts = {each["id"]: each["text"] for each in rows(db, "SELECT id, text FROM documents")}
    assert all(each.text == texts[each.document_id] for each in part.texts)


def test_a_page_that_is_not_there_is_the_last_one(made: tuple) -> None:
    db, project, _, _ = made
    key = together.view(db, project).labels[0].key
    assert together.texts(db, project, "pool", key, key, page=999).page == together.texts(
        db, project, "pool", key, key
    ).pages - 1  # fmt: skip
    assert together.texts(db, project, "pool", key, key, page=-1).page == 0


def test_a_retired_label_goes_from_all_and_a_new_one_has_nothing(made: tuple, people: dict[str, int]) -> None:
    db, project, _, _ = made
    membership.add(db, project, people["lee"], by=None, now=NOW)
    gone = projects.project(db, project).label_set.labels[1].key
    labelling.retire(db, project, gone, by=people["lee"], now=NOW)
    fresh = labelling.add(db, project, {"zh": "戊"}, by=people["lee"], now=NOW).key
    found = together.view(db, project)
    assert gone not in {label.key for label in found.labels}
    assert found.labels[-1].key == fresh
    assert found.support[-1] == 0
    assert found.answers is not None
    assert {label.key for label in found.answers.labels} == {label.key for label in found.labels} - {fresh}
    assert together.texts(db, project, "pool", gone, gone).n == 0
    assert together.texts(db, project, "student", fresh, fresh).n == 0
    assert together.confused_texts(db, project, gone, fresh).n == 0


@pytest.mark.parametrize("labels", [("甲",), NAMES])
def test_without_texts_or_a_round_there_is_nothing_and_no_error(db: Database, labels: tuple[str, ...]) -> None:
    project = make_project(db, labels=labels)
    found = together.view(db, project)
    assert (found.pool.n, found.gold.n, found.answers) == (0, 0, None)
    assert found.of("truth") is None
    assert together.texts(db, project, "pool", "k0", "k0") == together.Texts(n=0, page=0, texts=())
    assert together.texts(db, project, "student", "k0", "k0").n == 0
    with pytest.raises(NotFound):
        together.view(db, 99)


def test_a_round_that_kept_no_answers_compares_nothing(db: Database, tmp_path: Path) -> None:
    project = make_project(db, labels=NAMES)
    y = labelled(2, 20, SHARES)
    import_texts(db, project, tmp_path, y, split="gold")
    publish(db, project, gold_ids(db, project), y, said(y, 1, noise={"student": 0.1}), thresholds=CUTS, kept=False)
    assert together.view(db, project).answers is None
