"""Laws of decisions: whatever people do to a text, the log only grows and everybody who asks sees the present ones."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from core.labels import majority
from core.services import annotating, looking_back, settling
from db.connect import execute, rows, value, writing
from db.errors import NotFound
from tests.conftest import NOW, make_project
from tests.db.test_tallies import check_tallies

KEYS = ("k0", "k1", "k2")
DECISION = st.tuples(
    st.sampled_from(["labelled", "skipped", "flagged"]), st.sets(st.sampled_from(KEYS), min_size=1).map(sorted)
)
STEP = st.tuples(
    st.sampled_from(["ann", "bob"]), st.sampled_from(["save", "revise", "revise", "undo", "replay"]), DECISION
)


@dataclass
class Person:
    """What one person has decided, by the rules as they are told: the model that the product is held to."""

    id: int
    chain: list[tuple[str, tuple[str, ...], str]] = field(default_factory=list)  # decision, labels, uid; newest last
    last: dict[str, object] = field(default_factory=dict)


class Text:
    """One text of a project with two people a text, and the two people."""

    def __init__(self, db: Database, project_id: int, people: dict[str, int]) -> None:
        self.db, self.project_id = db, project_id
        self.people = {name: Person(people[name]) for name in ("ann", "bob")}
        self.written, self.n = 0, 0
        with writing(db):
            fresh = value(db, "SELECT count(*) FROM documents")
            self.id = execute(
                db,
                "INSERT INTO documents (project_id, external_id, text, sha256, role, overlap, shuffle, created_at) "
                "VALUES (:p, :n, :n, :n, 'pool', 2, 0, 0)",
                p=project_id, n=f"text {fresh}",
            ).lastrowid  # fmt: skip
            for person in self.people.values():
                execute(
                    db,
                    "INSERT INTO leases (project_id, document_id, user_id, leased_at, until) "
                    "VALUES (:p, :d, :u, :now, :now + 900)",
                    p=project_id, d=self.id, u=person.id, now=NOW,
                )  # fmt: skip

    def send(self, person: Person, op: dict[str, object]) -> list[str]:
        """Sends one op; the codes with which it was refused."""
        done = annotating.apply(self.db, self.project_id, person.id, [op], now=NOW)
        if not done.refused:
            person.last = op
        return [each.code for each in done.refused]

    def step(self, name: str, kind: str, decision: str, labels: list[str]) -> None:
        person, self.n = self.people[name], self.n + 1
        uid = f"{self.id}-{self.n}"
        if kind == "replay":
            if person.last:
                self.send(person, person.last)
        elif kind == "undo":
            if person.chain:
                assert self.send(person, {"uid": uid, "kind": "undo", "target": person.chain[-1][2]}) == []
                person.chain, self.written = [], self.written + 1
        else:
            op = {"uid": uid, "kind": kind, "document": self.id, "decision": decision, "labels": labels}
            refused = self.send(person, op)
            if (kind == "save") == bool(person.chain):  # a second decision without a desk, or a change of nothing
                assert refused == ["AlreadyDecided" if kind == "save" else "NotFound"]
            else:
                assert refused == []
                person.chain.append((decision, tuple(labels), uid))
                self.written += 1

    def holds(self) -> None:
        log = rows(self.db, "SELECT id FROM annotations WHERE document_id = :d", d=self.id)
        assert len(log) == self.written, "each op is in the log once"
        check_tallies(self.db)
        for person in self.people.values():
            mine = [
                each
                for each in looking_back.history(self.db, self.project_id, person.id)
                if each.document_id == self.id
            ]
            if not person.chain:
                assert mine == []
                with pytest.raises(NotFound):
                    looking_back.one(self.db, self.project_id, person.id, self.id)
                continue
            decision, labels, uid = person.chain[-1]
            assert [(p.decision, p.labels, p.uid, p.versions) for p in mine] == [
                (decision, labels, uid, len(person.chain))
            ]
            kept = looking_back.one(self.db, self.project_id, person.id, self.id).versions
            assert [(each.decision, each.labels) for each in kept] == [x[:2] for x in reversed(person.chain)]
        present = [p.chain[-1] for p in self.people.values() if p.chain]
        votes = [frozenset(labels) for decision, labels, _ in present if decision == "labelled"]
        seen = [x.labels for x in settling.label_sets(self.db, self.project_id, "pool") if x.document_id == self.id]
        assert seen == [each for each in [majority(votes)] if each], "training sees the present versions alone"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, max_size=12))
def test_the_log_grows_and_the_present_version_counts(
    db: Database, people: dict[str, int], steps: list[tuple[str, str, tuple[str, list[str]]]]
) -> None:
    project_id = value(db, "SELECT id FROM projects") or make_project(db, overlap=2)
    text = Text(db, project_id, people)
    for name, kind, (decision, labels) in steps:
        text.step(name, kind, decision, labels)
        text.holds()
