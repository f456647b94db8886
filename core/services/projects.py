"""Projects: their label sets and their settings."""

from __future__ import annotations

import functools
import re
import threading
import tomllib
from dataclasses import dataclass, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from core import encoder_folder
from core.config import ProjectSettings, RoundConfig
from core.errors import BadFile, BadLabel, BadName, BadProjectFile, BadSetting, ModelUnavailable, NameTaken
from core.label_rules import MAX_LABELS, looks
from core.labels import Label, LabelSet
from core.services import accounts, membership
from db import documents, events, members
from db import projects as project_rows
from db.connect import writing
from db.errors import NotFound

MAX_NAME = 60
LABEL_SETS = 16  # kept in memory; one of thousands of labels takes megabytes
KEY = re.compile(r"[a-z0-9_-]{1,40}")  # of a project: it names a folder too

_label_sets: dict[bytes, LabelSet] = {}  # by their marks
_guard = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class Project:
    id: int
    key: str
    name: str
    name_en: str
    label_set: LabelSet
    settings: ProjectSettings
    guideline: str
    archived_at: float | None = None  # since when nobody works in it

    def title(self, lang: str) -> str:
        """The name in a reader's language."""
        return self.name_en if lang == "en" and self.name_en else self.name


def project(db: Database, project_id: int) -> Project:
    """Raises NotFound."""
    found = project_rows.peek(db, project_id)
    if not found:
        raise NotFound(what=f"project {project_id}")
    return _project(db, found)


@functools.lru_cache(maxsize=64)
def _settings(stored: str) -> ProjectSettings:
    """Read and checked once for each wording: every step of a decision asks for its project."""
    return ProjectSettings.from_json(stored)


def _label_set(db: Database, project_id: int, mark: bytes) -> LabelSet:
    """Read and made once for each mark, which is another one with every change."""
    with _guard:
        found = _label_sets.get(mark)
    if found is None:
        found = LabelSet.of(Label(**each) for each in project_rows.labels(db, project_id))
        if project_rows.labels_mark(db, project_id) != mark:
            return found  # changed between two reads: they are those of another mark
    with _guard:
        _label_sets.pop(mark, None)
        _label_sets[mark] = found  # the latest comes last
        while len(_label_sets) > LABEL_SETS:
            del _label_sets[next(iter(_label_sets))]
    return found


def _project(db: Database, found: dict[str, Any]) -> Project:
    return Project(
        id=found["id"], key=found["key"], name=found["name"], name_en=found["name_en"],
        label_set=_label_set(db, found["id"], found["labels_mark"]),
        settings=_settings(found["settings"]), guideline=found["guideline"], archived_at=found["archived_at"],
    )  # fmt: skip


def list_projects(db: Database, *, archived: bool = False) -> list[Project]:
    """Those in which somebody works, or (``archived``) all of them, in the order in which they were made."""
    return [_project(db, each) for each in project_rows.everything(db) if archived or each["archived_at"] is None]


def insert_project(
    db: Database, *, key: str, name: str, name_en: str, guideline: str, settings: ProjectSettings,
    labels: tuple[Label, ...], by: int | None, now: float,
) -> int:  # fmt: skip
    """Inside the caller's transaction; whoever makes a project is its member. Raises BadSetting: no such strategy."""
    check_strategy(settings.acquisition, ProjectSettings.acquisition)
    project_id = project_rows.insert(
        db, key=key, name=name, name_en=name_en, guideline=guideline, settings=settings.wishes(), now=now
    )
    project_rows.insert_labels(db, project_id, [vars(label) for label in labels])
    if by is not None:
        members.add(db, project_id, by, now=now)
    events.append(db, "project_created", now=now, project_id=project_id, user_id=by, after={"key": key})
    return project_id


