"""Serves the HTTP API in a thread of a process that has an engine."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading

import uvicorn
from starlette.types import ASGIApp

from engine import Engine
from engine.errors import EspdeckError, UsageError
from engine.server.access_log import AccessLog
from engine.server.addresses import check_exposure, ip_address, open_sockets
from engine.server.app import create_app
from engine.server.guard import Guard
from engine.server.protocol import LimitedProtocol
from engine.server.proxies import BehindProxy
from engine.server.request_limits import RequestLimits
from engine.server.security_headers import SecurityHeaders
from engine.server.streams import Streams
from engine.server.tls import Certificate
from engine.server_settings import ServerSettings

_START_SECONDS = 10.0
_GRACE_SECONDS = 2
KEEP_ALIVE_SECONDS = 75
"""Seconds that an idle connection is kept: longer than clients keep theirs (aiohttp 15, nginx 60),
who would send a request on one that has just been closed, and dare not send it again."""
_STOP_SECONDS = 5.0
_HTTPS_PORT = 443
_MAX_MESSAGE_BYTES = 1 << 20
_LOOPBACK_OF = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (nothing listens there)


class HttpServer:
    """Serves the API of an engine while it is open.

    Args:
        engine: its settings say where; they may change later, and what is served does not.

    Raises:
        EspdeckError: the address cannot be listened on, the certificate cannot be used, or other
            machines would reach what is not closed to them.
    """

    def __init__(self, engine: Engine) -> None:
        self.settings = settings = engine.settings.server
        self._certificate = _certificate_of(settings)
        check_exposure(engine)
        self._sockets = open_sockets(settings)
        self._address, self._port = self._sockets[0].getsockname()[:2]
        is_https_of_host = self._certificate is not None and self._port == _HTTPS_PORT
        self._streams = Streams(_guarded(create_app(engine), settings))
        secured = SecurityHeaders(self._streams, is_https_of_host=is_https_of_host)
        config = uvicorn.Config(
            BehindProxy(AccessLog(secured), settings),
            http=LimitedProtocol,
            loop="asyncio",
            log_config=None,
            log_level="error",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            ws_max_size=_MAX_MESSAGE_BYTES,
            ws_per_message_deflate=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        if self._certificate is not None:
            context = self._certificate.context
            config.ssl_context_factory = lambda _config, _default: context
        logging.getLogger("uvicorn.error").addFilter(_is_no_refusal)
        self._server = _Server(config, self._streams)
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)

    @property
    def url(self) -> str:
        """Where it is reached from this machine."""
        is_name = ip_address(self.settings.host) is None
        host = self.settings.host if is_name else _LOOPBACK_OF.get(self._address, self._address)
        scheme = "http" if self._certificate is None else "https"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self._port}"

    @property
    def connections(self) -> int:
        """How many connections there are."""
        return len(self._server.server_state.connections)

    def start(self) -> None:
        """Begin to serve.

        Raises:
            EspdeckError: it does not begin.
        """
        self._thread.start()
        if not self._server.begun.wait(_START_SECONDS) or not self._server.started:
            raise EspdeckError("the HTTP server does not start (see espdeck.log)")

    def refresh_certificate(self) -> None:
        """Take the certificate again where its files have changed."""
        if self._certificate is not None:
            self._certificate.refresh()

    def stop(self) -> None:
        """Answer what was asked, end streams, and serve no more."""
        self._server.end()
        if self._thread.ident is not None:
            self._thread.join(_STOP_SECONDS)
        for each in self._sockets:
            each.close()

    def _run(self) -> None:
        try:
            self._server.run(sockets=self._sockets)
        finally:
            self._server.begun.set()


class _Server(uvicorn.Server):
    """uvicorn's server, which sleeps while nobody asks: its own looks ten times a second."""

    def __init__(self, config: uvicorn.Config, streams: Streams) -> None:
        super().__init__(config)
        self.begun = threading.Event()
        self._streams = streams
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over = asyncio.Event()

    def end(self) -> None:
        """Have it stop. Called from any thread."""
        self.should_exit = True
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._over.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to take connections."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self.begun.set()

    async def main_loop(self) -> None:
        """Wait until it stops."""
        if not self.should_exit:
            await self._over.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what is open."""
        self._streams.end()
        await super().shutdown(sockets)


def _is_no_refusal(record: logging.LogRecord) -> bool:
    """Whether a record is not uvicorn's of a WebSocket that was refused with a problem."""
    return record.msg != "ASGI callable returned without completing handshake."


def _guarded(app: ASGIApp, settings: ServerSettings) -> ASGIApp:
    return Guard(RequestLimits(app), settings)


def _certificate_of(settings: ServerSettings) -> Certificate | None:
    if settings.tls_certificate is not None:
        return Certificate(settings.tls_certificate, settings.tls_key)
    if settings.tls_key is not None:
        raise UsageError("server.tls_key is set, and server.tls_certificate is not")
    return None
