"""``python -m core reproduce heads``: its options, and what it says while it works. What it calls loads on use."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from core.errors import BadSetting
from core.experiments.directory import held
from core.experiments.terminal import Stop, carried_out, follow, split
from core.messages import sentence
from core.reproduce.heads.plan import ALONE, DRAWN, GIVEN, PUBLISHED, STUDENT, HeadsPlan

HELP = "the four heads over one encoder, cross-validated, with their speed"
NUMBERS = ("folds", "tested", "epochs", "batch_size", "max_tokens")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the subcommand."""
    parser.add_argument("--data", required=True, metavar="FILE", help="labelled texts: .jsonl or .csv (or .gz of one)")
    parser.add_argument("--encoder", required=True, metavar="DIR", help="a folder, such as pretrain made, or a name")
    parser.add_argument("--out", required=True, metavar="DIR", help="where cells and results go; goes on where it was")
    parser.add_argument("--heads", nargs="+", default=["all"], help=f"all, or of {', '.join(PUBLISHED)}")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    for name in NUMBERS:
        says = {"tested": "so many of the folds; 0: all"}
        flag = f"--{name.replace('_', '-')}"
        parser.add_argument(flag, type=int, default=getattr(HeadsPlan, name), help=says.get(name))
    parser.add_argument("--lr", type=float, default=HeadsPlan.lr)
    parser.add_argument("--head-lr", type=float, default=HeadsPlan.head_lr)
    parser.add_argument("--frozen", action="store_true", help="the encoder does not learn: for a CPU")
    parser.add_argument("--drawn", action="store_true", help="also over the same encoder with weights drawn at random")
    parser.add_argument("--students", action="store_true", help="also a TextCNN taught by each head, and one untaught")
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="so many texts, for a trial")
    for column in ("text", "labels"):
        parser.add_argument(f"--{column}-column", default=column)
    parser.add_argument("--json", action="store_true", help="the last line as JSON")


def reproduce(args: argparse.Namespace, lang: str) -> int:
    """Each head on a labelled file's folds, with a report."""
    try:
        plan = plan_of(args)
    except BadSetting as error:
        print(sentence(error, lang), file=sys.stderr)
        return 2
    return carried_out(lambda stop: _reproduce(args, plan, stop, lang), Path(args.data), lang)


def plan_of(args: argparse.Namespace) -> HeadsPlan:
    """Raises BadSetting."""
    names = split(args.heads)
    more = [*([DRAWN] if args.drawn else []), *([STUDENT, ALONE] if args.students else [])]
    return HeadsPlan(
        heads=tuple(PUBLISHED) if names == ["all"] else tuple(f"{name.removesuffix('.v1')}.v1" for name in names),
        encoders=(GIVEN, *more), seeds=tuple(args.seeds), lr=args.lr,
        head_lr=args.head_lr, frozen=args.frozen, **{name: getattr(args, name) for name in NUMBERS},
    )  # fmt: skip


def _reproduce(args: argparse.Namespace, plan: HeadsPlan, stop: Stop, lang: str) -> int:
    from core.encoders import load
    from core.experiments import corpus
    from core.export.datasets import Columns
    from core.reproduce.heads import report
    from core.reproduce.heads.place import Place
    from core.reproduce.heads.run import run

    encoder = load.load(args.encoder, batch=plan.batch_size, tokens=plan.max_tokens, learning=not plan.frozen)
    columns = replace(Columns(), text=args.text_column, labels=args.labels_column)
    data = corpus.load(Path(args.data), columns=columns, limit=args.limit)
    place = Place(Path(args.out))
    settings = {"data": data.digest, "encoder": encoder.digest, **plan.settings()}
    with held(place.out, ("cells",), settings):
        with closing(run(plan, data, encoder, place)) as steps:
            stop.patient = True
            follow(steps, stop, lang)
            stop.patient = False
            stop.check()
        path = report.write(plan, data, place, command=_command(args), encoder=encoder.digest)
    print(json.dumps({"report": str(path)}, ensure_ascii=False) if args.json else path)
    return 0


def _command(args: argparse.Namespace) -> str:
    parts = ["python", "-m", "core", "reproduce", "heads", "--data", Path(args.data).name, "--encoder", "DIR"]
    parts += ["--out", "DIR", "--heads", *args.heads, "--seeds", *map(str, args.seeds)]
    for name in NUMBERS:
        parts += [f"--{name.replace('_', '-')}", str(getattr(args, name))]
    parts += ["--lr", f"{args.lr:g}", "--head-lr", f"{args.head_lr:g}"]
    parts += [flag for flag, given in _flags(args) if given]
    return shlex.join(parts)


def _flags(args: argparse.Namespace) -> list[tuple[str, bool]]:
    return [("--frozen", args.frozen), ("--drawn", args.drawn), ("--students", args.students)]
