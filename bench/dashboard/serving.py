"""The large project, made once and kept, and a server in front of it."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil

from bench.corpus import write_texts
from bench.dashboard.made import PEOPLE, Size, fill
from db.connect import open_database
from db.migrations import STEPS
from tests.e2e.driving import Server

GOLD = 450
QUIET = "round_every = 1000000\nfast_lane_every = 1000000"
NAMES = tuple(f"p{n:02}" for n in range(1, PEOPLE + 1))
DONE = "made.json"


class Kept(Server):
    """A server over a folder that may be there already, with the people that it had."""

    def ours(self) -> list[psutil.Process]:
        """The processes that serve pages: everybody's, then the leads'."""
        assert self.process is not None
        first = psutil.Process(self.process.pid)
        return [first, *(each for each in first.children() if "web.leads" in each.cmdline())]

    def invite(self, **people: str) -> None:
        known = {each["name"] for each in self.rows("SELECT name FROM users")}
        super().invite(**{name: role for name, role in people.items() if name not in known})


def large(size: Size, *, seed: int, kept: Path | None = None) -> Path:
    """The folder of the large project; made on the first call, a few minutes."""
    about = {**asdict(size), "seed": seed, "steps": len(STEPS)}
    name = f"tagtail-dashboard-{size.texts}-{size.annotations}-{size.rounds}-{seed}-{len(STEPS)}"
    folder = kept or Path(tempfile.gettempdir()) / name
    mark = folder / DONE
    if mark.exists() and json.loads(mark.read_text("utf-8")) == about:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    corpus = _without_split(write_texts(folder / "made.jsonl", size.texts))
    settings = f"{QUIET}\ngold_share = {GOLD / size.texts}"
    server = Kept(folder, worker=False, corpus=corpus, settings=settings, round_settings="")
    server.invite(**dict.fromkeys(NAMES, "annotator"))
    fill(server.database, size, seed=seed)
    with contextlib.closing(open_database(server.database)) as db:
        db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    mark.write_text(json.dumps(about), "utf-8")
    return folder


def _without_split(corpus: Path) -> Path:
    """The project itself sets some of the texts aside as gold."""
    rows = [json.loads(line) for line in corpus.read_text("utf-8").splitlines()]
    kept = [{name: row[name] for name in ("id", "text")} for row in rows]
    corpus.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in kept), "utf-8")
    return corpus


@contextlib.contextmanager
def serving(folder: Path, **options: Any) -> Iterator[Kept]:
    """A real server over that folder."""
    server = Kept(folder, **{"worker": False, "settings": QUIET, "round_settings": "", **options})
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def copied(folder: Path) -> Iterator[Path]:
    """A copy that may be worked in."""
    with tempfile.TemporaryDirectory() as name:
        target = Path(name) / "copy"
        shutil.copytree(folder, target)
        yield target
