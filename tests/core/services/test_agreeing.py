"""The agreement of a project is that of its rows, one by one."""

from __future__ import annotations

import contextlib
import random
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from sqlite_utils import Database

from core.evaluate.agreement import as_votes, cohen_kappa, krippendorff_alpha, set_alpha
from core.services import adjudicating, agreeing, annotating, curating, labelling
from core.services.dashboard import people as tab
from core.services.standing import standing
from db import adjudications
from db.connect import execute, reading, writing
from db.errors import NotFound
from tests.conftest import LABELS, NOW, make_project
from tests.flows.test_click import fill, save

KEYS = tuple(f"k{n}" for n in range(len(LABELS)))


def disputed(db: Database, people: dict[str, int], tmp_path: Path, seed: int) -> int:
    """Texts that up to four people have labelled, some of them settled, one or the other left out."""
    draw = random.Random(seed)
    project = make_project(db, overlap=4, gold_share=0.3)
    fill(db, project, tmp_path, n=12)
    readers = [people[name] for name in ("ann", "bob", "rae", "lee")]
    for turn in range(60):
        who = draw.choice(readers)
        held = annotating.next_texts(db, project, who, n=2, now=NOW)
        if held:
            text = draw.choice(held).id
            chosen = {KEYS[text % 3], *draw.sample(KEYS, draw.choice([0, 0, 1]))}
            annotating.apply(db, project, who, [save(f"t{turn}", text, *sorted(chosen))], now=NOW + turn)
    for document in draw.sample(range(1, 13), 4):
        seen = (adjudications.peek(db, document) or {}).get("at")
        with contextlib.suppress(NotFound):
            if draw.random() < 0.3:
                adjudicating.leave_out(db, project, document, seen=seen, by=people["rae"], now=NOW)
            else:
                adjudicating.settle(db, project, document, draw.sample(KEYS, 1), seen=seen, by=people["rae"], now=NOW)
    return project


@pytest.mark.parametrize("seed", range(5))
def test_the_figures_are_those_of_the_rows(db, people, tmp_path: Path, seed: int) -> None:
    project = disputed(db, people, tmp_path, seed)
    found = agreeing.agreement(db, project, by=people["rae"])
    texts: dict[int, dict[int, frozenset[str]]] = {}
    after: dict[int, dict[int, frozenset[str]]] = {}
    for each in adjudications.read_twice(db, project):
        texts.setdefault(each["document_id"], {})[each["user_id"]] = frozenset(each["labels"])
        counts = frozenset(each["settled"] or each["labels"])
        after.setdefault(each["document_id"], {})[each["user_id"]] = counts
    readers = sorted({who for text in texts.values() for who in text})
    votes = as_votes([list(text.items()) for text in texts.values()], readers, KEYS)
    votes_after = as_votes([list(text.items()) for text in after.values()], readers, KEYS)
    assert found.n == len(texts) > 2
    assert found.settled == sum(
        each in texts for each in (row["document_id"] for row in adjudications.settled(db, project))
    )
    assert found.before == pytest.approx(set_alpha([list(text.values()) for text in texts.values()]))
    assert found.after == pytest.approx(set_alpha([list(text.values()) for text in after.values()]))
    assert [each.before for each in found.labels] == pytest.approx(krippendorff_alpha(votes))
    assert [each.after for each in found.labels] == pytest.approx(krippendorff_alpha(votes_after))
    pairs = {pair.people: pair for pair in found.pairs}
    for (a, first), (b, second) in combinations(enumerate(readers), 2):
        both = sum(first in text and second in text for text in texts.values())
        assert (pairs[first, second].n if both else 0) == both
        if both:
            want = cohen_kappa(votes[a], votes[b])
            got = [np.nan if each is None else each for each in pairs[first, second].kappa]
            assert got == pytest.approx(want, nan_ok=True)


@pytest.mark.parametrize("seed", range(3))
def test_the_dashboard_says_what_reviewers_read(db, people, tmp_path: Path, seed: int) -> None:
    project = disputed(db, people, tmp_path, seed)
    theirs = agreeing.agreement(db, project, by=people["rae"])
    ours = tab.agreement(db, project)
    assert ours.sets is not None
    assert (ours.n, ours.sets.value, ours.sets.n) == (theirs.n, theirs.before, theirs.n)
    assert [each.alpha and each.alpha.value for each in ours.labels] == [each.before for each in theirs.labels]
    assert {tuple(sorted(each.names)): each.n for each in ours.pairs} == {
        tuple(sorted(each.names)): each.n for each in theirs.pairs
    }
    with reading(db):
        assert tab.agreement_now(standing(db, project)) == ours.sets
    for pair in ours.pairs:
        for kappa, known in zip(pair.labels(), pair.kappa, strict=True):
            assert (kappa and kappa.value) == pytest.approx(known)
            if kappa is not None and kappa.low is not None and kappa.high is not None:
                assert kappa.low <= kappa.value <= kappa.high
    for label in ours.labels:
        if label.alpha is not None and label.alpha.low is not None and label.alpha.high is not None:
            assert label.alpha.low <= label.alpha.value <= label.alpha.high


def test_labels_that_came_with_a_file_are_one_more_reader(db, people, tmp_path: Path) -> None:
    project = make_project(db, overlap=2)
    fill(db, project, tmp_path, n=2, labels=["甲"])
    with writing(db):
        execute(db, "UPDATE documents SET state = 'open', overlap = 2")  # as a text is that is put back
    for document in (1, 2):
        held = annotating.next_texts(db, project, people["ann"], n=2, now=NOW)
        assert {each.id for each in held} >= {document}
        annotating.apply(db, project, people["ann"], [save(f"t{document}", document, KEYS[document])], now=NOW)
    assert [pair.names for pair in tab.agreement(db, project).pairs] == [("ann", "import")]
    assert [pair.n for pair in agreeing.agreement(db, project, by=people["rae"]).pairs] == [2]


def test_one_person_or_nobody_is_no_agreement(db, people, project_id, tmp_path: Path) -> None:
    fill(db, project_id, tmp_path, n=2)
    for _ in range(2):
        found = tab.agreement(db, project_id)
        assert (found.n, found.people, found.sets, found.pairs) == (0, 0, None, ())
        assert [each.alpha for each in found.labels] == [None] * 3
        held = annotating.next_texts(db, project_id, people["ann"], n=1, now=NOW)
        annotating.apply(db, project_id, people["ann"], [save("a", held[0].id, "k0")], now=NOW)


def test_a_vote_of_which_no_label_is_left_is_none(db, people, tmp_path: Path) -> None:

    project = make_project(db, overlap=2)
    fill(db, project, tmp_path, n=2)
    for name, labels in (("ann", "k0 k1"), ("bob", "k2 k1")):
        for document, key in zip((1, 2), labels.split(), strict=True):
            annotating.next_texts(db, project, people[name], n=2, now=NOW)
            annotating.apply(db, project, people[name], [save(f"{name}{document}", document, key)], now=NOW)
    assert tab.agreement(db, project).n == 2
    labelling.retire(db, project, "k2", by=people["lee"], now=NOW)
    assert tab.agreement(db, project).n == agreeing.agreement(db, project, by=people["rae"]).n == 1
    assert curating.project(db, project).label_set.keys == ("k0", "k1")
