"""What a lead's looks cost the annotators: twenty clients in the large project, while a round trains in another one."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from playwright.sync_api import Browser, Page

from bench.clients import Crowd
from bench.corpus import write_texts
from bench.dashboard.paint import first_paint, look, watch
from bench.dashboard.serving import NAMES, Kept, serving
from bench.desk.meter import quantile
from bench.desk.scenes import TRAINABLE, TRAINING_S, Trainer
from core.services import accounts, curating, projects, scheduling
from core.services.curating import ImportOptions
from db.connect import open_database
from pages.dashboard import TABS
from tests.e2e.driving import PASSWORD, sign_in

TURNS = 4  # without a lead, with one, and so on: what the machine does meanwhile falls on both


def elsewhere() -> None:
    """The browser takes what nobody else wants of this machine: a lead's own is on another one."""
    for each in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error, OSError):
            if "chrom" in each.name():
                each.nice(19)
                Path(f"/proc/{each.pid}/autogroup").write_text("19", "ascii")


class SmallTrainer(Trainer):
    """Keeps a round in training in the second project; one of the large project would not end."""

    def _ask(self) -> None:
        with contextlib.closing(open_database(self._server.database)) as db:
            for project in projects.list_projects(db)[1:]:
                scheduling.request_round(db, project.id, by=accounts.find(db, "admin").id, now=time.time())


def _second_project(server: Kept) -> None:
    """One that a round trains on, with the settings that a project has by itself."""
    folder = server.folder / "second"
    folder.mkdir()
    corpus = write_texts(folder / "rows.jsonl", 50, labelled=TRAINABLE)
    with contextlib.closing(open_database(server.database)) as db:
        options = ImportOptions(allow_partial=True)
        curating.import_as_project(
            db, corpus, key="second", name="second", options=options, by=None, now=time.time(), progress=None
        )


def measured(
    browser: Browser, folder: Path, *, seconds: float, a_minute: float, every_s: float, seed: int
) -> dict[str, Any]:
    """By how much the annotators' p95 grows when a lead looks at a tab every so many seconds."""
    with serving(folder, worker=True) as server:
        _second_project(server)
        people, trainer = Crowd(server.url, NAMES, PASSWORD, a_minute=a_minute, seed=seed), SmallTrainer(server)
        with people:
            page = sign_in(browser, server, "lina", first=watch)
            elsewhere()
            trainer.wait_training(TRAINING_S)
            trainer.start()
            people.begin()
            page.wait_for_timeout(15_000)
            alone, beside, looks = _by_turns(page, server, people, seconds=seconds, every_s=every_s)
        stages = trainer.stop()
        page.context.close()
    before, after = quantile(alone, 0.95), quantile(beside, 0.95)
    return {
        "annotators": len(NAMES), "acks": [len(alone), len(beside)], "annotators_p95_ms": [before, after],
        "annotators_p50_ms": [round(median(alone), 1), round(median(beside), 1)],
        "annotators_p95_growth": round(after / before - 1, 3), "looks_under_load": len(looks),
        "look_under_load_p50_ms": round(median(looks), 1), "look_under_load_p95_ms": quantile(looks, 0.95),
        "errors": people.errors[:5], "a_minute": a_minute, "training_share": round(1 - stages.get("", 0.0), 3),
    }  # fmt: skip


def _by_turns(
    page: Page, server: Kept, people: Crowd, *, seconds: float, every_s: float
) -> tuple[list[float], list[float], list[float]]:
    """(acknowledgements without a lead, those with one, the lead's own waits), in milliseconds."""
    found: tuple[list[float], list[float]] = ([], [])
    looks: list[float] = []
    for turn in range(TURNS):
        seen = [len(each.ack_ms) for each in people.clients]
        until = time.monotonic() + seconds * 2 / TURNS
        if turn % 2:
            first_paint(page, server.url)
        else:
            page.goto("about:blank")
        while time.monotonic() < until:
            begun = time.monotonic()
            if turn % 2:
                looks.append(look(page, list(TABS)[len(looks) % len(TABS) - 1], server)["ms"])
            time.sleep(max(0.1, every_s - (time.monotonic() - begun)))
        for client, old in zip(people.clients, seen, strict=True):
            found[turn % 2].extend(client.ack_ms[old:])
    return (*found, looks)
