"""Faults of every kind while two people label, and hands that outrun a slow server: nothing is lost or doubled."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from bench import faults
from bench.desk import scenes

pytestmark = pytest.mark.e2e


def test_fifty_faults_lose_and_double_nothing(browser: Browser, tmp_path: Path) -> None:
    found = faults.run(browser, tmp_path, faults=50, seed=11)
    assert found["kills"] >= 50
    assert set(found["kinds"]) == set(faults.SHARES)
    assert found["acked"] > 50
    assert {name: found[name] for name in ("lost", "undelivered", "doubled")} == {
        "lost": 0, "undelivered": 0, "doubled": 0,
    }, found  # fmt: skip


def test_a_burst_on_a_slow_server_is_saved_in_order(browser: Browser) -> None:
    found = scenes.burst(browser, texts=40, each_ms=70, slow_ms=600)
    assert (found["saved"], found["in_order"]) == (40, True), found
    assert (found["errors"], found["lost"], found["doubled"]) == (0, 0, 0), found
