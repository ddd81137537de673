"""Sockets that listen, within a limit that holds before TLS has begun.

An event loop takes all connections that wait, and tells of those with TLS after the handshake
alone, for which it gives them a minute. Who opens a thousand and says nothing would else have every
file that this process may open, and builds would have none.
"""

from __future__ import annotations

import socket
import weakref
from typing import Any

MAX_ACCEPTED = 600
"""Connections that are open at the same time. Fewer are served
(:data:`engine.server.protocol.MAX_CONNECTIONS`): those between are told so."""


class Accepted:
    """The connections that the sockets of a server took, as long as they are open."""

    def __init__(self) -> None:
        self._open = weakref.WeakSet[socket.socket]()

    def add(self, connection: socket.socket) -> bool:
        """Count a connection; False where there are too many."""
        if len(self._open) >= MAX_ACCEPTED:
            for each in [each for each in self._open if each.fileno() == -1]:
                self._open.discard(each)
        if len(self._open) >= MAX_ACCEPTED:
            return False
        self._open.add(connection)
        return True


class Listener(socket.socket):
    """A socket that listens, and closes what comes beyond the limit.

    Args:
        opened: is taken over.
        accepted: counts what this and others take.
    """

    def __init__(self, opened: socket.socket, accepted: Accepted) -> None:
        super().__init__(opened.family, opened.type, opened.proto, opened.detach())
        self._accepted = accepted

    def accept(self) -> tuple[socket.socket, Any]:
        """A connection.

        Raises:
            ConnectionAbortedError: there are too many; it was closed.
        """
        connection, address = super().accept()
        if not self._accepted.add(connection):
            connection.close()
            raise ConnectionAbortedError("too many connections")
        return connection, address
