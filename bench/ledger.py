"""The truth of a run: what people decided and what they were told was saved, held against what the database has.

A browser's part is written down by ``WATCH_OUTBOX`` inside the page, beside the board: it sees each op go into the
outbox, and leave it once the answer has come. It is kept in ``localStorage``, so a closed tab takes nothing along.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import BrowserContext, Page

from tests.e2e.driving import Server

# Runs before any script of the page. What a board puts on its shelf bears this name; a refusal's sentence is on screen.
WATCH_OUTBOX = """(() => {
  const SHELF = 'tagtail.op.', MADE = 'bench.made.', GONE = 'bench.gone.';
  const put = Storage.prototype.setItem, drop = Storage.prototype.removeItem;
  Storage.prototype.setItem = function (name, value) {
    if (this === window.localStorage && name.startsWith(SHELF)) {
      const op = JSON.parse(value);
      put.call(this, MADE + op.uid, value);
    }
    return put.call(this, name, value);
  };
  Storage.prototype.removeItem = function (name) {
    if (this === window.localStorage && name.startsWith(SHELF)) put.call(this, GONE + name.split('.').pop(), '1');
    return drop.call(this, name);
  };
})();"""
READ_LEDGER = """() => {
  const made = {}, gone = [], left = [];
  for (const name of Object.keys(localStorage)) {
    if (name.startsWith('bench.made.')) made[name.slice(11)] = JSON.parse(localStorage.getItem(name));
    if (name.startsWith('bench.gone.')) gone.push(name.slice(11));
    if (name.startsWith('tagtail.op.')) left.push(name.split('.').pop());
  }
  return {made, gone, left};
}"""


@dataclass(frozen=True, kw_only=True)
class Made:
    """One decision as its maker made it."""

    uid: str
    document: int
    decision: str
    labels: tuple[str, ...]
    at: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """One person's decisions, by uid, and which of them they were told to be saved."""

    made: Mapping[str, Made]
    acked: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """``lost``: acknowledged and not in the database as decided. ``undelivered``: never acknowledged and not there.

    ``doubled``: saved twice, or a person's second decision on a text whose first stands, or a text that more people
    decided than its overlap. ``strange``: in the database though nobody made it.
    """

    made: int
    acked: int
    lost: int
    undelivered: int
    doubled: int
    strange: int

    @property
    def figures(self) -> dict[str, int]:
        return dict(vars(self))


def watch(context: BrowserContext) -> None:
    """From now on each page of the context notes what its board decides."""
    context.add_init_script(WATCH_OUTBOX)


def read(page: Page) -> Ledger:
    """What the browser profile of this page has noted."""
    found: dict[str, Any] = page.evaluate(READ_LEDGER)
    made = {
        uid: Made(uid=uid, document=op["document"], decision=op["decision"], labels=tuple(op["labels"]))
        for uid, op in found["made"].items()
        if op["kind"] == "save"
    }
    return Ledger(made=made, acked=frozenset(set(found["gone"]) & made.keys()))


def audit(server: Server, ledgers: Mapping[str, Ledger], before: Iterable[str] = ()) -> Verdict:
    """Holds everybody's ledger against the database. ``before``: uids that were saved before anybody took notes."""
    rows = server.rows(
        "SELECT a.*, u.name FROM annotations a JOIN users u ON u.id = a.user_id WHERE u.role != 'system' ORDER BY a.id"
    )
    times = Counter(row["submission_id"] for row in rows)
    saved = {row["submission_id"]: row for row in rows}

    def as_made(name: str, one: Made) -> bool:
        row = saved.get(one.uid)
        return (
            row is not None
            and row["name"] == name
            and (row["document_id"], row["decision"]) == (one.document, one.decision)
            and sorted(json.loads(row["labels"])) == sorted(one.labels)
        )

    wrong = {uid for name, each in ledgers.items() for uid, one in each.made.items() if not as_made(name, one)}
    acked = {uid for each in ledgers.values() for uid in each.acked}
    made = {uid for each in ledgers.values() for uid in each.made}
    known = made | set(before)
    return Verdict(
        made=len(made),
        acked=len(acked),
        lost=len(wrong & acked),
        undelivered=len(wrong - acked),
        doubled=sum(n - 1 for n in times.values()) + _again(rows) + _too_many(server),
        strange=sum(uid not in known for uid in times),
    )


def _again(rows: list[dict[str, Any]]) -> int:
    """Decisions of one person on a text that they had decided already and not taken back."""
    standing: set[tuple[str, int]] = set()
    found = 0
    for row in rows:
        mine = (row["name"], row["document_id"])
        if row["decision"] == "undone":
            standing.discard(mine)
            continue
        found += mine in standing
        standing.add(mine)
    return found


def _too_many(server: Server) -> int:
    """People beyond a text's overlap."""
    rows = server.rows(
        "SELECT d.overlap, count(*) AS n FROM current_annotations c JOIN documents d ON d.id = c.document_id "
        "WHERE c.decision IN ('labelled', 'flagged') GROUP BY d.id HAVING count(*) > d.overlap"
    )
    return sum(row["n"] - row["overlap"] for row in rows)
