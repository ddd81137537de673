"""The base of the main screens: actions by keys, moves, engine calls in threads, events."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Mount, ScreenResume
from textual.screen import Screen
from textual.widgets import Input

from engine.errors import EspdeckError
from engine.events import Event
from engine.text import clean
from tui.actions import Action, Reason
from tui.app_base import AppBase
from tui.keymap import Key, Where, bindings_of
from tui.widgets.base import RowWidget
from tui.widgets.key_bar import KeyBar
from tui.widgets.state_line import StateLine

if TYPE_CHECKING:
    from engine import Engine


_LOG = logging.getLogger("espdeck.screens")


class MainScreen(Screen[None]):
    """A screen with a part of the key table; :meth:`list_actions` says what each key runs.

    Above what it is about stands the line of state, below it are its keys.
    """

    WHERE: ClassVar[Where]

    RESTS: ClassVar[bool] = False
    """Whether nothing changes on it but by events, keys and timers of its own, ever."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave", show=False, priority=True)
    ]

    def __init_subclass__(cls, **arguments: Any) -> None:
        if "WHERE" in cls.__dict__:
            cls.BINDINGS = [*bindings_of(cls.WHERE), *cls.BINDINGS]
        super().__init_subclass__(**arguments)

    def __init__(self) -> None:
        super().__init__()
        self._opening: set[object] = set()
        self._is_mounting = True

    def compose(self) -> ComposeResult:
        """The line of state, the body, the keys."""
        yield StateLine()
        yield from self.compose_body()
        self._bar = KeyBar(self.actions.values())
        yield self._bar

    def compose_body(self) -> ComposeResult:
        """What the screen is about."""
        raise NotImplementedError

    def _on_mount(self, _event: Mount) -> None:
        self.call_later(self._mounted)

    def _mounted(self) -> None:
        self._is_mounting = False

    @property
    def is_current(self) -> bool:
        """Whether it is seen: in front, or behind dialogs alone.

        Textual says so of any screen right behind the one in front: what is hidden would be drawn,
        and what is in front with it.
        """
        front = (each for each in reversed(self.app.screen_stack) if not each.is_modal)
        return next(front, None) is self

    @property
    def rests(self) -> bool:
        """Whether nothing changes on it now but by events, keys and timers of its own.

        Then the app calls :meth:`handle_events` only for those while it is in front.
        """
        return self.RESTS

    @property
    def is_loading(self) -> bool:
        """Whether it has not got what it shows at first, or reads what the last key opens.

        Keys wait meanwhile, see :mod:`tui.type_ahead`.
        """
        return bool(self._opening)

    @property
    def app(self) -> AppBase:  # type: ignore[override] # the only app that shows this screen
        """The app."""
        return cast("AppBase", super().app)

    @property
    def engine(self) -> Engine:
        """The engine, open."""
        assert self.app.engine is not None
        return self.app.engine

    def list_actions(self) -> Sequence[Action]:
        """Actions of the screen, one for each of its rows in the key table, by :meth:`action`."""
        return [
            self.action("down", lambda: self.scroll_target.move(1)),
            self.action("up", lambda: self.scroll_target.move(-1)),
            self.action("page_down", lambda: self.scroll_target.move_pages(1)),
            self.action("page_up", lambda: self.scroll_target.move_pages(-1)),
            self.action("first", lambda: self.scroll_target.to_first()),
            self.action("last", lambda: self.scroll_target.to_last()),
            self.action("palette", self.app.action_command_palette),
            self.action("help", self._show_help),
            self.action("guide", self._show_guide),
            self.action("messages", self._show_messages),
            self.action("suspend", self._suspend),
            self.action("quit", self.app.request_quit),
        ]

    def action(self, id: str, run: Callable[[], object], *reasons: Reason) -> Action:
        """Join an action with its key.

        Args:
            id: of a row of the key table that this screen has.
            run: does it.
            reasons: why it is disabled; the first that says something counts.
        """
        return Action(self._keys[id], run, reasons)

    @cached_property
    def actions(self) -> dict[str, Action]:
        """Actions of the screen by their ids, in the order of the key table.

        Raises:
            KeyError: an id is in no row of the key table, or a row has no action.
        """
        listed = {action.key.id: action for action in self.list_actions()}
        return {id: listed[id] for id in self._keys}

    @cached_property
    def _keys(self) -> dict[str, Key]:
        return {key.id: key for key in self.app.keys_of(self.WHERE)}

    @property
    def scroll_target(self) -> RowWidget:
        """The list or pane that the keys for moving move."""
        raise NotImplementedError

    def handle_events(self, events: Sequence[Event]) -> None:
        """Handle what happened since the last call; the app's timer calls it."""
        raise NotImplementedError

    def escape(self) -> None:
        """Close what is open, step by step: a field, an enlarged pane, the screen."""
        raise NotImplementedError

    def _on_screen_resume(self, _event: ScreenResume) -> None:
        self.app.wake()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave keys to a field while something is typed in it."""
        typing = isinstance(self.focused, Input)
        return not (typing and action in ("do", "pane"))

    def action_leave(self) -> None:
        """Textual's action of the escape key."""
        self.escape()

    def action_do(self, id: str) -> None:
        """Textual's action of every other key: run an action, or say why it is disabled."""
        action = self.actions[id]
        reason = action.disabled_reason()
        if reason is None:
            action.run()
            return
        self.app.clear_notifications()  # one is enough: they cover what is below
        self.notify(clean(reason), severity="warning", markup=False)

    def _show_help(self) -> None:
        from tui.screens.help import HelpScreen

        actions = list(self.actions.values())
        self.app.push_screen(HelpScreen(actions, lambda: self.action_do("guide")))

    def _show_guide(self) -> None:
        """Show the page of the manual about this screen."""
        from tui.screens.guide import TOPICS, GuideScreen

        self.app.push_screen(GuideScreen(TOPICS[self.WHERE]))

    def _show_messages(self) -> None:
        """Show what was shown for a moment, the newest first."""
        from tui.presentation.units import clock
        from tui.screens.reader import LineReader

        lines = [
            f"{clock(each.at, seconds=True)}  {each.severity:<11}  {each.text}"
            for each in reversed(self.app.messages)
        ]
        self.app.push_screen(LineReader("messages", "\n".join(lines) or "no messages yet"))

    def _suspend(self) -> None:
        """Go back to the shell that started the app, until ``fg``."""
        from tui.terminal import to_shell

        try:
            to_shell(self.app)
        except EspdeckError as error:
            self.show_error(str(error))

    def in_thread(
        self,
        work: Callable[[], Any],
        then: Callable[[Any], None] | None = None,
        *,
        opens: bool = False,
    ) -> None:
        """Call the engine off the event loop.

        An :class:`EspdeckError` is shown as its one line; any other exception is logged and shown.

        Args:
            work: runs in a thread.
            then: gets what ``work`` gave, on the event loop, while the screen is still there.
            opens: whether ``then`` opens a screen, for which the next keys are meant.
        """
        token = object()
        if opens or self._is_mounting:
            self._opening.add(token)

        def give(result: Any) -> None:
            assert then is not None
            then(result)
            self.app.wake()

        def call() -> None:
            try:
                call_and_give()
            finally:
                self._opening.discard(token)

        def call_and_give() -> None:
            try:
                result = work()
            except EspdeckError as error:
                if self.is_attached:
                    self.app.call_from_thread(self.show_error, str(error))
                return
            except Exception as error:
                if not self.is_attached:
                    return  # the screen was left meanwhile, and knows its app no more
                _LOG.exception("a key could not be answered")
                message = f"a fault of espdeck: {type(error).__name__}: {error}".split("\n", 1)[0]
                self.app.call_from_thread(self.show_error, message)
                return
            if then is not None and self.is_attached:
                self.app.call_from_thread(give, result)

        self.run_worker(call, thread=True, exit_on_error=False)

    def show_error(self, message: str) -> None:
        """Show one line of what went wrong."""
        self.app.clear_notifications()
        self.notify(clean(message), severity="error", markup=False)

    def copy_text(self, text: str) -> None:
        """Copy a text to the clipboard, and say so."""
        self.app.copy_to_clipboard(text)
        self.notify("copied", markup=False)
