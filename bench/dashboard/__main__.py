"""How fast the dashboard of a large project is: ``python -m bench.dashboard``, one JSON object on the last line.

100,000 texts, 1,000,000 annotations, 200 rounds (made once, kept in the system's temporary directory). ``paint``: what
a lead waits for, and what the server holds in memory. ``annotators``: what it costs twenty annotators while a round
trains, when a lead looks at the dashboard all the time.
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

from bench.dashboard import crowd, paint
from bench.dashboard.made import Size
from bench.dashboard.serving import copied, large, serving
from tests.e2e.driving import CHROMIUM, MISSING, launch

PARTS = ("paint", "annotators")


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="some parts only")
    parser.add_argument("--texts", type=int, default=Size.texts)
    parser.add_argument("--annotations", type=int, default=Size.annotations)
    parser.add_argument("--rounds", type=int, default=Size.rounds)
    parser.add_argument("--looks", type=int, default=10, help="at each tab")
    parser.add_argument("--seconds", type=float, default=120, help="how long the twenty work with and without a lead")
    parser.add_argument("--pace", type=float, default=4, help="texts a minute of each of them")
    parser.add_argument("--every", type=float, default=5, help="seconds between two looks of the lead")
    parser.add_argument("--folder", type=Path, help="where the large project is made and kept")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def run(part: str, browser: Browser, folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """One part, in a copy of the project."""
    with copied(folder) as copy:
        if part == "paint":
            with serving(copy) as server:
                return paint.measured(browser, server, looks=args.looks)
        return crowd.measured(
            browser, copy, seconds=args.seconds, a_minute=args.pace, every_s=args.every, seed=args.seed
        )


def main() -> int:
    args = options()
    if not Path(CHROMIUM).exists():
        print(MISSING, file=sys.stderr)
        return 2
    size = Size(texts=args.texts, annotations=args.annotations, rounds=args.rounds)
    folder = large(size, seed=args.seed, kept=args.folder)
    found: dict[str, Any] = {}
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for part in args.only:
            figures = run(part, browser, folder, args)
            found |= figures
            print(f"{part}: {json.dumps(figures, ensure_ascii=False)}", flush=True)
        version = browser.version
        browser.close()
    about = {"cpus": os.cpu_count(), "chromium": version, "machine": platform.platform(), "seed": args.seed}
    print(json.dumps({**found, **vars(size), **about}, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
