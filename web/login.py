"""Signing in and out, and the language of somebody who is not signed in yet."""

from __future__ import annotations

import math
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.errors import SignInThrottled, TagtailError
from core.messages import LANGS, sentence
from core.services import accounts
from core.services.accounts import User
from db.connect import open_database
from db.errors import StorageError
from pages.shared.i18n import say
from web import gate, html

FORM_LIMIT = 16_384  # bytes
COOKIE_DAYS = 30  # the browser's upper bound; the session in the database ends earlier


async def small_form(request: Request) -> dict[str, str] | None:
    """The fields of a short form; None when more was sent than any of our forms can hold."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_LIMIT:
            return None
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        return None
    return {name: values[0] for name, values in fields.items()}


def safe_target(target: str | None) -> str:
    """A path of this site; anything that could lead elsewhere becomes the start page."""
    if not target or not target.startswith("/") or target.startswith("//") or not target.isprintable():
        return "/"
    if target.startswith("/join?token="):
        return target  # whoever has an account signs in, and is then asked whether to join with it
    return "/" if "\\" in target or target.startswith(("/login", "/logout", "/lang", "/join")) else target


def shown_language(request: Request) -> str:
    """The language asked for in the address, else the one chosen earlier."""
    asked = request.query_params.get("lang")
    return asked if asked in LANGS else gate.language(request.headers)


def remember_language(response: Response, lang: str, *, secure: bool) -> None:
    response.set_cookie(gate.LANG_COOKIE, lang, max_age=365 * 86_400, httponly=True, samesite="lax", secure=secure)


def admit(answer: Response, token: str, lang: str, *, secure: bool) -> Response:
    """The answer with the session's cookie. Lax: it comes along with a link to us, never with another site's form."""
    answer.set_cookie(gate.COOKIE, token, max_age=COOKIE_DAYS * 86_400, httponly=True, samesite="lax", secure=secure)
    remember_language(answer, lang, secure=secure)
    return answer


class SignIn:
    """The routes around a session; all of them talk to one database file."""

    def __init__(self, database: Path) -> None:
        self.database = database

    def who(self, token: str) -> User | None:
        """The person of a live session."""
        with closing(open_database(self.database)) as db:
            return accounts.who(db, token, now=time.time())

    async def form(self, request: Request) -> Response:
        """GET /login."""
        token = gate.session_token(request.headers)
        target = safe_target(request.query_params.get("next"))
        lang = shown_language(request)
        try:
            user = await run_in_threadpool(self.who, token or "")
        except StorageError as error:
            return html.sign_in_page(lang, status=503, error=_words(error, lang), target=target)
        if user is not None:
            return RedirectResponse(target, 303)
        note = say("login.signed_out", lang) if "bye" in request.query_params else ""
        chosen = request.query_params.get("lang") in LANGS
        answer = html.sign_in_page(lang, note=note, target=target, chosen=chosen)
        if chosen:
            remember_language(answer, lang, secure=secure(request))
        return answer

    async def enter(self, request: Request) -> Response:
        """POST /login: a session in an HttpOnly cookie, or the form again with one clear sentence."""
        fields = await small_form(request)
        if fields is None:
            lang = gate.language(request.headers)
            return html.notice(lang, say("login.too_large", lang), 413, home="/login")
        lang = fields["lang"] if fields.get("lang") in LANGS else gate.language(request.headers)
        name, password = fields.get("name", "").strip(), fields.get("password", "")
        target, chosen = safe_target(fields.get("next")), fields.get("chosen") == "1"
        if not name or not password:
            error = say("login.missing", lang)
            return html.sign_in_page(lang, status=400, name=name, error=error, target=target, chosen=chosen)
        try:
            token, user = await run_in_threadpool(self._sign_in, request, name, password, lang if chosen else None)
        except (TagtailError, StorageError) as problem:
            return _form_again(problem, lang, name, target, chosen)
        return admit(RedirectResponse(target, 303), token, lang if chosen else user.lang, secure=secure(request))

    def _sign_in(self, request: Request, name: str, password: str, lang: str | None) -> tuple[str, User]:
        client = request.client.host if request.client else ""
        now = time.time()
        with closing(open_database(self.database)) as db:
            old = gate.session_token(request.headers)
            token, user = accounts.sign_in(db, name, password, client=client, now=now)
            if old:
                accounts.sign_out(db, old, now=now)  # the session that this browser had before
            if lang is not None:
                accounts.set_lang(db, user.id, lang, now=now)
            return token, user

    async def ask_to_leave(self, request: Request) -> Response:
        """GET /logout, typed by hand: the button, for a link of somebody else's must not sign anybody out."""
        token = gate.session_token(request.headers)
        try:
            user = await run_in_threadpool(self.who, token or "")
        except StorageError as error:
            return html.notice(gate.language(request.headers), _words(error, gate.language(request.headers)), 503)
        return html.leaving_page(user.lang, user.name) if user is not None else RedirectResponse("/login", 303)

    async def leave(self, request: Request) -> Response:
        """POST /logout: ends the session in the database, not only in this browser."""
        token = gate.session_token(request.headers)
        if token:
            await run_in_threadpool(self._sign_out, token)
        answer = RedirectResponse("/login?bye=1", 303)
        answer.delete_cookie(gate.COOKIE, httponly=True, samesite="lax", secure=secure(request))
        return answer

    def _sign_out(self, token: str) -> None:
        with closing(open_database(self.database)) as db:
            accounts.sign_out(db, token, now=time.time())

    async def choose_language(self, request: Request) -> Response:
        """POST /lang: the language of this browser, and of the signed-in person."""
        fields = await small_form(request) or {}
        lang = fields["lang"] if fields.get("lang") in LANGS else gate.language(request.headers)
        token = gate.session_token(request.headers)
        if token:
            await run_in_threadpool(self._set_lang, token, lang)
        answer = RedirectResponse(safe_target(fields.get("next")), 303)
        remember_language(answer, lang, secure=secure(request))
        return answer

    def _set_lang(self, token: str, lang: str) -> None:
        now = time.time()
        with closing(open_database(self.database)) as db:
            user = accounts.who(db, token, now=now)
            if user is not None:
                accounts.set_lang(db, user.id, lang, now=now)


def secure(request: Request) -> bool:
    """Whether the browser came by https, so that its cookies may be marked for that alone."""
    # uvicorn takes the scheme from X-Forwarded-Proto, but only of the proxies named in FORWARDED_ALLOW_IPS.
    return request.url.scheme == "https"


def _words(error: Exception, lang: str) -> str:
    return sentence(error, lang)


def _form_again(problem: TagtailError | StorageError, lang: str, name: str, target: str, chosen: bool) -> Response:
    throttled = isinstance(problem, SignInThrottled)
    status = 429 if throttled else 503 if isinstance(problem, StorageError) else 401
    words = _words(problem, lang)
    answer = html.sign_in_page(lang, status=status, name=name, error=words, target=target, chosen=chosen)
    if throttled:
        answer.headers["Retry-After"] = str(math.ceil(problem.fields.get("wait_s", 60)))
    return answer
