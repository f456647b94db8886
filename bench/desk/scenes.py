"""The questions of ``python -m bench.desk``, each a run of its own server over a database of its own."""

from __future__ import annotations

import contextlib
import json
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from playwright.sync_api import Browser, Page

from bench.clients import Crowd
from bench.corpus import write_texts
from bench.desk import meter
from bench.ledger import Ledger, audit, read, watch
from core.services import accounts, scheduling
from core.services.projects import list_projects
from db.connect import open_database
from tests.e2e.driving import PASSWORD, SMALL_ROUND, Server, board_state, roll, running, sign_in, wait_saved

ROUND = ""  # a real round: the settings that a project has by itself
TRAINABLE = 400  # labelled texts, so that a round is a long one
TRAINING_S = 300  # until a round that was asked for trains; the worker has the lowest priority
QUIET = "round_every = 1000000"


@contextlib.contextmanager
def desk(texts: int, *, labelled: int = 0, **options: Any) -> Iterator[Server]:
    """A server whose project has so many texts to label."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus = write_texts(folder / "made.jsonl", texts, labelled=labelled)
        with running(folder, corpus=corpus, **{"worker": False, "settings": QUIET, **options}) as server:
            yield server


def enter(browser: Browser, server: Server, name: str) -> Page:
    """A signed-in page with its board, whose decisions are noted; what goes wrong in its scripts as well."""
    page = sign_in(browser, server, name, first=watch)
    page.wait_for_selector("[data-part=paper]:not([data-document=''])[data-document]")
    return page


def log_errors(server: Server) -> int:
    return (server.folder / "server.log").read_text("utf-8").count("Traceback (most recent call last)")


def judged(server: Server, ledgers: dict[str, Ledger], *, errors: list[str]) -> dict[str, Any]:
    """The keys that say whether all is there."""
    verdict = audit(server, ledgers)
    return {
        "errors": len(errors) + log_errors(server),
        "lost": verdict.lost + verdict.undelivered,
        "doubled": verdict.doubled + verdict.strange,
        "saved": verdict.acked,
        **({"error_words": sorted(set(errors))[:5]} if errors else {}),
    }


def one(browser: Browser, *, texts: int, gap_ms: int, seed: int, size: int = 0) -> dict[str, Any]:
    """One annotator alone, in a project of ``size`` texts."""
    rng = random.Random(seed)
    with desk(size or texts + 60) as server:
        page = enter(browser, server, "amy")
        meter.warm(page, gap_ms / 1000, rng)
        meter.type_texts(page, texts, gap_ms / 1000, rng)
        found = {**meter.figures(page), **judged(server, {"amy": read(page)}, errors=thrown(page))}
        page.context.close()
    return {**found, "gap_ms": gap_ms, "in_project": size or texts + 60, "measured_in": "chromium"}


class Trainer:
    """Keeps a round in training, and notes for which share of the time one was in which stage."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._seen: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, name="trainer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> dict[str, float]:
        """The share of the looks that found each stage; "" where no round was running."""
        self._stop.set()
        self._thread.join(20)
        return {stage: round(n / len(self._seen), 3) for stage, n in Counter(self._seen).most_common()}

    def wait_training(self, timeout_s: float) -> None:
        """Until a round computes and does not only read. Raises TimeoutError."""
        until = time.monotonic() + timeout_s
        while self._stage() in ("", "start", "text"):
            if time.monotonic() > until:
                jobs = self._server.rows("SELECT state, progress, error FROM jobs")
                raise TimeoutError(f"no round trains: {jobs}")
            self._ask()
            time.sleep(0.5)

    def _ask(self) -> None:
        with contextlib.closing(open_database(self._server.database)) as db:
            for project in list_projects(db):
                scheduling.request_round(db, project.id, by=accounts.find(db, "admin").id, now=time.time())

    def _stage(self) -> str:
        rows = self._server.rows("SELECT progress FROM jobs WHERE state = 'running'")
        return str(json.loads(rows[0]["progress"] or "{}").get("stage", "start")) if rows else ""

    def _look(self) -> None:
        while not self._stop.wait(0.5):
            self._seen.append(self._stage())
            if not self._server.rows("SELECT id FROM jobs WHERE state IN ('queued', 'running')"):
                self._ask()


