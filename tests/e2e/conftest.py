"""One browser for all tests here; a server for each module, so that one may be killed without harm to another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.e2e.driving import CHROMIUM, MISSING, Server, launch, running

# It makes the README's pictures and is no test: `make screenshots` asks for it.
collect_ignore = [] if os.environ.get("SCREENSHOTS") else ["test_screenshots.py"]
expect.set_options(timeout=45_000)  # a page on a machine that others use, too; what comes sooner is seen sooner


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        if os.environ.get("CI"):
            pytest.fail(MISSING, pytrace=False)
        pytest.exit(MISSING, returncode=2)
    with sync_playwright() as playwright:
        chromium = launch(playwright)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server without a worker: what these tests ask of it is that no decision is lost."""
    with running(tmp_path_factory.mktemp("server"), worker=False) as started:
        yield started


@pytest.fixture(autouse=True)
def close_pages(browser: Browser) -> Iterator[None]:
    yield
    for context in browser.contexts:
        context.close()