@dataclass(frozen=True, kw_only=True)
class NewProject:
    """A project to be made without texts: with labels of its own, or ``like`` another one's as they are today."""

    key: str
    name: str
    name_en: str = ""
    labels: tuple[Label, ...] = ()
    guideline: str = ""
    like: int | None = None
    same_guideline: bool = True
    same_settings: bool = True


def checked_names(name: str, name_en: str) -> tuple[str, str]:
    """A project's names as they are stored; the English one may be empty. Raises BadName."""
    name, name_en = name.strip(), name_en.strip()
    for each in (name, name_en or name):
        if not 1 <= len(each) <= MAX_NAME or not each.isprintable():
            raise BadName(name=each[:MAX_NAME])
    return name, name_en


def make_project(db: Database, new: NewProject, *, by: int, now: float) -> Project:
    """Whoever makes it is its member. Raises NotAllowed, BadName, BadFile (the key), NameTaken, BadLabel."""
    with writing(db):
        accounts.require_active(db, by, "lead")
        name, name_en = checked_names(new.name, new.name_en)
        if not KEY.fullmatch(new.key):
            raise BadFile(name="", why="bad_key", key=new.key[:60])
        if any(each["key"] == new.key for each in project_rows.everything(db)):
            raise NameTaken(name=new.key)
        labels, guideline, settings = new.labels, new.guideline.strip(), ProjectSettings()
        if new.like is not None:
            membership.require_member(db, new.like, by, "lead")
            model = project(db, new.like)
            labels = model.label_set.on_board
            guideline = model.guideline if new.same_guideline else guideline
            settings = model.settings if new.same_settings else settings
        if not 1 <= len(labels) <= MAX_LABELS:
            why = "many" if labels else "none"
            raise BadLabel(field="labels", why=why, have=len(labels), limit=MAX_LABELS)
        project_id = insert_project(
            db, key=new.key, name=name, name_en=name_en, guideline=guideline, settings=settings, labels=labels, by=by,
            now=now,
        )  # fmt: skip
    return project(db, project_id)


_PACKAGES = {
    "rjieba": ("rjieba", "pip install rjieba"),
    "jieba": ("jieba", "pip install jieba"),
    "ckip": ("ckip_transformers", "pip install -r requirements-ckip.txt"),
    "opencc": ("opencc", "pip install opencc"),
}


def check_at_hand(config: RoundConfig, before: RoundConfig) -> None:
    """Refuses what the next round could not be trained with here, where it was not set before already.

    Raises ModelUnavailable: a package that is not installed; BadFile: no such file of word vectors;
    EncoderUnavailable: no package for encoders, or a folder that holds none.
    """
    if config.uses_encoder and (config.encoder, config.used_archs) != (before.encoder, before.used_archs):
        encoder_folder.check(config.encoder)
    wanted = [config.segmenter] if config.segmenter != before.segmenter else []
    wanted += ["opencc"] if config.conversion and config.conversion != before.conversion else []
    for name in wanted:
        package, how = _PACKAGES.get(name, ("", ""))
        if package and find_spec(package) is None:
            raise ModelUnavailable(name=name, why=how)
    file = Path(config.vectors_file).expanduser()
    if config.vectors_file and config.vectors_file != before.vectors_file and not file.is_file():
        raise BadFile(name=file.name, why="missing")


def check_strategy(name: str, before: str) -> None:
    """Raises BadSetting: a name that is new here, and no strategy's."""
    if name != before:
        from core.active.queue import find  # loads scipy, which nobody else here waits for

        find(name)


