"""A board behind a socket, offered as a terminal."""

from __future__ import annotations

import os
import select
import socket
import threading

from engine.boards.virtual.pty_bridge import terminal

MUCH = b"x" * (1 << 17)
"""More than a terminal takes at once."""


def test_a_terminal_that_is_held_and_not_read_keeps_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        url = f"socket://127.0.0.1:{server.getsockname()[1]}"
        over = threading.Event()

        def offer() -> None:
            with terminal(url, reset=False) as path:
                paths.append(path)
                offered.set()
                end.wait(20)
            over.set()

        paths: list[str] = []
        offered, end = threading.Event(), threading.Event()
        threading.Thread(target=offer, daemon=True).start()
        assert offered.wait(20)
        held = os.open(paths[0], os.O_RDWR | os.O_NOCTTY)
        try:
            board, _address = server.accept()
            with board:
                board.sendall(MUCH)
                assert select.select([held], [], [], 20)[0]  # and nobody reads it
                end.set()
                assert over.wait(20)
        finally:
            os.close(held)
