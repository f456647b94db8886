"""What one person in front of a real browser sees, in milliseconds.

A headless Chromium and trusted key events at the pace of quick hands. All times are taken inside the page: from the
key event's own ``timeStamp`` to the first task after the frame that shows the change has been rendered (style, layout
and paint are in it; what the screen itself adds is not). ``ack`` ends when the board says that the server has confirmed
the save; it includes the server's write to disk.
"""

from __future__ import annotations

import random
import time
from statistics import median
from typing import Any

from playwright.sync_api import Page

from tests.e2e.driving import wait_saved

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
  // The next frame is rendered after its callbacks; a message sent from one arrives when that is done.
  const painted = (list, from) => requestAnimationFrame(() => {
    const after = new MessageChannel();
    after.port1.onmessage = () => list.push(performance.now() - from);
    after.port2.postMessage(null);
  });
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


def type_texts(
    page: Page, texts: int, gap_s: float, rng: random.Random, *, every_s: float = 0.0, looking: bool = False
) -> None:
    """Two labels and Enter for each text, at most one text each ``every_s``.

    ``looking``: as somebody who looks whether a text is there. It asks the page, so nothing is measured meanwhile.
    """
    due = time.monotonic()
    for _ in range(texts):
        begun = due
        if looking:
            page.wait_for_selector("[data-part=paper]:not([data-document=''])[data-document]")
        for key in [*rng.sample("123456789", 2), "Enter"]:
            due += gap_s
            time.sleep(max(0.0, due - time.monotonic()))
            page.keyboard.press(key)
        due = max(due, begun + every_s)
    wait_saved(page)
    page.wait_for_timeout(100)


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)


def warm(page: Page, gap_s: float, rng: random.Random) -> None:
    """The first texts, which do not count; from the next one on the meter runs."""
    page.wait_for_selector("[data-part=paper]:not([data-document=''])[data-document]")
    page.wait_for_timeout(1500)
    type_texts(page, WARM_UP, gap_s, rng)
    page.evaluate(METER)


def figures(page: Page) -> dict[str, Any]:
    """p50 and p95 of all that the meter has noted. ``dom_*`` end with the change of the DOM, the others are painted."""
    meter: dict[str, list[float]] = page.evaluate("window.meter")
    found: dict[str, Any] = {"texts": len(meter["next"]), "toggles": len(meter["toggle"]), "acks": len(meter["ack"])}
    for name, values in meter.items():
        if values:
            found[f"{name}_p50_ms"] = round(median(values), 1)
            found[f"{name}_p95_ms"] = quantile(values, 0.95)
    return found
