"""What front ends draw of the lab: a project, a run at work, a board."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from engine.boards.board_info import BoardInfo
from engine.enums import CheckStatus, RunStatus
from engine.store.project_builds import BriefBuild
from engine.store.tables import Project, Run


@dataclass(frozen=True, slots=True)
class ProjectOverview:
    """A project, and how its builds and its source stand.

    Builds of pull requests and forks do not count, except in ``success_rate``.

    Args:
        project: itself.
        build: the newest build of its newest commit, None before the first. Where that commit was
            built for several chips or configurations, one that runs or waits, else one that failed.
        reason: why it is broken, or cannot be built, in one line; else empty. Untrusted text.
        broken: number of the build that failed with this reason, also while a newer one runs; None
            for none.
        broken_since: when the first failure after the last success ended, None for one that works.
        last: how its newest builds stand, oldest first.
        success_rate: percent of all its builds that succeeded or failed; None where there is none.
        board: the board that has its newest build, as people call it; empty for none.
        is_dirty: whether its folder has changes that are not committed, as far as is known.
        ahead: commits at the tip that were not built yet; None where there are some and they were
            not counted.
        sync_problem: why its clone is old, in a line: the last fetch failed, or is long ago; else
            empty. Untrusted text.
        check, check_status, check_message: name and result of the check that is worst, and what it
            says; empty and None where all are well. The message is untrusted text.
        errors, warnings: of its checks.
    """

    project: Project
    build: BriefBuild | None = None
    reason: str = ""
    broken: int | None = None
    broken_since: datetime | None = None
    last: tuple[RunStatus, ...] = ()
    success_rate: float | None = None
    board: str = ""
    is_dirty: bool = False
    ahead: int | None = 0
    sync_problem: str = ""
    check: str = ""
    check_status: CheckStatus | None = None
    check_message: str = ""
    errors: int = 0
    warnings: int = 0

    @property
    def is_outdated(self) -> bool:
        """Whether its tip, or what is in its folder, was not built yet."""
        return self.ahead != 0 or self.is_dirty


@dataclass(frozen=True, slots=True)
class WorkItem:
    """A build or a task that runs or waits.

    Args:
        run: itself.
        project: name of its project, empty for a task about none.
        title: of a task, empty for a build. Untrusted text.
        phase: of the pipeline that it is in, empty while it waits for its turn.
        percent: how far it is, 0 to 100.
        message: what it does now, in a line: the agent's last progress. Untrusted text.
        elapsed: seconds since it began, or went on after an interruption; since it was asked for
            while it waits.
        expected: seconds that such a run takes, from earlier ones; None where there were none.
        waits_for: for whom or what it waits, in a clause that follows "waits for"; empty where it
            does not wait. Untrusted text.
        board: the board that it has, as people call it; empty for none.
    """

    run: Run
    project: str = ""
    title: str = ""
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
        project: name of the project whose build it is tested for, or runs; empty for none.
        build: number of that build, None for none.
        state: ``busy``, ``reserved``, ``off``, ``unwell`` or ``free``: the first that is so.
        problem: what is not well, in a clause; else empty.
        reserved_until: when its reservation ends, None without one.
    """

    info: BoardInfo
    project: str = ""
    build: int | None = None
    state: str = "free"
    problem: str = ""
    reserved_until: datetime | None = None
