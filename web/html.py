"""The server's own few pages: sign-in and plain notices. No script, nothing from outside."""

from __future__ import annotations

from html import escape
from pathlib import Path
from string import Template
from urllib.parse import urlencode

from starlette.responses import HTMLResponse

from core.services.accounts import MIN_PASSWORD, User
from core.services.inviting import Offer
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


def _switch(lang: str, path: str, kept: dict[str, str]) -> str:
    """The languages as links to ``path`` with what is kept of its query."""
    links = []
    for code, name in NAMES.items():
        tag = HTML_LANG[code]
        if code == lang:
            links.append(f'<span lang="{tag}" aria-current="true">{name}</span>')
        else:
            query = urlencode({"lang": code} | kept)
            links.append(f'<a lang="{tag}" hreflang="{tag}" href="{path}?{escape(query)}">{name}</a>')
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
    switch = _switch(lang, "/login", {"next": target} if target != "/" else {})
    return _page(say("login.title", lang), body, lang, status, switch=switch)


def joining_page(
    lang: str, offer: Offer, token: str, *, status: int = 200, name: str = "", error: str = ""
) -> HTMLResponse:
    """The form behind a link: name and password of a new account, or a new password for one that is there."""
    box = f'<p class="error" role="alert">{escape(error)}</p>' if error else ""
    if offer.project is not None:
        title = say("login.join_title", lang)
        project = offer.project.name_en if lang == "en" and offer.project.name_en else offer.project.name
        role = say(f"common.role_{offer.role}", lang)
        intro, button = say("login.join_intro", lang, project=project, role=role), say("login.join_enter", lang)
    else:
        title = say("login.reset_title", lang)
        intro, button = say("login.reset_intro", lang, name=offer.name or ""), say("login.reset_enter", lang)
    signing = "" if offer.name is not None else _to_sign_in(lang, token)
    fixed = offer.name is not None
    hidden = {"lang": lang, "token": token}
    fields = "".join(f'<input type="hidden" name="{k}" value="{escape(v)}">' for k, v in hidden.items())
    first, second = ("", " autofocus") if fixed or name else (" autofocus", "")
    body = f"""{box}<p class="note">{escape(intro)}</p><form method="post" action="/join">{fields}
      <label for="name">{escape(say("login.name", lang))}</label>
      <input id="name" name="name" value="{escape(offer.name or name)}" autocomplete="username" autocapitalize="none"
        spellcheck="false" maxlength="60" required{" readonly" if fixed else ""}{first}>
      <label for="password">{escape(say("login.own_password", lang))}</label>
      <input id="password" name="password" type="password" autocomplete="new-password" minlength="{MIN_PASSWORD}"
        maxlength="1000" required aria-describedby="rule"{second}>
      <p class="help" id="rule">{escape(say("login.password_rule", lang, n=MIN_PASSWORD))}</p>
      <button type="submit">{escape(button)}</button>
    </form>{signing}"""
    return _page(title, body, lang, status, switch=_switch(lang, "/join", {"token": token}))


def _to_sign_in(lang: str, token: str) -> str:
    """The way for somebody who has an account already, and back to the link."""
    target = "/login?" + urlencode({"next": "/join?" + urlencode({"token": token}), "lang": lang})
    return f'<p class="help"><a href="{escape(target)}">{escape(say("login.join_have_account", lang))}</a></p>'


def accepting_page(lang: str, offer: Offer, token: str, user: User) -> HTMLResponse:
    """For somebody who is signed in: who they are, and whether to join so or to use another account.

    A link for a password is none that one can take while signed in: there only the way out is offered.
    """
    hidden = {"lang": lang, "token": token, "me": str(user.id)}
    fields = "".join(f'<input type="hidden" name="{k}" value="{escape(v)}">' for k, v in hidden.items())

    def form(do: str, words: str) -> str:
        button = f'<button type="submit" name="do" value="{do}">{escape(words)}</button>'
        return f'<form method="post" action="/join">{fields}{button}</form>'

    role = say(f"common.role_{user.role}", lang)
    if offer.project is not None:
        title = say("login.join_title", lang)
        project = offer.project.name_en if lang == "en" and offer.project.name_en else offer.project.name
        intro = say("login.join_as_intro", lang, name=user.name, role=role, project=project)
        first = form("accept", say("login.join_as_enter", lang, name=user.name))
    else:
        title = say("login.reset_title", lang)
        intro, first = say("login.reset_signed_in", lang, name=user.name, other=offer.name or ""), ""
    body = (
        f'<p class="note">{escape(intro)}</p>{first}{form("leave", say("login.join_as_other", lang))}'
        f'<p class="help"><a href="/">{escape(say("login.home", lang))}</a></p>'
    )
    return _page(title, body, lang, 200, switch=_switch(lang, "/join", {"token": token}))


def leaving_page(lang: str, name: str) -> HTMLResponse:
    """One button that signs out, for somebody who typed the address."""
    out = escape(say("main.sign_out", lang))
    body = (
        f'<p class="note">{escape(say("login.leave_intro", lang, name=name))}</p>'
        f'<form method="post" action="/logout"><button type="submit">{out}</button></form>'
        f'<p class="help"><a href="/">{escape(say("login.home", lang))}</a></p>'
    )
    return _page(say("main.sign_out", lang), body, lang, 200)


def notice(lang: str, text: str, status: int, *, home: str = "/") -> HTMLResponse:
    """One sentence and the way home."""
    body = (
        f'<p class="note" role="alert">{escape(text)}</p>'
        f'<a class="button" href="{escape(home)}">{escape(say("login.home", lang))}</a>'
    )
    return _page(say("login.trouble", lang), body, lang, status)
