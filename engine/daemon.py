"""An engine that stays: it goes on with builds, checks and schedules when nobody is logged in.

``python -m engine.daemon --workspace FOLDER`` is the process; ``espdeck daemon`` starts, stops and
asks it. There is one for a workspace, by a lock. Where another process executes the workspace's
runs, such as an app, the daemon waits and goes on when that one leaves.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import resource
import select
import signal
import sys
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from pydantic import SecretStr

from engine import private_files
from engine.daemon_control import LOCK_FILE, ControlServer, own_version
from engine.engine import Engine
from engine.errors import EspdeckError, UsageError
from engine.file_lock import FileLock
from engine.files import explain
from engine.logs.event_log import LogEvents
from engine.metrics.health import checks_run
from engine.processes.memory import resident_bytes
from engine.serving import DaemonServer
from engine.settings import Settings, SettingsSource
from engine.store.busy_wait import openers
from engine.systemd.login import user_name
from engine.systemd.notify import ServiceManager

CLOSE_SECONDS = 30.0
"""Seconds in which a daemon that was told to stop ends by itself."""

LOOK_SECONDS = 30.0
"""Between two looks whether the workspace is there still."""

_NEXT_CHECKS = 5
_LOG = logging.getLogger("espdeck.daemon")


class Daemon:
    """The daemon of a workspace.

    Args:
        settings: of the workspace.
        load: reads them again.

    Attributes:
        wake: descriptor; a byte that is written there has :meth:`run` look whether it was told to
            stop.
    """

    def __init__(self, settings: Settings, load: SettingsSource) -> None:
        self._settings = settings
        self._engine = Engine(settings, load)
        self._server = DaemonServer(self._engine)
        self._manager = ServiceManager()
        self._lock = FileLock(settings.workspace / LOCK_FILE)
        self._is_told = False
        self._woken, self.wake = os.pipe()  # unlike an event, safe in a signal handler
        os.set_blocking(self.wake, False)
        self._started = datetime.now(UTC)
        self._began = time.monotonic()

    def run(self) -> None:
        """Be the daemon until told to stop.

        Raises:
            UsageError: there is one already, or the workspace cannot be used.
            StoreError: the database cannot be opened.
        """
        folder = self._settings.workspace
        try:
            private_files.check_owner(folder)
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not self._lock.acquire():
                raise UsageError(f"a daemon runs in {folder} already: espdeck daemon status")
        except OSError as error:
            raise UsageError(explain(error)) from error
        try:
            self._serve()
        finally:
            self._lock.release()

    def stop(self) -> None:
        """Have :meth:`run` return; runs that are carried out go on at the next start."""
        self._is_told = True
        with contextlib.suppress(BlockingIOError):  # it will look in any case
            os.write(self.wake, b"\0")

    def reload(self) -> bool:
        """Read the settings again; whether they made sense."""
        self._manager.reloading()
        is_well = self._engine.reload_or_complain()
        self._server.settings_changed()
        self._manager.ready(
            "settings read" if is_well else "the settings from before stay in force"
        )
        return is_well

    def _serve(self) -> None:
        self._engine.events.subscribe(LogEvents(self._asked_by))
        self._engine.open(scheduled=True)
        self._checks_before = checks_run(self._engine.metrics.checks())
        try:
            try:
                control = ControlServer(self._settings.workspace, self._answer)
            except OSError as error:
                raise UsageError(explain(error)) from error
            self._server.start()
            try:
                _LOG.info("started by %s: espdeck %s", self._starter(), own_version())
                self._manager.ready()
                self._wait_for_stop()
                self._manager.stopping()
                _LOG.info("stops")
            finally:
                self._server.close()
                control.close()
        finally:
            self._engine.close()

    def _wait_for_stop(self) -> None:
        """Wait until told to stop, and tell the service manager meanwhile that all is well.

        Raises:
            UsageError: the workspace is not there any more.
        """
        interval = min(self._manager.watchdog_interval or LOOK_SECONDS, LOOK_SECONDS)
        while True:
            if select.select([self._woken], [], [], interval)[0]:
                os.read(self._woken, 4096)
            if self._is_told:
                return
            self._manager.watchdog()
            if self._lock.is_lost:
                folder = self._settings.workspace
                raise UsageError(f"{folder} was deleted or replaced: its daemon ends")

    def _starter(self) -> str:
        """Who started it, for the log."""
        if self._manager.listens:
            return "systemd"
        host = os.environ.get("SSH_CONNECTION", "").partition(" ")[0]
        name = os.environ.get("SUDO_USER") or user_name(os.getuid())
        return f"{name} from {host}" if host else name

    def _asked_by(self, run_id: int) -> str:
        with contextlib.suppress(EspdeckError):
            for run in self._engine.unfinished_runs():
                if run.number == run_id:
                    return run.asked_by
        return ""

    def _answer(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer a client: the commands are ``status``, ``stop``, ``reload`` and ``hold_key``."""
        command = question["command"]
        head = {"version": own_version(), "pid": os.getpid()}
        if command == "stop":
            self.stop()
            return head
        if command == "reload":
            if not self.reload():
                raise UsageError("the settings are not valid: run espdeck config check")
            return head
        if command == "status":
            return head | self._status()
        if command == "hold_key":
            self._engine.tasks.hold_key(str(question["workflow"]), SecretStr(str(question["key"])))
            return head
        raise UsageError(
            f"no command {str(command)[:40]!r}: the daemon is espdeck {head['version']}"
        )

    def _status(self) -> dict[str, Any]:
        engine = self._engine
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "workspace": str(self._settings.workspace),
            "profile": self._settings.profile,
            "started_at": self._started.isoformat(timespec="seconds"),
            "uptime_seconds": round(time.monotonic() - self._began, 1),
            "is_running": True,
            "executes": engine.is_executor,
            "executor": engine.executor_pid,
            **self._checks_run(),
            "memory_bytes": resident_bytes(os.getpid()),
            "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
            "runs": self._runs(),
            "boards": [
                {"name": board.name, "state": board.state, "chip": board.chip}
                for board in engine.boards.list()
            ],
            "next_checks": self._next_checks(),
            "server": self._server.status(),
            "clients": list(openers(self._settings.workspace / "espdeck.db")),
        }

    def _checks_run(self) -> dict[str, float]:
        """Checks since it started: how many, how many without a fault, and seconds."""
        now = checks_run(self._engine.metrics.checks())
        return {name: max(0, value - self._checks_before[name]) for name, value in now.items()}

    def _runs(self) -> list[dict[str, Any]]:
        found = []
        for run in self._engine.unfinished_runs():
            project = self._engine.projects.get(str(run.project_id)) if run.project_id else None
            since = run.started_at or run.created_at
            found.append(
                {
                    "number": run.number,
                    "kind": run.kind.label,
                    "project": project.name if project else "",
                    "status": run.status,
                    "asked_by": run.asked_by,
                    "since": since.isoformat(timespec="seconds"),
                }
            )
        return found

    def _next_checks(self) -> list[dict[str, Any]]:
        """The next checks; none while they are looked for, which an answer does not wait for."""
        if not self._engine.checks.are_found:
            threading.Thread(
                target=self._engine.checks.list, name="find-checks", daemon=True
            ).start()
            return []
        return [
            {
                "check": each.check,
                "project": each.project,
                "at": each.at.isoformat(timespec="seconds"),
            }
            for each in self._engine.checks.coming(_NEXT_CHECKS)
        ]


