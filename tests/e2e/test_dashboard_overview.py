"""The overview in a real browser, in two languages and sizes, over rounds as the worker publishes them.

Pictures for looking at: ``PICTURES=folder python -m pytest tests/e2e/test_dashboard_overview.py``.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect
from sqlite_utils import Database

from core.services import annotating, projects
from db import jobs, rounds, users
from db.connect import open_database, writing
from db.records import QueueRow
from tests.core.services.dashboard.measuring import gold_ids, publish
from tests.e2e.driving import DESKTOP, OPEN, ROOT, TELEPHONE, Server, sign_in, small_project

pytestmark = pytest.mark.e2e
SHARES = np.array([0.62, 0.45, 0.4, 0.3, 0.22, 0.15, 0.12, 0.08, 0.035])  # in the labels' order, the rarest last
N_GOLD, N_POOL, ROUNDS = 160, 70, 6
WIDE = "document.querySelector('[data-testid=stMain]').scrollWidth"


def corpus(folder: Path) -> tuple[Path, np.ndarray]:
    """Gold and pool texts with labels, and pool texts that wait. → (file, gold's labels)."""
    texts = [json.loads(line)["text"] for line in (ROOT / "demo" / "corpus.jsonl").read_text("utf-8").splitlines()]
    text = (small_project(folder)).read_text("utf-8")
    keys = [line.split('"')[1] for line in text.split("[[labels]]", 1)[1].splitlines() if line.startswith("key = ")]
    y = np.random.default_rng(7).random((N_GOLD + N_POOL, len(keys))) < SHARES
    y[:, 0] |= ~y.any(axis=1)
    lines = []
    for n, each in enumerate(texts):
        split = "gold" if n < N_GOLD else "train" if n < len(y) else "pool"
        chosen = [key for key, one in zip(keys, y[n], strict=True) if one] if n < len(y) else None
        lines.append(json.dumps({"text": each, "labels": chosen, "split": split}, ensure_ascii=False))
    path = folder / "made.jsonl"
    path.write_text("\n".join(lines), "utf-8")
    return path, y[:N_GOLD]


def live_through(db: Database, gold: np.ndarray) -> None:
    """Six rounds, each better but for one label, two people who differ now and then, a queue, and a worker."""
    project = projects.list_projects(db)[0]
    ids, rng = gold_ids(db, project.id), np.random.default_rng(3)
    for n in range(ROUNDS):
        probs = np.where(gold, 0.72, 0.25) + rng.normal(0, 0.42 - 0.03 * n, gold.shape)
        if n == ROUNDS - 1:
            probs[:, 3] = np.where(gold[:, 3], 0.45, 0.4) + rng.normal(0, 0.3, len(gold))  # one label falls
            probs[:, 8] = 0.1
        publish(
            db, project.id, ids, gold, np.clip(probs, 0, 1), thresholds=(0.5,) * gold.shape[1],
            n_train=40 + 8 * n, now=time.time() - 3600 * (ROUNDS - n),
        )  # fmt: skip
    amy, bob = (users.by_name(db, name)[0] for name in ("amy", "bob"))  # type: ignore[index]
    for who, slip in ((amy, 0.0), (bob, 0.25)):
        for text in annotating.next_texts(db, project.id, who.id, n=12, now=time.time()):
            first = text.id % 3 + (1 if rng.random() < slip else 0)
            op = {"uid": f"{who.name}{text.id}", "kind": "save", "document": text.id, "decision": "labelled",
                  "labels": [project.label_set.keys[first]], "ms": 4000}  # fmt: skip
            annotating.apply(db, project.id, who.id, [op], now=time.time())
    waits = db.query("SELECT id FROM documents WHERE state = 'open' AND role = 'pool' LIMIT 20")
    reason = {"label": project.label_set.keys[8], "probability": 0.41, "threshold": 0.4}
    queue = [QueueRow(document_id=row["id"], rank=n, score=0.9 - n / 50, reason=reason) for n, row in enumerate(waits)]
    with writing(db):
        rounds.replace_queue(db, project.id, queue, source="student", round_id=None)
        jobs.worker_beat(db, pid=os.getpid(), doing="", now=time.time() + 600)  # alive for as long as this test looks


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose project has a past, without a worker of its own."""
    folder = tmp_path_factory.mktemp("overview")
    file, gold = corpus(folder)
    made = Server(folder, worker=False, corpus=file, settings="overlap = 2")
    with contextlib.closing(open_database(made.database)) as db:
        live_through(db, gold)
    made.start()
    yield made
    made.stop()


def open_overview(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/dashboard?tab=overview")
    expect(page.locator(".st-key-glance_now [data-testid=stMetric]")).to_have_count(4)
    expect(page.locator(".st-key-glance_scores [data-testid=stMetric]")).to_have_count(4)
    expect(page.locator(".st-key-tagtail_ahead [data-testid=stMetric]")).to_have_count(1)
    expect(page.locator(".st-key-tagtail_ahead [data-testid=stMetric]")).to_be_hidden()
    expect(page.locator("[data-test-script-state=notRunning]")).to_have_count(1)


def picture(page: Page, name: str) -> None:
    """The whole page, when somebody asks for it."""
    folder = os.environ.get("PICTURES")
    if not folder:
        return
    size = page.viewport_size
    tall = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    assert size is not None
    page.screenshot(path=f"{folder}/{name}.png")
    page.set_viewport_size({"width": size["width"], "height": int(tall) + 80})
    page.wait_for_timeout(600)
    page.screenshot(path=f"{folder}/{name}-whole.png")
    page.set_viewport_size(size)


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_the_overview_is_whole_in_both_languages(browser: Browser, server: Server, size: str) -> None:
    small = size == "phone"
    look = {"viewport": TELEPHONE, "has_touch": True, "is_mobile": True} if small else {"viewport": DESKTOP}
    words = {"zh": ("需要留意的事", "尾部 macro-F1"), "en": ("What needs attention", "Tail macro-F1")}
    page = None
    for lang, (title, tail) in words.items():
        server.run(f"UPDATE users SET lang = '{lang}' WHERE name = 'lina'")
        page = page or sign_in(browser, server, "lina", **look)
        for scheme in ("light", "dark") if os.environ.get("PICTURES") else ("light",):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            open_overview(page, server)
            expect(page.locator(".st-key-attention")).to_contain_text(title)
            expect(page.locator(".st-key-glance_scores")).to_contain_text(tail)
            assert page.evaluate(WIDE) <= (page.viewport_size or {})["width"]
            for tile in page.locator("[class*=st-key-glance_] [data-testid=stMetricValue]").all():
                assert "nan" not in tile.inner_text().lower()
            picture(page, f"overview-{lang}-{size}-{scheme}")
    assert page is not None
    page.locator(".st-key-attention button", has_text="Labels").first.click()
    page.wait_for_url("**tab=labels**")
    expect(page.locator(".st-key-attention")).not_to_be_visible()


def test_a_tab_once_opened_stays_and_shows_what_was_decided_since(browser: Browser, server: Server) -> None:
    page = sign_in(browser, server, "lina", viewport=DESKTOP)
    open_overview(page, server)
    panels = page.locator(".st-key-dashboard_tabs [data-testid=stTabPanel]")
    expect(page.locator(".tagtail-waits")).to_have_count(0, timeout=40_000)  # the others came while nobody waited
    names = page.get_by_role("tab")
    names.nth(4).click()
    expect(panels.nth(4)).to_be_visible()
    page.wait_for_url("**tab=people**")
    assert page.evaluate(WIDE) <= DESKTOP["width"]
    names.nth(0).click()
    tile = page.locator(".st-key-glance_now [data-testid=stMetricValue]").first
    before = tile.inner_text()
    names.nth(5).click()
    expect(tile).not_to_be_visible()
    with contextlib.closing(open_database(server.database)) as db:
        project, amy = projects.list_projects(db)[0], users.by_name(db, "amy")[0]  # type: ignore[index]
        text = annotating.next_texts(db, project.id, amy.id, n=1, now=time.time())[0]
        op = {"uid": f"later{text.id}", "kind": "save", "document": text.id, "decision": "labelled",
              "labels": [project.label_set.keys[0]], "ms": 4000}  # fmt: skip
        annotating.apply(db, project.id, amy.id, [op], now=time.time())
    names.nth(0).click()
    expect(tile).not_to_have_text(before)
    page.reload()
    expect(page.locator(".st-key-glance_now [data-testid=stMetric]")).to_have_count(4)
    page.context.close()


# As in a tab that was chosen before its content's script stood there to see it: nothing tells it of its choice.
BLIND = """const Real = window.MutationObserver;
window.MutationObserver = class extends Real {
  observe(node, how) { if (how.attributeFilter?.[0] !== 'inert') super.observe(node, how); }
};"""


def test_a_tab_chosen_in_the_first_moment_comes_before_those_that_are_built_ahead(
    browser: Browser, server: Server
) -> None:
    page = sign_in(browser, server, "lina")
    page.add_init_script(BLIND)
    page.goto(server.url + "/dashboard")
    page.get_by_role("tab").nth(4).click()
    expect(page.locator(f"{OPEN} .st-key-people_part")).to_be_visible()
    assert page.get_attribute("[data-tagtail-tab=labels]", "data-filled") == "false", "the one to be built ahead first"
    assert "tab=people" in page.url
