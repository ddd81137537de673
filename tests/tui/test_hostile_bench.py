"""What a lab's boards, programs and sources are called cannot steer the terminal either."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import git
import pytest

from engine.boards.board_files import BoardFiles, Flashed
from engine.monitor import panic
from engine.store import boards as board_rows
from engine.store import projects
from engine.store import runs as store_runs
from engine.store.database import Store
from engine.store.tables import BoardRow, utc_now
from tests.engine.formats.test_elf import PANIC
from tests.engine.sizes import maps
from tests.forked import run_espdeck
from tests.hostile import CODE, Section, elf
from tests.tui.test_hostile import GOT_THROUGH, MARK, SEQUENCES, Terminal, hostile
from tests.tui.test_hostile_board import talk
from tests.tui.workspaces import fill, keep_maps
from tui.cli.common import print_error, print_line

pytestmark = pytest.mark.xdist_group("hostile")

SIZES = pytest.mark.parametrize("size", [(24, 80), (60, 200)], ids=["80x24", "200x60"])

USB = """
from serial.tools import list_ports, list_ports_common
def comports(include_links=False):
    port = list_ports_common.ListPortInfo("/dev/ttyACM77")
    port.vid, port.pid, port.serial_number, port.product = 0x303A, 0x1001, {text!r}, {text!r}
    return [port]
list_ports.comports = comports
"""
"""A computer with a device on USB that says such things of itself."""

ANEW = ("env",)
"""Under this a Python starts from the beginning, which reads what a computer has on USB."""


def nothing_got_through(output: bytes) -> None:
    assert MARK.encode() in output  # it is shown, as text
    assert not GOT_THROUGH.search(output)
    assert "\u202e".encode() not in output


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> socket.socket:
    """A board's end of the line; all that is known of it, and a device on USB, are hostile."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(20)
    url = f"socket://127.0.0.1:{server.getsockname()[1]}"
    monkeypatch.setenv("ESPDECK_BOARDS", json.dumps([url]))
    (tmp_path / "usb").mkdir()
    (tmp_path / "usb" / "sitecustomize.py").write_text(USB.format(text=hostile("A7")))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "usb"))
    store = Store(tmp_path / "espdeck.db")
    until = utc_now() + timedelta(hours=2)
    board_rows.reserve_board(store, url, holder=hostile("eve"), note=hostile("mine"), until=until)
    board_rows.label_board(store, url, label=hostile("desk"), remark=hostile("by the scope"))
    seen = BoardRow(name=url, chip=hostile("esp32c3"), revision=hostile("v0.4"))
    seen.mac, seen.features, seen.flash_size = hostile("a0:b1"), hostile("WiFi"), 4 << 20
    seen.package, seen.protection = hostile("ESP8685 (QFN28)"), hostile("Secure Boot v2")
    board_rows.remember_board(store, seen)
    store.close()
    runs = Flashed(7, 115200, project=hostile("node"), commit=hostile("1234567"))
    BoardFiles(tmp_path / "boards" / "desks", url).remember_flashed(runs)
    return server


@pytest.mark.slow
@SIZES
def test_the_boards_screen_lets_nothing_through(
    tmp_path: Path, board: socket.socket, size: tuple[int, int]
) -> None:
    terminal = Terminal(tmp_path, *size, under=ANEW)
    try:
        terminal.sees("no projects yet")
        terminal.keys("B")
        terminal.sees("boards 2")
        terminal.sees("by the scope")
        terminal.keys("j")
        terminal.sees("/dev/ttyACM77")
        terminal.keys("i")  # nothing answers, and it is told by its name
        terminal.sees("no such port")
        terminal.keys("kn")
        terminal.sees("Name ")
    finally:
        terminal.close()
    nothing_got_through(terminal.output)


@pytest.mark.slow
def test_a_last_line_lets_nothing_through(tmp_path: Path, board: socket.socket) -> None:
    (tmp_path / "espdeck.db").unlink()  # nobody has it
    terminal = Terminal(tmp_path, 24, 200, under=ANEW)
    try:
        terminal.sees("no projects yet")
        terminal.keys("B")
        terminal.sees("nobody: it is free")
        terminal.keys("\r")
        line, _ = board.accept()
        line.sendall(talk() + hostile("the last words").encode() + b"\r\n")
        terminal.sees("the last words")
        terminal.keys("q")
        terminal.sees("boards 2")
        terminal.sees("the last words")
        line.close()
    finally:
        terminal.close()
    nothing_got_through(terminal.output)