def update_settings(db: Database, project_id: int, settings: ProjectSettings, *, by: int, now: float) -> None:
    """A new overlap, and a new share of gold that two people label, also hold for texts that still wait.

    Raises NotAllowed, and what ``check_at_hand`` and ``check_strategy`` raise of changed settings.
    """
    with writing(db):
        membership.require_member(db, project_id, by, "lead")
        before = project(db, project_id).settings
        check_at_hand(settings.round, before.round)
        check_strategy(settings.acquisition, before.acquisition)
        project_rows.set_settings(db, project_id, settings.wishes())
        if (before.overlap, before.gold_double_share) != (settings.overlap, settings.gold_double_share):
            documents.set_overlaps(
                db, project_id, overlap=settings.overlap, gold_overlap=max(settings.overlap, 2),
                share=settings.gold_double_share,
            )  # fmt: skip
        events.append(
            db, "settings_set", now=now, project_id=project_id, user_id=by, before=before.to_json(),
            after=settings.to_json(),
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ProjectFile:
    """What a project file (TOML) says: names, labels, settings, and where its guideline and corpus lie."""

    key: str
    name: str
    name_en: str
    labels: tuple[Label, ...]
    settings: ProjectSettings
    guideline: str
    corpus: Path | None


def read_project_file(path: Path) -> ProjectFile:
    """Raises BadProjectFile (name, field, why): no such file, not TOML, a field missing or wrong."""

    def bad(field: str, why: str) -> BadProjectFile:
        return BadProjectFile(name=path.name, field=field, why=why)

    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise bad("", "missing") from error
    except IsADirectoryError as error:
        raise bad("", "folder") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise bad("", str(error)[:200]) from error
    for name in ("key", "name", "labels"):
        if not found.get(name):
            raise bad(name, "missing")
    if not isinstance(found["key"], str) or not KEY.fullmatch(found["key"]):
        raise bad("key", "a-z 0-9 - _")
    if len(found["labels"]) > MAX_LABELS:
        raise bad("labels", f"{len(found['labels'])} > {MAX_LABELS}")
    labels = tuple(_label(each, n, len(found["labels"]), bad) for n, each in enumerate(found["labels"]))
    for what in ("key", "zh", "hotkey"):
        values = [getattr(label, what) for label in labels if getattr(label, what)]
        if len(set(values)) != len(values):
            raise bad(f"labels.{what}", "twice")
    try:
        settings = ProjectSettings.from_mapping(found.get("settings", {}))
    except (BadSetting, TypeError) as error:
        raise bad("settings", str(error)) from error
    texts: dict[str, Path | None] = {}
    for name in ("guideline", "corpus"):
        texts[name] = path.parent / found[name] if found.get(name) else None
        if found.get(name) and not (path.parent / found[name]).exists():
            raise bad(name, f"missing: {found[name]}")
    guideline = texts["guideline"].read_text(encoding="utf-8") if texts["guideline"] else ""
    return ProjectFile(
        key=found["key"], name=found["name"], name_en=found.get("name_en", ""), labels=labels, settings=settings,
        guideline=guideline, corpus=texts["corpus"],
    )  # fmt: skip


def _label(found: dict[str, Any], n: int, of: int, bad: Any) -> Label:
    known = {field.name for field in fields(Label)} - {"place", "retired_at", "merged_into"}
    for name in found:
        if name not in known:
            raise bad(f"labels[{n}].{name}", "unknown field")
    for name in ("key", "zh"):
        if not isinstance(found.get(name), str) or not found[name].strip():
            raise bad(f"labels[{n}].{name}", "missing")
    usual = looks(n, of)
    colour, hotkey = found.get("colour") or usual["colour"], str(found.get("hotkey") or usual["hotkey"])
    lists = {name: tuple(found.get(name, ())) for name in ("examples", "counter_examples", "keywords")}
    return Label(**{**found, **lists, "colour": colour, "hotkey": hotkey})


def create_project(db: Database, path: Path, *, by: int | None, now: float) -> Project:
    """A project as its file says, still without texts. Raises BadProjectFile, NotUnique (the key is taken)."""
    file = read_project_file(path)
    with writing(db):
        project_id = insert_project(
            db, key=file.key, name=file.name, name_en=file.name_en, guideline=file.guideline, settings=file.settings,
            labels=file.labels, by=by, now=now,
        )  # fmt: skip
    return project(db, project_id)
