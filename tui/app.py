"""The app: opens the engine, gives its events to the screens, shows screens."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal
from uuid import UUID

from textual.app import SystemCommand
from textual.binding import BindingType
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Event, InputEvent, Key, MouseEvent, Paste, Resize
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Input

from engine.errors import EspdeckError
from engine.events import Problem, RunCompleted
from engine.text import clean
from tui import keymap as key_table
from tui.app_base import AppBase, ShownMessage
from tui.driver import TerminalDriver
from tui.screens.base import MainScreen
from tui.screens.home import HomeScreen
from tui.state.check_runs import CheckRuns
from tui.state.event_queue import Inbox
from tui.theme import DARK, LIGHT, LOW_TERMINAL_ROWS, Glyphs
from tui.type_ahead import Loading, TypeAhead

if TYPE_CHECKING:
    from engine import Engine, Run, Settings
    from tui.screens.quit import InFlight

TICK_SECONDS = 0.1
"""Time between two looks at new events: all that changes by itself is drawn then."""

IDLE_TICKS = 10
"""Looks without anything new after which none is made until something happens."""

_IDLE_LOOK_SECONDS = 1.0
"""Time between two looks whether all has ended that quitting waits for."""

MESSAGE_SECONDS: Mapping[str, float] = {"information": 2.0, "warning": 4.0, "error": 8.0}
"""How long a message stands, by its severity; afterwards it is in the list of messages."""

_KEPT_MESSAGES = 500

QUEUED_LOG_CHARACTERS = 4 << 20
"""Log text that may wait for the next look."""

_WEB_DRIVER = "textual.drivers.web_driver"


class EspdeckApp(AppBase):
    """The app of the lab: it starts with the home screen while the engine opens in a thread."""

    CSS_PATH = Path(__file__).with_name("app.tcss")
    TITLE = "espdeck"
    ENABLE_COMMAND_PALETTE = True
    SUSPENDED_SCREEN_CLASS = "-suspended"
    COMMAND_PALETTE_BINDING = "f1"
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(
        self,
        settings: Settings,
        *,
        load: Callable[[], Settings] | None = None,
        open_build: Callable[[Engine], int] | None = None,
    ) -> None:
        """Make the app; it opens the engine when it runs.

        Args:
            settings: of the workspace, of the looks and of the keys.
            load: reads them again when their file has changed.
            open_build: called in a thread when the engine is open; gives the number of the build
                that is shown at once.
        """
        super().__init__()
        self._settings = settings
        self._keys, self._wrong_keys = key_table.check(self._settings.keys)
        self._open_build = open_build
        self.failure = ""
        """Why the workspace could not be opened, when that ended the app."""

        self.detached_from: int | None = None
        """The process that goes on with the workspace's builds when the app has ended."""

        self._asked_to_leave = self._leaves_when_idle = self._hung_up = False
        self._is_asking_to_leave = False
        """Whether what is carried out here is looked for: the question opens next."""

        self._load = load
        self._events = Inbox(QUEUED_LOG_CHARACTERS, self.wake_soon)
        self._type_ahead = TypeAhead(self, self._is_loading)
        self._idle_ticks = 0
        self._ticking: Timer | None = None
        self._own_loop: asyncio.AbstractEventLoop | None = None
        self.board_operations = {}
        self.check_runs = CheckRuns()
        self.messages = deque(maxlen=_KEPT_MESSAGES)
        self.glyphs = Glyphs(self._settings.ascii)
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.set_class(self._settings.ascii, "-ascii")
        self.theme = f"espdeck-{self._settings.theme}"
        self.home = HomeScreen()

    def get_driver_class(self) -> type[Driver]:
        """The driver that Textual chooses; its usual ones are ours, which see the terminal go."""
        chosen = super().get_driver_class()
        if chosen.__module__ == _WEB_DRIVER:
            from tui.browser_driver import BrowserDriver

            return BrowserDriver
        return TerminalDriver if chosen is LinuxDriver else chosen

    def get_default_screen(self) -> Screen[None]:
        """The home screen."""
        return self.home

    def on_mount(self) -> None:
        """Open the engine in a thread, after the first paint."""
        # Two busy threads of Python keep the screen waiting for a slice each: make slices short.
        sys.setswitchinterval(0.0005)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            end = self.hang_up if number == signal.SIGHUP else self.exit
            with contextlib.suppress(RuntimeError, ValueError):  # not the main thread: a test's
                loop.add_signal_handler(number, end)
        self.app_resume_signal.subscribe(self, self._resumed)
        self._own_loop = loop
        self._ticking = self.set_interval(TICK_SECONDS, self._tick)
        self.call_after_refresh(self._open)
        self.set_keymap(key_table.keymap(self._keys))
        if self._wrong_keys:
            message = f"settings, [keys]: {'; '.join(self._wrong_keys)}"
            self.call_after_refresh(self.home.show_error, message)

    def on_resize(self, event: Resize) -> None:
        """Tell the style sheet whether the terminal is low; another size shows other things."""
        self.set_class(event.size.height < LOW_TERMINAL_ROWS, "-low")
        self.wake()  # panes that come into sight have not shown their logs

    async def on_event(self, event: Event) -> None:
        """Textual's door for every event: what a person does is answered at once, in order."""
        if isinstance(event, InputEvent):
            self.wake()
        if isinstance(event, Key | Paste | MouseEvent) and not event.is_forwarded:
            await self._type_ahead.handle(event, super().on_event)
        else:
            await super().on_event(event)

    def _is_loading(self) -> bool:
        """Whether the screen in front has not loaded what it shows at first, or opens another."""
        screen = self.screen
        if self._is_asking_to_leave:
            return True
        if isinstance(screen, MainScreen) and not self.is_open:
            return True
        return isinstance(screen, Loading) and screen.is_loading

    def wake(self) -> None:
        """Look for news at the usual rhythm for a while. The event loop alone calls it."""
        self._idle_ticks = 0
        if self._ticking is not None:
            self._ticking.resume()

    def wake_soon(self) -> None:
        """As :meth:`wake`, called by threads that have news."""
        if self._own_loop is not None:
            with contextlib.suppress(RuntimeError):  # the app has ended
                self._own_loop.call_soon_threadsafe(self.wake)

    def keys_of(self, where: key_table.Where) -> tuple[key_table.Key, ...]:
        """Keys of a screen, as the settings have them."""
        return key_table.keys_of(where, self._keys)

    def show_build(self, number: int) -> None:
        """Show a build."""
        from tui.screens.build import BuildScreen

        if isinstance(self.screen, BuildScreen):
            self.pop_screen()
        self.push_screen(BuildScreen(number))

    def _show_first_build(self, number: int) -> None:
        """Show the build of the start, unless a person already does something else."""
        if self.screen is self.home and not isinstance(self.focused, Input):
            self.show_build(number)
        else:
            self.notify(f"build #{number} has begun: enter on its row opens it", markup=False)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: Literal["information", "warning", "error"] = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Show a message for a moment, and keep it in the list of messages.

        Args:
            timeout: seconds that it stands; None for those of its severity.
        """
        self.messages.append(ShownMessage(datetime.now(UTC), severity, message))
        seconds = MESSAGE_SECONDS[severity] if timeout is None else timeout
        super().notify(message, title=title, severity=severity, timeout=seconds, markup=markup)

    def select_project(self, project_id: UUID) -> None:
        """Put the home screen's cursor on a project."""
        self.home.select_project(project_id)

    def request_quit(self) -> None:
        """Quit; asks what becomes of what is carried out here."""
        again, self._asked_to_leave = self._asked_to_leave, True
        if again or not self.is_open or self.engine is None:
            self.exit()
            return
        self._is_asking_to_leave = True
        self._find_in_flight(self._ask_how_to_leave)

    def _in_flight(self) -> InFlight:
        """What is carried out here, as far as it can be read; in a thread."""
        from tui.screens.quit import InFlight

        engine = self.engine
        assert engine is not None
        runs: Sequence[Run] = ()
        with contextlib.suppress(EspdeckError):  # the disk that has the workspace is gone
            if engine.is_executor and not engine.has_successor:
                runs = engine.unfinished_runs()
        boards = sorted(each.called for each in list(self.board_operations.values()))
        return InFlight(runs, boards, len(self.check_runs))

    def _find_in_flight(self, then: Callable[[InFlight], None]) -> None:
        """Call ``then`` with what is carried out here."""
        self.run_worker(
            lambda: self.call_from_thread(then, self._in_flight()),
            thread=True,
            exit_on_error=False,
        )

    def _ask_how_to_leave(self, found: InFlight) -> None:
        from tui.screens.quit import QuitDialog

        self._is_asking_to_leave = False
        if found:
            self.push_screen(QuitDialog(found, self._in_flight), self._leave)
        else:
            self.exit()

    def _leave(self, how: str | None) -> None:
        self._asked_to_leave = False
        self._leaves_when_idle = how == "wait"
        if how == "stop":
            self.exit()
        elif how == "hand over":
            self.notify("starting a daemon", markup=False)
            self.run_worker(self._hand_over, thread=True, exit_on_error=False)
        elif how == "wait":
            self.notify("espdeck quits when all of it has ended", markup=False)
            self._find_in_flight(self._leave_if_idle)  # it may have ended while that was asked

    def _hand_over(self) -> None:
        """Start a daemon, which goes on when this process has ended."""
        from engine import start_daemon

        try:
            start_daemon(self._settings.workspace, self._settings.profile)
        except EspdeckError as error:
            self.call_from_thread(self.home.show_error, str(error))
        else:
            self.call_from_thread(self.exit)

    def _leave_if_idle(self, found: InFlight) -> None:
        if not found and self._leaves_when_idle:
            self.exit()
        elif self._leaves_when_idle and not found.runs:
            # No event tells when a board or a check of a person is done.
            self.set_timer(_IDLE_LOOK_SECONDS, lambda: self._find_in_flight(self._leave_if_idle))

    def hang_up(self) -> None:
        """End the app as its terminal is gone: what is carried out here goes on in a daemon."""
        self._hung_up = True
        self.exit()

    def _handle_exception(self, error: Exception) -> None:
        """Log what fails once the app ends: a screen that was opening finds its parts gone."""
        if self._exit:
            logging.getLogger("espdeck.app").debug("failed while the app ended", exc_info=error)
        else:
            super()._handle_exception(error)

    async def action_quit(self) -> None:
        """Ctrl-C and ctrl-q, as q."""
        self.request_quit()

    def action_help_quit(self) -> None:
        """Ctrl-C."""
        self.request_quit()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Commands of the palette: every action of the screen."""
        if not isinstance(screen, MainScreen):
            return
        for id, action in screen.actions.items():
            if id == "palette":
                continue
            key, reason = action.key, action.disabled_reason()
            text = f"{key.help} ({key.shown})" + (f": not now, {reason}" if reason else "")
            yield SystemCommand(key.title, clean(text), lambda id=id: screen.action_do(id))

    def close_engine(self) -> None:
        """Close the engine; blocks until running stages have stopped."""
        for operation in list(self.board_operations.values()):
            operation.cancel.cancel()
        self.check_runs.close()
        engine = self.engine
        if engine is None:
            return
        if self.is_open:
            self._leave_to_others(engine)
        engine.close()

    def _leave_to_others(self, engine: Engine) -> None:
        from engine import running_daemon, start_daemon

        with contextlib.suppress(EspdeckError):  # the log says why
            if self._hung_up and engine.is_executor and engine.unfinished_runs():
                start_daemon(self._settings.workspace, self._settings.profile)
            if self._hung_up:
                return
            self.detached_from = running_daemon(self._settings.workspace)

    def _open(self) -> None:
        self.run_worker(self._open_engine, thread=True, exit_on_error=False)

    def _open_engine(self) -> None:
        from engine import Engine

        engine = Engine(self._settings, self._load)
        engine.events.subscribe(self._events.put)
        self.engine = engine
        # A full collection over every module takes 80 ms in which no key is answered: none while
        # they are loaded, and then they are not looked at again.
        gc.disable()
        try:
            engine.open(scheduled=True)
            self.call_from_thread(self._opened)
            if self._open_build is not None:
                self.call_from_thread(self._show_first_build, self._open_build(engine))
            engine.wait_ready()
        except EspdeckError as error:
            if self.is_open:
                self.call_from_thread(self.home.show_error, str(error))
            else:
                self.failure = str(error)
                self.call_from_thread(self.exit)
        finally:
            gc.freeze()
            gc.enable()

    def _resumed(self, _app: object) -> None:
        """Draw everything: after the shell the terminal shows nothing of ours any more."""
        self.screen.refresh(layout=True)

    def _opened(self) -> None:
        self.is_open = True
        self.home.opened()

    def _tick(self) -> None:
        events, _skipped = self._events.take()  # panes count by line numbers what they miss
        for event in events:
            if isinstance(event, RunCompleted) and self._leaves_when_idle:
                self._find_in_flight(self._leave_if_idle)
            if isinstance(event, Problem):
                self.notify(clean(event.message), severity="error", markup=False)
        for screen in self.screen_stack:
            if isinstance(screen, MainScreen) and (self.is_open or not events):
                screen.handle_events(events)
        self._idle_ticks = 0 if events else self._idle_ticks + 1
        # Dialogs and readers in front of it have no use for ticks.
        mains = (each for each in reversed(self.screen_stack) if isinstance(each, MainScreen))
        front = next(mains, None)
        if self._idle_ticks > IDLE_TICKS and front is not None and front.rests:
            assert self._ticking is not None
            self._ticking.pause()
