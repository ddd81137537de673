"""The app: opens the engine, carries its events to the screens, wires screens together."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from textual.app import SystemCommand
from textual.binding import BindingType
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Resize
from textual.screen import Screen

from engine.enums import RunStatus
from engine.errors import EspdeckError
from engine.events import Problem
from engine.text import clean, count
from tui.app_base import AppBase
from tui.driver import TerminalDriver
from tui.keymap import Key, check, keymap, shown
from tui.screens.base import MainScreen
from tui.screens.home import HomeScreen
from tui.state.event_queue import Inbox
from tui.theme import DARK, LIGHT, Glyphs

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.settings import Settings

TICK = 0.1
"""Seconds between two looks at what happened: all that is drawn by itself is drawn then."""

LOW = 18
"""Rows of a terminal below which it is low."""

INBOX_TEXT = 4 << 20
"""Characters of log text that may wait for the next look."""


class EspdeckApp(AppBase):
    """The console."""

    CSS_PATH = Path(__file__).with_name("app.tcss")
    TITLE = "espdeck"
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "f1"
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(
        self,
        settings: Settings,
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
        self._settings = settings
        self._keys, self._wrong_keys = check(self._settings.keys)
        self._open_build = open_build
        self.failure = ""
        """Why the workspace could not be opened, when that ended the app."""

        self._asked_to_leave = False
        self._inbox = Inbox(INBOX_TEXT)
        self.by_hand = {}
        self.glyphs = Glyphs(self._settings.ascii)
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.set_class(self._settings.ascii, "-ascii")
        self.theme = f"espdeck-{self._settings.theme}"
        self.home = HomeScreen()

    def get_driver_class(self) -> type[Driver]:
        """Textual's choice; its usual one knows when the terminal is gone."""
        chosen = super().get_driver_class()
        return TerminalDriver if chosen is LinuxDriver else chosen

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
        self.app_resume_signal.subscribe(self, self._resumed)
        self.set_interval(TICK, self._tick)
        self.call_after_refresh(self._open)
        self.set_keymap(keymap(self._keys))
        if self._wrong_keys:
            message = f"settings, [keys]: {'; '.join(self._wrong_keys)}"
            self.call_after_refresh(self.home.complain, message)

    def on_resize(self, event: Resize) -> None:
        """Dialogs leave out the air where there is no room for it."""
        self.set_class(event.size.height < LOW, "-low")

    def shown(self, key: Key) -> str:
        """How a key is written, whoever chose it."""
        return shown(key, self._keys)

    def show_build(self, number: int) -> None:
        """Show a build."""
        from tui.screens.build import BuildScreen

        if isinstance(self.screen, BuildScreen):
            self.pop_screen()
        self.push_screen(BuildScreen(number))

    def select_project(self, project_id: UUID) -> None:
        """Make a project the chosen one on the home screen."""
        self.home.select_project(project_id)

    def leave(self) -> None:
        """Quit; asks when builds run here."""
        from tui.screens.confirm import Confirm

        again, self._asked_to_leave = self._asked_to_leave, True
        if again or not self.is_open or self.engine is None or not self.engine.is_executor:
            self.exit()
            return
        engine = self.engine

        def look() -> None:
            builds = len(engine.builds.list(status=RunStatus.RUNNING, limit=100))
            tasks = len(engine.tasks.list(status=RunStatus.RUNNING, limit=100))
            self.call_from_thread(ask, builds, tasks)

        def ask(builds: int, tasks: int) -> None:
            running = [
                f"{count(number, noun)} {'runs' if number == 1 else 'run'}"
                for number, noun in ((builds, "build"), (tasks, "task"))
                if number
            ]
            if not running:
                self.exit()
                return
            self.push_screen(
                Confirm(
                    f"Quit? {', '.join(running)}.", "What runs goes on at the next start.", "quit"
                ),
                answered,
            )

        def answered(yes: bool | None) -> None:
            self._asked_to_leave = False
            if yes:
                self.exit()

        self.run_worker(look, thread=True, exit_on_error=False)

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
        for cancel in list(self.by_hand.values()):
            cancel.cancel()
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
            if self.is_open:
                self.call_from_thread(self.home.complain, str(error))
            else:
                self.failure = str(error)
                self.call_from_thread(self.exit)
        finally:
            gc.freeze()
            gc.enable()

    def _resumed(self, _app: object) -> None:
        """Back from the shell: the terminal shows nothing of ours any more."""
        self.screen.refresh(layout=True)

    def _opened(self) -> None:
        self.is_open = True
        self.home.opened()

    def _tick(self) -> None:
        events, _skipped = self._inbox.take()  # panes count by line numbers what they miss
        for event in events:
            if isinstance(event, Problem):
                self.notify(clean(event.message), severity="error", markup=False, timeout=15)
        for screen in self.screen_stack:
            if isinstance(screen, MainScreen) and (self.is_open or not events):
                screen.take(events)
