"""What comes from outside cannot steer the terminal, on any screen: the bytes are looked at."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyte
import pytest

from tests.forked import Forked, run_espdeck
from tests.tui.workspaces import fill, keep_fix

pytestmark = pytest.mark.xdist_group("hostile")

MARK = "31337"
"""A number that nothing of ours prints: where it stands in a control sequence, one got through."""

SEQUENCES = (
    f"\x1b]0;{MARK}\x07",
    f"\x1b]52;c;{MARK}\x1b\\",
    f"\x1b[{MARK}m",
    f"\x1b[{MARK};1H",
    f"\x1bP{MARK}q\x1b\\",
    f"\x1b_{MARK}\x1b\\",
    f"\x9b{MARK}m",
    f"\x9d0;{MARK}\x9c",
    f"[@click=app.exit]{MARK}[/] [/b] [bold",
    "\u202e\u2066",
    "\r\x08\x0e\x05",
)
GOT_THROUGH = re.compile(rb"(?:\x1b[\[\]P_^X]|\xc2[\x90-\x9f])[0-9;:?c]*" + MARK.encode())


def hostile(text: str) -> str:
    head, line, rest = text.partition("\n")
    return "".join(SEQUENCES[:-3]) + head + "".join(SEQUENCES) + line + rest


class Terminal:
    """A person's terminal: sends keys, keeps every byte that the app writes."""

    def __init__(
        self,
        workspace: Path,
        rows: int,
        columns: int,
        *,
        under: Sequence[str] = (),
        words: Sequence[str] = (),
    ) -> None:
        """Open a terminal with the app in it.

        Args:
            under: program and arguments that start the app, whose command line comes behind;
                empty starts the app itself.
            words: of a command that runs instead of the app.
        """
        self.fd, child = pty.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        words = ["--workspace", str(workspace), *words]
        sizes = ("COLUMNS", "LINES")  # those of the workers of pytest-xdist are not its own
        env = {name: value for name, value in os.environ.items() if name not in sizes}
        env["TERM"] = "xterm-256color"
        self.process: Forked | subprocess.Popen[bytes]
        if under:
            self.process = subprocess.Popen(
                [*under, sys.executable, "-m", "tui.cli.main", *words],
                stdin=child,
                stdout=child,
                stderr=child,
                start_new_session=True,
                env=env,
            )
        else:
            self.process = Forked(words, (child, child, child), env, new_session=True)
        os.close(child)
        self.output = b""
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)

    def sees(self, *texts: str, timeout: float = 20.0) -> str:
        """Wait until one of these is on the screen: which."""
        deadline = time.monotonic() + timeout
        while True:
            display = "\n".join(self.screen.display)
            found = next((text for text in texts if text in display), None)
            if found is not None:
                return found
            left = deadline - time.monotonic()
            assert left > 0, f"none of {texts} in\n{display}"
            if select.select([self.fd], [], [], left)[0]:
                try:
                    chunk = os.read(self.fd, 1 << 16)
                except OSError:  # Linux says EIO when nobody has the other end open any more
                    code = self.process.wait(20)
                    raise AssertionError(
                        f"ended with {code}, without {texts}:\n{display}"
                    ) from None
                self.output += chunk
                self.stream.feed(chunk)

    def keys(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def close(self) -> int:
        """End it: the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.ends()

    def ends(self) -> int:
        """Read to the end of it, and close the terminal: the exit code."""
        try:
            while select.select([self.fd], [], [], 30)[0]:
                self.output += os.read(self.fd, 1 << 16)
        except OSError:
            pass  # Linux says EIO when the other end is closed
        os.close(self.fd)
        return self.process.wait(20)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Path]:
    fill(tmp_path, text=hostile)
    keep_fix(tmp_path, 3, hostile)
    yield tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("size", [(24, 80), (60, 200)], ids=["80x24", "200x60"])
def test_nothing_gets_through_on_any_screen(workspace: Path, size: tuple[int, int]) -> None:
    terminal = Terminal(workspace, *size)
    try:
        terminal.sees("sensor-hub")
        terminal.keys("Gb")  # a warning that names the project
        terminal.sees("cannot be built")
        terminal.keys("d")  # the question that names it
        terminal.sees("Remove")
        terminal.keys("n")
        terminal.keys("g")
        terminal.sees("#3")
        terminal.keys("l\r")  # the build: its title, panes and findings
        terminal.sees("FINDINGS 2", "FINDINGS  1 error, 1 warning")
        terminal.keys("\r")
        terminal.sees("0xdead0000")
        terminal.keys("q")
        terminal.sees("tab pane")
        terminal.keys("d")  # what repairs changed
        terminal.sees("Failed:")
        terminal.keys("G")
        terminal.sees("int re")
        terminal.keys("q")
        terminal.sees("tab pane")
        for pane in "123467":
            terminal.keys(f"{pane}z")
            terminal.sees("the last of them")
            terminal.keys("z")
        terminal.keys("/log line 7\r")
        terminal.sees("match 1 of ")
        terminal.keys(":")
        terminal.sees("Search")
        terminal.keys("\x1b")
    finally:
        terminal.close()

    assert MARK.encode() in terminal.output  # it is shown, as text
    assert not GOT_THROUGH.search(terminal.output)
    assert "\u202e".encode() not in terminal.output


def test_a_password_in_a_source_is_shown_nowhere(tmp_path: Path) -> None:

    def secret(text: str) -> str:
        is_source = text.endswith(".git")
        return text.replace("https://", "https://me:hunter2@") if is_source else text

    fill(tmp_path, text=secret)
    terminal = Terminal(tmp_path, 24, 80)
    try:
        terminal.sees("sensor-hub")
        terminal.keys("5")  # the details
        terminal.sees("https://***@git.lab/sensor-hub.git")
        terminal.keys("1G\r")
        terminal.sees("s tries again")
    finally:
        terminal.close()
    output = terminal.output
    for words in (("projects",), ("projects", "--json"), ("doctor",)):
        output += run_espdeck("--workspace", tmp_path, *words).stdout
    assert b"***@git.lab" in output
    assert b"hunter2" not in output


@pytest.mark.slow
def test_the_command_line_lets_nothing_through(workspace: Path) -> None:
    for words in (
        ("projects",),
        ("builds",),
        ("show", "3"),
        ("show", "3", "--log", "all"),
        ("show", "3", "--json"),
        ("fix", "3"),
        ("fix", "3", "--json"),
        ("projects", "--json"),
        ("builds", "--json"),
        ("build", hostile("nowhere")),
    ):
        done = run_espdeck("--workspace", workspace, *words)
        output = done.stdout + done.stderr
        assert MARK.encode() in output, words
        assert b"\x1b" not in output, words
        assert not GOT_THROUGH.search(output), words
        assert b"Traceback" not in output, words
