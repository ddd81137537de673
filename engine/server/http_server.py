"""Serves the HTTP API in a thread of a process that has an engine."""

from __future__ import annotations

import socket
import threading
import time

import uvicorn

from engine import Engine
from engine.errors import EspdeckError
from engine.server.app import create_app

_START_SECONDS = 10.0
_STOP_SECONDS = 5.0
_LOOK_SECONDS = 0.01


class HttpServer:
    """Serves the API of an engine while it is open.

    Args:
        engine: its settings say where.

    Raises:
        EspdeckError: the address cannot be listened on.
    """

    def __init__(self, engine: Engine) -> None:
        settings = engine.settings.server
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        try:
            self._socket = socket.create_server((settings.host, settings.port), family=family)
        except OSError as error:
            raise EspdeckError(
                f"cannot listen on {settings.host} port {settings.port}: {error.strerror}; "
                "another port: espdeck config set server.port"
            ) from error
        config = uvicorn.Config(create_app(engine), log_config=None, access_log=False)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)

    @property
    def url(self) -> str:
        """Where it is reached from this machine."""
        host, port = self._socket.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def start(self) -> None:
        """Begin to serve.

        Raises:
            EspdeckError: it does not begin.
        """
        self._thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise EspdeckError("the HTTP server does not start (see espdeck.log)")
            time.sleep(_LOOK_SECONDS)

    def stop(self) -> None:
        """Answer what was asked, end streams, and serve no more."""
        self._server.should_exit = True
        self._thread.join(_STOP_SECONDS)
        self._socket.close()

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])
