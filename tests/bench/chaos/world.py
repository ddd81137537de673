"""A workspace and a home of its own, and real espdecks on it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from engine import samples
from engine.daemon_control import ask_daemon, running_daemon
from engine.enums import RunStatus
from engine.errors import EspdeckError
from engine.processes.identity import ProcessIdentity
from engine.samples import demo
from tests.bench.chaos import machine
from tests.engine.git_repos import commit

PROJECT = "hello"

MARKERS = ("marker-a", "marker-b")
"""What the firmware of the repository's two commits says, the older first."""

DAEMON = "daemon"
"""Name of the espdeck that is the daemon."""

LEAVE_WITHIN = 30.0
"""Seconds that an espdeck which is told to end may take."""

_EVERY_SECOND = """
from engine import daemon
from engine.runs import executor
executor.TICK_CRON = "* * * * * *"
daemon.main()
"""

_FINAL = tuple(status.value for status in RunStatus if status.is_final)


class Espdeck:
    """One espdeck in a process of its own, its output read as it comes."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], output: int) -> None:
        self.name = name
        self.process = process
        self.killed = False
        self._output = output
        self._seen = b""
        self._changed = threading.Condition()
        self._over = False
        self._answers: dict[bytes, bytes] = {}
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self.process.poll() is None

    @property
    def said(self) -> str:
        """All that it printed."""
        with self._changed:
            return self._seen.decode("utf-8", "replace")

    def sees(self, text: str, seconds: float) -> bool:
        """Wait until it prints a text; False when it ends before, or time is up."""
        wanted = text.encode()
        with self._changed:
            self._changed.wait_for(lambda: wanted in self._seen or self._over, seconds)
            return wanted in self._seen

    def when_it_says(self, text: str, keys: bytes) -> None:
        """Type some keys once, as soon as it has printed a text."""
        with self._changed:
            self._answers[text.encode()] = keys
            self._answer()

    def type(self, keys: bytes) -> None:
        """Type to the program in a terminal."""
        with contextlib.suppress(OSError):
            os.write(self._output, keys)

    def kill(self) -> bool:
        """``kill -9``, of this process alone; False when it had ended before."""
        if not self.is_alive:
            return False
        self.killed = True
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        return True

    def wait(self, seconds: float) -> int | None:
        """Its exit code; None when it runs on."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def leave(self) -> int | None:
        """End it as its user does; its exit code, None when it had to be killed."""
        self.process.send_signal(signal.SIGTERM)
        code = self.wait(LEAVE_WITHIN)
        if code is None:
            self.kill()
        return code

    def close(self) -> None:
        """Let its output go. Who else has it may be there still, and is not waited for."""
        self._reader.join(1.0)
        if not self._reader.is_alive():
            with contextlib.suppress(OSError):
                os.close(self._output)

    def _answer(self) -> None:
        for text in [text for text in self._answers if text in self._seen]:
            self.type(self._answers.pop(text))

    def _read(self) -> None:
        while True:
            try:
                chunk = os.read(self._output, 1 << 16)
            except OSError:  # the terminal's other end is closed
                chunk = b""
            with self._changed:
                self._seen += chunk
                self._over = not chunk
                self._answer()
                self._changed.notify_all()
            if not chunk:
                return


