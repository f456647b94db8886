"""The server's own few pages: sign-in and plain notices. No script, nothing from outside."""

from __future__ import annotations

from html import escape
from pathlib import Path
from string import Template
from urllib.parse import urlencode

from starlette.responses import HTMLResponse

from pages.shared.i18n import HTML_LANG, NAMES, known, say

_FRAME = Template((Path(__file__).parent / "frame.html").read_text("utf-8"))


def _page(title: str, body: str, lang: str, status: int, *, switch: str = "") -> HTMLResponse:
    """Everything but ``body`` and ``switch`` is escaped here."""
    text = _FRAME.substitute(
        html_lang=HTML_LANG[known(lang)],
        title=escape(title),
        product=escape(say("common.product", lang)),
        tagline=escape(say("login.tagline", lang)),
        language=escape(say("login.language", lang)),
        langs=switch,
        body=body,
    )
    return HTMLResponse(text, status, headers={"Cache-Control": "no-store"})


def _switch(lang: str, target: str) -> str:
    links = []
    for code, name in NAMES.items():
        tag = HTML_LANG[code]
        if code == lang:
            links.append(f'<span lang="{tag}" aria-current="true">{name}</span>')
        else:
            query = urlencode({"lang": code} | ({"next": target} if target != "/" else {}))
            links.append(f'<a lang="{tag}" hreflang="{tag}" href="/login?{escape(query)}">{name}</a>')
    return "".join(links)


def sign_in_page(
    lang: str,
    *,
    status: int = 200,
    name: str = "",
    error: str = "",
    note: str = "",
    target: str = "/",
    chosen: bool = False,
) -> HTMLResponse:
    """The sign-in form; after a mistake the name is still there and the password field has the cursor.

    ``chosen``: the language was picked on this page just now, so it becomes the person's own.
    """
    words = {key: escape(say(f"login.{key}", lang)) for key in ("name", "password", "enter", "help")}
    box = f'<p class="error" role="alert">{escape(error)}</p>' if error else ""
    box = box or (f'<p class="note" role="status">{escape(note)}</p>' if note else "")
    first, second = ("", " autofocus") if name else (" autofocus", "")
    hidden = {"lang": lang, "next": target, "chosen": "1" if chosen else "0"}
    fields = "".join(f'<input type="hidden" name="{k}" value="{escape(v)}">' for k, v in hidden.items())
    body = f"""{box}<form method="post" action="/login">{fields}
      <label for="name">{words["name"]}</label>
      <input id="name" name="name" value="{escape(name)}" autocomplete="username" autocapitalize="none"
        spellcheck="false" maxlength="200" required{first}>
      <label for="password">{words["password"]}</label>
      <input id="password" name="password" type="password" autocomplete="current-password" maxlength="1000"
        required{second}>
      <button type="submit">{words["enter"]}</button>
    </form><p class="help">{words["help"]}</p>"""
    return _page(say("login.title", lang), body, lang, status, switch=_switch(lang, target))


def notice(lang: str, text: str, status: int, *, home: str = "/") -> HTMLResponse:
    """One sentence and the way home."""
    body = (
        f'<p class="note" role="alert">{escape(text)}</p>'
        f'<a class="button" href="{escape(home)}">{escape(say("login.home", lang))}</a>'
    )
    return _page(say("login.trouble", lang), body, lang, status)
