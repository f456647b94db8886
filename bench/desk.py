"""How fast the annotate page answers: ``python -m bench.desk``, one JSON object on the last line.

A real server, a headless Chromium and trusted key events, at the pace of quick hands (one key each ``--gap`` ms). All
times are taken inside the page: from the key event's own ``timeStamp`` to the second animation frame after the DOM has
changed, so that layout and paint of the change are inside and one frame (about 16 ms) of waiting is too. ``ack`` ends
when the board says that the server has confirmed the save; it includes the server's write to disk.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.e2e.driving import CHROMIUM, MISSING, launch, open_board, running, sign_in, wait_saved

WARM_UP = 5  # texts typed before anything counts
# Watches the board from inside; what it notes is read once, at the end.
METER = """() => {
  const find = (root, part) => {
    for (const el of root.querySelectorAll('*')) {
      if (el.matches(part)) return el;
      if (el.shadowRoot) { const inner = find(el.shadowRoot, part); if (inner) return inner; }
    }
    return null;
  };
  const board = find(document, '[data-part=board]');
  const paper = board.querySelector('[data-part=paper]');
  const state = board.querySelector('[data-part=state]');
  const M = window.meter = {toggle: [], next: [], ack: [], dom_toggle: [], dom_next: []};
  let key = null, enter = null;
  window.addEventListener('keydown', (e) => {
    key = {at: e.timeStamp, code: e.code};
    if (e.code === 'Enter') enter = {at: e.timeStamp, sent: false};
  }, true);
  const painted = (list, from) => requestAnimationFrame(() => requestAnimationFrame(() => {
    list.push(performance.now() - from);
  }));
  new MutationObserver(() => {
    if (!key || !key.code.startsWith('Digit')) return;
    M.dom_toggle.push(performance.now() - key.at);
    painted(M.toggle, key.at);
    key = null;
  }).observe(board.querySelector('[data-part=labels]'),
    {attributes: true, subtree: true, attributeFilter: ['aria-pressed']});
  new MutationObserver(() => {
    if (!enter || enter.seen) return;
    enter.seen = true;
    M.dom_next.push(performance.now() - enter.at);
    painted(M.next, enter.at);
  }).observe(paper, {attributes: true, attributeFilter: ['data-document']});
  new MutationObserver(() => {
    if (!enter) return;
    if (state.dataset.pending !== '0') enter.sent = true;
    else if (enter.sent) { painted(M.ack, enter.at); enter = null; }
  }).observe(state, {attributes: true, attributeFilter: ['data-pending', 'data-state']});
}"""


def type_texts(page: Page, texts: int, gap_s: float, rng: random.Random) -> None:
    """Two labels and Enter for each text."""
    due = time.monotonic()
    for _ in range(texts):
        for digit in rng.sample("123456789", 2):
            due += gap_s
            time.sleep(max(0.0, due - time.monotonic()))
            page.keyboard.press(digit)
        due += gap_s
        time.sleep(max(0.0, due - time.monotonic()))
        page.keyboard.press("Enter")
    wait_saved(page)
    page.wait_for_timeout(100)


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)


def measure(texts: int, gap_ms: int, seed: int, worker: bool) -> dict[str, Any]:
    """Types ``texts`` texts and returns the figures in milliseconds. Raises AssertionError: a save is missing."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), worker=worker) as server:
        with sync_playwright() as playwright:
            browser = launch(playwright)
            page = sign_in(browser, server, "amy")
            open_board(page, server)
            page.wait_for_timeout(1500)
            type_texts(page, WARM_UP, gap_ms / 1000, rng)
            page.evaluate(METER)
            type_texts(page, texts, gap_ms / 1000, rng)
            meter: dict[str, list[float]] = page.evaluate("window.meter")
            version = browser.version
            browser.close()
        saved = len(server.decisions("amy"))
    assert saved == texts + WARM_UP, f"{saved} of {texts + WARM_UP} saved"
    found: dict[str, Any] = {}
    for name, values in meter.items():
        found[f"{name}_p50_ms"] = round(median(values), 1)
        found[f"{name}_p95_ms"] = quantile(values, 0.95)
    return {
        **found,
        "texts": len(meter["next"]),
        "toggles": len(meter["toggle"]),
        "acks": len(meter["ack"]),
        "saved": saved,
        "lost": 0,
        "gap_ms": gap_ms,
        "seed": seed,
        "worker": worker,
        "cpus": os.cpu_count(),
        "chromium": version,
        "machine": platform.platform(),
        "measured": "event.timeStamp to the second animation frame after the change; dom_*: to the change itself",
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=105, help="texts that count, at most 110")
    parser.add_argument("--gap", type=int, default=150, help="milliseconds between two keys")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--worker", action="store_true", help="with the worker beside: rounds start by themselves")
    options = parser.parse_args()
    if not Path(CHROMIUM).exists():
        print(MISSING, file=sys.stderr)
        return 2
    found = measure(min(options.texts, 110), options.gap, options.seed, options.worker)
    print(f"toggle {found['toggle_p50_ms']} / {found['toggle_p95_ms']} ms, next text {found['next_p50_ms']} / ", end="")
    print(f"{found['next_p95_ms']} ms, save confirmed {found['ack_p50_ms']} / {found['ack_p95_ms']} ms (p50 / p95)")
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
