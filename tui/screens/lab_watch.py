"""The line of state of home: who runs builds, what runs and waits, boards, checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from tui.presentation.check_rows import worst_of_projects
from tui.presentation.state_line import LabState, state_parts
from tui.screens.reload import Reload
from tui.state.executor_state import ExecutorState, ExecutorWatch
from tui.widgets.state_line import StateLine

if TYPE_CHECKING:
    from engine import CheckCell
    from tui.screens.base import MainScreen
    from tui.state.home_state import HomeState

LOOK_SECONDS = 5.0
"""Seconds between two looks at who runs the builds, while home is shown."""

_BOARDS_LOOKS = 2
"""Such looks between two at the boards: one is plugged in without an event."""

_CHECKS_LOOKS = 12
"""Such looks between two at the checks: one that stood still, or another interval, is no event."""


class LabWatch:
    """Reads in threads of a screen, one at a time of each kind, and draws the line of state."""

    def __init__(
        self,
        screen: MainScreen,
        state: HomeState,
        changed: Callable[[], object],
        *,
        now: Callable[[], datetime],
        host: str,
    ) -> None:
        """Know a screen.

        Args:
            state: of home; the worst result of each project is kept there.
            changed: called on the event loop when that may be another.
            now: the clock.
            host: name of this machine.
        """
        self._now = now
        self._host = host
        self.line = StateLine()
        self._screen = screen
        self._state = state
        self._changed = changed
        self._watch = ExecutorWatch()
        self._executor: ExecutorState | None = None
        self._cells: Sequence[CheckCell] = ()
        self._looks = 0
        self._look_at_boards: Callable[[], object] = lambda: None
        self._executor_read: Reload[ExecutorState] = Reload(
            screen, lambda: lambda: self._watch.look(screen.engine), self._show_executor
        )
        self._checks_read: Reload[Sequence[CheckCell]] = Reload(
            screen, lambda: lambda: screen.engine.checks.matrix(details=False), self._show_checks
        )

    def start(self, look_at_boards: Callable[[], object]) -> None:
        """Look from now on, while the screen is in front."""
        self._look_at_boards = look_at_boards
        self.show()
        self._screen.set_interval(LOOK_SECONDS, self._look)

    def load_executor(self) -> None:
        """Look at who runs the builds."""
        self._executor_read.start()

    def load_checks(self) -> None:
        """Read how every check is."""
        self._checks_read.start()

    def show(self) -> None:
        """Draw the line."""
        lab = LabState(
            self._executor, self._state.projects, self._state.boards, self._cells, self._host
        )
        self.line.show(*state_parts(lab, self._screen.app.glyphs, self._now()))

    def _show_executor(self, state: ExecutorState) -> None:
        self._executor = state
        self.show()

    def _show_checks(self, cells: Sequence[CheckCell]) -> None:
        self._cells, worst = cells, worst_of_projects(cells)
        if worst != self._state.worst:
            self._state.worst = worst
            self._changed()
        self.show()

    def _look(self) -> None:
        if not self._screen.is_current or not self._screen.app.is_open:
            return
        self.load_executor()
        self._looks += 1
        if self._looks % _BOARDS_LOOKS == 0:
            self._look_at_boards()
        if self._looks % _CHECKS_LOOKS == 0:
            self.load_checks()
