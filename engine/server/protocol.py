"""Connections of clients, within limits that uvicorn does not have.

uvicorn waits for ever for the first request of a connection, and for the rest of one that came in
part; it counts no WebSockets, and lets clients that went away without a word keep theirs.
"""

from __future__ import annotations

import asyncio
import socket

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_CONNECTIONS = 512
"""Connections at the same time; a process may mostly have 1024 files open."""

REQUEST_SECONDS = 20.0
"""Seconds in which the head of a request is there."""

UNREAD_SECONDS = 120.0
"""Seconds after which a client that reads nothing of what it was sent has left."""

_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\n"
    b"Content-Length: 0\r\n\r\n"
)
_MAPPED = "::ffff:"


class LimitedProtocol(H11Protocol):
    """HTTP of one connection."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection, or refuse it where there are too many."""
        assert isinstance(transport, asyncio.Transport)
        super().connection_made(transport)
        if self.client is not None and self.client[0].startswith(_MAPPED):
            self.client = (self.client[0].removeprefix(_MAPPED), self.client[1])
        if len(self.connections) > MAX_CONNECTIONS:
            transport.write(_FULL)
            transport.close()
            return
        opened = transport.get_extra_info("socket")
        if opened is not None:
            milliseconds = int(UNREAD_SECONDS * 1000)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
            # asyncio does so for sockets that it makes itself; else answers wait 40 ms for an ACK.
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._wait_for_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        self._stop_waiting()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Take what came."""
        super().handle_events()
        is_idle = self.cycle is None or self.cycle.response_complete
        if not is_idle:
            self._stop_waiting()
        elif self.transport.get_protocol() is not self:
            return  # a WebSocket has it
        elif self._waiting is None and self.timeout_keep_alive_task is None:
            self._wait_for_request()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Hand the connection over to a WebSocket."""
        self._stop_waiting()
        super().handle_websocket_upgrade(event)

    def _wait_for_request(self) -> None:
        if not self.transport.is_closing():
            self._waiting = self.loop.call_later(REQUEST_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