def main() -> None:
    """Be the daemon of a workspace, until a signal says otherwise."""
    parser = argparse.ArgumentParser(prog="espdeck daemon run")
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--profile")
    given = parser.parse_args()
    private_files.restrict_umask()
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        run_daemon(lambda: Settings.load(workspace=given.workspace, profile=given.profile))
    except EspdeckError as error:
        print(f"espdeck: {error}", file=sys.stderr)  # noqa: T201 (whoever starts it reads this)
        sys.exit(2)


def run_daemon(load: SettingsSource) -> None:
    """Be the daemon in this process: SIGTERM and Ctrl-C end it, SIGHUP has it read the settings.

    Args:
        load: reads the settings.

    Raises:
        EspdeckError: as :meth:`Daemon.run`, or the settings make no sense.
    """
    if os.getpid() == 1:
        go_on_in_child()
    daemon = Daemon(load(), load)

    def end(_number: int, _frame: FrameType | None) -> None:
        daemon.stop()

    def reload(_number: int, _frame: FrameType | None) -> None:
        threading.Thread(target=daemon.reload, name="reload", daemon=True).start()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGHUP, reload)
    # Any thread may take a signal: without this, the main one would not wake up to handle it.
    signal.set_wakeup_fd(daemon.wake, warn_on_full_buffer=False)
    daemon.run()


def go_on_in_child() -> None:
    """Return in a child; this process hands signals to it, ends as it does, and does nothing else.

    The first process of a container is the parent of all whose parent has ended, and has to ask how
    each of them ended. The daemon itself cannot: it would take that from who waits for a program.
    """
    child = os.fork()
    if child == 0:
        return

    def hand_on(number: int, _frame: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, hand_on)
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)  # as a shell says it


if __name__ == "__main__":
    main()
