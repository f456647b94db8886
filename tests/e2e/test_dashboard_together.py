"""Together and Rounds in a browser: a click on a cell lists its texts, on desk and telephone, in both languages.

``PICTURES=folder`` keeps what is seen.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from core.services import accounts, projects
from core.services.dashboard import together
from db import users
from db.connect import open_database
from tests.core.services.dashboard.measuring import gold_ids, import_texts
from tests.core.services.dashboard.modelled import publish, said
from tests.e2e.driving import DESKTOP, TELEPHONE, Server, at_rest, running, sign_in

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The demo's labels with people's decisions and three rounds, the second the best."""
    folder = tmp_path_factory.mktemp("together")
    with running(folder, worker=False) as server:
        with contextlib.closing(open_database(server.database)) as db:
            project = projects.list_projects(db)[0]
            k = len(project.label_set)
            pool, gold = drawn(240, k, 1), drawn(160, k, 2)
            import_texts(db, project.id, folder, pool, split="train", name="together ")
            import_texts(db, project.id, folder, gold, split="gold", name="together ")
            ids = gold_ids(db, project.id)[-160:]
            for n, noise in enumerate((0.5, 0.2, 0.3)):
                probs = said(gold, 5 + n, noise={"student": noise, "standalone": 0.4, "teacher": 0.3, "linear": 0.5})
                probs["student"][:, 1] = np.where(gold[:, 0] & (np.arange(160) % 3 == 0), 0.9, probs["student"][:, 1])
                publish(db, project.id, ids, gold, probs, thresholds=[0.5] * k, now=time.time() - 9000 + 1000 * n)
        yield server


def drawn(n: int, k: int, seed: int) -> np.ndarray:
    """Label sets from common to rare, the first two together more often than by chance."""
    rng = np.random.default_rng(seed)
    y = rng.random((n, k)) < np.linspace(0.5, 0.04, k)
    y[:, 1] |= y[:, 0] & (rng.random(n) < 0.4)
    y[~y.any(axis=1), 0] = True
    return y


def chart(page: Page) -> None:
    page.wait_for_selector(".js-plotly-plot .heatmaplayer image", timeout=60_000)


def seen(page: Page, name: str) -> None:
    if folder := os.environ.get("PICTURES"):
        page.wait_for_timeout(1500)
        Path(folder).mkdir(parents=True, exist_ok=True)
        height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
        size = page.viewport_size or DESKTOP
        page.set_viewport_size({"width": size["width"], "height": int(height) + 40})
        page.wait_for_timeout(800)
        page.screenshot(path=Path(folder) / f"{name}.png")
        page.set_viewport_size(size)


def no_sideways(page: Page) -> None:
    wide = page.evaluate("() => { const m = document.querySelector('[data-testid=stMain]');"
                         " return m.scrollWidth - m.clientWidth; }")  # fmt: skip
    assert wide <= 1


def speak(server: Server, lang: str) -> None:
    with contextlib.closing(open_database(server.database)) as db:
        found = users.by_name(db, "lina")
        assert found is not None
        accounts.set_lang(db, found[0].id, lang, now=time.time())


def test_a_cell_lists_its_texts_and_two_rounds_are_compared(browser: Browser, decided: Server) -> None:
    with contextlib.closing(open_database(decided.database)) as db:
        project = projects.list_projects(db)[0].id
        view = together.view(db, project)
        a, b = view.labels[0], view.labels[1]
        n = together.texts(db, project, "pool", a.key, b.key).n
    speak(decided, "zh")
    page = sign_in(browser, decided, "lina", color_scheme="light")
    page.goto(decided.url + "/dashboard?tab=together")
    chart(page)
    seen(page, "together-zh-light-desktop")
    spot = page.locator(".js-plotly-plot .points path.point").nth(1)
    page.wait_for_selector("[data-test-script-state=notRunning]")
    (box,) = at_rest(spot)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.get_by_text(re.compile(f"^{n} 篇同時有{a.zh}和{b.zh}"))).to_be_visible()
    page.goto(decided.url + "/rounds")
    page.wait_for_selector(".js-plotly-plot .xtick")
    expect(page.get_by_text("在兩輪都評量過的 160 篇金標準上")).to_be_visible()
    seen(page, "rounds-zh-light-desktop")
    speak(decided, "en")
    small = sign_in(browser, decided, "lina", viewport=TELEPHONE, color_scheme="dark", has_touch=True)
    small.goto(decided.url + "/dashboard?tab=together")
    chart(small)
    no_sideways(small)
    small.get_by_role("radio", name="Student against people").click()
    expect(small.get_by_text("the largest difference of all pairs")).to_be_visible()
    seen(small, "together-en-dark-telephone")
    small.goto(decided.url + "/rounds")
    small.wait_for_selector(".js-plotly-plot .xtick")
    expect(small.get_by_text("gold texts that both were measured on")).to_be_visible()
    no_sideways(small)
    seen(small, "rounds-en-dark-telephone")
