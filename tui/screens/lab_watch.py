"""What home shows of the lab as a whole: who runs builds, what waits, how the checks are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from tui.presentation.check_rows import worst_of_projects
from tui.presentation.state_line import state_parts
from tui.state.executor_state import ExecutorState, ExecutorWatch
from tui.widgets.state_line import StateLine

if TYPE_CHECKING:
    from engine import CheckCell, CheckResultRow
    from tui.screens.base import MainScreen

LOOK_SECONDS = 5.0
"""Seconds between two looks at who runs the builds, while home is shown."""

_CHECKS_LOOKS = 12
"""Such looks between two at the checks: one that stood still, or another interval, is no event."""


class LabWatch:
    """Reads in threads of a screen, one at a time of each kind, and draws the line of state."""

    def __init__(self, screen: MainScreen, changed: Callable[[], object]) -> None:
        """Know a screen.

        Args:
            changed: called on the event loop when :attr:`worst` may be another.
        """
        self.line = StateLine()
        self.worst: dict[UUID, CheckResultRow] = {}
        """The worst result of each project that is not well."""

        self._screen = screen
        self._changed = changed
        self._watch = ExecutorWatch()
        self._executor: ExecutorState | None = None
        self._cells: Sequence[CheckCell] = ()
        self._looks = 0
        self._is_looking = self._is_reading = self._is_stale = False

    def start(self) -> None:
        """Look from now on, while the screen is in front."""
        self._show()
        self._screen.set_interval(LOOK_SECONDS, self._look)

    def load_executor(self) -> None:
        """Look at who runs the builds."""
        if self._is_looking:
            return
        self._is_looking = True

        def look() -> ExecutorState:
            try:
                return self._watch.look(self._screen.engine)
            finally:
                self._is_looking = False

        def show(state: ExecutorState) -> None:
            self._executor = state
            self._show()

        self._screen.in_thread(look, show)

    def load_checks(self) -> None:
        """Read how every check is: one read, and one more when news came meanwhile."""
        if self._is_reading:
            self._is_stale = True
            return
        self._is_reading = True

        def read() -> Sequence[CheckCell]:
            try:
                return self._screen.engine.checks.matrix(details=False)
            finally:
                self._is_reading = False

        def show(cells: Sequence[CheckCell]) -> None:
            self._cells, self.worst = cells, worst_of_projects(cells)
            self._changed()
            self._show()
            if self._is_stale:
                self._is_stale = False
                self.load_checks()

        self._screen.in_thread(read, show)

    def _look(self) -> None:
        if not self._screen.is_current or not self._screen.app.is_open:
            return
        self.load_executor()
        self._looks += 1
        if self._looks % _CHECKS_LOOKS == 0:
            self.load_checks()

    def _show(self) -> None:
        self.line.show(state_parts(self._executor, self._cells, datetime.now(UTC)))
