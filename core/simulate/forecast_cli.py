"""``python -m core forecast``: whether labelling may stop, or how often such forecasts came true."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from sqlite_utils import Database

from core.active.stopping import Ruling
from core.config import Runtime
from core.errors import BadSetting
from core.evaluate.forecast import Until
from core.labels import LabelSet
from core.messages import in_language
from core.services import forecasting, projects
from core.services.forecasting import Curve, WhenToStop
from core.wording import filled
from db.connect import open_database

Pair = tuple[str, str]  # Traditional Chinese, English

RULES: dict[str, Pair] = {
    "uncertainty": ("模型對文本池還有多不確定", "How unsure the model is of the pool"),
    "change": ("兩輪之間改變的判斷", "Decisions that changed between two rounds"),
    "kappa": ("兩輪之間的一致性（κ）", "Agreement of two rounds (κ)"),
    "f1": ("金標準上 F1 的進步", "Gain of F1 on gold"),
}
VERDICTS: dict[str, Pair] = {
    "go_on": ("繼續", "go on"),
    "may_stop": ("可以停", "may stop"),
    "too_early": ("還太早", "too early to say"),
}
WHY: dict[str, Pair] = {
    "rounds": ("訓練輪次還不夠", "too few rounds"),
    "rounds_labels": (
        "標籤改過以後的訓練輪次還不夠，之前的不能算進來",
        "too few rounds since the labels changed, and those before do not count",
    ),
    "texts": ("能比較的文字太少", "too few texts to compare"),
    "gold": ("金標準太少", "too little gold"),
    "labels": ("沒有標籤算得出 κ", "κ is defined for no label"),
    "done": ("文本池已經標完", "the pool is all labelled"),
}


def add_options(
    parser: argparse.ArgumentParser, *, find: Callable[[Database, str | None], projects.Project], lang: str
) -> None:
    """The options of the subcommand; ``find`` gives a project by its key."""
    parser.add_argument("--project", help="key of the project (default: the first)")
    parser.add_argument("--json", action="store_true", help="everything as JSON, with a forecast of each label")
    parser.add_argument("--backtest", metavar="DIR", help="output of “simulate”: forecasts against what came after")
    parser.add_argument("--seeds", default="", help="of the back-test, with commas (default: all there are)")
    parser.add_argument("--every", type=int, default=50, help="of the back-test: labels between two rounds")
    parser.add_argument("--labels", action="store_true", help="of the back-test: each label's own curve too")
    parser.set_defaults(find=find, lang=lang)


def forecast(args: argparse.Namespace, runtime: Runtime) -> int:
    """Say whether labelling may stop and what more labels would give; or hold such forecasts against a simulation."""
    if args.backtest:
        return backtest(args)
    with closing(open_database(runtime.database)) as db:
        return told(db, args.find(db, args.project), as_json=args.json, lang=args.lang)


def backtest(args: argparse.Namespace) -> int:
    """Raises BadFile: no finished simulation is there; BadSetting: seeds that are no numbers, no distance."""
    from core.simulate import forecasts

    words = [each for each in args.seeds.split(",") if each.strip()]
    if not all(each.strip().isdigit() for each in words):
        raise BadSetting(field="--seeds", value=args.seeds, why="0,1,2")
    if args.every < 1:
        raise BadSetting(field="--every", value=args.every, why="≥ 1")
    seeds = [int(each) for each in words]
    found = forecasts.backtest(Path(args.backtest), seeds=seeds, labels=args.labels, every=args.every)
    print(json.dumps([asdict(each) for each in found]) if args.json else forecasts.table(found))
    return 0


def told(db: Database, project: projects.Project, *, as_json: bool, lang: str) -> int:
    """What the project's rounds say."""
    found = forecasting.when_to_stop(db, project.id, labels=as_json)
    if as_json:
        print(json.dumps(asdict(found), ensure_ascii=False))
    else:
        for pair in lines(found, project.label_set):
            print(in_language(pair, lang))
    return 0


def lines(found: WhenToStop, label_set: LabelSet) -> Sequence[Pair]:
    """Sentences for a terminal: where the curve stands, where it goes, and each rule."""
    names = {each.key: (each.zh, each.en or each.zh) for each in label_set.every}
    rare = ("、".join(names[key][0] for key in found.tail), ", ".join(names[key][1] for key in found.tail))
    said: list[Pair] = [
        (
            f"訓練了 {found.n_rounds} 輪，最後一輪用了 {found.n_labelled} 篇標註；文本池能標的共 {found.total} 篇。",
            filled(
                "{n} {n:round|rounds}, the last from {labelled} labelled {labelled:text|texts} of {total} that can be.",
                n=found.n_rounds,
                labelled=found.n_labelled,
                total=found.total,
            ),
        )
    ]
    said += _curve(found.macro, ("所有標籤的平均 F1", "Macro-F1"), found)
    said += _curve(found.rare, (f"長尾標籤（{rare[0]}）的平均 F1", f"Tail macro-F1 ({rare[1]})"), found)
    return [*said, *(_rule(each) for each in found.rulings)]


def _curve(curve: Curve, name: Pair, found: WhenToStop) -> list[Pair]:
    if not curve.points:
        return []
    last = curve.points[-1]
    now = f"{last.f1:.2f} [{last.low:.2f}, {last.high:.2f}]"
    if curve.next is None:
        why = WHY["rounds_labels" if curve.why == "rounds" and found.n_before else curve.why]
        return [(f"{name[0]}：現在 {now}；沒有預測，因為{why[0]}。", f"{name[1]}: now {now}; no forecast: {why[1]}.")]
    more, ahead = curve.next.n - last.n, f"{curve.next.middle:.2f} [{curve.next.low:.2f}, {curve.next.high:.2f}]"
    plateau, target = _until(curve.plateau, last.n), _until(curve.target, last.n)
    return [
        (
            f"{name[0]}：現在 {now}；再標 {more} 篇約 {ahead}。"
            f"平台的 95 %：{plateau[0]}；目標 {found.target:.2f}：{target[0]}。",
            filled("{name}: now {now}; {n} more {n:label|labels}: about", name=name[1], now=now, n=more)
            + f" {ahead}. 95 % of the plateau: {plateau[1]}; target {found.target:.2f}: {target[1]}.",
        )
    ]


def _until(until: Until | None, now: int) -> Pair:
    if until is None or until.n is None or until.low is None or until.high is None:
        return ("已達到", "reached") if until and until.state == "reached" else ("無法預見", "not foreseeable")
    n, low, high = (forecasting.about(each - now) for each in (until.n, until.low, until.high))
    more = f"{n} [{low}, {high}]"
    return f"約再標 {more} 篇", f"after about {more} more"


def _rule(ruling: Ruling) -> Pair:
    name, verdict = RULES[ruling.rule], VERDICTS[ruling.verdict]
    value = "–" if ruling.value is None else f"{ruling.value:.3g}"
    if ruling.low is not None and ruling.high is not None:
        value += f" [{ruling.low:.3g}, {ruling.high:.3g}]"
    why = WHY[ruling.why] if ruling.why else ("", "")
    return (
        f"{name[0]}：{verdict[0]}{f'（{why[0]}）' if why[0] else ''}；值 {value}，門檻 {ruling.threshold:g}，"
        f"看最近 {ruling.window} 輪。",
        f"{name[1]}: {verdict[1]}{f' ({why[1]})' if why[1] else ''}; value {value}, threshold {ruling.threshold:g}, "
        f"last {ruling.window} rounds.",
    )
