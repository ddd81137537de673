"""The app: opens the engine, carries its events to the screens, wires screens together."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen
from textual.theme import Theme

from engine.errors import EspdeckError
from engine.events import Event, Log, Problem
from engine.text import clean
from engine.words import BuildStatus
from tui.glyphs import Glyphs
from tui.keymap import Key, keymap, shown
from tui.screens.base import MainScreen
from tui.screens.home import HomeScreen

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.settings import Settings

TICK = 0.1
"""Seconds between two looks at what happened: all that is drawn by itself is drawn then."""

INBOX_BYTES = 4 << 20
"""Log text that may wait for the next look. What is beyond is not shown; the store has it."""

_DARK = Theme(
    name="espdeck-dark",
    primary="#7aa2f7",
    secondary="#89ddff",
    accent="#7dcfff",
    warning="#e0af68",
    error="#f7768e",
    success="#9ece6a",
    foreground="#c0caf5",
    background="#16161e",
    surface="#1a1b26",
    panel="#24283b",
    dark=True,
)
_LIGHT = Theme(
    name="espdeck-light",
    primary="#2e5cc7",
    secondary="#166775",
    accent="#0f6d92",
    warning="#8a5a00",
    error="#b3203f",
    success="#38661d",
    foreground="#20242f",
    background="#f6f6f9",
    surface="#ececf2",
    panel="#dcdce6",
    dark=False,
)


class Inbox:
    """Events between the engine's threads and the screen's: any thread puts, the screen takes.

    Bounded by the bytes of log text: when a flood comes faster than it is taken, the oldest log
    text is left out, and panes count by line numbers what they miss.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: deque[Event] = deque()
        self._bytes = 0

    def put(self, event: Event) -> None:
        """Take an event."""
        with self._lock:
            self._events.append(event)
            if isinstance(event, Log):
                self._bytes += len(event.text)
                if self._bytes > INBOX_BYTES:
                    self._drop()

    def take(self) -> Sequence[Event]:
        """Everything that came since the last call."""
        with self._lock:
            events, self._events, self._bytes = self._events, deque(), 0
        return list(events)

    def _drop(self) -> None:
        kept: deque[Event] = deque()
        for event in self._events:
            if isinstance(event, Log) and self._bytes > INBOX_BYTES // 2:
                self._bytes -= len(event.text)
            else:
                kept.append(event)
        self._events = kept


class EspdeckApp(App[None]):
    """The console."""

    CSS_PATH = Path(__file__).with_name("app.tcss")
    TITLE = "espdeck"
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "f1"
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(
        self,
        settings: Settings | Callable[[], Settings],
        *,
        open_build: Callable[[Engine], int] | None = None,
    ) -> None:
        """Make the app.

        Args:
            settings: what a person set.
            open_build: called in a thread when the engine is open; gives the number of the build
                that is shown at once.
        """
        super().__init__()
        self.engine: Engine | None = None
        self.is_open = False
        self._settings = settings() if callable(settings) else settings
        self._open_build = open_build
        self._inbox = Inbox()
        self.glyphs = Glyphs(self._settings.ascii)
        self.register_theme(_DARK)
        self.register_theme(_LIGHT)
        self.theme = f"espdeck-{self._settings.theme}"
        self.home = HomeScreen()

    def get_default_screen(self) -> Screen[None]:
        """Home."""
        return self.home

    def on_mount(self) -> None:
        """First paint first; then the engine, in a thread."""
        # Two busy threads of Python keep the screen waiting for a slice each: make slices short.
        sys.setswitchinterval(0.0005)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            with contextlib.suppress(RuntimeError, ValueError):  # not the main thread: a test's
                loop.add_signal_handler(number, self.exit)
        self.set_interval(TICK, self._tick)
        self.call_after_refresh(self._open)
        try:
            self.set_keymap(keymap(self._settings.keys))
        except ValueError as error:
            self.call_after_refresh(self.home.complain, f"settings, keys: {error}")

    def shown(self, key: Key) -> str:
        """How a key is written, whoever chose it."""
        return shown(key, self._settings.keys)

    def show_build(self, number: int) -> None:
        """Show a build."""
        from tui.screens.build import BuildScreen

        if isinstance(self.screen, BuildScreen):
            self.pop_screen()
        self.push_screen(BuildScreen(number))

    def leave(self) -> None:
        """Quit; asks when builds run here."""
        from tui.screens.confirm import Confirm

        if not self.is_open or self.engine is None or not self.engine.is_executor:
            self.exit()
            return
        engine = self.engine

        def count() -> None:
            running = len(engine.builds.list(status=BuildStatus.RUNNING, limit=100))
            self.call_from_thread(ask, running)

        def ask(running: int) -> None:
            if not running:
                self.exit()
                return
            builds = "1 build runs" if running == 1 else f"{running} builds run"
            self.push_screen(
                Confirm(f"Quit? {builds}.", "It goes on at the next start.", "quit"),
                lambda yes: self.exit() if yes else None,
            )

        self.run_worker(count, thread=True, exit_on_error=False)

    async def action_quit(self) -> None:
        """Ctrl-C and ctrl-q, as q."""
        self.leave()

    def action_help_quit(self) -> None:
        """Ctrl-C."""
        self.leave()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The command palette: every action of the screen."""
        if not isinstance(screen, MainScreen):
            return
        for key in screen.keys:
            if key.id == "palette":
                continue
            why = screen.why_not(key.id)
            text = f"{key.help} ({self.shown(key)})" + (f": not now, {why}" if why else "")
            yield SystemCommand(key.title, clean(text), lambda name=key.id: screen.action_do(name))

    def close_engine(self) -> None:
        """Close the engine; blocks until running stages have stopped."""
        if self.engine is not None:
            self.engine.close()

    def _open(self) -> None:
        self.run_worker(self._open_engine, thread=True, exit_on_error=False)

    def _open_engine(self) -> None:
        from engine import Engine

        engine = Engine(self._settings)
        engine.events.subscribe(self._inbox.put)
        self.engine = engine
        # A full collection over every module takes 80 ms in which no key is answered: none while
        # they are loaded, and then they are not looked at again.
        gc.disable()
        try:
            engine.open()
            self.call_from_thread(self._opened)
            if self._open_build is not None:
                self.call_from_thread(self.show_build, self._open_build(engine))
            engine.wait_ready()
        except EspdeckError as error:
            self.call_from_thread(self.home.complain, str(error))
        finally:
            gc.freeze()
            gc.enable()

    def _opened(self) -> None:
        self.is_open = True
        self.home.opened()

    def _tick(self) -> None:
        events = self._inbox.take()
        for event in events:
            if isinstance(event, Problem):
                self.notify(clean(event.message), severity="error", markup=False, timeout=15)
        for screen in self.screen_stack:
            if isinstance(screen, MainScreen) and (self.is_open or not events):
                screen.take(events)
