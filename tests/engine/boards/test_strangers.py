"""Virtual boards serve their owner only: real users of the machine against real listeners."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from engine.boards import peers
from engine.boards.peers import uid_of_peer
from engine.boards.virtual.board import VirtualBoard
from engine.boards.virtual.pty_bridge import terminal
from engine.errors import BoardError

STRANGER = 54_321
SYNC = b"\xc0\x00\x08\x24\x00\x00\x00\x00\x00\x07\x07\x12\x20" + b"\x55" * 32 + b"\xc0"
ANSWER = b"\xc0\x01\x08"

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")

CONNECT = """
import socket, sys
port, number = int(sys.argv[1]), int(sys.argv[2])
clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(number)]
print("connected", flush=True)
sys.stdin.read()
"""

TALK = """
import socket, sys
client = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
client.settimeout(20)
try:
    client.sendall(bytes.fromhex(sys.argv[2]))
    print(client.recv(100).hex())
except ConnectionError:
    print()
"""

HAMMER = """
import contextlib, socket, sys
print("ready", flush=True)
while True:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", int(sys.argv[1]))).close()
"""


@contextlib.contextmanager
def stranger(script: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A script as another user; system Python, as that user may not read ours."""
    with subprocess.Popen(
        ["/usr/bin/env", "python3", "-I", "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/",
        user=STRANGER, group=STRANGER, extra_groups=[],
        env={"PATH": "/usr/local/bin:/usr/bin:/bin"},
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def port_of(board: VirtualBoard) -> int:
    port = urlsplit(board.url).port
    assert port is not None
    return port


def answers(board: VirtualBoard) -> bool:
    with socket.create_connection(("127.0.0.1", port_of(board)), timeout=60) as client:
        client.sendall(SYNC)
        return client.recv(100).startswith(ANSWER)


@pytest.fixture(params=["sock_diag", "table"])
def source(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "table":
        monkeypatch.setattr(peers, "_has_sock_diag", lambda: False)


@pytest.mark.usefixtures("source")
def test_the_user_at_the_other_end_is_known_until_it_closes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        connection, _address = server.accept()
        with connection:
            assert uid_of_peer(connection) == os.geteuid()
            client.shutdown(socket.SHUT_WR)
            assert uid_of_peer(connection) == os.geteuid()
            client.close()
            connection.recv(1)
            assert uid_of_peer(connection) is None


@needs_root
@pytest.mark.usefixtures("source")
def test_another_user_is_told_from_root() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        stranger(CONNECT, server.getsockname()[1], 1) as process,
    ):
        connection, _address = server.accept()
        with connection:
            assert line(process) == "connected"
            assert uid_of_peer(connection) == STRANGER


@needs_root
def test_another_user_is_served_no_byte(virtual_board: VirtualBoard) -> None:
    with stranger(TALK, port_of(virtual_board), SYNC.hex()) as process:
        assert line(process) == ""
    assert answers(virtual_board)


@needs_root
def test_connections_that_another_user_holds_keep_nobody_out(virtual_board: VirtualBoard) -> None:
    with stranger(CONNECT, port_of(virtual_board), 200) as process:
        assert line(process) == "connected"
        assert answers(virtual_board)


@pytest.mark.slow
@needs_root
def test_another_user_who_connects_without_end_keeps_nobody_out(
    virtual_board: VirtualBoard,
) -> None:
    with stranger(HAMMER, port_of(virtual_board)) as process:
        assert line(process) == "ready"
        for _ in range(5):
            assert answers(virtual_board)


@pytest.mark.slow
@needs_root
def test_a_board_that_is_shared_serves_every_user(tmp_path: Path) -> None:
    with (
        VirtualBoard(folder=tmp_path / "board", share=True) as board,
        stranger(TALK, port_of(board), SYNC.hex()) as process,
    ):
        assert bytes.fromhex(line(process)).startswith(ANSWER)


@pytest.mark.slow
def test_a_board_that_runs_for_its_owner_alone_is_not_shared_later(tmp_path: Path) -> None:
    wanted = VirtualBoard(folder=tmp_path / "board", share=True)
    reason = f"in process {os.getpid()}, and not to be shared"
    with VirtualBoard(folder=tmp_path / "board"), pytest.raises(BoardError, match=reason):
        wanted.start()


@pytest.mark.slow
def test_the_files_of_a_board_are_its_owners(tmp_path: Path) -> None:
    folder = tmp_path / "board"
    folder.mkdir(mode=0o755)
    umask = os.umask(0o022)
    try:
        with VirtualBoard(folder=folder, share=True) as board:
            assert answers(board)
            modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()}
    finally:
        os.umask(umask)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert set(modes) >= {"address", "board.log", "flash.lock"}
    assert set(modes.values()) == {0o600}


def test_a_terminal_is_its_users_alone(virtual_board: VirtualBoard) -> None:
    with terminal(virtual_board.url, reset=False) as path:
        found = Path(path).stat()
    assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (os.geteuid(), 0o600)
