"""A program to which a person talks has the terminal, and leaves nothing."""

from __future__ import annotations

import os
import pty
import signal
import sys
import threading
import uuid
from collections.abc import Callable

import psutil
import pytest

pytestmark = pytest.mark.slow

ASKS = """
import os, signal, subprocess, sys
subprocess.Popen(["env", "-i", "setsid", "sh", "-c", "exec sleep 60", sys.argv[1]])
assert os.isatty(0) and os.isatty(1) and os.tcgetpgrp(0) == os.getpgrp()
sys.exit(int(input("code? ")))
"""

LENDS = """
import sys
from pathlib import Path
from engine.process import run_in_terminal
try:
    words = [sys.executable, "-c", *sys.argv[1:]]
    print("ended with", run_in_terminal(words, cwd=Path("/"), env={}))
except KeyboardInterrupt:
    print("interrupted")
"""


class Terminal:
    """A terminal with a program in it; ``said`` is all that it showed."""

    def __init__(self, *argv: str) -> None:
        self.pid, self._side = pty.fork()
        if self.pid == 0:
            os.execv(argv[0], argv)
        self.said = b""

    def type(self, data: bytes) -> None:
        os.write(self._side, data)

    def read_until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            try:
                self.said += os.read(self._side, 4096)
            except OSError:  # it ended
                break
        assert condition(), self.said

    def wait(self) -> int:
        _, status = os.waitpid(self.pid, 0)
        os.close(self._side)
        return os.waitstatus_to_exitcode(status)


def is_left(name: str) -> bool:
    for process in psutil.process_iter(["cmdline", "status"]):
        is_dead = process.info["status"] == psutil.STATUS_ZOMBIE
        if name in (process.info["cmdline"] or ()) and not is_dead:
            return True
    return False


@pytest.mark.parametrize(
    ("typed", "said"),
    [(b"7\n", b"ended with 7"), (b"\x03", b"interrupted")],
    ids=["a line", "Ctrl-C"],
)
def test_what_is_typed_is_the_programs(typed: bytes, said: bytes) -> None:
    name = f"espdeck-test-{uuid.uuid4().hex}"
    terminal = Terminal(sys.executable, "-c", LENDS, ASKS, name)
    terminal.read_until(lambda: b"code? " in terminal.said)
    assert is_left(name)

    terminal.type(typed)

    terminal.read_until(lambda: said in terminal.said)
    assert terminal.wait() == 0
    assert not is_left(name)


def test_a_killed_espdeck_takes_it_along() -> None:
    name = f"espdeck-test-{uuid.uuid4().hex}"
    terminal = Terminal(sys.executable, "-c", LENDS, ASKS, name)
    terminal.read_until(lambda: b"code? " in terminal.said)

    os.kill(terminal.pid, signal.SIGKILL)

    assert terminal.wait() == -signal.SIGKILL
    pause = threading.Event()
    for _ in range(2000):
        if not is_left(name):
            break
        pause.wait(0.01)
    assert not is_left(name)
