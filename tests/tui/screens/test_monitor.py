"""Consoles on the screen: a real socket is the board."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.boards import reconnecting
from engine.monitor.sessions import sessions
from engine.store import boards as board_rows
from engine.store.database import Store
from engine.store.tables import BoardRow
from tests.tui.workspaces import WAIT, Story, running
from tui.screens.home import HomeScreen
from tui.screens.monitor import MonitorScreen

pytestmark = [pytest.mark.xdist_group("monitor-screen"), pytest.mark.slow]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    monkeypatch.setattr(reconnecting, "REPLUG_POLL_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(WAIT)
        yield server


PANIC = (
    b"rst:0x1 (POWERON),boot:0xc (SPI_FAST_FLASH_BOOT)\r\n"
    b"Guru Meditation Error: Core  0 panic'ed (Load access fault). Exception was unhandled.\r\n"
    b"MEPC    : 0x403802a8  RA      : 0x40380296  SP      : 0x3fcbffe0\r\nRebooting...\r\n"
)


async def watch(story: Story, server: socket.socket) -> socket.socket:
    """Go to the only board's console: its end of the line."""
    await story.press("B")
    await story.sees("health  ")
    await story.press("enter")
    board, _ = await asyncio.to_thread(server.accept)
    board.settimeout(WAIT)
    return board


def know(workspace: Path, *urls: str) -> tuple[str, ...]:
    """Boards that were asked before what they are: the app does not ask them at its start."""
    store = Store(workspace / "espdeck.db")
    for url in urls:
        board_rows.remember_board(store, BoardRow(name=url, chip="esp32c3"))
    store.close()
    return urls


def url_of(server: socket.socket) -> str:
    return f"socket://127.0.0.1:{server.getsockname()[1]}"


async def test_a_screen_that_is_not_laid_out_yet_is_left_alone(
    tmp_path: Path, server: socket.socket
) -> None:
    async with running(tmp_path, boards=know(tmp_path, url_of(server))) as story:
        await story.sees("1 free")
        story.app.push_screen(MonitorScreen(url_of(server)))
        story.app._tick()  # before the screen has its widgets
        board, _ = await asyncio.to_thread(server.accept)
        board.sendall(b"I (12) main: hello\n")
        await story.sees("main: hello")
        board.close()


async def test_a_console_is_watched_filtered_and_left(
    tmp_path: Path, server: socket.socket
) -> None:
    async with running(tmp_path, size=(100, 24), boards=know(tmp_path, url_of(server))) as story:
        await story.press("B")
        await story.sees("boards 1", url_of(server), "free")
        await story.press("enter")
        board, _ = await asyncio.to_thread(server.accept)
        board.sendall(b"I (1) main: \x1b]0;owned\x07hello\nW (2) wifi: slow\nI (3) wifi: up\n")
        await story.sees("I (1) main: hello", "W (2) wifi: slow", "kept in")

        await story.press("o")
        await story.type("wifi:W")
        await story.press("enter")
        await story.until(lambda: "main: hello" not in story.text())
        await story.sees("W (2) wifi: slow")
        board.sendall(b"E (4) wifi: lost\nI (5) wifi: joined\n")
        await story.sees("E (4) wifi: lost")
        assert "joined" not in story.text()
        await story.press("o", "end")
        await story.type("Q")
        await story.press("enter")
        await story.sees("give TAG:LEVEL")
        await story.press("escape", "t")
        await story.until(lambda: ":" in story.text().split("W (2) wifi: slow")[0][-14:])

        server.settimeout(WAIT)
        port = server.getsockname()[1]
        server.close()
        board.close()
        await story.sees("the board vanished", "VANISHED at ")
        with socket.create_server(("127.0.0.1", port)) as replugged:
            replugged.settimeout(WAIT)
            board, _ = await asyncio.to_thread(replugged.accept)
        board.sendall(b"E (1) wifi: again\n")
        await story.sees("E (1) wifi: again", "the board vanished", ": back after ")
        assert "VANISHED" not in story.text()

        await story.press("q")
        await story.sees("health  ")
        await story.until(lambda: board.recv(1) == b"")  # let go
        engine = story.app.engine
        assert engine is not None
        (session,) = sessions(engine.boards.sessions_folder)
        assert session.raw.read_bytes().endswith(b"E (1) wifi: again\n")
        await story.press("q")
        assert isinstance(story.screen, HomeScreen)


async def test_a_tick_of_the_app_comes_before_the_screen_is_laid_out(tmp_path: Path) -> None:
    async with running(tmp_path, boards=()):
        MonitorScreen("socket://127.0.0.1:1").handle_events(())


