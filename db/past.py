"""What one person has decided before: their present decisions, newest first, and how each came to be.

All of it goes by the index on (user_id, id): a look back costs what this person has done, not what the project holds.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Sequence
from typing import Any

from sqlite_utils import Database

from db.connect import row, rows

CHUNK = 200
LAST = 2**62  # above every id


def decisions(
    db: Database, project_id: int, user_id: int, *, label_keys: Sequence[str] | None = None,
    decision: str | None = None, settled: bool = False, before: int | None = None, chunk: int = CHUNK,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """Present decisions with their texts and adjudications, newest first; ``label_keys``: with any one of these.

    ``settled``: those alone that a reviewer has settled.

    Read in chunks, so that nobody reads thousands of texts to show twenty.
    """
    before = LAST if before is None else before
    while True:
        found = rows(
            db,
            "SELECT a.id, a.document_id, a.submission_id AS uid, d.text, d.role, a.labels, a.decision, a.comment, "
            "a.created_at AS at, a.ms, j.labels AS settled, coalesce(j.left_out, 0) AS left_out, "
            "j.comment AS settled_comment, j.at AS settled_at "
            "FROM annotations a JOIN current_annotations c ON c.document_id = a.document_id "
            "AND c.user_id = a.user_id AND c.annotation_id = a.id JOIN documents d ON d.id = a.document_id "
            "LEFT JOIN adjudications j ON j.document_id = a.document_id "
            "WHERE a.user_id = :u AND a.project_id = :p AND a.id < :before "
            "AND (:decision IS NULL OR a.decision = :decision) AND (NOT :settled OR j.labels IS NOT NULL) "
            "AND (:keys IS NULL OR EXISTS (SELECT 1 FROM json_each(a.labels) m "
            "WHERE m.value IN (SELECT value FROM json_each(:keys)))) ORDER BY a.id DESC LIMIT :n",
            u=user_id, p=project_id, before=before, decision=decision, n=chunk, settled=settled,
            keys=None if label_keys is None else json.dumps(list(label_keys), ensure_ascii=False),
        )  # fmt: skip
        for each in found:
            yield {
                **each, "labels": _keys(each["labels"]), "settled": _keys(each["settled"]),
                "left_out": bool(each["left_out"]),
            }  # fmt: skip
        if len(found) < chunk:
            return
        before = found[-1]["id"]


def versions(db: Database, annotation_id: int) -> list[dict[str, Any]]:
    """A decision and those that it superseded, newest first: id, decision, labels, comment, at."""
    found = rows(
        db,
        "WITH RECURSIVE chain(id, supersedes) AS (SELECT id, supersedes FROM annotations WHERE id = :a "
        "UNION ALL SELECT b.id, b.supersedes FROM annotations b JOIN chain ON b.id = chain.supersedes) "
        "SELECT a.id, a.decision, a.labels, a.comment, a.created_at AS at FROM chain "
        "JOIN annotations a ON a.id = chain.id ORDER BY a.id DESC",
        a=annotation_id,
    )
    return [{**each, "labels": _keys(each["labels"])} for each in found]


def n_versions(db: Database, annotation_id: int) -> int:
    """How many versions a decision has had, itself counted."""
    found = row(
        db,
        "WITH RECURSIVE chain(id, supersedes) AS (SELECT id, supersedes FROM annotations WHERE id = :a "
        "UNION ALL SELECT b.id, b.supersedes FROM annotations b JOIN chain ON b.id = chain.supersedes) "
        "SELECT count(*) AS n FROM chain",
        a=annotation_id,
    )
    return int(found["n"]) if found else 0


def compared(db: Database, project_id: int, user_id: int) -> list[dict[str, Any]]:
    """My labelled texts that others have settled or labelled: document_id, mine, theirs (one row a person), settled.

    Texts that were settled as left out are not among them.
    """
    found = rows(
        db,
        "SELECT a.document_id, a.labels AS mine, o.labels AS theirs, j.labels AS settled "
        "FROM annotations a JOIN current_annotations c ON c.document_id = a.document_id "
        "AND c.user_id = a.user_id AND c.annotation_id = a.id "
        "LEFT JOIN adjudications j ON j.document_id = a.document_id "
        "LEFT JOIN current_annotations o ON o.document_id = a.document_id AND o.user_id != a.user_id "
        "AND o.decision = 'labelled' WHERE a.user_id = :u AND a.project_id = :p AND a.decision = 'labelled' "
        "AND (o.labels IS NOT NULL OR j.labels IS NOT NULL) AND coalesce(j.left_out, 0) = 0 ORDER BY a.document_id",
        u=user_id, p=project_id,
    )  # fmt: skip
    names = ("mine", "theirs", "settled")
    return [{**each, **{name: _keys(each[name]) for name in names}} for each in found]


@functools.lru_cache(maxsize=4096)
def _keys(stored: str | None) -> tuple[str, ...] | None:
    """A stored list of labels; there are few that differ, and many rows."""
    return None if stored is None else tuple(json.loads(stored))


# A text counts once: while its person has a decision on it that is no skip, and on the day of the first such decision
# they ever made on it. Changing it, skipping it or taking it back and deciding again does not move it.
_FIRST = (
    "a.id = (SELECT min(b.id) FROM annotations b WHERE b.user_id = c.user_id AND b.document_id = c.document_id "
    "AND b.decision IN ('labelled', 'flagged')) AND c.decision IN ('labelled', 'flagged')"
)


def firsts(db: Database, project_id: int, user_id: int, *, since: float) -> list[tuple[float, int]]:
    """When this person's texts were first decided, since a moment, and how long each took: (at, ms), in order."""
    found = rows(
        db,
        "SELECT a.created_at AS at, a.ms FROM annotations a INDEXED BY annotations_user "  # noqa: S608 (constant text)
        "JOIN current_annotations c ON c.document_id = a.document_id AND c.user_id = a.user_id "
        f"WHERE a.project_id = :p AND a.user_id = :u AND a.created_at >= :since AND {_FIRST} ORDER BY a.id",
        p=project_id, u=user_id, since=since,
    )  # fmt: skip
    return [(each["at"], each["ms"]) for each in found]


def per_day(db: Database, project_id: int) -> list[tuple[str, str, int]]:
    """(day in UTC+8, person, texts first decided on that day), imports left out."""
    found = rows(
        db,
        "SELECT date(a.created_at, 'unixepoch', '+8 hours') AS day, u.name, count(*) AS n "  # noqa: S608 (constant text)
        "FROM current_annotations c CROSS JOIN users u ON u.id = c.user_id CROSS JOIN annotations a "
        f"WHERE c.project_id = :p AND u.role != 'system' AND {_FIRST} GROUP BY day, u.name ORDER BY day",
        p=project_id,
    )
    return [(each["day"], each["name"], each["n"]) for each in found]
