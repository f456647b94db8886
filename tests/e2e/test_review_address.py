"""From a number of the dashboard to the text behind it, on the reviewer's board, in a browser; and by its address."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from core.services import projects
from core.services.dashboard.one_label import one_label
from db import adjudications
from db.connect import open_database
from tests.core.services.dashboard.measuring import gold_ids, import_texts
from tests.core.services.dashboard.modelled import labelled, publish, said
from tests.e2e.driving import Server, running, sign_in

pytestmark = pytest.mark.e2e
N = 60


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The demo's labels and one round on gold."""
    folder = tmp_path_factory.mktemp("address")
    with running(folder, worker=False) as server:
        with contextlib.closing(open_database(server.database)) as db:
            project = projects.list_projects(db)[0]
            shares = np.linspace(0.5, 0.04, len(project.label_set.keys)).tolist()
            gold = labelled(2, N, shares)
            import_texts(db, project.id, folder, gold, split="gold", name="address ")
            ids = gold_ids(db, project.id)[-N:]
            publish(db, project.id, ids, gold, said(gold, 1), thresholds=[0.5] * len(shares), now=time.time() - 100)
        yield server


def test_a_missed_text_is_opened_in_review_settled_and_left(browser: Browser, measured: Server) -> None:
    with contextlib.closing(open_database(measured.database)) as db:
        project = projects.list_projects(db)[0]
        key = project.label_set.keys[0]
        one = one_label(db, project.id, key)
    answers = one.answers
    assert answers is not None
    missed = answers.misses[0]
    page = sign_in(browser, measured, "lina")
    page.goto(measured.url + "/dashboard?tab=labels")
    button = page.locator(f".st-key-read_misses_{key}_{one.round}_{missed.document_id} button", has_text="讀全文")
    expect(button).to_be_visible(timeout=60_000)
    page.wait_for_selector("[data-test-script-state=notRunning]", timeout=60_000)  # the other tabs come in after it
    page.wait_for_timeout(1_000)
    button.click()
    page.get_by_role("dialog").get_by_role("link", name="在審閱裡打開").click()
    expect(page).to_have_url(re.compile(rf"/review\?.*text={missed.document_id}\b"), timeout=30_000)
    board = page.locator("[data-part=text]")
    expect(board).to_have_text(missed.text, timeout=30_000)

    page.reload()  # the address alone says which text
    expect(board).to_have_text(missed.text, timeout=30_000)
    page.keyboard.press("A")
    page.keyboard.press("Enter")
    expect(page.locator("[data-part=before]")).to_contain_text("已定案", timeout=30_000)
    expect(board).to_have_text(missed.text)
    with contextlib.closing(open_database(measured.database)) as db:
        assert adjudications.exists(db, missed.document_id)
    page.get_by_role("button", name="回到清單").click()
    expect(page.get_by_role("radio", name="意見不同 0")).to_be_visible(timeout=30_000)
    assert "text=" not in page.url
    page.context.close()