async def test_a_person_types_to_a_board(tmp_path: Path, server: socket.socket) -> None:
    workspace, file = tmp_path / "workspace", tmp_path / "commands"
    file.write_bytes(b"\x00one\n")
    boards = know(workspace, url_of(server))
    async with running(workspace, size=(160, 24), boards=boards) as story:
        board = await watch(story, server)
        board.sendall(b"esp> ")
        await story.sees("esp> ")
        await story.press("enter")
        await story.type("help me")
        await story.press("enter")
        assert await asyncio.to_thread(board.recv, 100) == b"help me\r"
        board.sendall(b"help me\r\nno help here\r\n")
        await story.sees("esp> help me", "no help here")
        await story.type("reboot")
        await story.press("enter", "escape")
        assert await asyncio.to_thread(board.recv, 100) == b"reboot\r"

        await story.press("e", "e", "s", "up", "up")
        await story.sees("help me")
        await story.press("down", "enter", "escape")
        assert await asyncio.to_thread(board.recv, 100) == b"reboot\r\n"

        await story.press("F")
        await story.type(str(file))
        await story.press("enter")
        assert await asyncio.to_thread(board.recv, 100) == b"\x00one\n"
        await story.sees("5 bytes sent")
        await story.press("R")
        await story.sees("no DTR and RTS lines")
        await story.press("q", "enter")
        board, _ = await asyncio.to_thread(server.accept)
        board.sendall(b"again\n")
        await story.sees("again")
        await story.press("enter", "up", "enter")
        assert await asyncio.to_thread(board.recv, 100) == b"reboot\r"  # the history is kept


async def test_a_console_is_looked_at_in_every_way(tmp_path: Path, server: socket.socket) -> None:
    async with running(tmp_path, size=(100, 24), boards=know(tmp_path, url_of(server))) as story:
        board = await watch(story, server)
        board.sendall(b"I (1) main: heap 100 temp=21.5\nD (2) main: noise\n")
        await story.sees("temp=21.5", "noise")
        await story.press("M")
        await story.type("^D ")
        await story.press("enter")
        await story.until(lambda: "noise" not in story.text())
        await story.press("m")
        await story.type("heap [0-9]+")
        await story.press("enter", "m")
        await story.sees("heap [0-9]+")  # to be changed
        await story.type("(")
        await story.press("enter")
        await story.sees("missing )")
        await story.press("escape", "x")
        await story.sees("00000000  49 20 28 31 29 20 6d 61", "|I (1) main: heap|")
        await story.press("x", "P")
        await story.type("temp=([0-9.]+)")
        await story.press("enter")
        board.sendall(b"".join(b"temp=%d\n" % (number % 20) for number in range(200)))
        await story.sees("1 19  ", " 19 ", " 0 ")

        await story.press("p")
        board.sendall(b"while it is paused\n")
        await story.sees("PAUSED, 1 line waiting")
        assert "while it is paused" not in story.text()
        await story.press("p")
        await story.sees("while it is paused")


async def test_a_text_is_searched(tmp_path: Path, server: socket.socket) -> None:
    async with running(tmp_path, size=(100, 24), boards=know(tmp_path, url_of(server))) as story:
        board = await watch(story, server)
        lines = [b"noise %d\n" % number for number in range(100)]
        lines[3] = lines[50] = b"I (1) heap: Low memory\n"
        board.sendall(b"".join(lines))
        await story.sees("noise 99")
        await story.press("n")
        await story.sees("no search yet")
        await story.press("slash")
        await story.type("low MEM")
        await story.press("enter")
        await story.sees("match 2 of 2", "Low memory")
        await story.press("n")
        await story.sees("match 1 of 2", "noise 4")
        await story.press("N")
        await story.sees("match 2 of 2", "noise 51")
        await story.press("slash")
        await story.type("nowhere")
        await story.press("enter")
        await story.sees("is in none of the lines in memory")
        await story.press("escape")
        await story.sees("noise 99", "search")  # the search ended, the console stays
        board.close()


async def test_a_panic_is_a_finding_that_can_be_read(tmp_path: Path, server: socket.socket) -> None:
    async with running(tmp_path, size=(100, 24), boards=know(tmp_path, url_of(server))) as story:
        board = await watch(story, server)
        await story.press("v")
        await story.sees("nothing was found")
        board.sendall(PANIC)
        await story.sees("resets 1, panics 1", "error: Load access fault")
        board.sendall(b"after\n" * 40)
        await story.until(lambda: "error: Load access fault" not in story.text())
        await story.press("V")
        await story.sees("finding 1/1")
        await story.press("v")
        await story.sees("FINDING", "[panic.load-access-fault]", "program not known")


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_several_boards_are_watched_side_by_side(
    tmp_path: Path, server: socket.socket, size: tuple[int, int]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as second:
        second.settimeout(WAIT)
        urls = know(tmp_path, url_of(server), url_of(second))
        async with running(tmp_path, size=size, boards=urls) as story:
            await story.press("B")
            await story.sees("boards 2", *urls)
            await story.press("m", "m", "enter")
            board, _ = await asyncio.to_thread(server.accept)
            other, _ = await asyncio.to_thread(second.accept)
            other.settimeout(WAIT)
            board.sendall(b"I am the first\n")
            other.sendall(b"I am the second\n")
            await story.sees("I am the first", "I am the second")
            await story.press("tab", "z")
            await story.until(lambda: "I am the first" not in story.text())
            await story.press("enter")
            await story.type("to you")
            await story.press("enter", "escape")
            assert await asyncio.to_thread(other.recv, 100) == b"to you\r"
            await story.press("z", "q")
            await story.sees("health  ")
            board.close()
            other.close()