@pytest.mark.slow
def test_boards_and_sessions_on_the_command_line_let_nothing_through(
    tmp_path: Path, board: socket.socket
) -> None:
    sessions = tmp_path / "boards" / "sessions"
    sessions.mkdir(parents=True)
    (sessions / "20260102T030405.678Z-b.raw").write_bytes(talk())
    (sessions / "20260102T030405.678Z-b.log").write_bytes(
        b"".join(b"2026-01-02T03:04:06.789Z %s\n" % line for line in talk().split(b"\n"))
    )
    for words, shows in (
        (("boards",), MARK),
        (("boards", "--json"), MARK),
        (("sessions",), "20260102T030405.678Z-b.log"),
        (("sessions", "--json"), '"began": "2026-01-02T03:04:05.678Z"'),
        (("sessions", "--search", MARK), MARK),
        (("sessions", "--search", MARK, "--json"), MARK),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "tui.cli.main", "--workspace", str(tmp_path), *words],
            capture_output=True,
            timeout=30,
        )
        output = done.stdout + done.stderr
        assert shows.encode() in output, words
        assert b"\x1b" not in output, words
        assert not GOT_THROUGH.search(output), words
        assert b"Traceback" not in output, words
        if "--json" in words:
            assert all(isinstance(json.loads(row), dict) for row in done.stdout.splitlines())


@pytest.mark.slow
@SIZES
def test_sizes_and_sources_let_nothing_through(tmp_path: Path, size: tuple[int, int]) -> None:
    fill(tmp_path, text=hostile)
    keep_maps(tmp_path)
    evil = "".join(each for each in hostile("evil") if each not in "\r/")  # one word of a path
    for number, contents in ((2, maps.FIRST), (3, maps.THEN)):
        named = {
            section: {f"{evil}/lib{evil}.a({evil}.c.obj)": 0x7000 + number, **files}
            for section, files in contents.items()
        }
        maps.write(tmp_path / "artifacts" / str(number) / "hub.map", named)
    commit_source(tmp_path)
    terminal = Terminal(tmp_path, *size)
    try:
        terminal.sees("sensor-hub")
        terminal.sees("#3")
        terminal.keys("l\r")
        terminal.sees("FINDINGS 2", "FINDINGS  1 error, 1 warning")
        terminal.keys("\r")
        terminal.sees("21 >")
        terminal.keys("q")
        terminal.sees("tab pane")
        terminal.keys("s")
        terminal.sees("SIZES of build #3")
        terminal.sees("components, largest first")
        terminal.keys("o")
        terminal.sees("what changed first")
        terminal.keys("\t\t")
        terminal.sees(" files, what changed first")
        terminal.keys("y")
        terminal.keys("a")
        terminal.sees("Compare with")
        terminal.keys("\x1b")
    finally:
        terminal.close()
    nothing_got_through(terminal.output)
    done = run_espdeck("--workspace", tmp_path, "size", "3")
    assert b"\x1b" not in done.stdout + done.stderr
    assert not GOT_THROUGH.search(done.stdout + done.stderr)


def commit_source(workspace: Path) -> None:
    """The file that the finding of the newest build names, every line of it hostile."""
    repo = git.Repo.init(workspace / "clone")
    file = workspace / "clone" / hostile("main/main.c")
    file.parent.mkdir(parents=True)
    file.write_text("".join(hostile(f"int line{number};") + "\n" for number in range(1, 31)))
    repo.git.add(all=True)
    commit = repo.index.commit("Evil")
    store = Store(workspace / "espdeck.db")
    with store.write() as session:
        build = store_runs.get_run(store, 3)
        build.commit_sha = commit.hexsha
        session.merge(build)
        assert build.project_id is not None
        project = projects.get_project(store, build.project_id)
        project.clone_path = str(workspace / "clone")
        session.merge(project)
    store.close()
    repo.close()


@pytest.mark.parametrize("ending", ["bin", "csv"])
def test_a_partition_table_lets_nothing_through(tmp_path: Path, ending: str) -> None:
    evil = [each for each in SEQUENCES if MARK in each]
    head, flags = (b"\xaa\x50", 1, 2, 0x9000, 0x6000), 0xFFFFFFFF
    rows = [(*head, each.encode()[:16], flags) for each in evil]
    table = tmp_path / f"{hostile('parts').replace('/', '')[:60]}.{ending}"
    table.write_bytes(b"".join(struct.pack("<2sBBII16sI", *row) for row in rows) + b"\xff" * 32)
    if ending == "csv":
        table.write_text(f"{evil[0]}, data, nvs, 0x9000, 24K,\nx, data, {''.join(evil)}, , 4K")

    done = run_espdeck("--workspace", tmp_path, "partitions", table)

    output = done.stdout + done.stderr
    # A label has 16 bytes, in which most of them do not come to their end.
    shown = ("overlaps", "[@click=app.exit") if ending == "bin" else ("is not a number", MARK)
    assert all(each.encode() in output for each in shown)
    assert b"\x1b" not in output
    assert not GOT_THROUGH.search(output)
    assert b"Traceback" not in output


def test_symbols_of_a_program_let_nothing_through(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    name = hostile("app_main").encode() + b"\0"
    entry = struct.pack("<IIIBBH", 0, CODE, 0x400, 2, 0, 1)
    path = tmp_path / "app.elf"
    path.write_bytes(
        elf(Section(".symtab", entry, 2, link=3, entry=16), Section(".strtab", name, 3))
    )

    (found,) = panic.decode(PANIC, path, tmp_path)
    print_line(found.message)
    print_error(str(found.evidence))

    output = capfd.readouterr()
    assert MARK in output.out and "app_main" in output.out
    assert "\x1b" not in output.out + output.err
    assert not GOT_THROUGH.search((output.out + output.err).encode())