class World:
    """A folder with a workspace, a home, a repository and every process that was started on them.

    Args:
        folder: where everything is, its caches too unless ``cache`` says where they are.
        cache: of compilers; shared by worlds, so that only the first one warms it.
    """

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        self.workspace = folder / "workspace"
        self.repository = folder / PROJECT
        self.processes: list[Espdeck] = []
        self._environment = _environment(folder, cache)
        for name in ("home", "tmp"):
            (folder / name).mkdir(parents=True)
        self.commits = self._make_repository()

    def espdeck(self, *words: str, terminal: bool = False) -> Espdeck:
        """Start ``espdeck`` with some words."""
        command = [sys.executable, "-m", "tui.cli.main", "--workspace", str(self.workspace), *words]
        return self._start(" ".join(words) or "app", command, terminal=terminal)

    def daemon(self) -> Espdeck:
        """The daemon that was started here and lives, else a new one, which stays."""
        for each in self.processes:
            if each.name == DAEMON and each.is_alive:
                return each
        command = [sys.executable, "-P", "-m", "engine.daemon", "--workspace", str(self.workspace)]
        return self._start(DAEMON, command)

    def daemon_at_the_clock(self) -> Espdeck:
        """Start a daemon that looks every second for what is due, not every minute."""
        command = [sys.executable, "-P", "-c", _EVERY_SECOND, "--workspace", str(self.workspace)]
        return self._start(DAEMON, command)

    def is_carried(self, seconds: float) -> bool:
        """Wait until the daemon answers and runs are carried, by it or by another process."""

        def is_carried() -> bool:
            with contextlib.suppress(EspdeckError):
                return ask_daemon(self.workspace, "status")["executor"] is not None
            return False

        return machine.wait_for(is_carried, seconds)

    def kill_daemon(self) -> bool:
        """``kill -9`` of whichever process is the daemon; False where none is."""
        pid = running_daemon(self.workspace)
        who = ProcessIdentity.of(pid) if pid is not None else None
        if who is None:
            return False
        for each in self.processes:
            if each.process.pid == who.pid:
                return each.kill()
        os.kill(who.pid, signal.SIGKILL)
        machine.wait_for(lambda: not who.is_alive, LEAVE_WITHIN)
        return True

    @property
    def known(self) -> frozenset[int]:
        """Processes that were started here and whose end is waited for."""
        return frozenset(each.process.pid for each in self.processes)

    def runs(self) -> dict[int, dict[str, Any]]:
        """Every run, by its number."""
        rows = self.ask("espdeck.db", "SELECT * FROM run ORDER BY id")
        return {int(row["id"]): row for row in rows}

    def unfinished(self) -> list[int]:
        """Numbers of runs that have not ended."""
        return [number for number, run in self.runs().items() if run["status"] not in _FINAL]

    def ask(self, database: str, query: str, *values: object) -> list[dict[str, Any]]:
        """Read from a database of the workspace without changing anything; empty if it cannot."""
        path = self.workspace / database
        with contextlib.suppress(sqlite3.Error):
            connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
            with contextlib.closing(connection):
                connection.row_factory = sqlite3.Row
                return [dict(row) for row in connection.execute(query, values)]
        return []

    def left_behind(self, *, adopted: bool) -> list[machine.Found]:
        """Processes that have to do with this world and that nobody here started."""
        mine = self.known
        machine_ = machine.belonging_to(self.folder, adopted, mine)
        return [each for each in machine_ if each.who.pid not in mine]

    def new_workspace(self) -> None:
        """Forget the workspace: the next espdeck makes a new one."""
        shutil.rmtree(self.workspace, ignore_errors=True)

    def end(self) -> None:
        """Kill whatever is left of all that was started."""
        for each in self.processes:
            each.kill()
        for found in self.left_behind(adopted=False):
            if found.who.is_alive:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(found.who.pid, signal.SIGKILL)
        self.forget()

    def forget(self) -> None:
        """Let go of processes that have ended."""
        for each in [each for each in self.processes if not each.is_alive]:
            each.close()
            self.processes.remove(each)

    def _start(
        self,
        name: str,
        command: Sequence[str],
        *,
        terminal: bool = False,
    ) -> Espdeck:
        if terminal:
            reading, writing = pty.openpty()
            fcntl.ioctl(writing, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 140, 0, 0))
        else:
            reading, writing = os.pipe()
        process = subprocess.Popen(
            command,
            stdin=writing if terminal else subprocess.DEVNULL,
            stdout=writing,
            stderr=writing,
            cwd=self.folder,
            start_new_session=True,
            env=self._environment,
        )
        os.close(writing)
        started = Espdeck(name, process, reading)
        self.processes.append(started)
        return started

    def _make_repository(self) -> tuple[str, str]:
        samples.write(PROJECT, self.repository)
        main = self.repository / "main" / "main.c"
        text = main.read_text("utf-8")
        hashes = []
        for marker in MARKERS:
            changed = text.replace(
                'LOGI("main", "hello from espdeck");',
                f'LOGI("main", "hello from espdeck");\n    LOGI("main", "{marker}");',
            )
            assert marker in changed
            hashes.append(commit(self.repository, {"main/main.c": changed}))
        return hashes[0], hashes[1]


def sleep_until(moment: float) -> None:
    """Sleep until a moment of the monotonic clock."""
    while (left := moment - time.monotonic()) > 0:
        time.sleep(left)


def _environment(folder: Path, cache: Path) -> dict[str, str]:
    kept = ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "XDG_CACHE_HOME": str(cache),
        "ESPDECK_BOARDS": json.dumps([demo.DEMO_BOARD]),
        "TERM": "xterm-256color",
        "PYTHONUNBUFFERED": "1",
    }


@contextlib.contextmanager
def watched_boards(folder: Path) -> Iterator[list[str]]:
    """See, while the block runs, whether two processes write a board at once.

    Yields:
        What was seen, a line each time.
    """
    seen: list[str] = []
    over = threading.Event()

    def look() -> None:
        before: set[int] = set()
        while not over.wait(0.1):
            found = machine.flashing(folder)
            now = {each.who.pid for each in found}
            if len(now & before) > 1:  # each was there at two looks: none is just ending
                seen.append(machine.describe(found))
            before = now

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()
