"""``python -m core pretrain``: its options, and what it says while it works. What it calls loads on use."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.config import CONVERSIONS
from core.encoders.pretrain.plan import SIZES, PretrainPlan
from core.errors import BadSetting, CannotStart
from core.experiments.directory import held
from core.experiments.terminal import Progress, Stop, carried_out, follow, tell
from core.messages import sentence

if TYPE_CHECKING:
    from core.encoders.pretrain.run import Stand


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the subcommand."""
    parser.add_argument("--data", required=True, nargs="+", metavar="FILE", help=".jsonl, .csv or .txt (or .gz of one)")
    parser.add_argument("--out", required=True, metavar="DIR", help="where the encoder goes; goes on where it was")
    parser.add_argument("--size", choices=SIZES, default="tiny", help="tiny is for a CPU, the others for a GPU")
    parser.add_argument(
        "--from", dest="start", default="", metavar="DIR", help="an encoder to go on from (or its name)"
    )
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--steps", type=int, default=0, help="in place of epochs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lr", type=float, default=0.0, help="in place of the size's")
    parser.add_argument("--max-tokens", type=int, default=0, help="the longest piece; in place of the size's")
    parser.add_argument("--batch-tokens", type=int, default=0, help="tokens a step; in place of the size's")
    parser.add_argument("--conversion", choices=[c for c in CONVERSIONS if c], default="", help="characters, by OpenCC")
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="the last line as JSON")


def pretrain(args: argparse.Namespace, lang: str) -> int:
    """An encoder of the user's own texts."""
    try:
        plan = plan_of(args)
    except BadSetting as error:
        print(sentence(error, lang), file=sys.stderr)
        return 2
    return carried_out(lambda stop: _pretrain(args, plan, stop, lang), Path(args.data[0]), lang)


def plan_of(args: argparse.Namespace) -> PretrainPlan:
    """Raises BadSetting."""
    return PretrainPlan(
        size=args.size, epochs=args.epochs, steps=args.steps, seed=args.seed, conversion=args.conversion,
        start=args.start, lr=args.lr, max_tokens=args.max_tokens, batch_tokens=args.batch_tokens,
    )  # fmt: skip


def _pretrain(args: argparse.Namespace, plan: PretrainPlan, stop: Stop, lang: str) -> int:
    from core.encoders import load
    from core.encoders.pretrain import run, texts

    load.library()
    import torch

    if args.threads > 0:
        torch.set_num_threads(args.threads)
    if plan.size == "small" and not plan.start and not torch.cuda.is_available() and not plan.steps:
        raise CannotStart(why="a CPU", fix="--size tiny, or --steps N for a trial")
    found = texts.load([Path(each) for each in args.data], column=args.text_column, conversion=plan.conversion)
    out = Path(args.out)
    report: dict[str, Any] = {}
    with held(out, (run.VOCABULARY,), {"data": texts.digest(found), **plan.settings()}):
        tell(lang, f"{len(found):,} 篇文字", f"{len(found):,} texts")
        with closing(_told(run.pretrain(plan, found, out), report)) as steps:
            stop.patient = True
            follow(steps, stop, lang)
            stop.patient = False
            stop.check()
    on = report["held_out"]
    tell(
        lang,
        f"編碼器在 {out}：沒學過的文字裡，遮住的字猜中 {100 * on['found']:.1f} %（損失 {on['loss']:.3f}）",
        f"The encoder is in {out}: of the tokens hidden in texts never learned from it finds "
        f"{100 * on['found']:.1f} % (loss {on['loss']:.3f})",
    )
    print(json.dumps(report, ensure_ascii=False) if args.json else out)
    return 0


def _told(steps: Generator[Stand, None, dict[str, Any]], report: dict[str, Any]) -> Generator[Progress, None, None]:
    """Its progress as experiments tell theirs; the last loss with it. Closing this closes it."""
    try:
        while True:
            try:
                at = next(steps)
            except StopIteration as finished:
                report.update(finished.value)
                return
            yield Progress(0, 1, f"{at.step}/{at.steps} · loss {at.loss:.3f} ·", at.step / at.steps, at.eta_s)
    finally:
        steps.close()
