"""``python -m core reproduce losses``: its options, and what it says while it works. What it calls loads on use."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.config import LOSSES, SEGMENTERS, RoundConfig
from core.errors import BadFile, BadSetting
from core.experiments.terminal import Stop, assignments, carried_out, follow, split, tell
from core.messages import sentence
from core.reproduce.losses.plan import PUBLISHED_LOSSES, LossPlan

if TYPE_CHECKING:
    from core.experiments.parted import Parted

HELP = "losses for the long tail, on fixed parts (huang2021)"
PARTS = ("auto", "reuters90", "own")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that only this experiment has."""
    short = ", ".join(name.removesuffix(".v1") for name in LOSSES)
    parser.add_argument(
        "--losses", nargs="+", default=["published"], help=f"published (those of the paper), all, or of {short}"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4], help="other weights, dropout, batches")
    parser.add_argument(
        "--parts", choices=PARTS, default="auto",
        help="reuters90: the published ones; own: the file's test split, or a fifth; auto: the first where it can be",
    )  # fmt: skip
    parser.add_argument("--segmenter", choices=SEGMENTERS, help="words for Reuters-90, else characters")


def reproduce(args: argparse.Namespace, lang: str) -> int:
    """Train each loss from several seeds on a labelled file's fixed parts, beside two baselines, with a report."""
    try:
        plan_of(args, published=True)
    except BadSetting as error:
        print(sentence(error, lang), file=sys.stderr)
        return 2
    return carried_out(lambda stop: _reproduce(args, stop, lang), Path(args.data), lang)


def plan_of(args: argparse.Namespace, *, published: bool) -> LossPlan:
    """The plan for the published corpus, or for another. Raises BadSetting."""
    names = split(args.losses)
    groups = {"published": PUBLISHED_LOSSES, "all": LOSSES}
    losses = groups[names[0]] if len(names) == 1 and names[0] in groups else tuple(map(_versioned, names))
    if args.resamples < 1:
        raise BadSetting(field="resamples", value=args.resamples, why="≥ 1")
    segmenter = args.segmenter or ("words" if published else RoundConfig.segmenter)
    return LossPlan(
        losses=losses,
        archs=tuple(map(_versioned, split(args.arch))),
        seeds=tuple(args.seeds),
        settings={"segmenter": segmenter, **assignments(args.set)},
        threads=args.threads,
    )


def _versioned(name: str) -> str:
    return f"{name.removesuffix('.v1')}.v1"


def _reproduce(args: argparse.Namespace, stop: Stop, lang: str) -> int:
    from core.reproduce import cells
    from core.reproduce.losses import report
    from core.reproduce.losses.run import run
    from core.reproduce.store import Store

    data = _data(args)
    for note in data.notes:
        print(note, file=sys.stderr)
    plan = plan_of(args, published=bool(data.benchmark))
    store = Store(Path(args.out))
    with store.hold(plan, {"data": data.digest, **cells.brought_along(plan)}):
        with closing(run(plan, data, store)) as steps:
            stop.patient = True
            follow(steps, stop, lang)
            stop.patient = False
            stop.check()
        tell(lang, "所有部分都做完了，正在寫報告…", "All cells are finished; writing the report …")
        path = report.write(plan, data, store, command=_command(args), resamples=args.resamples)
    print(json.dumps({"report": str(path)}, ensure_ascii=False) if args.json else path)
    return 0


def _data(args: argparse.Namespace) -> Parted:
    """Raises BadFile: as the loaders do; ``auto`` takes what is not Reuters-90 as any other file."""
    from core.experiments import parted, reuters
    from core.export.datasets import Columns

    path = Path(args.data)
    if args.parts != "own":
        try:
            return reuters.load(path)
        except BadFile as error:
            if args.parts == "reuters90" or error.fields["why"] != "not_reuters":
                raise
    return parted.load(path, columns=replace(Columns(), text=args.text_column, labels=args.labels_column))


def _command(args: argparse.Namespace) -> str:
    parts = ["python", "-m", "core", "reproduce", "losses", "--data", Path(args.data).name, "--out", "DIR"]
    parts += ["--losses", *args.losses, "--arch", *args.arch, "--seeds", *map(str, args.seeds), "--parts", args.parts]
    parts += ["--segmenter", args.segmenter] if args.segmenter else []
    parts += ["--set", *args.set] if args.set else []
    return shlex.join(parts)
