"""The standing in memory is what the tables say, after anything that people do."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import random
from pathlib import Path

import numpy as np
import pytest
from sqlite_utils import Database

from core.evaluate.agreement import masi_distance
from core.services import adjudicating, annotating, labelling, projects, settling
from core.services.standing import NONE, Standing, standing
from db import adjudications
from db.connect import reading
from db.errors import NotFound
from tests.conftest import LABELS, NOW, make_project
from tests.flows.test_click import fill, save

KEYS = tuple(f"k{n}" for n in range(len(LABELS)))


def look(db: Database, project: int) -> Standing:
    with reading(db):
        return standing(db, project)


def names(found: Standing, number: int) -> frozenset[str]:
    return frozenset(k for k, one in zip(found.label_set.keys, found.sets[number], strict=True) if one)


def check(db: Database, project: int) -> None:
    """Against the rows that training and agreement read."""
    found = look(db, project)
    keys = found.label_set.keys
    for role in ("pool", "gold"):
        told = {each.document_id: each.labels for each in settling.label_sets(db, project, role, texts=False)}
        at = found.counting(gold=role == "gold")
        assert {int(found.documents[n]): names(found, found.counts_as[n]) for n in at} == told
        y = found.label_set.encode(list(told.values())).astype(int).reshape(len(told), len(keys))
        assert found.support(gold=role == "gold").tolist() == y.sum(axis=0).tolist()
        assert found.held(gold=role == "gold").of().counts.tolist() == (y.T @ y).tolist()
    twice = [
        (each["document_id"], each["user_id"], frozenset(found.label_set.present(each["labels"])))
        for each in adjudications.read_twice(db, project)
    ]
    votes, many = found.votes, np.bincount(found.votes.documents, minlength=99) if len(found.votes.documents) else []
    out = set(found.documents[found.left_out].tolist())
    assert sorted(each for each in twice if each[2]) == [
        (int(d), int(u), names(found, s))
        for d, u, s in zip(votes.documents, votes.people, votes.sets, strict=True)
        if d not in out and (many[d] > 1 or any(d == e[0] for e in twice))
    ]
    for document, apart in zip(found.documents.tolist(), found.apart.tolist(), strict=True):
        chosen = [names(found, s) for s in votes.sets[votes.documents == document]]
        assert apart == pytest.approx(sum(masi_distance(a, b) for a, b in itertools.permutations(chosen, 2)))


@pytest.mark.parametrize("seed", range(6))
def test_whatever_people_do_it_says_what_the_tables_say(db, people, tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    project = make_project(db, overlap=2, unsettled=draw.choice(["majority", "union", "leave_out"]), gold_share=0.3)
    fill(db, project, tmp_path, n=12)
    check(db, project)
    for turn in range(40):
        who = people[draw.choice(["ann", "bob"])]
        held = annotating.next_texts(db, project, who, n=3, now=NOW + turn)
        if held and draw.random() < 0.75:
            decision = draw.choices(["labelled", "skipped", "flagged"], [6, 1, 1])[0]
            chosen = draw.sample(KEYS, draw.randint(1, 3)) if decision == "labelled" else []
            annotating.apply(
                db, project, who, [save(f"{turn}", draw.choice(held).id, *chosen, decision=decision)], now=NOW + turn
            )
        elif draw.random() < 0.5:
            document, by = draw.randint(1, 12), people["rae"]
            seen = (adjudications.peek(db, document) or {}).get("at")
            with contextlib.suppress(NotFound):  # nobody has read it
                if draw.random() < 0.3:
                    adjudicating.leave_out(db, project, document, seen=seen, by=by, now=NOW + turn)
                else:
                    adjudicating.settle(
                        db, project, document, draw.sample(KEYS[:2], 1), seen=seen, by=by, now=NOW + turn
                    )
        else:
            done = adjudications.settled(db, project)
            if done:
                adjudicating.reopen(db, project, done[0]["document_id"], by=people["rae"], now=NOW + turn)
        if turn == 20:
            labelling.merge(db, project, "k2", "k0", by=people["lee"], now=NOW)
        if turn == 30:
            settings = projects.project(db, project).settings
            projects.update_settings(
                db, project, dataclasses.replace(settings, unsettled="union"), by=people["lee"], now=NOW
            )
        if turn % 3 == 0 or turn > 30:
            check(db, project)


def test_an_empty_project_has_shapes_and_no_figures(db, project_id) -> None:
    found = look(db, project_id)
    assert found.labels(gold=False).shape == (0, 3)
    assert found.support(gold=True).tolist() == [0, 0, 0]
    assert found.held(gold=False).of().counts.shape == (3, 3)


def test_a_retired_label_leaves_its_texts_uncounted(db, people, project_id, tmp_path: Path) -> None:
    fill(db, project_id, tmp_path, n=2)
    first = annotating.next_texts(db, project_id, people["ann"], n=1, now=NOW)[0]
    annotating.apply(db, project_id, people["ann"], [save("a", first.id, "k1")], now=NOW)
    assert look(db, project_id).support(gold=False).tolist() == [0, 1, 0]
    labelling.retire(db, project_id, "k1", by=people["lee"], now=NOW)
    found = look(db, project_id)
    assert found.counts_as.tolist() == [NONE]
    assert len(found.votes.documents) == 0
    check(db, project_id)


def test_two_files_with_the_same_project_number_are_kept_apart(db, people, project_id, tmp_path: Path) -> None:
    from db.connect import open_database

    look(db, project_id)
    other = open_database(tmp_path / "other.db", create=True)
    make_project(other, labels=("甲", "乙"))
    assert look(other, project_id).support(gold=False).tolist() == [0, 0]
    other.close()
