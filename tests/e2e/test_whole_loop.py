"""The product's main job, as a person does it: label, undo, train, read the chart, take the student away."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.driving import Server, label_keys, open_board, roll, running, shown, sign_in, wait_saved

pytestmark = pytest.mark.e2e

TEXTS = 30
ROUND_S = 240


def label_thirty(page: Page, server: Server) -> None:
    """Thirty texts with keys, one of them taken back and given other labels."""
    open_board(page, server)
    names = label_keys(page)
    wrong = shown(page)
    page.keyboard.press("9")
    page.keyboard.press("Enter")
    page.keyboard.press("u")
    assert shown(page) == wrong
    page.keyboard.press("9")  # it came back chosen: off again
    for n in range(TEXTS):  # a person waits for the next text, however slow the machine
        here = shown(page)
        roll(page, ["1", str(2 + n % 8), "Enter"], 0.08)
        for _ in range(400):
            if shown(page) not in (0, here):
                break
            page.wait_for_timeout(50)
    wait_saved(page)
    saved = server.decisions("lina")
    assert [each["decision"] for each in saved] == ["labelled", "undone", *["labelled"] * TEXTS]
    assert saved[2]["document_id"] == wrong
    assert set(saved[2]["labels"]) == {names[0], names[1]}
    assert len({each["document_id"] for each in saved}) == TEXTS


def wait_for_round(page: Page, server: Server) -> None:
    """Follow the round that thirty new labels made due, until the Rounds page itself says that it is done."""
    page.goto(server.url + "/rounds")
    page.wait_for_selector("h1")
    until = time.monotonic() + ROUND_S
    while not server.rows("SELECT 1 FROM rounds WHERE state = 'published'"):
        failed = server.rows("SELECT state, error FROM jobs WHERE state IN ('failed', 'cancelled')")
        assert not failed and time.monotonic() < until, failed  # noqa: PT018 (one reason to stop waiting)
        page.wait_for_timeout(500)
    page.get_by_text("可以開始下一輪").wait_for()
    page.wait_for_selector("[data-testid=stDataFrame]")
    published = server.rows("SELECT * FROM rounds WHERE state = 'published'")
    assert [each["number"] for each in published] == [1]
    assert published[0]["n_gold"] >= 10


def read_dashboard(page: Page, server: Server) -> None:
    """The headline shows the very figure that the round stored, and the chart has every label on it."""
    stored = server.rows(
        "SELECT f1 FROM metrics WHERE model = 'student' AND split = 'gold' AND scope = 'macro'",
    )[0]["f1"]
    page.goto(server.url + "/dashboard")
    page.wait_for_selector(".js-plotly-plot .ytick")
    assert f"{stored:.2f}" in page.locator("[data-testid=stMetricValue]").all_inner_texts()
    page.goto(server.url + "/dashboard?tab=labels")
    page.wait_for_selector(".js-plotly-plot .ytick")
    axis = page.locator(".js-plotly-plot").first.locator(".ytick").all_text_contents()
    names = [row["zh"] for row in server.rows("SELECT zh FROM labels")]
    assert all(any(name in tick for tick in axis) for name in names)


def take_away(page: Page, server: Server, folder: Path) -> Path:
    """Labels and student by the Export page's links."""
    page.goto(server.url + "/export")
    with page.expect_download() as waiting:
        page.click("a[href*='/download/labels/'][href*='.jsonl']")
    waiting.value.save_as(folder / "labels.jsonl")
    rows = [json.loads(line) for line in (folder / "labels.jsonl").read_text("utf-8").splitlines()]
    mine = {each["document_id"] for each in server.decisions("lina")}
    assert len(rows) >= len(mine)
    with page.expect_download() as waiting:
        page.click("a[href*='/download/student/']")
    waiting.value.save_as(folder / "student.zip")
    with zipfile.ZipFile(folder / "student.zip") as archive:
        archive.extractall(folder / "student")
    return next((folder / "student").rglob("predict.py"))


def test_sign_in_label_train_read_export_predict(browser: Browser, tmp_path: Path) -> None:
    with running(tmp_path, worker=True) as server:
        page = sign_in(browser, server, "lina")
        label_thirty(page, server)
        wait_for_round(page, server)
        read_dashboard(page, server)
        predict = take_away(page, server, tmp_path)
    text = "長輩服用降血壓藥期間，起床時應先坐三分鐘再站起來，並定期量血壓。"
    done = subprocess.run(
        [sys.executable, predict.name, text], cwd=predict.parent, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    said = json.dumps(answer, ensure_ascii=False)
    assert all(0 <= p <= 1 for p in answer["probabilities"].values())
    assert len(answer["probabilities"]) == 9
    assert "precautions" in said
