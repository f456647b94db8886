"""``python -m core simulate``: its options, and what it says while it works. What it calls loads on use."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import BadSetting
from core.experiments.terminal import Stop, assignments, carried_out, follow, split, tell
from core.messages import sentence

if TYPE_CHECKING:
    from core.simulate.plan import Plan

DEFAULTS = {"first": 30, "batch": 20, "budget": 430, "test_share": 0.25, "explore_share": 0.1}


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the subcommand."""
    parser.add_argument("--data", required=True, metavar="FILE", help="labelled texts: .jsonl or .csv (or .gz of one)")
    parser.add_argument("--strategy", required=True, nargs="+", help="with commas, or all; chance is always among them")
    parser.add_argument("--out", required=True, metavar="DIR", help="where cells and results go; goes on where it was")
    parser.add_argument("--learner", choices=("linear", "student"), default="linear")
    parser.add_argument("--seeds", type=int, default=5, help="how many: each splits anew and starts from other texts")
    parser.add_argument(
        "--first", type=int, default=DEFAULTS["first"], help="texts by chance, before any model; 0: none"
    )
    parser.add_argument("--batch", type=int, default=DEFAULTS["batch"], help="texts between two trainings")
    parser.add_argument("--budget", type=int, default=DEFAULTS["budget"], help="labelled texts at the end")
    parser.add_argument("--test-share", type=float, default=DEFAULTS["test_share"], help="measured on, never chosen")
    parser.add_argument("--explore-share", type=float, default=DEFAULTS["explore_share"], help="of a queue, at random")
    parser.add_argument("--jobs", type=int, default=0, help="processes of one thread (default: one a core)")
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="so many texts, for a trial")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="a round's setting (student)")
    for column in ("text", "labels"):
        parser.add_argument(f"--{column}-column", default=column)
    parser.add_argument("--json", action="store_true", help="the last line as JSON")


def simulate(args: argparse.Namespace, lang: str) -> int:
    """Replay a labelled file through the product's own loop, strategy by strategy, with a report."""
    try:
        plan = plan_of(args)
    except BadSetting as error:
        print(sentence(error, lang), file=sys.stderr)
        return 2
    return carried_out(lambda stop: _simulate(args, plan, stop, lang), Path(args.data), lang)


def plan_of(args: argparse.Namespace) -> Plan:
    """Raises BadSetting."""
    from core.simulate.plan import Plan, served

    if args.limit < 0 or args.jobs < 0:
        field = "limit" if args.limit < 0 else "jobs"
        raise BadSetting(field=field, value=getattr(args, field), why="≥ 0")
    names = split(args.strategy)
    sizes = {name: getattr(args, name) for name in ("seeds", *DEFAULTS)}
    return Plan(
        strategies=served(args.learner) if names == ["all"] else tuple(names),
        learner=args.learner,
        settings=assignments(args.set),
        **sizes,
    )


def _simulate(args: argparse.Namespace, plan: Plan, stop: Stop, lang: str) -> int:
    from core.experiments.corpus import load
    from core.export.datasets import Columns
    from core.simulate import report
    from core.simulate.run import checked, labelled, run
    from core.simulate.store import Store

    columns = Columns(text=args.text_column, labels=args.labels_column)
    corpus = labelled(load(Path(args.data), columns=columns, limit=args.limit))
    for note in corpus.notes:
        print(note, file=sys.stderr)
    parts = checked(plan, corpus)
    store = Store(Path(args.out))
    with store.hold(plan, {"data": corpus.digest}):
        with closing(run(plan, corpus, store, jobs=args.jobs or _cores())) as steps:
            follow(steps, stop, lang)
        tell(lang, "所有部分都做完了，正在寫報告…", "All cells are finished; writing the report …")
        path = report.write(plan, corpus, store, parts, command=_command(args))
    print(json.dumps({"report": str(path)}, ensure_ascii=False) if args.json else path)
    return 0


def _cores() -> int:
    """Those that this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _command(args: argparse.Namespace) -> str:
    parts = ["python", "-m", "core", "simulate", "--data", Path(args.data).name, "--out", "DIR"]
    parts += ["--strategy", ",".join(split(args.strategy)), "--learner", args.learner, "--seeds", str(args.seeds)]
    for name in DEFAULTS:
        parts += [f"--{name.replace('_', '-')}", f"{getattr(args, name):g}"]
    parts += ["--limit", str(args.limit)] if args.limit else []
    parts += ["--set", *args.set] if args.set else []
    return shlex.join(parts)
