"""What the line of state says: who runs builds, what runs and waits, boards, checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from tui.presentation.state_line import LabState, state_parts
from tui.screens.reload import Reload
from tui.state.executor_state import ExecutorState, ExecutorWatch

if TYPE_CHECKING:
    from engine import ComingCheck, NewestResult
    from engine.events import CheckCompleted
    from tui.screens.base import MainScreen
    from tui.state.home_state import HomeState

LOOK_SECONDS = 5.0
"""Seconds between two looks at who runs the builds."""

_BOARDS_LOOKS = 2
"""Such looks between two at the boards: one is plugged in without an event."""

_COMING_LOOKS = 12
"""Such looks between two at what check comes: one that stood still, or another interval, is no
event."""

_SOON_LOOKS = 2
"""The same after an event: with many projects it costs too much to follow each check."""


class LabWatch:
    """The one source of the line of state, which every main screen shows.

    It reads in threads of home, one at a time of each kind, whatever screen is in front.
    """

    def __init__(
        self,
        screen: MainScreen,
        state: HomeState,
        *,
        now: Callable[[], datetime],
        host: str,
    ) -> None:
        """Know home.

        Args:
            state: of home.
            now: the clock.
            host: name of this machine.
        """
        self._now = now
        self._host = host
        self._screen = screen
        self._state = state
        self._watch = ExecutorWatch()
        self._executor: ExecutorState | None = None
        self._failing: Sequence[NewestResult] = ()
        self._coming: ComingCheck | None = None
        self._is_coming_old = False
        self._coming_looked = 0
        self._looks = 0
        self._look_at_boards: Callable[[], object] = lambda: None
        self._executor_read: Reload[ExecutorState] = Reload(
            screen, lambda: lambda: self._watch.look(screen.engine), self._show_executor
        )
        self._failing_read: Reload[Sequence[NewestResult]] = Reload(
            screen, lambda: screen.engine.overview.failing_lab_checks, self._show_failing
        )
        self._coming_read: Reload[Sequence[ComingCheck]] = Reload(
            screen, lambda: lambda: screen.engine.checks.coming(1), self._show_coming
        )

    def start(self, look_at_boards: Callable[[], object]) -> None:
        """Look from now on."""
        self._look_at_boards = look_at_boards
        self.show()
        self._screen.set_interval(LOOK_SECONDS, self._look)

    def load_executor(self) -> None:
        """Look at who runs the builds."""
        self._executor_read.start()

    def load_checks(self) -> None:
        """Read how checks of the lab are, and which check comes."""
        self._failing_read.start()
        self._load_coming()

    def check_completed(self, event: CheckCompleted) -> None:
        """Another check comes where it was that one; one of the lab itself may have failed."""
        if not event.project_id:
            self._failing_read.start()
        coming = self._coming
        if coming is None or (coming.check, coming.project) == (event.check, event.project):
            self._is_coming_old = True

    def projects_changed(self) -> None:
        """Other projects have other checks."""
        self._is_coming_old = True

    def show(self) -> None:
        """Say it on the line of every screen."""
        lab = LabState(
            self._executor, self._state.projects, self._state.boards,
            self._failing, self._coming, self._host,
        )  # fmt: skip
        self._screen.app.lab_state = state_parts(lab, self._screen.app.glyphs, self._now())

    def _show_executor(self, state: ExecutorState) -> None:
        self._executor = state
        self.show()

    def _show_failing(self, failing: Sequence[NewestResult]) -> None:
        self._failing = failing
        self.show()

    def _load_coming(self) -> None:
        self._is_coming_old, self._coming_looked = False, self._looks
        self._coming_read.start()

    def _show_coming(self, coming: Sequence[ComingCheck]) -> None:
        self._coming = coming[0] if coming else None
        self.show()

    def _look(self) -> None:
        if not self._screen.app.is_open:
            return
        self.load_executor()
        self._looks += 1
        if self._looks % _BOARDS_LOOKS == 0:
            self._look_at_boards()
        if self._looks - self._coming_looked >= (
            _SOON_LOOKS if self._is_coming_old else _COMING_LOOKS
        ):
            self._load_coming()
