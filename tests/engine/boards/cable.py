"""The cable between a computer and a virtual board: it can be pulled and plugged in again."""

from __future__ import annotations

import contextlib
import socket
import threading
from urllib.parse import urlsplit


class Cable:
    """A ``socket://`` that leads to another one; while it is unplugged nothing answers there.

    ``carried`` counts the bytes that it brought from the board.
    """

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname or "", parts.port or 0)
        self._lock = threading.Lock()
        self._ends: set[socket.socket] = set()
        self._carriers: list[threading.Thread] = []
        self._server: socket.socket | None = None
        self._port = 0
        self.carried = 0
        self.plug()

    @property
    def url(self) -> str:
        """What stays, plugged or not."""
        return f"socket://127.0.0.1:{self._port}"

    def plug(self) -> None:
        """Put it in."""
        server = socket.create_server(("127.0.0.1", self._port))
        self._server, self._port = server, server.getsockname()[1]
        threading.Thread(target=self._accept, args=(server,), daemon=True).start()

    def unplug(self) -> None:
        """Pull it out: conversations break off where they are."""
        server, self._server = self._server, None
        if server is not None:
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            server.close()
        with self._lock:
            ends, self._ends = self._ends, set()
            carriers, self._carriers = self._carriers, []
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for carrier in carriers:
            carrier.join(10)  # what it brought is counted

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                client, _address = server.accept()
            except OSError:
                return
            board = socket.create_connection(self._target)
            with self._lock:
                if self._server is not server:
                    client.close()
                    board.close()
                    return
                self._ends |= {client, board}
                for source, sink in ((client, board), (board, client)):
                    carrier = threading.Thread(
                        target=self._carry, args=(source, sink, sink is client), daemon=True
                    )
                    self._carriers.append(carrier)
                    carrier.start()

    def _carry(self, source: socket.socket, sink: socket.socket, is_console: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                while data:
                    sent = sink.send(data)
                    data = data[sent:]
                    if is_console:
                        with self._lock:
                            self.carried += sent
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        with self._lock:
            known = {source, sink} & self._ends
            self._ends -= known
        sink.close()
