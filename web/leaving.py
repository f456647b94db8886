"""What a closing tab says as its last word, so that the texts it held ahead need not wait for their lease to run out.

A browser says the same when a tab is closed and when it is reloaded, and a person may have another tab open, which
holds the same texts. So nothing is given back at once: only after a while, and only if by then no tab of that person
has its line to us. Whatever is lost of this (a restart, a line that died unnoticed) is left to the leases' own time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Collection
from contextlib import closing
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from core.errors import TagtailError
from core.services import assigning
from core.services.accounts import User
from db.connect import open_database
from db.errors import StorageError
from web.login import small_form

log = logging.getLogger("tagtail.web")

GRACE_S = 20.0
MAX_KEPT = 100  # texts that one tab can name


class Leaving:
    """POST /leaving; the gate has put the person and the count of everybody's open tabs into the request's state."""

    def __init__(self, database: Path, *, grace_s: float = GRACE_S) -> None:
        self.database = database
        self.grace_s = grace_s
        self._waiting: dict[tuple[int, int], asyncio.Task[None]] = {}

    async def heard(self, request: Request) -> Response:
        """Fields: ``project``, and ``keep``, the ids of texts that are not to be given back, with commas between.

        204: heard, which promises nothing. 400: not what a board of ours sends.
        """
        fields = await small_form(request)
        found = _read(fields or {})
        if found is None:
            return Response(status_code=400)
        project_id, kept = found
        user: User = request.state.user
        tabs: Counter[int] = request.state.tabs
        before = self._waiting.pop((user.id, project_id), None)
        if before is not None:
            before.cancel()  # the last tab to close knows best what is not to be given back
        task = asyncio.create_task(self._later(user.id, project_id, kept, tabs))
        self._waiting[user.id, project_id] = task
        task.add_done_callback(lambda done: self._forget((user.id, project_id), done))
        return Response(status_code=204)

    def _forget(self, key: tuple[int, int], done: asyncio.Task[None]) -> None:
        if self._waiting.get(key) is done:
            del self._waiting[key]

    async def _later(self, user_id: int, project_id: int, kept: Collection[int], tabs: Counter[int]) -> None:
        await asyncio.sleep(self.grace_s)
        if not tabs[user_id]:
            await run_in_threadpool(self._give_back, user_id, project_id, kept)

    def _give_back(self, user_id: int, project_id: int, kept: Collection[int]) -> None:
        try:
            with closing(open_database(self.database)) as db:
                assigning.release(db, project_id, user_id, keep=0 if kept else 1, but=kept, now=time.time())
        except (TagtailError, StorageError) as error:
            log.warning("texts of a closed tab could not be given back: %s", error)


def _read(fields: dict[str, str]) -> tuple[int, frozenset[int]] | None:
    """The project and the texts to keep, if that is what the fields are."""
    kept = [each for each in fields.get("keep", "").split(",") if each]
    numbers = [fields.get("project", ""), *kept]
    if len(kept) > MAX_KEPT or not all(each.isascii() and each.isdecimal() and len(each) < 19 for each in numbers):
        return None
    return int(numbers[0]), frozenset(map(int, kept))
