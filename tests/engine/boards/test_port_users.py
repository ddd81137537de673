"""Other programs that have a port: who they are, and that they are waited for."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.boards import access, port_users, ports, reconnecting
from engine.boards.capabilities import FlashOptions
from engine.boards.esptool_errors import problem
from engine.boards.service import Boards
from engine.boards.virtual.board import VirtualBoard
from engine.boards.virtual.pty_bridge import terminal
from engine.cancel import CancelToken
from engine.errors import BoardBusyError, CancelledError
from engine.images.image import Image
from engine.store.database import Store
from tests.users import ADA, as_user, needs_root

FLOCK = """
import fcntl, os, sys
port = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)
if "lock" in sys.argv:
    fcntl.flock(port, fcntl.LOCK_EX)
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def port() -> Iterator[str]:
    """A serial device of which nothing comes."""
    board, device = os.openpty()
    yield os.ttyname(device)
    os.close(board)
    os.close(device)


@pytest.fixture
def boards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Boards:
    monkeypatch.setattr(access, "RESERVATION_POLL_SECONDS", 0.02)
    monkeypatch.setattr(reconnecting, "BUSY_POLL_SECONDS", 0.02)
    return Boards((), tmp_path / "boards", Store(tmp_path / "espdeck.db"))


@pytest.fixture
def lock_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "lock"
    folder.mkdir()
    monkeypatch.setattr(port_users, "LOCK_FOLDERS", (folder,))
    return folder


@contextlib.contextmanager
def running(*argv: str) -> Iterator[subprocess.Popen[str]]:
    """A process that is ended with the block."""
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@contextlib.contextmanager
def program(*words: str, uid: int | None = None) -> Iterator[subprocess.Popen[str]]:
    """Another program that has a port open."""
    argv = [sys.executable, "-c", FLOCK, *words]
    with running(*(argv if uid is None else as_user(uid, *argv))) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process


@needs_root
def test_a_port_that_another_user_has_locked_is_waited_for(
    port: str, boards: Boards, tmp_path: Path
) -> None:
    Path(port).chmod(0o666)
    told: list[str] = []
    with program(port, "lock", uid=ADA) as other:

        def on_wait(line: str) -> None:
            told.append(line)
            other.kill()

        (board,) = Boards([port], tmp_path / "list", Store(tmp_path / "list" / "espdeck.db")).list()
        with boards.use(port, cancel=CancelToken(), on_wait=on_wait, purpose="build 1") as held:
            assert held.url == port
    name = Path(sys.executable).name
    whose = f"{name} (process {other.pid}) of user {ADA}"
    assert (board.state, board.holder) == ("busy", whose)
    assert told == [f"waiting for {port}: in use by {whose}"]


def test_while_somebody_holds_the_board_its_turn_is_waited_for_whoever_has_the_port(
    port: str, boards: Boards
) -> None:
    told: list[str] = []
    stop = CancelToken()

    def on_wait(line: str) -> None:
        told.append(line)
        stop.cancel()

    with (
        boards.use(port, cancel=CancelToken(), on_wait=pytest.fail, purpose="build 1"),
        program(port, "lock"),  # as the esptool of build 1
        pytest.raises(CancelledError),
        boards.use(port, cancel=stop, on_wait=on_wait, purpose="build 2"),
    ):
        pass
    assert told == [f"waiting for {port}: build 1 (this espdeck) holds it"]


def test_a_lock_that_a_shell_holds_is_seen_though_flock_has_ended(port: str) -> None:
    with running("sh", "-c", 'exec 9<>"$0"; flock 9; echo; read word', port) as shell:
        assert shell.stdout is not None
        assert shell.stdout.readline() == "\n"
        found = port_users.other_user(port)
        assert found is not None
        assert found.pid == shell.pid
    assert port_users.other_user(port) is None


def test_waiting_for_another_program_ends_when_it_is_cancelled(port: str, boards: Boards) -> None:
    cancel = CancelToken()
    with (
        program(port, "lock"),
        pytest.raises(CancelledError),
        boards.use(port, cancel=cancel, on_wait=lambda _: cancel.cancel(), purpose="build 1"),
    ):
        raise AssertionError("it is not ours")


@pytest.mark.parametrize("form", ["{:10}\n", "{:10} minicom ada\n", "{}", "binary"])
def test_a_lock_file_of_the_old_kind_counts_while_its_program_lives(
    port: str, lock_files: Path, form: str
) -> None:
    file = lock_files / f"LCK..{port.removeprefix('/dev/').replace('/', '_')}"
    with running("sleep", "60") as sleeper:
        pid = sleeper.pid
        text = pid.to_bytes(4, sys.byteorder) if form == "binary" else form.format(pid).encode()
        file.write_bytes(text)
        found = port_users.other_user(port)
        assert found is not None
        assert found.pid == pid
    assert port_users.other_user(port) is None


