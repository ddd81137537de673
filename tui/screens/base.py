"""What the two main screens share: keys as actions, moves, and news ten times a second."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Input

from engine.errors import EspdeckError
from engine.events import Event
from engine.text import clean
from tui.app_base import AppBase
from tui.keymap import Key, Where, bindings_of, keys_of
from tui.widgets.base import RowWidget

if TYPE_CHECKING:
    from engine.engine import Engine


_LOG = logging.getLogger("espdeck.screens")


class MainScreen(Screen[None]):
    """A screen whose keys come from :mod:`tui.keymap`: ``do_<id>`` does what a key says."""

    WHERE: ClassVar[Where]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave", show=False, priority=True)
    ]

    def __init_subclass__(cls, **arguments: Any) -> None:
        if "WHERE" in cls.__dict__:
            cls.BINDINGS = [*bindings_of(cls.WHERE), *cls.BINDINGS]
        super().__init_subclass__(**arguments)

    @property
    def deck(self) -> AppBase:
        """The app."""
        return cast("AppBase", self.app)

    @property
    def engine(self) -> Engine:
        """The engine, open."""
        assert self.deck.engine is not None
        return self.deck.engine

    @property
    def keys(self) -> tuple[Key, ...]:
        """Keys that this screen has."""
        return keys_of(self.WHERE)

    @property
    def shown_keys(self) -> list[tuple[str, Key]]:
        """They, each with how it is written."""
        return [(self.deck.shown(key), key) for key in self.keys]

    def why_not(self, name: str) -> str | None:
        """Why an action does nothing now, None when it works."""
        raise NotImplementedError

    def take(self, events: Sequence[Event]) -> None:
        """Take what happened since the last call; the app's timer calls it."""
        raise NotImplementedError

    def leave(self) -> None:
        """Do what escape says: out of what is open, step by step."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While something is typed, keys are letters."""
        typing = isinstance(self.focused, Input)
        return not (typing and action in ("do", "pane"))

    def action_leave(self) -> None:
        """Escape."""
        self.leave()

    def action_do(self, name: str) -> None:
        """Do what a key says, or say why not."""
        why = self.why_not(name)
        if why is not None:
            self.app.clear_notifications()  # one is enough: they cover what is below
            self.notify(clean(why), severity="warning", markup=False)
            return
        getattr(self, f"do_{name}")()

    @property
    def moved(self) -> RowWidget:
        """The list or pane that the keys for moving move."""
        raise NotImplementedError

    def do_down(self) -> None:
        """One row down."""
        self.moved.move(1)

    def do_up(self) -> None:
        """One row up."""
        self.moved.move(-1)

    def do_page_down(self) -> None:
        """One page down."""
        self.moved.move_pages(1)

    def do_page_up(self) -> None:
        """One page up."""
        self.moved.move_pages(-1)

    def do_first(self) -> None:
        """To the first row."""
        self.moved.to_first()

    def do_last(self) -> None:
        """To the last row."""
        self.moved.to_last()

    def do_help(self) -> None:
        """Show every key."""
        from tui.screens.help import HelpScreen

        self.app.push_screen(
            HelpScreen(self.shown_keys), lambda guide: self.do_guide() if guide else None
        )

    def do_guide(self) -> None:
        """Show the page of the manual about this screen."""
        from tui.screens.guide import TOPICS, GuideScreen

        self.app.push_screen(GuideScreen(TOPICS[self.WHERE]))

    def do_palette(self) -> None:
        """Show every action."""
        self.app.action_command_palette()

    def do_suspend(self) -> None:
        """Back to the shell that started the app, until ``fg``."""
        from tui.terminal import to_shell

        try:
            to_shell(self.app)
        except EspdeckError as error:
            self.complain(str(error))

    def do_quit(self) -> None:
        """Quit, asking when builds run."""
        self.deck.leave()

    def in_thread(self, work: Callable[[], Any], then: Callable[[Any], None] | None = None) -> None:
        """Call the engine off the event loop; ``then`` gets what it gave, on the loop.

        An error is shown as its one line; what nobody expected is logged, and said all the same.
        """

        def call() -> None:
            try:
                result = work()
            except EspdeckError as error:
                if self.is_attached:
                    self.app.call_from_thread(self.complain, str(error))
                return
            except Exception as error:
                if not self.is_attached:
                    return  # the screen was left meanwhile, and knows its app no more
                _LOG.exception("a key could not be answered")
                message = f"a fault of espdeck: {type(error).__name__}: {error}".split("\n", 1)[0]
                self.app.call_from_thread(self.complain, message)
                return
            if then is not None and self.is_attached:
                self.app.call_from_thread(then, result)

        self.run_worker(call, thread=True, exit_on_error=False)

    def complain(self, message: str) -> None:
        """Show one line of what went wrong."""
        self.app.clear_notifications()
        self.notify(clean(message), severity="error", markup=False, timeout=8)
