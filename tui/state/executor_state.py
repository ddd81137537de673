"""Who runs the builds of a workspace, and what there is to do and to read; read in a thread."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from engine.enums import RunStatus
from engine.errors import EspdeckError

if TYPE_CHECKING:
    from pathlib import Path

    from engine import Engine

ANSWER_SECONDS = 2.0
"""Seconds that the daemon may take to answer; builds do not wait for that."""

ASK_AGAIN_SECONDS = 60.0
"""Seconds between two questions to the same daemon."""


@dataclass(frozen=True, slots=True)
class DaemonState:
    """The workspace's daemon.

    Args:
        pid: its process.
        version: its version, empty where it does not answer.
        started_at: since when it is up.
    """

    pid: int
    version: str = ""
    started_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ExecutorState:
    """Who runs builds, how many wait and run, and what was not read.

    Args:
        is_here: whether this process runs them.
        executor: a process that does, in words, where it is neither this one nor the daemon; empty
            for none.
        daemon: None for none.
        unread: notifications that nobody read.
    """

    is_here: bool
    executor: str
    daemon: DaemonState | None
    running: int
    waiting: int
    unread: int


class ExecutorWatch:
    """Looks at who runs the builds. One thread at a time; a daemon is asked now and then."""

    def __init__(self) -> None:
        self._daemon: DaemonState | None = None
        self._asked = 0.0

    def look(self, engine: Engine) -> ExecutorState:
        """How things are; takes some milliseconds, and :data:`ANSWER_SECONDS` at most.

        Raises:
            StoreError: the database cannot be read.
        """
        from engine import describe_process, running_daemon

        workspace = engine.settings.workspace
        pid = running_daemon(workspace)
        self._daemon = self._ask(workspace, pid) if pid is not None else None
        executor = engine.executor_pid
        other = executor is not None and not engine.is_executor and executor != pid
        statuses = [run.status for run in engine.unfinished_runs()]
        running = statuses.count(RunStatus.RUNNING)
        return ExecutorState(
            is_here=engine.is_executor,
            executor=describe_process(executor) if other and executor is not None else "",
            daemon=self._daemon,
            running=running,
            waiting=len(statuses) - running,
            unread=engine.notifications.unread(),
        )

    def _ask(self, workspace: Path, pid: int) -> DaemonState:
        from engine import ask_daemon

        now, known = time.monotonic(), self._daemon
        is_known = known is not None and known.pid == pid and known.version != ""
        if known is not None and is_known and now - self._asked < ASK_AGAIN_SECONDS:
            return known
        self._asked = now
        try:
            answer = ask_daemon(workspace, "status", seconds=ANSWER_SECONDS)
            started = datetime.fromisoformat(answer["started_at"])
            return DaemonState(pid, str(answer["version"]), started)
        except (EspdeckError, LookupError, ValueError, TypeError):
            return DaemonState(pid)
