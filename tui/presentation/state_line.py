"""The line of state: what runs and waits, boards, what is broken, who runs the builds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from engine.enums import CheckStatus
from tui.presentation.units import clock, span
from tui.state.project_list import is_broken

if TYPE_CHECKING:
    from engine import BoardOverview, ComingCheck, NewestResult, ProjectOverview
    from tui.state.executor_state import ExecutorState
    from tui.theme import Glyphs
    from tui.widgets.row_list import Parts


@dataclass(frozen=True, slots=True)
class LabState:
    """What the line is about.

    Args:
        executor: who runs builds, None as long as nothing is known.
        failing: results of checks of the lab as a whole that are no success; projects have theirs.
        coming: the check that runs next, None for none.
        host: name of this machine.
    """

    executor: ExecutorState | None
    projects: Sequence[ProjectOverview] = ()
    boards: Sequence[BoardOverview] = ()
    failing: Sequence[NewestResult] = ()
    coming: ComingCheck | None = None
    host: str = ""


def state_parts(lab: LabState, glyphs: Glyphs, now: datetime) -> tuple[Parts, Parts]:
    """The line in parts: from its left end what matters most first, and what stands at its right.

    A narrow terminal shows the beginning of the first.
    """
    right = [(f"{lab.host}  ", "dim"), (f"{clock(now)} ", "")]
    if lab.executor is None:
        return [(" opening", "dim")], right
    state = lab.executor
    who, is_wrong = _executor_part(state, now)
    said: list[Parts] = [[who]] if is_wrong else []
    counts = [(state.running, "running"), (state.waiting, "waiting")]
    said += [[(f"{number} {word}", "busy")] for number, word in counts if number]
    if lab.boards:
        free = sum(board.state == "free" for board in lab.boards)
        said.append([(f"boards {free} of {len(lab.boards)} free", "")])
    failed = glyphs.state("failed")
    if broken := sum(map(is_broken, lab.projects)):
        said.append([("projects ", ""), (f"{broken} {failed}", "bad")])
    if checks := _checks_parts(lab, glyphs):
        said.append(checks)
    if not is_wrong:
        said.append([who])
    if state.unread:
        said.append([(f"{state.unread} unread", "busy")])
    if lab.coming is not None:
        said.append([(_next_check(lab.coming, now), "dim")])
    parts: Parts = []
    for each in said:
        parts += [(f" {glyphs.separator} " if parts else " ", "dim"), *each]
    return parts, right


def _checks_parts(lab: LabState, glyphs: Glyphs) -> Parts:
    """How many checks found something; empty where all are well."""
    of_lab = [each.status for each in lab.failing]
    errors = of_lab.count(CheckStatus.ERROR) + sum(each.errors for each in lab.projects)
    warnings = of_lab.count(CheckStatus.WARNING) + sum(each.warnings for each in lab.projects)
    parts: Parts = []
    if errors:
        parts.append((f" {errors} {glyphs.state('error')}", "bad"))
    if warnings:
        parts.append((f" {warnings} {glyphs.state('warning')}", "busy"))
    return [("checks", ""), *parts] if parts else []


def _executor_part(state: ExecutorState, now: datetime) -> tuple[tuple[str, str], bool]:
    """Who runs the builds, and whether that is not as it should be: then it comes first."""
    from engine import is_older_daemon, older_version

    daemon = state.daemon
    if daemon is not None and not daemon.version:
        return (f"daemon (process {daemon.pid}) does not answer", "bad"), True
    if daemon is not None and older_version(daemon.version):
        if is_older_daemon(daemon.version):
            return (f"daemon {daemon.version} is older: espdeck daemon restart", "bad"), True
        return (f"daemon {daemon.version} is newer: start espdeck again", "bad"), True
    if state.is_here:
        return ("runs here, then in the daemon" if daemon is not None else "runs here", ""), False
    if state.executor:
        return (f"run by {state.executor}", ""), False
    if daemon is None:
        return ("nobody runs builds now", "busy"), True
    up = f" {span((now - daemon.started_at).total_seconds())}" if daemon.started_at else ""
    return (f"daemon up{up}", "good"), False


def _next_check(coming: ComingCheck, now: datetime) -> str:
    """Which check runs next, and when."""
    left = (coming.at - now).total_seconds()
    of = f" of {coming.project}" if coming.project else ""
    # At rest the line is drawn once a minute: seconds would stand there and be wrong.
    return f"next {coming.check}{of} {f'in {span(left)}' if left >= 60 else 'soon'}"
