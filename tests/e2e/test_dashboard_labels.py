"""Labels and Long tail in a browser: a threshold is tried and a missed text read again, on desk and telephone.

``PICTURES=folder`` keeps what is seen.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from core.services import accounts, projects
from core.services.dashboard.one_label import one_label
from db import users
from db.connect import open_database
from tests.core.services.dashboard.measuring import gold_ids, import_texts
from tests.core.services.dashboard.modelled import labelled, publish, rank, said
from tests.e2e.driving import OPEN, TELEPHONE, Server, running, sign_in

pytestmark = pytest.mark.e2e
N = 160


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The demo's labels, three rounds with all models' answers, and a queue."""
    folder = tmp_path_factory.mktemp("labels")
    with running(folder, worker=False) as server:
        with contextlib.closing(open_database(server.database)) as db:
            project = projects.list_projects(db)[0]
            keys = project.label_set.keys
            shares = np.linspace(0.5, 0.04, len(keys)).tolist()
            gold = labelled(2, N, shares)
            import_texts(db, project.id, folder, labelled(1, 240, shares), split="train", name="labels ")
            import_texts(db, project.id, folder, gold, split="gold", name="labels ")
            ids = gold_ids(db, project.id)[-N:]
            cuts = np.linspace(0.35, 0.6, len(keys)).tolist()
            for n in range(3):
                publish(db, project.id, ids, gold, said(gold, n), thresholds=cuts, now=time.time() - 9000 + 1000 * n)
            reason = {"probability": 0.4, "threshold": 0.45, "random": False, "words": False}
            rank(db, project.id, [{**reason, "label": key, "words": n > 6} for n, key in enumerate(keys)])
        yield server


def seen(page: Page, name: str) -> None:
    if folder := os.environ.get("PICTURES"):
        page.wait_for_timeout(1500)
        Path(folder).mkdir(parents=True, exist_ok=True)
        height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
        size = page.viewport_size
        assert size is not None
        page.set_viewport_size({"width": size["width"], "height": int(height) + 40})
        page.wait_for_timeout(800)
        page.screenshot(path=Path(folder) / f"{name}.png")
        page.set_viewport_size(size)


def fits(page: Page) -> None:
    """Nothing failed, nothing is wider than the page, and no figure is missing its number."""
    wide = page.evaluate("() => { const m = document.querySelector('[data-testid=stMain]');"
                         " return m.scrollWidth - m.clientWidth; }")  # fmt: skip
    assert wide <= 1
    assert page.locator("[data-testid=stException]").count() == 0
    assert "nan" not in page.inner_text("[data-testid=stMain]").lower().split()


def speak(server: Server, lang: str) -> None:
    with contextlib.closing(open_database(server.database)) as db:
        found = users.by_name(db, "lina")
        assert found is not None
        accounts.set_lang(db, found[0].id, lang, now=time.time())


def test_a_threshold_is_tried_and_a_missed_text_is_read(browser: Browser, measured: Server) -> None:
    with contextlib.closing(open_database(measured.database)) as db:
        project = projects.list_projects(db)[0]
        first = project.label_set.keys[0]
        one = one_label(db, project.id, first)
    answers = one.answers
    assert answers is not None
    page = sign_in(browser, measured, "lina", color_scheme="dark")
    page.goto(measured.url + "/dashboard?tab=labels")
    expect(page.get_by_role("heading", name="如果門檻改成…")).to_be_visible(timeout=30_000)
    expect(page.locator(f"{OPEN} .js-plotly-plot")).to_have_count(4, timeout=30_000)
    page.get_by_role("slider").press("ArrowRight")
    expect(page.get_by_text("試的門檻")).to_be_visible()
    fits(page)
    seen(page, "labels-zh-desk")
    page.locator(
        f".st-key-read_misses_{first}_{one.round}_{answers.misses[0].document_id} button", has_text="讀全文"
    ).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(answers.misses[0].text)
    expect(dialog).to_contain_text(f"#{answers.misses[0].document_id}")
    seen(page, "labels-zh-text")
    page.keyboard.press("Escape")
    page.get_by_role("tab", name="長尾").click()
    expect(page.get_by_text("蒸餾幫了哪些標籤")).to_be_visible()
    expect(page.locator(f"{OPEN} .js-plotly-plot")).to_have_count(4, timeout=30_000)
    fits(page)
    seen(page, "tail-zh-desk")
    page.context.close()

    speak(measured, "en")
    page = sign_in(browser, measured, "lina", viewport=TELEPHONE, has_touch=True, is_mobile=True)
    for tab, words in (("labels", "What if the threshold were…"), ("tail", "Which labels distillation helps")):
        page.goto(f"{measured.url}/dashboard?tab={tab}")
        expect(page.get_by_text(words).first).to_be_attached(timeout=30_000)
        expect(page.locator(f"{OPEN} .js-plotly-plot")).to_have_count(4, timeout=30_000)
        fits(page)
        seen(page, f"{tab}-en-phone")
