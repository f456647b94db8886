"""The outermost layer: which host names are answered, and the security headers of every answer.

Source: OWASP Secure Headers Project, https://owasp.org/www-project-secure-headers/
"""

from __future__ import annotations

import base64
import hashlib
import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pages.shared.i18n import say
from web.shell import shell


def _inline_scripts() -> str:
    """The page has two short inline scripts: they are allowed by their hashes, and no other one is."""
    digests = [
        base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        for body in re.findall(r"<script>(.*?)</script>", shell(), re.DOTALL)
    ]
    return " ".join(f"'sha256-{digest}'" for digest in digests)


# 'unsafe-inline' for styles: Streamlit's style engine writes <style> elements. blob: carries component modules.
CSP = "; ".join(
    (
        "default-src 'self'",
        f"script-src 'self' blob: {_inline_scripts()}".rstrip(),
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # "no-referrer" would make browsers send "Origin: null" with forms, and the gate could not tell them from others.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
HSTS = "max-age=31536000"


def host_name(host: str | None) -> str | None:
    """The name in a Host header, without port, in lower case; None where it is no host."""
    try:
        parts = urlsplit(f"//{host or ''}")
        _ = parts.port  # raises on a port that is no port
    except ValueError:
        return None
    if not parts.hostname or parts.username is not None or parts.path or parts.query or parts.fragment:
        return None
    return parts.hostname.lower().rstrip(".")


class Armour:
    """ASGI middleware: refuses foreign host names (DNS rebinding) and adds the security headers."""

    def __init__(self, app: ASGIApp, *, hosts: tuple[str, ...]) -> None:
        self.app = app
        self.hosts = frozenset(host.lower().rstrip(".") for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        secure = scope.get("scheme") in ("https", "wss")

        async def send_dressed(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if secure:
                    headers.setdefault("Strict-Transport-Security", HSTS)
            await send(message)

        if host_name(Headers(scope=scope).get("host")) in self.hosts:
            await self.app(scope, receive, send_dressed)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            refusal = PlainTextResponse(f"{say('login.bad_host', 'zh')}\n{say('login.bad_host', 'en')}\n", 400)
            await refusal(scope, receive, send_dressed)
