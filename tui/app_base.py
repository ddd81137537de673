"""What the screens know of the app, so that they need not know the app."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from textual.app import App

from tui.keymap import Key
from tui.theme import Glyphs

if TYPE_CHECKING:
    from engine.cancel import CancelToken
    from engine.engine import Engine


class AppBase(App[None]):
    """The app, as its screens see it."""

    engine: Engine | None = None
    """The engine, from the moment it is made."""

    is_open: bool = False
    """Whether the engine's workspace is open."""

    glyphs: Glyphs

    by_hand: dict[str, CancelToken]
    """What a person does with boards, by the board's name; ends with the app."""

    def shown(self, key: Key) -> str:
        """How a key is written, whoever chose it."""
        raise NotImplementedError

    def show_build(self, number: int) -> None:
        """Show a build."""
        raise NotImplementedError

    def select_project(self, project_id: UUID) -> None:
        """Make a project the chosen one on the home screen."""
        raise NotImplementedError

    def leave(self) -> None:
        """Quit; asks when builds run."""
        raise NotImplementedError