@needs_root
def test_a_lock_file_of_another_user_than_the_program_is_an_old_one(
    port: str, lock_files: Path
) -> None:
    file = lock_files / f"LCK..{Path(port).name}"
    with running(*as_user(ADA, "sh", "-c", "echo; exec sleep 60")) as sleeper:
        assert sleeper.stdout is not None
        assert sleeper.stdout.readline() == "\n"
        file.write_text(f"{sleeper.pid:10}\n")
        os.chown(file, ADA + 5, ADA + 5)
        assert port_users.other_user(port) is None
        os.chown(file, ADA, ADA)
        assert port_users.other_user(port) is not None


@needs_root
def test_a_lock_file_of_a_user_whose_number_is_now_a_process_of_root_is_an_old_one(
    port: str, lock_files: Path
) -> None:
    file = lock_files / f"LCK..{Path(port).name}"
    with running("sleep", "60") as sleeper:
        file.write_text(f"{sleeper.pid:10}\n")
        os.chown(file, ADA, ADA)
        assert port_users.other_user(port) is None


@needs_root
def test_a_lock_file_of_a_program_with_the_rights_of_root_is_its_users(
    port: str, lock_files: Path
) -> None:
    file = lock_files / f"LCK..{Path(port).name}"
    words = ["setpriv", f"--ruid={ADA}", "--euid=0", "sh", "-c", "echo; exec sleep 60"]
    with running(*words) as sleeper:
        assert sleeper.stdout is not None
        assert sleeper.stdout.readline() == "\n"
        file.write_text(f"{sleeper.pid:10}\n")
        os.chown(file, ADA, ADA)
        assert port_users.other_user(port) is not None


@pytest.mark.parametrize(
    "text", [b"", b"no number", b"-1", b"0", b"99999999999999999999", b"\0" * 4]
)
def test_a_lock_file_that_makes_no_sense_is_none(port: str, lock_files: Path, text: bytes) -> None:
    (lock_files / f"LCK..{Path(port).name}").write_bytes(text)
    assert port_users.other_user(port) is None


def test_a_device_that_somebody_only_holds_open_is_seen(tmp_path: Path) -> None:
    device = tmp_path / "ttyUSB0"
    device.touch()
    with program(str(device)) as other:
        found = port_users.other_user(str(device))
        assert found is not None
        assert found.pid == other.pid
    assert port_users.other_user(str(device)) is None


@pytest.mark.slow
def test_a_port_that_is_taken_while_the_board_is_held_is_waited_for(
    tmp_path: Path,
    virtual_board: VirtualBoard,
    built_sample: Callable[[str], Image],
    boards: Boards,
) -> None:
    told: list[str] = []
    heard = bytearray()
    with (
        terminal(virtual_board.url, reset=True) as port,
        boards.use(
            port, cancel=CancelToken(), on_wait=lambda line: taken(line), purpose="b"
        ) as board,
    ):
        other = os.open(port, os.O_RDWR | os.O_NOCTTY)
        fcntl.flock(other, fcntl.LOCK_EX)

        def taken(line: str) -> None:
            told.append(line)
            os.close(other)

        board.flash.write(
            built_sample("hello"), FlashOptions(),
            on_output=lambda _data: None, on_progress=lambda _percent, _what: None, timeout=60,
        )  # fmt: skip
        board.console.listen(
            baud=115200, on_output=heard.extend, until=lambda _seconds: b"hello" in heard,
            seconds=20, reset=True,
        )  # fmt: skip
    assert told == [f"{port}: in use; waiting for it"]
    assert b"hello from espdeck" in heard


@needs_root
def test_a_program_that_keeps_the_port_to_itself_for_too_long_is_told(
    port: str, boards: Boards, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconnecting, "BUSY_SECONDS", 0.05)
    other = os.open(port, os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(other, fcntl.LOCK_EX)
    notes: list[str] = []
    try:
        with (
            boards.use(port, cancel=CancelToken(), on_wait=notes.append, purpose="b") as board,
            pytest.raises(BoardBusyError, match=r"in use \(waited .* s for it\)$"),
        ):
            board.console.listen(
                baud=115200, on_output=notes.append, until=lambda _seconds: True,  # type: ignore[arg-type]
                seconds=0.05, reset=False,
            )  # fmt: skip
    finally:
        os.close(other)
    assert len(notes) == 1


@pytest.mark.parametrize(
    "said",
    [
        # pyserial of a port that another opened with TIOCEXCL, and of one with a lock.
        "[Errno 16] could not open port {0}: [Errno 16] Device or resource busy: '{0}'",
        "[Errno 11] Could not exclusively lock port {0}: "
        "[Errno 11] Resource temporarily unavailable",
    ],
)
def test_what_is_said_of_a_port_in_use_is_no_failure_of_the_board(said: str) -> None:
    port = "/dev/ttyUSB77"
    text = f"Could not open {port}, the port is busy or doesn't exist.\n({said.format(port)})\n"
    fatal = f"esptool v5.6.0\n\nA fatal error occurred: {text}\nHint: Check if the port is correct"
    assert isinstance(problem("esptool", port, fatal), BoardBusyError)
    assert isinstance(ports.explain(port, said.format(port)), BoardBusyError)
