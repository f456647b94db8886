"""``python -m core reproduce``: its options, and what it says while it works. What it calls loads on use."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from core.config import ARCHS, SEGMENTERS, SWEEPS, RoundConfig
from core.errors import BadSetting
from core.experiments.terminal import Stop, assignments, carried_out, follow, split, tell
from core.messages import sentence
from core.reproduce.heads import cli as heads
from core.reproduce.losses import cli as losses
from core.reproduce.plan import PUBLISHED_ARCHS, RECIPES, Plan
from core.reproduce.xmc import cli as xmc


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the subcommand."""
    kinds = parser.add_subparsers(dest="what", required=True, metavar="{kd,losses,xmc,heads}")
    kd = kinds.add_parser("kd", help="teachers, standalone and distilled students, cross-validated (lee2022kd)")
    _of_all(kd, arch="all", others="all (the published four) or ")
    kd.add_argument("--folds", type=int, default=5)
    kd.add_argument("--seeds", type=int, nargs="+", default=[0], help="each is one whole repetition")
    kd.add_argument("--recipes", default="kd", help=f"with commas, or all: {', '.join(RECIPES)}")
    kd.add_argument("--sweep", choices=SWEEPS, default=RoundConfig.sweep, help="exact: a teacher a class weight")
    kd.add_argument("--segmenter", choices=SEGMENTERS, default=RoundConfig.segmenter)
    kd.add_argument("--pool", metavar="FILE", help="unlabelled texts, for word vectors alone")
    kd.add_argument("--limit", type=int, default=0, metavar="N", help="so many texts, for a trial")
    more = "bag (TF-IDF and one layer) or "
    losses.add_options(_of_all(kinds.add_parser("losses", help=losses.HELP), arch="textcnn", others=more))
    xmc.add_options(kinds.add_parser("xmc", help=xmc.HELP))
    heads.add_options(kinds.add_parser("heads", help=heads.HELP))


def _of_all(parser: argparse.ArgumentParser, *, arch: str, others: str = "") -> argparse.ArgumentParser:
    parser.add_argument("--data", required=True, metavar="FILE", help="labelled texts: .jsonl or .csv (or .gz of one)")
    parser.add_argument("--out", required=True, metavar="DIR", help="where cells and results go; goes on where it was")
    parser.add_argument("--arch", nargs="+", default=[arch], help=f"{others}of {_short(ARCHS)}")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="a round's setting for all cells")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--resamples", type=int, default=10_000, help="draws of the bootstrap")
    for column in ("text", "labels"):
        parser.add_argument(f"--{column}-column", default=column)
    parser.add_argument("--json", action="store_true", help="the last line as JSON")
    return parser


def _short(archs: tuple[str, ...]) -> str:
    return ", ".join(arch.removesuffix(".v1") for arch in archs)


def reproduce(args: argparse.Namespace, lang: str) -> int:
    """A published experiment on a labelled file, with a report."""
    if args.what in ("losses", "xmc", "heads"):
        return {"losses": losses, "xmc": xmc, "heads": heads}[args.what].reproduce(args, lang)
    try:
        plan = plan_of(args)
    except BadSetting as error:
        print(sentence(error, lang), file=sys.stderr)
        return 2
    return carried_out(lambda stop: _reproduce(args, plan, stop, lang), Path(args.data), lang)


def plan_of(args: argparse.Namespace) -> Plan:
    """Raises BadSetting."""
    archs = tuple(f"{arch.removesuffix('.v1')}.v1" for arch in split(args.arch))
    recipes = split([args.recipes])
    settings = {"segmenter": args.segmenter, "sweep": args.sweep, **assignments(args.set)}
    if args.limit < 0 or args.resamples < 1:
        field = "limit" if args.limit < 0 else "resamples"
        raise BadSetting(field=field, value=getattr(args, field), why="≥ 0" if field == "limit" else "≥ 1")
    return Plan(
        archs=PUBLISHED_ARCHS if archs == ("all.v1",) else archs,
        folds=args.folds,
        seeds=tuple(args.seeds),
        recipes=tuple(RECIPES) if recipes == ["all"] else tuple(recipes),
        settings=settings,
        threads=args.threads,
    )


def _reproduce(args: argparse.Namespace, plan: Plan, stop: Stop, lang: str) -> int:
    from core.experiments.corpus import load
    from core.export.datasets import Columns
    from core.reproduce import cells, report
    from core.reproduce.run import run
    from core.reproduce.store import Store

    columns = replace(Columns(), text=args.text_column, labels=args.labels_column)
    pool = Path(args.pool) if args.pool else None
    corpus = load(Path(args.data), columns=columns, limit=args.limit, pool=pool)
    for note in corpus.notes:
        print(note, file=sys.stderr)
    store = Store(Path(args.out))
    with store.hold(plan, {"data": corpus.digest, **cells.brought_along(plan)}):
        with closing(run(plan, corpus, store)) as steps:
            stop.patient = True
            follow(steps, stop, lang)
            stop.patient = False
            stop.check()
        tell(lang, "所有部分都做完了，正在寫報告…", "All cells are finished; writing the report …")
        path = report.write(plan, corpus, store, command=_command(args), resamples=args.resamples)
    print(json.dumps({"report": str(path)}, ensure_ascii=False) if args.json else path)
    return 0


def _command(args: argparse.Namespace) -> str:
    parts = ["python", "-m", "core", "reproduce", args.what, "--data", Path(args.data).name, "--out", "DIR"]
    parts += ["--arch", *args.arch, "--folds", str(args.folds), "--seeds", *map(str, args.seeds)]
    parts += ["--recipes", args.recipes, "--sweep", args.sweep, "--segmenter", args.segmenter]
    parts += ["--pool", Path(args.pool).name] if args.pool else []
    parts += ["--limit", str(args.limit)] if args.limit else []
    parts += ["--set", *args.set] if args.set else []
    return shlex.join(parts)
