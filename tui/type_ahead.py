"""Keys and clicks that come faster than screens open: each waits until the one before is done.

Textual gives a key to the widget that has the focus at that moment. While a screen is mounted it
has no focus yet, and while a field still has keys in its queue, the key that takes the field's text
would take half of it. So a key waits here until what the key before set off has been handled, a
screen that it opened has its widgets, and that screen has loaded what it shows at first. Clicks
keep their place among the keys; moves of the mouse and its wheel wait only for what waits already.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from textual.errors import NoWidget
from textual.events import Event, Key, MouseDown, MouseEvent, MouseMove, MouseUp, Paste
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, TextArea

if TYPE_CHECKING:
    from tui.app_base import AppBase

LONGEST_WAIT_SECONDS = 2.0
"""A screen that has not loaded by then gets its keys as it is: this one, and those after it."""

_LOOK_SECONDS = 0.01
_INTERRUPTS = ("ctrl+c", "ctrl+q")
"""Keys that act at once; what still waits is dropped, as a terminal does it."""


@runtime_checkable
class Loading(Protocol):
    """A screen that may not have loaded what it shows at first; keys for it wait."""

    @property
    def is_loading(self) -> bool:
        """Whether it has not."""


class TypeAhead:
    """Keys, pasted texts and clicks of the app, in order. The event loop alone calls it."""

    def __init__(self, app: AppBase, is_loading: Callable[[], bool]) -> None:
        """Make it.

        Args:
            is_loading: whether the screen in front has not loaded what it shows at first.
        """
        self._app = app
        self._is_loading = is_loading
        self._waiting: deque[tuple[Event, Callable[[Event], Awaitable[None]]]] = deque()
        self._settling: asyncio.Task[None] | None = None
        self._typed_into: Widget | None = None
        self._slow: Screen[object] | None = None
        """The screen in front that did not load in time; no key waits for it again."""

    async def handle(self, event: Event, then: Callable[[Event], Awaitable[None]]) -> None:
        """Handle a key, a pasted text or what the mouse does now, or when those before are done.

        Args:
            then: handles it, as Textual does.
        """
        if isinstance(event, Key) and event.key in _INTERRUPTS:
            self._waiting.clear()
            await then(event)
        elif self._settling is not None:
            self._append(event, then)
        elif _is_passing(event):
            await then(event)
        elif self._is_loading():  # typed before the first screen could take it
            self._waiting.append((event, then))
            self._settle(None)
        elif self._typed_into is not None and not _is_text(event):
            # The field has what was typed still in its queue.
            self._waiting.append((event, then))
            self._settle(self._typed_into)
        else:
            await self._give(event, then)

    def _append(self, event: Event, then: Callable[[Event], Awaitable[None]]) -> None:
        if isinstance(event, MouseMove) and self._waiting:
            before, _then = self._waiting[-1]
            if isinstance(before, MouseMove):  # only where it is now matters
                self._waiting.pop()
        self._waiting.append((event, then))

    async def _give(self, event: Event, then: Callable[[Event], Awaitable[None]]) -> None:
        if _is_passing(event):
            await then(event)
            return
        field = self._under(event) if isinstance(event, MouseEvent) else self._app.focused
        self._typed_into = None
        await then(event)
        if event.is_forwarded and isinstance(field, Input | TextArea) and _is_text(event):
            self._typed_into = field  # a field takes its keys in order
        else:
            self._settle(field)

    def _under(self, event: MouseEvent) -> Widget | None:
        """The widget that gets what the mouse does."""
        try:
            under, _region = self._app.get_widget_at(int(event.x), int(event.y))
        except NoWidget:
            return None
        return self._app.mouse_captured or under

    def _settle(self, field: Widget | None) -> None:
        self._typed_into = None
        self._settling = asyncio.create_task(self._wait(field))

    async def _wait(self, field: Widget | None) -> None:
        """Wait until all is handled that the last key set off, then go on with the next."""
        pumps: list[MessagePump] = []
        if field is not None:
            pumps = [each for each in field.ancestors_with_self if each is not self._app]
        try:
            async with asyncio.timeout(LONGEST_WAIT_SECONDS):
                await self._wait_for(pumps)
        except TimeoutError:
            self._slow = self._app.screen
        finally:
            if not self._app.call_later(self._next):
                self._settling = None

    async def _wait_for(self, pumps: list[MessagePump]) -> None:
        before = self._app.screen
        while True:
            screen = self._app.screen
            if screen is not before:  # what is not laid out cannot scroll
                await _handled(screen, laid_out=True)
            # Twice: what a message makes a widget send comes behind the first.
            for _ in range(2):
                for pump in (*pumps, screen):
                    await _handled(pump)
            pumps = []
            if screen is not self._slow or not self._is_loading():
                self._slow = None
            while self._slow is None and self._is_loading():
                await asyncio.sleep(_LOOK_SECONDS)
            if self._app.screen is screen:
                return

    async def _next(self) -> None:
        """Give what has waited longest."""
        self._settling = None
        while self._waiting and self._settling is None:
            event, then = self._waiting[0]
            if self._typed_into is not None and not _is_text(event):
                self._settle(self._typed_into)
                return
            self._waiting.popleft()
            await self._give(event, then)


async def _handled(pump: MessagePump, *, laid_out: bool = False) -> None:
    """Wait until everything in the queue of a widget or screen is handled, and it is laid out."""
    done = asyncio.Event()
    call = pump.call_after_refresh if laid_out else pump.call_later
    if call(done.set):  # else it is gone
        await done.wait()


def _is_passing(event: Event) -> bool:
    """Whether nothing waits for it: it opens no screen."""
    return isinstance(event, MouseEvent) and not isinstance(event, MouseDown | MouseUp)


def _is_text(event: Event) -> bool:
    return isinstance(event, Paste) or (isinstance(event, Key) and event.is_printable)
