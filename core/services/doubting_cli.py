"""``python -m core doubts``: labels that look mistaken, on a terminal, as JSON, or as a CSV file to read elsewhere."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from core.config import Runtime
from core.errors import BadFile
from core.export.datasets import write_csv
from core.messages import in_language
from core.services import doubting
from core.services.doubting import Doubt, ToRead
from core.services.projects import Project
from db.connect import open_database
from db.records import User

SHOWN = 40  # characters of a text on a terminal


def add_options(
    parser: argparse.ArgumentParser, *, find: Callable[[Database, str | None], Project],
    owner: Callable[[Database], User], lang: str,
) -> None:  # fmt: skip
    """The options of the subcommand; ``find`` gives a project by its key, ``owner`` whoever may see everything."""
    parser.add_argument("--project", help="key of the project (default: the first)")
    parser.add_argument("--limit", type=int, default=50, metavar="N", help="so many of them (default: 50)")
    parser.add_argument("--json", action="store_true", help="one JSON object, texts whole")
    parser.add_argument("--csv", metavar="FILE", help="write them to a file, texts whole")
    parser.set_defaults(find=find, owner=owner, lang=lang)


def doubts(args: argparse.Namespace, runtime: Runtime) -> int:
    """List labels that look mistaken, the likeliest first."""
    out = Path(args.csv) if args.csv else None
    if out and not out.parent.is_dir():
        raise BadFile(name=str(out), why="missing")
    with closing(open_database(runtime.database)) as db:
        project = args.find(db, args.project)
        found = doubting.to_read(db, project.id, by=args.owner(db).id, n=max(0, args.limit))
    rows = [_row(each) for each in found.doubts]
    if out:
        beside = out.with_name(out.name + ".part")
        with open(beside, "wb") as stream:
            stream.writelines(write_csv(rows))
        beside.replace(out)
    if args.json:
        about = {"n": found.n, "at": found.at, "texts": found.texts, "note": found.note, "unjudged": found.unjudged}
        print(json.dumps({**about, "doubts": rows}, ensure_ascii=False))
        return 0
    names = project.label_set.names("en" if args.lang == "en" else "zh")
    for each in found.doubts if not out else ():
        sign = "-" if each.given else "+"
        text = " ".join(each.text.split())[:SHOWN]
        line = (each.external_id, sign + names[each.label], f"{each.probability:.2f}", f"{each.score:.2f}", text)
        print("\t".join(line))
    print(in_language(_sum(found, out), args.lang))
    return 0


def _row(doubt: Doubt) -> dict[str, Any]:
    return {
        "id": doubt.external_id, "document": doubt.document_id, "label": doubt.label, "given": int(doubt.given),
        "probability": round(doubt.probability, 4), "score": round(doubt.score, 4), "labels": list(doubt.labels),
        "split": "gold" if doubt.gold else "pool", "source": doubt.source, "text": doubt.text,
    }  # fmt: skip


def _sum(found: ToRead, out: Path | None) -> tuple[str, str]:
    """The last line: how many wait, or why there is none; Traditional Chinese and English."""
    if found.at is None or found.note == "too_few":
        need = doubting.LEAST_TEXTS
        return (
            f"還沒有清單：標好的文章滿 {need} 篇之後，背景程式有空就會算。",
            f"No list yet: the worker makes one once {need} texts are labelled and nothing else is to do.",
        )
    if found.note == "too_many":
        return (
            f"標好的文章太多（{found.texts:,} 篇）或太長，沒有算清單。",
            f"No list: too many labelled texts ({found.texts:,}), or too long ones.",
        )
    where = f" → {out}" if out else ""
    return (
        f"還有 {found.n} 個標籤要再讀一次（根據 {found.texts:,} 篇）{where}。標籤不會自己改，請到「審閱」頁決定。",
        f"{found.n} labels to read again (of {found.texts:,} texts){where}. Nothing changes by itself: "
        "decide on the Review page.",
    )
