"""A thousand faults while people label: ``python -m bench.faults``, one JSON object on the last line.

App and worker are killed (SIGKILL) and the app is frozen; the wire is pulled; tabs are closed, reloaded and taken
offline, buttons clicked twice and Enter pressed twice. Two people in real browsers keep labelling meanwhile, mostly
without waiting for an answer. ``lost`` counts decisions that they were told to be saved and that the database does not
have as they were made, ``undelivered`` those still waiting when all was well again, ``doubled`` what was saved twice.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Browser, Dialog, Page, sync_playwright
from playwright.sync_api import Error as BrowserError

from bench.corpus import write_texts
from bench.ledger import audit, read, watch
from bench.proxy import Proxy, relaying
from tests.e2e.driving import CHROMIUM, MISSING, Server, launch, running, sign_in

PEOPLE = ("amy", "bob")
SHARES = {
    "app_killed": 6, "worker_killed": 8, "app_frozen": 4, "wire_pulled": 10, "outage": 6, "tab_closed": 8,
    "reloaded": 14, "offline": 10, "enter_twice": 20, "clicked_twice": 14,
}  # fmt: skip
SETTINGS = "round_every = 20\nround_min_labels = 40"
PATIENCE_S = 8.0  # then a person whose desk stays empty loads the page anew
END_S = 120.0
WORKER_S = 6.0  # so long a worker that is still starting is waited for


def plan(faults: int, rng: random.Random) -> list[str]:
    """So many faults in random order, each kind by its share and at least once."""
    whole = sum(SHARES.values())
    kinds = [kind for kind, share in SHARES.items() for _ in range(max(1, share * faults // whole))]
    kinds += rng.choices(list(SHARES), weights=list(SHARES.values()), k=max(0, faults - len(kinds)))
    rng.shuffle(kinds)
    return kinds


class Person:
    """Somebody at a browser, who goes on whatever the page does."""

    def __init__(self, browser: Browser, server: Server, proxy: Proxy, name: str, rng: random.Random) -> None:
        self.name, self._url, self._rng = name, proxy.url + "/", rng
        self.page: Page = sign_in(browser, server, name, url=proxy.url, first=watch)
        self._prepare()
        self.page.wait_for_selector("[data-part=paper]:not([data-document=''])[data-document]")

    def _prepare(self) -> None:
        self.page.set_default_timeout(20_000)
        self.page.on("dialog", lambda dialog: self._agree(dialog))

    def _agree(self, dialog: Dialog) -> None:
        with contextlib.suppress(BrowserError):  # the page may be gone before the answer
            dialog.accept()

    def has_text(self) -> bool:
        try:
            return bool(self.page.get_attribute("[data-part=paper]", "data-document", timeout=1000))
        except BrowserError:
            return False

    def ready(self) -> None:
        """A text is on the desk. Raises TimeoutError: not even after the page was loaded anew."""
        end, patience_s = time.monotonic() + END_S, PATIENCE_S
        until = time.monotonic() + patience_s
        while not self.has_text():
            if time.monotonic() > end:
                raise TimeoutError(f"{self.name} has no text on the desk")
            if time.monotonic() > until:
                patience_s *= 2  # a slow machine needs longer to load a page, not more pages to load
                until = time.monotonic() + patience_s
                self.reload()
            time.sleep(0.1)

    def choose(self) -> None:
        for digit in self._rng.sample("12345678", 2):
            self.page.keyboard.press(digit)

    def label(self, enters: int = 1) -> None:
        """One text, in the moment, if there is one."""
        if self.has_text():
            self.choose()
            for _ in range(enters):
                self.page.keyboard.press("Enter")

    def click_twice(self) -> None:
        if self.has_text():
            self.choose()
            with contextlib.suppress(BrowserError):  # a save that is greyed out in between
                self.page.dblclick("[data-part=save]", timeout=2000, force=True)

    def reload(self) -> None:
        with contextlib.suppress(BrowserError):
            self.page.reload(wait_until="commit")

    def close_tab(self) -> None:
        context = self.page.context
        self.page.close()
        self.page = context.new_page()
        self._prepare()
        with contextlib.suppress(BrowserError):
            self.page.goto(self._url, wait_until="commit")


class Chaos:
    """Does one fault after the other, between and during decisions."""

    def __init__(self, server: Server, proxy: Proxy, people: list[Person], rng: random.Random) -> None:
        self.server, self.proxy, self.people, self.rng = server, proxy, people, rng
        self.done: Counter[str] = Counter()
        self.in_rounds = 0

    def go(self, kinds: list[str]) -> None:
        for number, kind in enumerate(kinds, start=1):
            person = self.people[number % len(self.people)]
            person.ready()
            for _ in range(self.rng.randint(0, 2)):
                person.label()
            act: Callable[[Person], None] = getattr(self, f"_{kind}")
            act(person)
            self.done[kind] += 1
            if number % 50 == 0:
                print(f"{number} of {len(kinds)} faults", file=sys.stderr, flush=True)

    def settle(self) -> None:
        """All is well again: everybody's outbox empties."""
        until = time.monotonic() + END_S
        for person in self.people:
            while True:
                person.ready()
                with contextlib.suppress(BrowserError):
                    person.page.wait_for_selector("[data-part=state][data-state=saved]", timeout=15_000)
                    break
                if time.monotonic() > until:
                    return
                person.reload()

    def _pause(self, longest_s: float) -> None:
        time.sleep(self.rng.random() * longest_s)

    def _app_killed(self, person: Person) -> None:
        person.label()
        self._pause(0.05)
        self.server.kill()
        person.label()
        self.server.start()
        if self.rng.random() < 0.5:
            person.reload()

    def _worker_killed(self, person: Person) -> None:
        """The supervisor waits before it starts another: longer after each death, until the app starts anew."""
        person.label()
        until = time.monotonic() + WORKER_S
        while not self._at_work() and time.monotonic() < until:
            person.ready()
            person.label()
            time.sleep(0.3)
        if self._worker() is None:  # it waits long by now: the app itself goes, and takes the waiting along
            self._app_killed(person)
            while self._worker() is None:
                time.sleep(0.1)
        worker = self._worker()
        assert worker is not None
        self.in_rounds += self._at_work() and bool(self.server.rows("SELECT id FROM jobs WHERE state = 'running'"))
        os.kill(worker, signal.SIGKILL)

    def _worker(self) -> int | None:
        """The worker's process, which may still be starting."""
        assert self.server.process is not None
        for child in psutil.Process(self.server.process.pid).children():
            with contextlib.suppress(psutil.Error):
                if child.status() != psutil.STATUS_ZOMBIE and "worker" in child.cmdline():
                    return child.pid
        return None

    def _at_work(self) -> bool:
        """Whether it has come so far as to say that it lives."""
        return self._worker() in {row["pid"] for row in self.server.rows("SELECT pid FROM workers")}

    def _app_frozen(self, person: Person) -> None:
        assert self.server.process is not None
        self.server.process.send_signal(signal.SIGSTOP)
        person.label()
        self._pause(0.6)
        person.label()
        self.server.process.send_signal(signal.SIGCONT)

    def _wire_pulled(self, person: Person) -> None:
        person.label()
        self._pause(0.03)
        self.proxy.cut()
        person.label()

    def _outage(self, person: Person) -> None:
        person.label()
        self.proxy.cut(refuse=True)
        person.label()
        self._pause(1.5)
        self.proxy.mend()

    def _tab_closed(self, person: Person) -> None:
        person.label()
        self._pause(0.03)
        person.close_tab()

    def _reloaded(self, person: Person) -> None:
        person.label()
        self._pause(0.03)
        person.reload()

    def _offline(self, person: Person) -> None:
        person.page.context.set_offline(True)
        person.label()
        self._pause(0.6)
        person.label()
        person.page.context.set_offline(False)

    def _enter_twice(self, person: Person) -> None:
        person.label(enters=2)

    def _clicked_twice(self, person: Person) -> None:
        person.click_twice()


