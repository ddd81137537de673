"""A way to a server that can be cut, or be made to swallow what is sent."""

from __future__ import annotations

import contextlib
import socket
import threading


class TcpProxy:
    """Hands connections on to a server, until it is told not to.

    Args:
        target: port of the server on this machine.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.seen = 0
        """Bytes that came from clients."""
        self.hold_after: int | None = None
        """From so many bytes on nothing is handed on."""
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Refuse connections, and end those that there are."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._open:
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                self._open += [client, server]
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=self._copy, args=ends, daemon=True).start()

    def _copy(self, source: socket.socket, target: socket.socket) -> None:
        is_client = target.getpeername()[1] == self._target
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if is_client:
                    self.seen += len(data)
                if self.hold_after is None or self.seen <= self.hold_after:
                    target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)
