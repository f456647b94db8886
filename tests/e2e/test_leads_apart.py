"""Leads' pages have a server of their own: it may fall, and annotators do not notice."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.driving import Server, label_keys, open_board, pressed, running, sign_in, wait_saved
from web.relay import answers

pytestmark = pytest.mark.e2e

AGAIN_MS = 60_000  # a process that starts anew on a busy machine


def leads_server(server: Server) -> psutil.Process | None:
    assert server.process is not None
    found = [each for each in psutil.Process(server.process.pid).children() if "web.leads" in each.cmdline()]
    return found[0] if found else None


def test_a_fallen_leads_server_comes_back_and_no_annotator_notices(browser: Browser, server: Server) -> None:
    lead = sign_in(browser, server, "lina")
    amy = sign_in(browser, server, "amy")
    open_board(amy, server)
    lead.goto(server.url + "/labels")
    expect(lead.locator("h1").first).to_be_visible()
    old = leads_server(server)
    assert old is not None
    assert answers(Path(old.cmdline()[-1]), 30), "as the watch over it asks"
    old.kill()
    key = label_keys(amy)[0]
    amy.keyboard.press("1")
    assert pressed(amy) == [key]
    amy.keyboard.press("Enter")
    wait_saved(amy)
    assert [each["labels"] for each in server.wait_decisions("amy", 1)] == [[key]]
    # The lead's page connects again by itself, and a click on it is answered by the new process.
    lead.locator("[data-testid=stSidebarNavLink]", has_text="人員").click()
    expect(lead.locator("h1", has_text="人員")).to_be_visible(timeout=AGAIN_MS)
    new = leads_server(server)
    assert new is not None
    assert new.pid != old.pid
    with urllib.request.urlopen(server.url + "/healthz", timeout=10) as answer:
        assert json.load(answer)["leads"] == "running"


def test_a_lead_may_label_upload_and_download_there(browser: Browser, server: Server, tmp_path: Path) -> None:
    lead = sign_in(browser, server, "lina")
    open_board(lead, server)
    key = label_keys(lead)[1]
    lead.keyboard.press("2")
    lead.keyboard.press("Enter")
    wait_saved(lead)
    assert [each["labels"] for each in server.wait_decisions("lina", 1)] == [[key]]
    rows = tmp_path / "more.jsonl"
    rows.write_text(json.dumps({"id": "新", "text": "這是另一篇新的健康文章。"}, ensure_ascii=False), "utf-8")
    lead.goto(server.url + "/data")
    lead.set_input_files("[data-testid=stFileUploaderDropzoneInput]", rows)
    lead.get_by_role("button", name="匯入 1 篇文本").click()
    expect(lead.get_by_text("more.jsonl").first).to_be_visible()
    until = time.monotonic() + 20
    while not server.rows("SELECT id FROM documents WHERE external_id = '新'") and time.monotonic() < until:
        time.sleep(0.1)
    assert len(server.rows("SELECT id FROM documents WHERE external_id = '新'")) == 1
    found = lead.request.get(f"{server.url}/download/labels/1.csv?include=all")
    assert (found.status, "這是另一篇新的健康文章。" in found.text()) == (200, True)
    assert "content-security-policy" in found.headers
    assert lead.request.get(f"{server.url}/download/student/1").status == 404  # no round yet: in words


def test_without_it_one_process_serves_all(browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADS_APART", "0")
    with running(tmp_path, worker=False) as server:
        lead = sign_in(browser, server, "lina")
        lead.goto(server.url + "/dashboard")
        expect(lead.locator("h1").first).to_be_visible()
        assert leads_server(server) is None
        log = server.folder / "server.log"
        until = time.monotonic() + 30
        while not re.search("warm after", log.read_text("utf-8")) and time.monotonic() < until:
            time.sleep(0.1)
        assert "warm after" in log.read_text("utf-8")
