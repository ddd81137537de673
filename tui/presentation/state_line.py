"""Home's line of state: who runs the builds, what waits, what comes next, what was not read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from tui.presentation.units import span

if TYPE_CHECKING:
    from engine import CheckCell
    from tui.state.executor_state import ExecutorState
    from tui.widgets.row_list import Parts


def state_parts(state: ExecutorState | None, cells: Sequence[CheckCell], now: datetime) -> Parts:
    """The line in parts, what matters most first: a narrow terminal shows the beginning.

    Args:
        state: None as long as nothing is known.
        cells: every check, for the next one.
    """
    if state is None:
        return [(" opening", "dim")]
    parts = [_executor_part(state, now)]
    if state.running or state.waiting:
        counts = ((state.running, "running"), (state.waiting, "waiting"))
        said = ", ".join(f"{count} {word}" for count, word in counts if count)
        parts.append((f"   {said}", "busy"))
    if state.unread:
        parts.append((f"   {state.unread} unread", "busy"))
    if next_one := _next_check(cells, now):
        parts.append((f"   {next_one}", "dim"))
    return parts


def _executor_part(state: ExecutorState, now: datetime) -> tuple[str, str]:
    """Who runs the builds; a daemon that is not as it should be comes first."""
    from engine import is_older_daemon, older_version

    daemon = state.daemon
    if daemon is not None and not daemon.version:
        return f" daemon (process {daemon.pid}) does not answer", "bad"
    if daemon is not None and older_version(daemon.version):
        if is_older_daemon(daemon.version):
            return f" daemon {daemon.version} is older: espdeck daemon restart", "bad"
        return f" daemon {daemon.version} is newer: start espdeck again", "bad"
    if state.is_here:
        return (" runs here, then in the daemon" if daemon is not None else " runs here"), ""
    if state.executor:
        return f" run by {state.executor}", ""
    if daemon is None:
        return " nobody runs builds now", "busy"
    up = f" {span((now - daemon.started_at).total_seconds())}" if daemon.started_at else ""
    return f" daemon up{up}", "good"


def _next_check(cells: Sequence[CheckCell], now: datetime) -> str:
    """Which check runs next, and when; empty for none."""
    planned = [(cell.next_at, cell) for cell in cells if cell.next_at is not None]
    if not planned:
        return ""
    at, cell = min(planned, key=lambda pair: pair[0])
    left = (at - now).total_seconds()
    of = f" of {cell.project.name}" if cell.project is not None else ""
    return f"next {cell.check.name}{of} {f'in {span(left)}' if left > 0 else 'now'}"
