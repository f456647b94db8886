"""The few routes beside the pages: sign-in, health, and downloads that stay flat in memory."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from core.errors import NotAllowed, TagtailError
from core.messages import LANGS, sentence
from core.services import curating, membership, reporting, scheduling
from core.services.accounts import User
from core.services.dashboard import report
from core.services.dashboard.report import Wanted
from db.connect import open_database
from db.errors import NotFound, StorageError
from pages.shared.i18n import say
from web import html
from web.figures import figure_file
from web.joining import Joining
from web.leaving import Leaving
from web.login import SignIn

log = logging.getLogger("tagtail.web")

MEDIA_TYPES = {"jsonl": "application/x-ndjson; charset=utf-8", "csv": "text/csv; charset=utf-8"}


class Downloads:
    """Files for leads. The gate has put the signed-in person into the request's state."""

    def __init__(self, database: Path) -> None:
        self.database = database

    async def student(self, request: Request) -> Response:
        """GET /download/student/{project_id}: the trained student as one zip."""
        user: User = request.state.user
        try:
            path, name = await run_in_threadpool(self._student, request.path_params["project_id"], user)
        except (TagtailError, StorageError) as error:
            return _refusal(error, user)
        if path is None or not path.is_file():
            return html.notice(user.lang, say("login.no_student", user.lang), 404, home="/export")
        return FileResponse(path, media_type="application/zip", filename=name, headers={"Cache-Control": "no-store"})

    def _student(self, project_id: int, user: User) -> tuple[Path | None, str]:
        with closing(open_database(self.database)) as db:
            membership.require_member(db, project_id, user.id, "lead")
            key = curating.project(db, project_id).key
            return reporting.student_bundle(db, project_id), f"tagtail-{key}-student.zip"

    async def report(self, request: Request) -> Response:
        """GET /download/report/{project_id}?lang=zh|hans|en&names=0|1: the report as one zip."""
        user: User = request.state.user
        lang = request.query_params.get("lang", user.lang)
        wanted = Wanted(lang=lang if lang in LANGS else "zh", names=request.query_params.get("names") == "1")
        try:
            path, name = await run_in_threadpool(self._report, request.path_params["project_id"], user, wanted)
        except (TagtailError, StorageError, OSError) as error:
            return _refusal(error, user)
        return FileResponse(path, media_type="application/zip", filename=name, headers={"Cache-Control": "no-store"})

    def _report(self, project_id: int, user: User, wanted: Wanted) -> tuple[Path, str]:
        with closing(open_database(self.database)) as db:
            membership.require_member(db, project_id, user.id, "lead")
            key = curating.project(db, project_id).key
            return report.made(db, project_id, wanted, now=time.time()), f"tagtail-{key}-report.zip"

    async def labels(self, request: Request) -> Response:
        """GET /download/labels/{project_id}.{jsonl|csv}: the labels, streamed row by row."""
        user: User = request.state.user
        fmt = request.path_params["format"]
        include = request.query_params.get("include", "labelled")
        if fmt not in MEDIA_TYPES or include not in ("labelled", "all", "decisions"):
            return html.notice(user.lang, say("login.not_found", user.lang), 404, home="/export")
        try:
            project_id = request.path_params["project_id"]
            chunks, name, close = await run_in_threadpool(self._labels, project_id, user, fmt, include)
        except (TagtailError, StorageError) as error:
            return _refusal(error, user)
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}", "Cache-Control": "no-store"}
        return StreamingResponse(chunks, media_type=MEDIA_TYPES[fmt], headers=headers, background=BackgroundTask(close))

    def _labels(
        self, project_id: int, user: User, fmt: str, include: str
    ) -> tuple[Iterator[bytes], str, Callable[[], None]]:
        """Pieces of the file, its name, and what ends the reading. Raises TagtailError, StorageError."""
        db = open_database(self.database)
        try:
            membership.require_member(db, project_id, user.id, "lead")
            project = curating.project(db, project_id)
            rows = curating.export_labels(
                db,
                project_id,
                format=fmt,
                include=include,
                now=time.time(),
            )
            # The first piece is made before the answer starts: what can go wrong is still a sentence then.
            first = list(itertools.islice(rows, 1))
        except BaseException:
            db.close()
            raise

        what = "decisions" if include == "decisions" else "labels"
        return itertools.chain(first, rows), f"tagtail-{project.key}-{what}.{fmt}", db.close


def _refusal(error: TagtailError | StorageError | OSError, user: User) -> Response:
    status = 403 if isinstance(error, NotAllowed) else 404 if isinstance(error, NotFound) else 409
    return html.notice(user.lang, sentence(error, user.lang), status, home="/")


class Health:
    """GET /healthz: whether the database answers, and what runs beside; open to everyone, so it tells no more.

    A worker that beats is running, whoever started it. One that we started and that does not beat is silent.
    """

    def __init__(self, database: Path, worker: Callable[[], str], leads: Callable[[], str] = lambda: "off") -> None:
        self.database = database
        self.worker = worker
        self.leads = leads

    async def answer(self, request: Request) -> Response:
        ours, leads = self.worker(), self.leads()
        try:
            beats = await run_in_threadpool(self._worker_beats)
        except StorageError as error:
            log.warning("health: %s", error)
            body = {"status": "failing", "worker": ours, "leads": leads, "database": error.code}
            return JSONResponse(body, 503, headers={"Cache-Control": "no-store"})
        worker = "running" if beats else "silent" if ours == "running" else ours
        body = {"status": "ok", "worker": worker, "leads": leads}
        return JSONResponse(body, headers={"Cache-Control": "no-store"})

    def _worker_beats(self) -> bool:
        with closing(open_database(self.database)) as db:
            return scheduling.worker_alive(db, now=time.time())


async def first_page(request: Request) -> Response:
    """GET /annotate: the first page of everybody lives at /, and Streamlit knows it under no other address."""
    query = request.url.query
    return RedirectResponse(f"/?{query}" if query else "/", 307, headers={"Cache-Control": "no-store"})


def download_routes(downloads: Downloads) -> list[Route]:
    """Files for leads."""
    return [
        Route("/download/student/{project_id:int}", downloads.student, methods=["GET"]),
        Route("/download/report/{project_id:int}", downloads.report, methods=["GET"]),
        Route("/download/labels/{project_id:int}.{format}", downloads.labels, methods=["GET"]),
    ]


def all_routes(sign_in: SignIn, downloads: Downloads, health: Health) -> list[Route]:
    """The table of what is answered beside Streamlit's own paths."""
    joining, leaving = Joining(sign_in.database), Leaving(sign_in.database)
    return [
        Route("/login", sign_in.form, methods=["GET"]),
        Route("/login", sign_in.enter, methods=["POST"]),
        Route("/logout", sign_in.ask_to_leave, methods=["GET"]),
        Route("/logout", sign_in.leave, methods=["POST"]),
        Route("/join", joining.form, methods=["GET"]),
        Route("/join", joining.enter, methods=["POST"]),
        Route("/leaving", leaving.heard, methods=["POST"]),
        Route("/lang", sign_in.choose_language, methods=["POST"]),
        Route("/healthz", health.answer, methods=["GET"]),
        Route("/annotate", first_page, methods=["GET"]),
        Route("/figures/{version}/{name}", figure_file, methods=["GET"]),
        *download_routes(downloads),
    ]