def run(browser: Browser, folder: Path, *, faults: int, seed: int) -> dict[str, Any]:
    """The faults and what they cost."""
    rng, started = random.Random(seed), time.monotonic()
    corpus = write_texts(folder / "made.jsonl", 400 + 6 * faults, labelled=60, seed=seed)
    with running(folder, worker=True, corpus=corpus, settings=SETTINGS) as server, relaying(server.port) as proxy:
        people = [Person(browser, server, proxy, name, rng) for name in PEOPLE]
        chaos = Chaos(server, proxy, people, rng)
        chaos.go(plan(faults, rng))
        chaos.settle()
        verdict = audit(server, {person.name: read(person.page) for person in people})
        for person in people:
            person.page.context.close()
    return {
        "kills": chaos.done.total(),
        **verdict.figures,
        "doubled": verdict.doubled + verdict.strange,
        "kinds": dict(sorted(chaos.done.items())),
        "workers_killed_in_rounds": chaos.in_rounds,
        "people": len(people),
        "seed": seed,
        "seconds": round(time.monotonic() - started, 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if not Path(CHROMIUM).exists():
        print(MISSING, file=sys.stderr)
        return 2
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = launch(playwright)
        found = run(browser, Path(folder), faults=args.faults, seed=args.seed)
        browser.close()
    print(json.dumps(found))
    return int(bool(found["lost"] or found["undelivered"] or found["doubled"]))


if __name__ == "__main__":
    sys.exit(main())
