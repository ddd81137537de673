"""The lab at a glance: how every project stands, what is at work, what each board is doing.

Front ends draw these records; nobody has to put them together from several services.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from engine.boards.board_info import BoardInfo
from engine.enums import RunStatus
from engine.store.tables import Project, Run


@dataclass(frozen=True, slots=True)
class ProjectOverview:
    """A project, and how its builds and its source stand.

    Args:
        project: itself.
        build: its newest build, None before the first.
        reason: why that failed, in one line, else empty. Untrusted text.
        broken_since: when the first failure after the last success ended, None for one that works.
        last: how its newest builds ended, oldest first.
        success_rate: percent of those that succeeded or failed; None where there is none.
        board: the board that its newest build is on, or was on last; empty for none.
        is_dirty: whether its folder has changes that are not committed.
        ahead: commits at the tip that were not built yet.
        sync_problem: why its clone is old, in a line: the last fetch failed, or is long ago; else
            empty.
    """

    project: Project
    build: Run | None = None
    reason: str = ""
    broken_since: datetime | None = None
    last: tuple[RunStatus, ...] = ()
    success_rate: float | None = None
    board: str = ""
    is_dirty: bool = False
    ahead: int = 0
    sync_problem: str = ""


@dataclass(frozen=True, slots=True)
class WorkItem:
    """A build or a task that runs or waits.

    Args:
        run: itself.
        project: name of its project, empty for a task about none.
        phase: of the pipeline that it is in, empty while it waits.
        percent: how far it is, 0 to 100.
        message: what it does now, in a line: the agent's last progress.
        elapsed: seconds since it started, since it was asked for while it waits.
        expected: seconds that such a run takes, from earlier ones; None where there were none.
        waits_for: for whom or what it waits, in a clause; empty where it does not wait.
        board: the board that it has, empty for none.
    """

    run: Run
    project: str = ""
    phase: str = ""
    percent: float = 0.0
    message: str = ""
    elapsed: float = 0.0
    expected: float | None = None
    waits_for: str = ""
    board: str = ""


@dataclass(frozen=True, slots=True)
class BoardOverview:
    """A board, who has it, and how it is.

    Args:
        info: itself, with what it runs and said last.
        project: name of the project whose build it runs or is tested for, empty for none.
        state: ``free``, ``busy``, ``reserved``, ``off`` or ``unwell``.
        problem: what is not well, in a clause; else empty.
        reserved_until: when its reservation ends, None without one.
    """

    info: BoardInfo
    project: str = ""
    state: str = "free"
    problem: str = ""
    reserved_until: datetime | None = None
