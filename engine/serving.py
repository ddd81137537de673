"""The HTTP API of a workspace, served by this process: at once, or as long as the settings say so.

:mod:`engine.server` and what it brings is loaded by what serves, and by nothing else.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from engine.engine import Engine
from engine.errors import EspdeckError, MissingToolError

if TYPE_CHECKING:
    from engine.server.http_server import HttpServer
    from engine.server_settings import ServerSettings

LOOK_SECONDS = 2.0
"""Between two looks at the settings, and at the files of the certificate."""

RETRY_SECONDS = 15.0
"""Until it is tried again where it cannot be served, as where the port is in use."""

_PACKAGES = ("fastapi", "uvicorn", "websockets", "fastapi_offline")
_LOG = logging.getLogger("espdeck.http")


def start_http_server(engine: Engine) -> HttpServer:
    """Serve the API of an engine that is open.

    Raises:
        MissingToolError: what it needs is not installed.
        EspdeckError: as :class:`engine.server.http_server.HttpServer`.
    """
    if any(find_spec(name) is None for name in _PACKAGES):
        raise MissingToolError("the HTTP API is not installed: pip install 'espdeck[server]'")
    from engine.server.http_server import HttpServer

    server = HttpServer(engine)
    server.start()
    return server


class DaemonServer:
    """Serves the API while ``[server] enabled`` says so, in a thread that looks to it.

    What keeps it from being served is told once in the log, and tried again: it ends nothing else.

    Args:
        engine: is open from :meth:`start` until :meth:`close`.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._over = threading.Event()
        self._changed = threading.Event()
        self._server: HttpServer | None = None
        self._wrong = ""
        self._tried: ServerSettings | None = None
        self._waited = 0.0
        self._thread = threading.Thread(target=self._run, name="http-upkeep", daemon=True)

    def start(self) -> None:
        """Begin to look; the engine is open."""
        self._thread.start()

    def status(self) -> Mapping[str, Any]:
        """What is served where, to how many connections, or why not."""
        server = self._server
        return {
            "is_enabled": self._engine.settings.server.enabled,
            "url": server.url if server is not None else "",
            "connections": server.connections if server is not None else 0,
            "problem": self._wrong,
        }

    def settings_changed(self) -> None:
        """Look at the settings now."""
        self._changed.set()

    def close(self) -> None:
        """Serve no more."""
        self._over.set()
        self._changed.set()
        self._thread.join()
        self._stop()

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                self._look()
            except Exception:
                _LOG.exception("serve")
            self._changed.wait(LOOK_SECONDS)
            self._changed.clear()

    def _look(self) -> None:
        wanted = self._engine.settings.server
        server = self._server
        if server is not None:
            if server.settings == wanted:
                server.refresh_certificate()
                return
            self._stop()
        if not wanted.enabled:
            self._wrong = ""
            return
        if wanted == self._tried and self._wrong:
            self._waited += LOOK_SECONDS
            if self._waited < RETRY_SECONDS:
                return
        self._tried, self._waited = wanted, 0.0
        self._start()

    def _start(self) -> None:
        try:
            self._server = start_http_server(self._engine)
        except EspdeckError as error:
            if str(error) != self._wrong:
                _LOG.warning("the HTTP API is not served: %s", error)
            self._wrong = str(error)
        else:
            self._wrong = ""
            _LOG.info("serves the HTTP API at %s", self._server.url)

    def _stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None
            _LOG.info("serves the HTTP API no more")
