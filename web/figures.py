"""What draws charts in a browser, under an address that says what it is, so that it travels once."""

from __future__ import annotations

import gzip
from functools import lru_cache

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from pages.shared.components.chart import FILES, VERSION


async def figure_file(request: Request) -> Response:
    """GET /figures/{version}/{name}: one of the files, small."""
    name = request.path_params["name"]
    if name not in FILES:
        return PlainTextResponse("", 404)
    ours = request.path_params["version"] == VERSION  # another one was another release's page
    headers = {
        "Cache-Control": "private, max-age=31536000, immutable" if ours else "no-store",
        "Content-Encoding": "gzip",
        "Vary": "Accept-Encoding",
    }
    return Response(await run_in_threadpool(small, name), media_type="text/javascript", headers=headers)


@lru_cache
def small(name: str) -> bytes:
    """A file as it travels: every browser that runs it reads gzip."""
    return gzip.compress(FILES[name].read_bytes(), compresslevel=6, mtime=0)
