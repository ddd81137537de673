"""Headers that every answer carries."""

from __future__ import annotations

from email.utils import formatdate

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",  # browsers that know no frame-ancestors
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Of each answer, unless its route says otherwise."""

_NOT_KEPT, _ASKED_FOR_AGAIN = "no-store", "private, no-cache"

_HSTS = "max-age=31536000"


class SecurityHeaders:
    """Gives answers their security headers, where their route does not, and their date.

    ``Strict-Transport-Security`` holds for all ports of a host: it is sent only where this server
    itself is ``https://HOST`` without a port. On another port, it would lock browsers out of
    what else the machine serves without TLS.

    Args:
        app: what answers.
        is_https_of_host: whether this server has TLS and the port of HTTPS.
    """

    def __init__(self, app: ASGIApp, *, is_https_of_host: bool) -> None:
        self._app = app
        self._headers = dict(_HEADERS)
        if is_https_of_host:
            self._headers["Strict-Transport-Security"] = _HSTS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have a request answered."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return

        async def complete(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                headers = MutableHeaders(scope=message)
                headers.setdefault("Date", formatdate(usegmt=True))
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                kept = _ASKED_FOR_AGAIN if "ETag" in headers else _NOT_KEPT
                headers.setdefault("Cache-Control", kept)
            await send(message)

        await self._app(scope, receive, complete)