def many(
    browser: Browser, people: int, *, seconds: float, a_minute: float, every_s: float, seed: int
) -> dict[str, Any]:
    """``people`` annotators while a round trains: one is a browser that is measured, the others are clients.

    The browser's person is quicker than the others (a text each ``every_s``), so that there is enough to take a p95 of.
    """
    rng = random.Random(seed)
    texts = int(people * a_minute * seconds / 60 + seconds / every_s) + 60 + 5 * people
    names = [f"p{n:02}" for n in range(1, people)]
    with desk(texts, labelled=TRAINABLE, worker=True, round_settings=ROUND) as server:
        server.invite(**dict.fromkeys(names, "annotator"))
        crowd, trainer = Crowd(server.url, names, PASSWORD, a_minute=a_minute, seed=seed), Trainer(server)
        with crowd:
            page = enter(browser, server, "amy")
            trainer.wait_training(TRAINING_S)
            trainer.start()
            crowd.begin()
            meter.warm(page, 0.15, rng)
            meter.type_texts(page, int(seconds / every_s), 0.15, rng, every_s=every_s)
        stages = trainer.stop()
        ledgers = {each.name: Ledger(made=each.made, acked=frozenset(each.acked)) for each in crowd.clients}
        ledgers["amy"] = read(page)
        found = {**meter.figures(page), **judged(server, ledgers, errors=[*crowd.errors, *thrown(page)])}
        page.context.close()
    acks = crowd.ack_ms
    return {
        **found,
        "measured_in": f"chromium, 1 of {people}; the other {people - 1} speak the protocol and paint nothing",
        "clients": people - 1,
        "clients_a_minute": a_minute,
        "clients_acks": len(acks),
        "clients_ack_p50_ms": round(median(acks), 1),
        "clients_ack_p95_ms": meter.quantile(acks, 0.95),
        "browser_a_minute": round(60 / every_s, 1),
        "seconds": seconds,
        "training_share": round(1 - stages.get("", 0.0), 3),
        "training_stages": stages,
        "round": f"default settings, {TRAINABLE} labelled texts",
    }


def burst(browser: Browser, *, texts: int = 40, each_ms: int = 70, slow_ms: int = 600) -> dict[str, Any]:
    """So many texts, each in so many milliseconds, blind, while each outbox takes the server so long."""
    rng = random.Random(texts)
    settings = f"{QUIET}\nprefetch = {min(50, texts + 5)}"
    with desk(texts + 100, settings=settings, program=("-m", "bench.slow", str(slow_ms))) as server:
        page = enter(browser, server, "amy")
        page.wait_for_timeout(1000)
        digits = [rng.choice("123456789") for _ in range(texts)]
        started = time.perf_counter()
        roll(page, [key for digit in digits for key in (digit, "Enter")], each_ms / 2000)
        typed_s = time.perf_counter() - started
        wait_saved(page, 60)
        ledger = read(page)
        rows = server.decisions("amy")
        found = judged(server, {"amy": ledger}, errors=thrown(page))
        keys = page.eval_on_selector_all("[data-label]", "all => all.map((one) => one.dataset.label)")
        page.context.close()
    wanted = [[keys[int(digit) - 1]] for digit in digits]
    made = [one.document for one in ledger.made.values()]
    return {
        **found,
        "texts": texts,
        "each_ms": each_ms,
        "slow_ms": slow_ms,
        "typed_ms_each": round(typed_s / texts * 1000, 1),
        "in_order": [row["labels"] for row in rows] == wanted and {row["document_id"] for row in rows} == set(made),
    }


def day(browser: Browser, *, texts: int, marks: Sequence[int], each_s: float) -> dict[str, Any]:
    """A day's work in one tab: what browser and server hold after so many texts. Units: MB (10⁶ bytes)."""
    rng = random.Random(texts)
    heap, rss, done = [], [], 0
    with desk(texts + 100, settings=f"{QUIET}\ndaily_goal = 0", round_settings=SMALL_ROUND) as server:
        page = enter(browser, server, "amy")
        devtools = page.context.new_cdp_session(page)
        devtools.send("Performance.enable")
        for mark in marks:
            meter.type_texts(page, mark - done, each_s / 3, rng, looking=True)
            done = mark
            page.wait_for_timeout(1000)
            for _ in range(2):
                devtools.send("HeapProfiler.collectGarbage")
            metrics = {each["name"]: each["value"] for each in devtools.send("Performance.getMetrics")["metrics"]}
            heap.append(round(metrics["JSHeapUsedSize"] / 1e6, 2))
            assert server.process is not None
            rss.append(round(psutil.Process(server.process.pid).memory_info().rss / 1e6, 1))
        found = judged(server, {"amy": read(page)}, errors=thrown(page))
        state = board_state(page)
        page.context.close()
    return {**found, "texts": list(marks), "heap_mb": heap, "rss_mb": rss, "ends": state}


def thrown(page: Page) -> list[str]:
    """What the page's scripts have thrown."""
    return [str(each) for each in page.page_errors()]
