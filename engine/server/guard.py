"""Requests that are answered to nobody, whatever their token."""

from __future__ import annotations

import re
import socket
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from engine.server.addresses import ip_address, is_loopback
from engine.server.problems import problem
from engine.server_settings import ServerSettings

_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")


class Guard:
    """Refuses what a browser was led to, and what crosses a network where all can listen.

    - A page of another site may lead a browser here under a name of its own (DNS rebinding): the
      host that is asked for has to be a name of this server. An address as such leads nobody
      astray, and over TLS the certificate says who is who.
    - Without TLS, other machines than proxies are told nothing, as they would send their token in
      the clear.

    Args:
        app: what takes the request then.
        settings: say the names.
    """

    def __init__(self, app: ASGIApp, settings: ServerSettings) -> None:
        self._app = app
        self._has_tls = settings.tls_certificate is not None
        public = urlsplit(settings.public_url)
        names = {"localhost", settings.host, socket.gethostname(), public.hostname or ""}
        self._names = {name.lower().rstrip(".") for name in names if name}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a request, or refuse it."""
        if scope["type"] in ("http", "websocket") and (wrong := self._refusal(scope)):
            await problem(*wrong)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[HTTPStatus, str] | None:
        peer = scope.get("peer", "")
        is_near = scope.get("is_from_proxy", False) or is_loopback(peer)
        if not (self._has_tls or is_near):
            return HTTPStatus.FORBIDDEN, (
                f"no TLS: only this machine and server.proxies are answered, and {peer} is neither"
            )
        if not self._is_known(Headers(scope=scope).get("host")):
            return HTTPStatus.MISDIRECTED_REQUEST, (
                "this server goes by another name than the Host that was asked for: "
                "server.public_url says under which, and a reverse proxy has to send that "
                "(nginx: proxy_set_header Host $http_host)"
            )
        return None

    def _is_known(self, host: str | None) -> bool:
        if host is None:
            return True  # HTTP/1.0; a browser always says it
        if (found := _HOST.fullmatch(host)) is None:
            return False
        name = found["name"].strip("[]").lower().rstrip(".")
        return self._has_tls or ip_address(name) is not None or name in self._names
