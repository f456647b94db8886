"""What comes into a project: texts, and labels with them."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlite_utils import Database

from core.config import MAX_TEXT, ProjectSettings
from core.errors import BadFile, BadRows, RetiredLabel, UnknownLabel
from core.export import datasets
from core.export.datasets import BadRow, Columns, Row
from core.label_rules import MAX_LABELS, looks
from core.labels import Label, LabelSet
from core.services import membership
from core.services.exporting import export_labels
from core.services.projects import (
    KEY,
    Project,
    create_project,
    insert_project,
    list_projects,
    project,
    update_settings,
)
from core.services.settling import label_sets
from core.text.normalize import normalize
from db import annotations as annotation_rows
from db import documents, events, users
from db.annotations import NewAnnotation
from db.connect import writing
from db.records import NewDocument

IMPORTER = "import"  # the system user whose annotations are those that came with a file
__all__ = [
    "ImportOptions",
    "ImportPlan",
    "ImportReport",
    "Project",
    "create_project",
    "export_labels",
    "import_as_project",
    "import_in_transaction",
    "label_sets",
    "list_projects",
    "plan_import",
    "project",
    "run_import",
    "update_settings",
]

GOLD_SPLITS = ("gold", "test")
SPLITS = (*GOLD_SPLITS, "", "train", "pool", "valid", "validation", "dev", "unlabelled", "unlabeled")
JOINERS = "|、，,；;"  # a label found in a file that has one of these is most likely several
Tick = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """How to read a file. ``use_labels=False`` keeps training rows' labels out (gold rows keep theirs)."""

    text_column: str = "text"
    id_column: str = "id"
    labels_column: str = "labels"
    split_column: str = "split"
    labels_separator: str = datasets.SEPARATOR
    use_labels: bool = True
    allow_partial: bool = False
    encoding: str = "utf-8"

    @property
    def columns(self) -> Columns:
        return Columns(
            text=self.text_column, id=self.id_column, labels=self.labels_column, split=self.split_column,
            separator=self.labels_separator,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ImportPlan:
    """What an import would do.

    ``new_labels`` are names in the file that the project does not have; ``labels_not_taken`` counts labelled rows whose
    text is here already: an import adds texts, it never overrules what people decided.
    """

    name: str
    rows: int
    good: int
    duplicates: int
    with_labels: int
    gold: int
    bad: tuple[BadRow, ...]
    new_labels: tuple[str, ...]
    labels_not_taken: int = 0
    documents: tuple[NewDocument, ...] = field(default=(), repr=False)


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    added: int
    labelled: int
    gold: int
    duplicates: int
    refused: tuple[BadRow, ...]
    seconds: float
    labels_not_taken: int = 0


def _read(path: Path, options: ImportOptions, progress: Tick | None) -> Iterator[Row | BadRow]:
    total = max(path.stat().st_size, 1)
    seen = 0
    for n, each in enumerate(datasets.read_rows(path, columns=options.columns, encoding=options.encoding), start=1):
        yield each
        if isinstance(each, Row):
            seen += len(each.text) * 3
        if progress and n % 500 == 0:
            progress(min(seen, total), total)
    if progress:
        progress(total, total)


def _in_gold(sha256: str, project_key: str, share: float) -> bool:
    """A fixed random part, by hash: the same texts on every machine and in every later import."""
    mark = hashlib.sha256(f"gold:{project_key}:{sha256}".encode()).digest()
    return int.from_bytes(mark[:6]) / 2**48 < share


class _Planner:
    """Collects rows into documents; nothing is written."""

    def __init__(self, label_set: LabelSet | None, *, key: str, gold_share: float, known: set[str]) -> None:
        self.label_set, self.key, self.gold_share = label_set, key, gold_share
        self.seen = set(known)
        self.found: list[tuple[NewDocument, bool]] = []  # with whether the file itself names a split
        self.bad: list[BadRow] = []
        self.names: Counter[str] = Counter()
        self.rows = self.duplicates = self.labels_not_taken = 0

    def take(self, row: Row | BadRow, source: str) -> None:
        """Check one row and keep its document, count it as a duplicate, or note what is wrong with it."""
        self.rows += 1
        if isinstance(row, BadRow):
            self.bad.append(row)
            return
        text = normalize(row.text)
        wrong = datasets.check_text(row.text if text else "", limit=MAX_TEXT)
        if wrong:
            self.bad.append(BadRow(line=row.line, field="text", code=wrong.code, fields=wrong.fields))
            return
        if row.split not in SPLITS:
            unknown = {"split": row.split[:40]}
            self.bad.append(BadRow(line=row.line, field="split", code="UnknownSplit", fields=unknown))
            return
        try:
            labels = self._canonical(row)
        except (UnknownLabel, RetiredLabel) as error:
            if isinstance(error, UnknownLabel):
                self.names[error.fields["label"]] += 1
            self.bad.append(BadRow(line=row.line, field="labels", code=error.code, fields=error.fields))
            return
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        if sha256 in self.seen:
            self.duplicates += 1
            self.labels_not_taken += bool(labels)
            return
        self.seen.add(sha256)
        document = NewDocument(
            external_id=row.id or sha256[:12], text=row.text.strip(), sha256=sha256,
            role="gold" if row.split in GOLD_SPLITS else "pool", labels=labels, source=source, meta=row.rest,
        )  # fmt: skip
        self.found.append((document, bool(row.split)))

    def _canonical(self, row: Row) -> tuple[str, ...] | None:
        if row.labels is None:
            return None
        if self.label_set is None:
            self.names.update(row.labels)
            return row.labels
        keys = self.label_set.canonical(row.labels)
        for key in keys:  # a merged one is taken, for another stands for it
            if not self.label_set.present((key,)):
                raise RetiredLabel(label=self.label_set.names("zh")[key])
        return keys

    def documents(self, *, use_labels: bool) -> tuple[NewDocument, ...]:
        """The documents that would enter. A file that names no gold of its own has a random part set aside."""
        share = 0.0 if any(document.role == "gold" for document, _ in self.found) else self.gold_share
        chosen = []
        for document, has_split in self.found:
            if not has_split and _in_gold(document.sha256, self.key, share):
                document = replace(document, role="gold")
            if not use_labels and document.role == "pool":
                document = replace(document, labels=None)
            chosen.append(document)
        return tuple(chosen)


def _plan(
    db: Database, target: Project | None, path: Path, options: ImportOptions, progress: Tick | None, *, key: str = ""
) -> ImportPlan:
    if not path.exists():
        raise BadFile(name=path.name, why="missing")
    share = (target.settings if target else ProjectSettings()).gold_share
    if target and documents.gold_exists(db, target.id):
        share = 0.0  # gold is set aside once, at the start: what comes later is for the pool
    planner = _Planner(
        target.label_set if target else None, key=target.key if target else key, gold_share=share,
        known=documents.known_hashes(db, target.id) if target else set(),
    )  # fmt: skip
    for each in _read(path, options, progress):
        planner.take(each, path.name)
    if not planner.rows:
        raise BadFile(name=path.name, why="empty")
    found = planner.documents(use_labels=options.use_labels)
    return ImportPlan(
        name=path.name, rows=planner.rows, good=len(found), duplicates=planner.duplicates,
        with_labels=sum(bool(d.labels) for d in found), gold=sum(d.role == "gold" for d in found),
        bad=tuple(planner.bad), new_labels=tuple(name for name, _ in planner.names.most_common()),
        labels_not_taken=planner.labels_not_taken, documents=found,
    )  # fmt: skip


def plan_import(
    db: Database, project_id: int | None, path: Path, *, options: ImportOptions, progress: Tick | None = None
) -> ImportPlan:
    """Read the whole file and say what importing it would do; nothing is written. Raises BadFile."""
    return _plan(db, project(db, project_id) if project_id else None, path, options, progress)


def run_import(
    db: Database, project_id: int, path: Path, *, options: ImportOptions, by: int | None, now: float,
    progress: Tick | None = None,
) -> ImportReport:  # fmt: skip
    """Import a file in one transaction: all of it, or (``allow_partial``) its good rows.

    Raises BadFile, BadRows (some rows are bad and a partial import was not asked for; nothing was written).
    """
    started = time.perf_counter()
    target = project(db, project_id)
    plan = _plan(db, target, path, options, progress)
    _refuse_bad(plan, options)
    with writing(db):
        inserted = _insert(db, target, plan, by=by, now=now)
    return _report(plan, inserted, started)


def import_in_transaction(
    db: Database, project_id: int, path: Path, *, options: ImportOptions, now: float, by: int | None = None
) -> ImportReport:
    """``run_import`` inside the caller's transaction, for a project that is made with its texts or not at all."""
    started = time.perf_counter()
    target = project(db, project_id)
    plan = _plan(db, target, path, options, None)
    _refuse_bad(plan, options)
    return _report(plan, _insert(db, target, plan, by=by, now=now), started)


def import_as_project(
    db: Database, path: Path, *, key: str, name: str, options: ImportOptions, by: int | None, now: float,
    settings: ProjectSettings | None = None, progress: Tick | None = None,
) -> tuple[Project, ImportReport]:  # fmt: skip
    """A new project whose label set is the labels found in the file, the commonest first.

    Raises BadFile (also when the file has no labels at all), BadRows, NotUnique (the key is taken).
    """
    started = time.perf_counter()
    if not KEY.fullmatch(key):
        raise BadFile(name=path.name, why="bad_key", key=key[:60])
    plan = _plan(db, None, path, options, progress, key=key)
    _refuse_bad(plan, options)
    if not plan.new_labels:
        raise BadFile(name=path.name, why="no_labels")
    if (have := len(plan.new_labels)) > MAX_LABELS:
        raise BadFile(name=path.name, why="too_many_labels", have=have, limit=MAX_LABELS)
    for each in plan.new_labels:
        if any(mark in each for mark in JOINERS):
            raise BadFile(name=path.name, why="bar_in_label", label=each)
    labels = tuple(
        Label(key=each, zh=each, colour=look["colour"], hotkey=look["hotkey"])
        for n, each in enumerate(plan.new_labels)
        for look in (looks(n, have),)
    )
    with writing(db):
        project_id = insert_project(
            db, key=key, name=name, name_en="", guideline="", settings=settings or ProjectSettings(), labels=labels,
            by=by, now=now,
        )  # fmt: skip
        made = project(db, project_id)
        inserted = _insert(db, made, plan, by=by, now=now)
    return made, _report(plan, inserted, started)


def _refuse_bad(plan: ImportPlan, options: ImportOptions) -> None:
    if plan.bad and not options.allow_partial:
        raise BadRows(bad=len(plan.bad), rows=plan.rows, report=plan.bad)


def _report(plan: ImportPlan, inserted: tuple[int, int], started: float) -> ImportReport:
    added, labelled = inserted
    return ImportReport(
        added=added, labelled=labelled, gold=plan.gold, duplicates=plan.duplicates, refused=plan.bad,
        seconds=time.perf_counter() - started,
        labels_not_taken=plan.labels_not_taken,
    )  # fmt: skip


def _insert(db: Database, target: Project, plan: ImportPlan, *, by: int | None, now: float) -> tuple[int, int]:
    """Inside the caller's transaction; what came in between planning and now is left out: (added, with labels).

    ``by`` is None for the command line, whose user owns the file. Raises NotAllowed.
    """
    if by is not None:
        membership.require_member(db, target.id, by, "lead")
    importer = users.by_name(db, IMPORTER)
    importer_id = importer[0].id if importer else users.insert(
        db, name=IMPORTER, role="system", password_hash="", lang="zh", now=now
    )  # fmt: skip
    known = documents.known_hashes(db, target.id)
    added = labelled = 0
    for document in plan.documents:
        if document.sha256 in known:
            continue
        added += 1
        done = document.labels is not None and len(document.labels) > 0
        overlap = target.settings.overlap
        if document.role == "gold" and documents.is_double(document.sha256, target.settings.gold_double_share):
            overlap = max(overlap, 2)
        document_id = documents.insert(db, target.id, document, overlap=overlap, done=done, now=now)
        if done:
            labelled += 1
            new = NewAnnotation(
                project_id=target.id, document_id=document_id, user_id=importer_id, decision="labelled",
                labels=target.label_set.canonical(document.labels or ()), submission_id=f"import:{document_id}",
            )  # fmt: skip
            annotation_rows.append(db, new, now=now)
    events.append(
        db, "imported", now=now, project_id=target.id, user_id=by,
        after={"file": plan.name, "added": added, "labelled": labelled, "refused": len(plan.bad)},
    )  # fmt: skip
    return added, labelled
