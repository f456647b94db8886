"""The page behind a link: into a project with a new account or one's own, or to a new password. Works once."""

from __future__ import annotations

import math
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.errors import BadInvitation, SignInThrottled, TagtailError
from core.messages import LANGS, sentence
from core.services import accounts, inviting
from core.services.accounts import User
from core.services.inviting import Offer
from core.services.projects import Project
from db.connect import open_database
from db.errors import StorageError
from pages.shared.i18n import say
from web import gate, html
from web.login import admit, secure, shown_language, small_form

TOKEN_LIMIT = 200  # characters; ours have 43


class Joining:
    """GET and POST /join; both talk to one database file."""

    def __init__(self, database: Path) -> None:
        self.database = database

    async def form(self, request: Request) -> Response:
        """GET /join?token=…: what the link offers, and the form to take it."""
        lang, token = shown_language(request), request.query_params.get("token", "")[:TOKEN_LIMIT]
        try:
            offer, user = await run_in_threadpool(self._look, request, token)
        except (TagtailError, StorageError) as problem:
            return _refused(problem, lang)
        if user is not None:
            return html.accepting_page(lang, offer, token, user)
        return html.joining_page(lang, offer, token)

    def _look(self, request: Request, token: str) -> tuple[Offer, User | None]:
        now = time.time()
        with closing(open_database(self.database)) as db:
            offer = inviting.look(db, token, client=_client(request), now=now)
            return offer, accounts.who(db, gate.session_token(request.headers), now=now)

    async def enter(self, request: Request) -> Response:
        """POST /join: the account or the new password, and signed in; after a mistake the form again.

        ``do`` is what a signed-in person has chosen: to ``accept`` as ``me``, or to ``leave`` and come back as nobody.
        """
        fields = await small_form(request)
        if fields is None:
            lang = gate.language(request.headers)
            return html.notice(lang, say("login.too_large", lang), 413, home="/login")
        lang = fields["lang"] if fields.get("lang") in LANGS else gate.language(request.headers)
        token, name = fields.get("token", "")[:TOKEN_LIMIT], fields.get("name", "")
        if fields.get("do") == "leave":
            return await self._leave(request, token)
        if fields.get("do") == "accept":
            return await self._accept(request, token, fields.get("me", ""), lang)
        try:
            session, user = await run_in_threadpool(self._take, request, token, name, fields.get("password", ""), lang)
        except (BadInvitation, SignInThrottled, StorageError) as problem:
            return _refused(problem, lang)
        except TagtailError as problem:
            return await self._again(request, problem, token, name, lang)
        return admit(RedirectResponse("/", 303), session, user.lang, secure=secure(request))

    def _take(self, request: Request, token: str, name: str, password: str, lang: str) -> tuple[str, User]:
        client, now = _client(request), time.time()
        with closing(open_database(self.database)) as db:
            offer = inviting.look(db, token, client=client, now=now)
            if offer.kind == "reset":
                taken = inviting.reset(db, token, password, client=client, now=now)
            else:
                taken = inviting.join(db, token, name, password, lang=lang, client=client, now=now)
            old = gate.session_token(request.headers)
            if old:
                accounts.sign_out(db, old, now=now)  # whoever was signed in here before
            return taken

    async def _leave(self, request: Request, token: str) -> Response:
        session = gate.session_token(request.headers)
        if session:
            await run_in_threadpool(self._sign_out, session)
        answer = RedirectResponse("/join?" + urlencode({"token": token}), 303)
        answer.delete_cookie(gate.COOKIE, httponly=True, samesite="lax", secure=secure(request))
        return answer

    def _sign_out(self, session: str) -> None:
        with closing(open_database(self.database)) as db:
            accounts.sign_out(db, session, now=time.time())

    async def _accept(self, request: Request, token: str, me: str, lang: str) -> Response:
        """Joins as the person whom the page has named; the page is shown anew where another one is signed in by now."""
        try:
            project = await run_in_threadpool(self._join_as, request, token, me)
        except (TagtailError, StorageError) as problem:
            return _refused(problem, lang)
        query = {"token": token} if project is None else {"project": project.key}
        return RedirectResponse(f"{'/join' if project is None else '/'}?{urlencode(query)}", 303)

    def _join_as(self, request: Request, token: str, me: str) -> Project | None:
        now = time.time()
        with closing(open_database(self.database)) as db:
            user = accounts.who(db, gate.session_token(request.headers), now=now)
            if user is None or str(user.id) != me:
                return None
            return inviting.accept(db, token, user.id, client=_client(request), now=now)

    async def _again(self, request: Request, problem: TagtailError, token: str, name: str, lang: str) -> Response:
        try:
            offer, _ = await run_in_threadpool(self._look, request, token)
        except (TagtailError, StorageError) as other:  # taken or withdrawn in this very moment
            return _refused(other, lang)
        return html.joining_page(lang, offer, token, status=400, name=name, error=sentence(problem, lang))


def _client(request: Request) -> str:
    return request.client.host if request.client else ""


def _refused(problem: TagtailError | StorageError, lang: str) -> Response:
    throttled = isinstance(problem, SignInThrottled)
    status = 429 if throttled else 503 if isinstance(problem, StorageError) else 404
    answer = html.notice(lang, sentence(problem, lang), status, home="/login")
    if throttled:
        answer.headers["Retry-After"] = str(math.ceil(problem.fields.get("wait_s", 60)))
    return answer
