"""``python -m core reproduce kd``: its options, and what it says while it works. What it calls loads on use."""

from __future__ import annotations

import argparse
import json
import shlex
import signal
import sys
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.config import ARCHS, SEGMENTERS, SWEEPS, RoundConfig
from core.errors import BadRows, BadSetting, TagtailError
from core.messages import say, sentence
from core.reproduce.plan import PUBLISHED_ARCHS, RECIPES, Plan

SHOWN_BAD_ROWS = 20
EVERY_S = {True: 1.0, False: 15.0}  # on a terminal one line is written over; in a file each stays


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the subcommand."""
    parser.add_argument("what", choices=("kd",), help="kd: teachers, standalone and distilled students (lee2022kd)")
    parser.add_argument("--data", required=True, metavar="FILE", help="labelled texts: .jsonl or .csv (or .gz of one)")
    parser.add_argument("--out", required=True, metavar="DIR", help="where cells and results go; goes on where it was")
    parser.add_argument("--arch", nargs="+", default=["all"], help=f"all (the published four) or of {_short(ARCHS)}")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="each is one whole repetition")
    parser.add_argument("--recipes", default="kd", help=f"with commas, or all: {', '.join(RECIPES)}")
    parser.add_argument("--sweep", choices=SWEEPS, default=RoundConfig.sweep, help="exact: a teacher a class weight")
    parser.add_argument("--segmenter", choices=SEGMENTERS, default=RoundConfig.segmenter)
    parser.add_argument("--pool", metavar="FILE", help="unlabelled texts, for word vectors alone")
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="so many texts, for a trial")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="a round's setting for all cells")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--resamples", type=int, default=10_000, help="draws of the bootstrap")
    for column in ("text", "labels"):
        parser.add_argument(f"--{column}-column", default=column)
    parser.add_argument("--json", action="store_true", help="the last line as JSON")


def _short(archs: tuple[str, ...]) -> str:
    return ", ".join(arch.removesuffix(".v1") for arch in archs)


def reproduce(args: argparse.Namespace, lang: str) -> int:
    """Cross-validate teachers, standalone and distilled students on a labelled file, with a report."""
    try:
        plan = plan_of(args)
    except BadSetting as error:
        print(sentence(error, lang), file=sys.stderr)
        return 2
    stop = _Stop()
    try:
        with stop:
            return _reproduce(args, plan, stop, lang)
    except BadRows as error:
        for each in error.fields["report"][:SHOWN_BAD_ROWS]:
            said = say(each.code, each.fields, lang) or each.code
            print(f"  {Path(args.data).name}:{each.line} {each.field}: {said}", file=sys.stderr)
        print(sentence(error, lang), file=sys.stderr)
        return 1
    except (TagtailError, OSError) as error:
        print(sentence(error, lang), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        _say(
            lang,
            "已中斷。做完的部分都留著；用同一個指令再執行一次就會接著做。",
            "Stopped. Finished cells are kept; the same command goes on from there.",
        )
        return 130


class _Stop:
    """Ctrl-C and SIGTERM: while ``patient`` the first is only noted, for a thread must not be cut off as it starts."""

    patient = False
    asked = False

    def __enter__(self) -> None:
        self.before = {}
        if threading.current_thread() is threading.main_thread():
            self.before = {each: signal.signal(each, self._heard) for each in (signal.SIGINT, signal.SIGTERM)}

    def __exit__(self, *_: object) -> None:
        for each, handler in self.before.items():
            signal.signal(each, handler)

    def _heard(self, *_: object) -> None:
        if not self.patient or self.asked:
            raise KeyboardInterrupt
        self.asked = True

    def check(self) -> None:
        """Raises KeyboardInterrupt: somebody has asked."""
        if self.asked:
            raise KeyboardInterrupt


def plan_of(args: argparse.Namespace) -> Plan:
    """Raises BadSetting."""
    archs = tuple(f"{arch.removesuffix('.v1')}.v1" for arch in _split(args.arch))
    recipes = _split([args.recipes])
    settings: dict[str, Any] = {"segmenter": args.segmenter, "sweep": args.sweep}
    for change in args.set:
        name, equals, text = change.partition("=")
        if not equals:
            raise BadSetting(field=name, value="", why="NAME=VALUE")
        try:
            settings[name] = json.loads(text)
        except ValueError:
            settings[name] = text
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


def _split(given: list[str]) -> list[str]:
    return [part.strip() for each in given for part in each.split(",") if part.strip()]


def _reproduce(args: argparse.Namespace, plan: Plan, stop: _Stop, lang: str) -> int:
    from core.export.datasets import Columns
    from core.reproduce import cells, report
    from core.reproduce.data import load
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
            _follow(steps, stop, lang)
            stop.patient = False
            stop.check()
        _say(lang, "所有部分都做完了，正在寫報告…", "All cells are finished; writing the report …")
        path = report.write(plan, corpus, store, command=_command(args), resamples=args.resamples)
    print(json.dumps({"report": str(path)}, ensure_ascii=False) if args.json else path)
    return 0


def _follow(steps: Any, stop: _Stop, lang: str) -> None:
    """A line a second at most, and one for each finished cell."""
    terminal = sys.stderr.isatty()
    last, done = 0.0, -1
    for each in steps:
        stop.check()
        now = time.monotonic()
        if now - last < 1.0 or (now - last < EVERY_S[terminal] and each.done == done):
            continue
        last, done = now, each.done
        left = "" if each.eta_s is None else f" · {_left(each.eta_s, lang)}"
        doing = f" · {each.doing} {100 * each.share:.0f} %" if each.doing else ""
        line = f"{each.done}/{each.total}{doing}{left}"
        print(f"\r\x1b[K{line}" if terminal else line, end="" if terminal else "\n", file=sys.stderr, flush=True)
    if terminal:
        print(file=sys.stderr)


def _left(seconds: float, lang: str) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    clock = f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
    return f"about {clock} left" if lang == "en" else f"大約還要 {clock}"


def _say(lang: str, zh: str, en: str) -> None:
    print(en if lang == "en" else zh, file=sys.stderr, flush=True)


def _command(args: argparse.Namespace) -> str:
    parts = ["python", "-m", "core", "reproduce", args.what, "--data", Path(args.data).name, "--out", "DIR"]
    parts += ["--arch", *args.arch, "--folds", str(args.folds), "--seeds", *map(str, args.seeds)]
    parts += ["--recipes", args.recipes, "--sweep", args.sweep, "--segmenter", args.segmenter]
    parts += ["--pool", Path(args.pool).name] if args.pool else []
    parts += ["--limit", str(args.limit)] if args.limit else []
    parts += ["--set", *args.set] if args.set else []
    return shlex.join(parts)
