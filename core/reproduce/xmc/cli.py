"""``python -m core reproduce xmc``: its options, and what it says while it works. What it calls loads on use."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import BadFile, BadSetting
from core.experiments.directory import held
from core.experiments.terminal import Stop, carried_out, follow, split, tell
from core.messages import sentence
from core.reproduce.xmc.plan import MODELS, XmcPlan

if TYPE_CHECKING:
    from core.experiments.parted import Parted

HELP = "ways for large label sets: tree and ranker, recursive, adaptive clusters (chang2020, ye2020)"
NUMBERS = ("depth", "kept", "parts", "width", "steps", "batch")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the subcommand."""
    parser.add_argument("--data", required=True, metavar="FILE", help="labelled texts: .jsonl or .csv (or .gz of one)")
    parser.add_argument("--out", required=True, metavar="DIR", help="where cells and results go; goes on where it was")
    parser.add_argument("--models", nargs="+", default=["all"], help=f"all, or of {', '.join(MODELS)}")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(XmcPlan.seeds), help="other trees and weights")
    for name in NUMBERS:
        says = {"depth": "of the tree; -1: the published rule", "kept": "clusters of a text"}
        parser.add_argument(f"--{name}", type=int, default=getattr(XmcPlan, name), help=says.get(name))
    parser.add_argument("--lr", type=float, default=XmcPlan.lr)
    parser.add_argument("--encoder", metavar="DIR", default="", help="tree and aplc read by it, and it learns")
    parser.add_argument("--max-tokens", type=int, default=XmcPlan.tokens, help="of a text, for an encoder")
    parser.add_argument("--encoder-lr", type=float, default=XmcPlan.encoder_lr)
    parser.add_argument(
        "--words", action=argparse.BooleanOptionalAction, help="words, not characters (Reuters-90: yes)"
    )
    for column in ("text", "labels"):
        parser.add_argument(f"--{column}-column", default=column)
    parser.add_argument("--json", action="store_true", help="the last line as JSON")


def reproduce(args: argparse.Namespace, lang: str) -> int:
    """Each way on a labelled file's fixed parts, with a report."""
    names = split(args.models)
    try:
        plan = XmcPlan(
            models=MODELS if names == ["all"] else tuple(names),
            seeds=tuple(args.seeds),
            lr=args.lr,
            tokens=args.max_tokens,
            encoder_lr=args.encoder_lr,
            **{name: getattr(args, name) for name in NUMBERS},
        )
    except BadSetting as error:
        print(sentence(error, lang), file=sys.stderr)
        return 2
    return carried_out(lambda stop: _reproduce(args, plan, stop, lang), Path(args.data), lang)


def _reproduce(args: argparse.Namespace, plan: XmcPlan, stop: Stop, lang: str) -> int:
    from core.encoders import load
    from core.reproduce.xmc import report
    from core.reproduce.xmc.run import run

    data = _data(args)
    for note in data.notes:
        print(note, file=sys.stderr)
    words = bool(data.benchmark) if args.words is None else args.words
    out = Path(args.out)
    encoder = load.load(args.encoder, batch=plan.batch, tokens=plan.tokens) if args.encoder else None
    plan = replace(plan, encoder=encoder.digest if encoder else "")
    with held(out, ("cells",), {"data": data.digest, "words": words, **plan.frozen()}):
        with closing(run(plan, data, out, words=words, encoder=encoder)) as steps:
            follow(steps, stop, lang)
        tell(lang, "所有部分都做完了，正在寫報告…", "All cells are finished; writing the report …")
        path = report.write(plan, data, out, command=_command(args))
    print(json.dumps({"report": str(path)}, ensure_ascii=False) if args.json else path)
    return 0


def _data(args: argparse.Namespace) -> Parted:
    """Reuters-90 in its published parts, any other file in its own. Raises BadFile, BadRows."""
    from core.experiments import parted, reuters
    from core.export.datasets import Columns

    path = Path(args.data)
    try:
        return reuters.load(path)
    except BadFile as error:
        if error.fields["why"] != "not_reuters":
            raise
    return parted.load(path, columns=replace(Columns(), text=args.text_column, labels=args.labels_column))


def _command(args: argparse.Namespace) -> str:
    parts = ["python", "-m", "core", "reproduce", "xmc", "--data", Path(args.data).name, "--out", "DIR"]
    parts += ["--models", *args.models, "--seeds", *map(str, args.seeds)]
    for name in (*NUMBERS, "lr"):
        parts += [f"--{name}", str(getattr(args, name))] if getattr(args, name) != getattr(XmcPlan, name) else []
    if args.encoder:
        parts += ["--encoder", "DIR", "--max-tokens", str(args.max_tokens), "--encoder-lr", f"{args.encoder_lr:g}"]
    parts += [] if args.words is None else ["--words" if args.words else "--no-words"]
    return shlex.join(parts)
