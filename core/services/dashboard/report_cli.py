"""``python -m core report``: the dashboard's report as a zip, from a terminal."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sqlite_utils import Database

from core.config import Runtime
from core.errors import BadFile
from core.experiments.directory import publish
from core.export.report import bundle
from core.messages import LANGS, in_language
from core.services.dashboard import report
from core.services.dashboard.report import Wanted
from core.services.projects import Project
from db.connect import open_database


def add_options(parser: argparse.ArgumentParser, *, find: Callable[[Database, str | None], Project], lang: str) -> None:
    """The options of the subcommand; ``find`` gives a project by its key."""
    parser.add_argument("--project", help="key of the project (default: the first)")
    parser.add_argument("--lang", choices=LANGS, default=lang, help="language of the report")
    parser.add_argument("--with-names", action="store_true", help="people by name, not as A, B, C")
    parser.add_argument("--out", required=True, metavar="FILE.zip")
    parser.set_defaults(find=find)


def make(args: argparse.Namespace, runtime: Runtime) -> int:
    """Write a report: figures, methods and tables as one zip, without any text."""
    out = Path(args.out)
    if not out.parent.is_dir() or out.suffix.lower() != ".zip":
        raise BadFile(name=str(out), why="missing" if not out.parent.is_dir() else "no_zip")
    wanted = Wanted(lang=args.lang, names=args.with_names)
    with closing(open_database(runtime.database)) as db:
        project = args.find(db, args.project)
        publish(out, bundle(report.report(db, project.id, wanted, now=time.time(), tick=_bar)))
    size = f"{out.stat().st_size:,}"
    print(in_language((f"已寫入 {out}（{size} 位元組）", f"Wrote {out} ({size} bytes)"), args.lang), flush=True)
    return 0


def _bar(step: str, done: int, total: int) -> None:
    if sys.stderr.isatty():
        end = "\n" if done + 1 == total else ""
        print(f"\r{done + 1}/{total} {step:10}", end=end, file=sys.stderr, flush=True)
