"""How long a lead waits for the dashboard, in a real Chromium; all times are taken inside the page, in milliseconds.

``first``: from the navigation to the end of the frame that shows the headline tiles. ``tab``: from a click on a tab to
the end of the frame that shows the last change of anything that is in sight, charts drawn, after somebody has decided
something since the last look; ``whole``: the same with what is below the screen's edge, which is drawn afterwards.
``cached``: that click while nothing has changed. Before the clicks the lead has looked at the first page until the
browser had taken in the other tabs; ``settled`` is how long that took. ``script``: how long of a click the page's
script ran; ``cpu``: the server's processor time for it, which says the same on a machine that others use, too.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Sequence
from statistics import median
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, expect

from bench.dashboard.serving import NAMES, Kept
from bench.desk.meter import quantile
from core.services import accounts, annotating, projects
from db.connect import open_database
from pages.dashboard import TABS
from tests.e2e.driving import sign_in

# What is on the page is drawn when no script runs, nothing waits to be replaced, and each chart has its newest picture.
# Something without a box of its own, as a table's words for those who hear it, is where what holds it is.
LOOK = """() => {
  const drawn = (panel) => !panel.querySelector('.tagtail-waits, .tagtail-chart[aria-busy=true]') &&
    [...panel.querySelectorAll('.tagtail-chart')].every((one) => one.querySelector('.main-svg'));
  const inSight = (change) => {
    const own = change.addedNodes?.length ? [...change.addedNodes] : [change.target];
    return own.some((node) => {
      let at = node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement;
      let box = at?.getBoundingClientRect();
      while (at && !box.width && !box.height) box = (at = at.parentElement)?.getBoundingClientRect();
      return at && box.bottom > 0 && box.top < window.innerHeight;
    });
  };
  const painted = (then) => requestAnimationFrame(() => {
    const after = new MessageChannel();
    after.port1.onmessage = () => then(performance.now());
    after.port2.postMessage(null);
  });
  const SIGNS = ['class', 'data-stale', 'data-test-script-state', 'aria-busy'];  // of work; not what is shown
  window.tabClick = (place) => new Promise((resolve) => {
    const app = document.querySelector('[data-testid=stApp]');
    const state = () => app.getAttribute('data-test-script-state');
    let ran = 0, stopped = 0, shown = 0, whole = 0, changes = 0, waiting = 0;
    const seen = (sight) => {
      waiting += 1;
      painted((at) => { waiting -= 1; whole = Math.max(whole, at); if (sight) shown = Math.max(shown, at); });
    };
    const runs = new MutationObserver(() => {
      if (state() === 'running' && !ran) ran = performance.now();
      if (state() !== 'running' && ran && !stopped) stopped = performance.now();
    });
    runs.observe(app, {attributes: true, attributeFilter: ['data-test-script-state']});
    const panels = [...document.querySelectorAll('.st-key-dashboard_tabs [data-testid=stTabPanel]')];
    const panel = panels[place];
    const changed = new MutationObserver((found) => {
      const real = found.filter((one) => one.type !== 'attributes' || !SIGNS.includes(one.attributeName));
      if (real.length) {
        changes += 1;
        seen(real.some(inSight));
      }
    });
    changed.observe(panel, {subtree: true, childList: true, characterData: true, attributes: true});
    const begun = performance.now();
    document.querySelectorAll('.st-key-dashboard_tabs [role=tab]')[place].click();
    seen(true);
    const look = () => {
      const calm = performance.now() - Math.max(stopped, whole) > 300;
      if (stopped && !waiting && calm && !panel.hasAttribute('inert') && drawn(panel)) {
        runs.disconnect();
        changed.disconnect();
        resolve({ms: shown - begun, whole: whole - begun, script: stopped - ran, changes});
      } else setTimeout(look, 50);
    };
    look();
  });
  window.firstPaint = new Promise((resolve) => {
    const first = () => {
      const tiles = document.querySelectorAll('[class*=st-key-glance_] [data-testid=stMetric]');
      if (tiles.length >= 4) painted(resolve);
      else requestAnimationFrame(first);
    };
    first();
  });
}"""


def decide(server: Kept, turn: int) -> None:
    """Somebody labels one text, so that the next look is at a project that has changed."""
    with contextlib.closing(open_database(server.database)) as db:
        project, who = projects.list_projects(db)[0], accounts.find(db, NAMES[turn % len(NAMES)])
        held = annotating.next_texts(db, project.id, who.id, n=1, now=time.time())
        op = {
            "uid": f"look-{time.time_ns():032}", "kind": "save", "project": project.id, "document": held[0].id,
            "decision": "labelled", "labels": [project.label_set.keys[turn % len(project.label_set)]], "comment": "",
            "ms": 5000, "target": "", "shown": None, "at": int(time.time() * 1000),
        }  # fmt: skip
        told = annotating.apply(db, project.id, who.id, [op], now=time.time())
        if not told.acked:
            raise RuntimeError(f"nothing was decided: {told}")


def warm_s(server: Kept, *, timeout_s: float = 300) -> float:
    """How long the server read after its start; waits until it has. Raises TimeoutError."""
    until = time.monotonic() + timeout_s
    while not (found := re.search(r"warm after ([\d.]+) s", (server.folder / "server.log").read_text("utf-8"))):
        if time.monotonic() > until:
            raise TimeoutError("the server never said that it is warm")
        time.sleep(0.5)
    return float(found[1])


def first_paint(page: Page, url: str) -> float:
    """A navigation to the dashboard as a person does who opens a bookmark."""
    page.goto(f"{url}/dashboard")
    took = float(page.evaluate("window.firstPaint"))
    page.wait_for_selector("[data-test-script-state=notRunning]")
    page.wait_for_timeout(300)
    return took


def settle(page: Page) -> float:
    """Waits until the browser has all tabs. Units: → ms."""
    began = time.monotonic()
    expect(page.locator(".tagtail-waits")).to_have_count(0, timeout=120_000)
    page.wait_for_selector("[data-test-script-state=notRunning]")
    page.wait_for_timeout(500)
    return (time.monotonic() - began) * 1000


def watch(context: BrowserContext) -> None:
    """From now on each page of the context knows when it was painted, and how to click on a tab."""
    context.add_init_script(f"({LOOK})()")


def look(page: Page, tab: str, server: Kept) -> dict[str, float]:
    """A click on a tab. Units: ms; ms (what is in sight), whole, script and cpu."""
    before = _cpu_s(server)
    found: dict[str, float] = page.evaluate("place => window.tabClick(place)", list(TABS).index(tab))
    found["cpu"] = (_cpu_s(server) - before) * 1000
    page.wait_for_timeout(400)
    return found


def _cpu_s(server: Kept) -> float:
    every = [each.cpu_times() for each in server.ours()]
    return float(sum(each.user + each.system for each in every))


def measured(browser: Browser, server: Kept, *, looks: int) -> dict[str, Any]:
    """Each tab so many times: after a decision, and again with nothing changed. The server is warm."""
    page = sign_in(browser, server, "lina", first=watch)
    warming = warm_s(server)
    began = time.monotonic()
    cold = first_paint(page, server.url)
    firsts: list[float] = []
    settled: list[float] = []
    tabs: dict[str, list[dict[str, float]]] = {tab: [] for tab in TABS}
    cached: dict[str, list[dict[str, float]]] = {tab: [] for tab in TABS}
    for turn in range(looks):
        decide(server, turn)
        firsts.append(first_paint(page, server.url))
        settled.append(settle(page))
        names = [*list(TABS)[1:], next(iter(TABS))]
        for tab in names:
            decide(server, turn)
            tabs[tab].append(look(page, tab, server))
        for tab in names:  # what the last decision changed is drawn now, and not counted
            look(page, tab, server)
        for tab in names:
            cached[tab].append(look(page, tab, server))
    held = [each.memory_info().rss for each in server.ours()]
    page.context.close()
    return {
        "first_cold_ms": round(cold, 1), "first_p50_ms": round(median(firsts), 1),
        "first_p95_ms": quantile(firsts, 0.95), "settled_p50_ms": round(median(settled), 1),
        **_summed("tab", tabs), **_summed("cached", cached), "rss_mb": round(max(held) / 1e6, 1),
        "rss_sum_mb": round(sum(held) / 1e6, 1),
        "warming_s": warming, "looks": looks, "seconds": round(time.monotonic() - began, 1),
    }  # fmt: skip


def _summed(name: str, found: dict[str, list[dict[str, float]]]) -> dict[str, Any]:
    """p95 over all tabs, and the median of each."""

    def p95(of: Sequence[dict[str, float]], part: str) -> float:
        return quantile([each[part] for each in of], 0.95)

    every = [each for tab in found.values() for each in tab]
    return {
        f"{name}_p50_ms": round(median(each["ms"] for each in every), 1),
        f"{name}_p95_ms": p95(every, "ms"),
        f"{name}_whole_p95_ms": p95(every, "whole"),
        f"{name}_script_p95_ms": p95(every, "script"),
        f"{name}_cpu_p95_ms": p95(every, "cpu"),
        f"{name}s": {
            tab: {part: round(median(one[part] for one in each), 1) for part in ("ms", "whole", "script", "cpu")}
            for tab, each in found.items()
        },
    }
