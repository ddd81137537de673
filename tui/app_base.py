"""The app as its screens and widgets see it: they import no screens by it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from textual.app import App
from textual.reactive import Reactive, reactive

from tui.keymap import Key, Where
from tui.state.check_runs import CheckRuns
from tui.theme import Glyphs

if TYPE_CHECKING:
    from engine import CancelToken, Engine
    from tui.widgets.row_list import Parts


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """A message that was shown for a moment."""

    at: datetime
    severity: str
    text: str


@dataclass(frozen=True, slots=True)
class BoardOperation:
    """What a person does with a board from here.

    Args:
        called: what people call the board.
    """

    called: str
    cancel: CancelToken


class AppBase(App[None]):
    """The app, as its screens see it."""

    engine: Engine | None = None
    """The engine, from the moment it is made."""

    is_open: bool = False
    """Whether the engine's workspace is open."""

    lab_state: Reactive[tuple[Parts, Parts]] = reactive(([], []), layout=False, repaint=False)
    """What the line of state of every screen says, from its left end and at its right."""

    glyphs: Glyphs

    board_operations: dict[str, BoardOperation]
    """Operations of a person on boards, by the board's name; they are cancelled when the app ends.
    The event loop adds one, its thread removes it."""

    messages: deque[ShownMessage]
    """What was shown for a moment, the newest last."""

    check_runs: CheckRuns
    """Checks that a person runs from here; they are cancelled when the app ends."""

    def wake(self) -> None:
        """Look for news at the usual rhythm for a while: something is to be drawn."""
        raise NotImplementedError

    def wake_soon(self) -> None:
        """As :meth:`wake`, called by threads that have news."""
        raise NotImplementedError

    def keys_of(self, where: Where) -> tuple[Key, ...]:
        """Keys of a screen, as the settings have them."""
        raise NotImplementedError

    def show_build(self, number: int) -> None:
        """Show a build."""
        raise NotImplementedError

    def select_project(self, project_id: UUID) -> None:
        """Put the home screen's cursor on a project."""
        raise NotImplementedError

    def request_quit(self) -> None:
        """Quit; asks what becomes of builds that are carried out here."""
        raise NotImplementedError

    def hang_up(self) -> None:
        """End the app as its terminal is gone."""
        raise NotImplementedError
