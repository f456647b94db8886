"""How fast and how safe the annotate page is: ``python -m bench.desk``, one JSON object on the last line.

``one``, ``twenty`` and ``fifty`` people; a project of 100 and of 100,000 texts; a burst on a slow server; a day in one
tab. After each part the database is read: every decision of everybody must be there, once, as it was made.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from bench.desk import scenes
from tests.e2e.driving import CHROMIUM, MISSING, launch

PARTS = ("one", "twenty", "fifty", "size", "burst", "day")


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="some parts only")
    parser.add_argument("--count", type=int, default=105, help="texts that one person types and that count")
    parser.add_argument("--gap", type=int, default=150, help="milliseconds between two keys")
    parser.add_argument("--seconds", type=float, default=180, help="how long twenty and fifty people work")
    parser.add_argument("--pace", type=float, default=4, help="texts a minute of each of them")
    parser.add_argument("--every", type=float, default=2.5, help="seconds a text of the measured one among them")
    parser.add_argument("--texts", type=int, default=100_000, help="texts in the large project")
    parser.add_argument("--day", type=int, default=1000, help="texts of a day in one tab")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def run(part: str, browser: Browser, args: argparse.Namespace) -> dict[str, Any]:
    """One part under its key; ``size`` has two."""
    crowd = {"seconds": args.seconds, "a_minute": args.pace, "every_s": args.every, "seed": args.seed}
    alone = {"gap_ms": args.gap, "seed": args.seed}
    if part == "one":
        return {"one": scenes.one(browser, texts=args.count, **alone)}
    if part in ("twenty", "fifty"):
        return {part: scenes.many(browser, {"twenty": 20, "fifty": 50}[part], **crowd)}
    if part == "size":
        small = scenes.one(browser, texts=min(args.count, 80), size=100, **alone)
        return {
            "next_100": small,
            "next_100k": scenes.one(browser, texts=min(args.count, 80), size=args.texts, **alone),
        }
    if part == "burst":
        return {"burst": scenes.burst(browser)}
    marks = sorted({max(1, args.day // 10), args.day // 2, args.day})
    return {"day": scenes.day(browser, texts=args.day, marks=marks, each_s=0.24)}


def main() -> int:
    args = options()
    if not Path(CHROMIUM).exists():
        print(MISSING, file=sys.stderr)
        return 2
    found: dict[str, Any] = {}
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for part in args.only:
            made = run(part, browser, args)
            found |= made
            for name, figures in made.items():
                print(f"{name}: {json.dumps(figures, ensure_ascii=False)}", flush=True)
        version = browser.version
        browser.close()
    about = {"cpus": os.cpu_count(), "chromium": version, "machine": platform.platform(), "seed": args.seed}
    print(json.dumps({**found, **about}, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
