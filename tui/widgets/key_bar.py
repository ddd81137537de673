"""The last row of a screen: its keys; those of disabled actions are dim."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from tui.actions import Action
from tui.keymap import Key
from tui.presentation.strips import pieces

_ALWAYS = ("help", "quit", "back")


class KeyBar(Widget):
    """Keys of a screen: help and the way out, what works, and what else there is room for."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-bar--key", "key-bar--title", "key-bar--off"}

    def __init__(self, actions: Iterable[Action]) -> None:
        """Make a key bar of those actions of a screen whose key is for it."""
        super().__init__()
        self._actions = [action for action in actions if action.key.bar]

    def render_line(self, _y: int) -> Strip:
        """The row."""
        key_style = self.get_component_rich_style("key-bar--key")
        title_style = self.get_component_rich_style("key-bar--title")
        off = self.get_component_rich_style("key-bar--off")
        works = {each.key.id: each.disabled_reason() is None for each in self._actions}
        shown = self._shown(works)
        parts: list[tuple[str, Style]] = []
        for key in (each.key for each in self._actions if each.key.id in shown):
            parts += [
                (f" {key.shown}", key_style if works[key.id] else off),
                (f" {key.title} ", title_style if works[key.id] else off),
            ]
        return pieces(parts, self.size.width, title_style)

    def _shown(self, works: Mapping[str, bool]) -> set[str]:
        """The ids for which there is room: first those of the way out, then those that work."""
        keys = [each.key for each in self._actions]
        shown = {key.id for key in keys if key.id in _ALWAYS}
        room = self.size.width - sum(_width(key) for key in keys if key.id in shown)
        for key in sorted(keys, key=lambda key: not works[key.id]):
            if key.id not in shown and _width(key) <= room:
                room -= _width(key)
                shown.add(key.id)
        return shown


def _width(key: Key) -> int:
    return len(key.shown) + len(key.title) + 3
