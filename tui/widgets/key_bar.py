"""The last row: the keys that work now; those that do not are dim."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from tui.keymap import Key
from tui.presentation.strips import pieces


class KeyBar(Widget):
    """Keys of a screen: help and quit, then what works, then the rest, as far as there is room."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-bar--key", "key-bar--title", "key-bar--off"}

    def __init__(
        self, keys: Sequence[tuple[str, Key]], why_not: Callable[[str], str | None]
    ) -> None:
        """Make a key bar.

        Args:
            keys: of the screen, each with how it is written.
            why_not: why a key does nothing now, None when it works.
        """
        super().__init__()
        self._keys = [(shown, key) for shown, key in keys if key.bar]
        self._why_not = why_not

    def render_line(self, _y: int) -> Strip:
        """The row."""
        key_style = self.get_component_rich_style("key-bar--key")
        title_style = self.get_component_rich_style("key-bar--title")
        off = self.get_component_rich_style("key-bar--off")
        always = [each for each in self._keys if each[1].id in ("help", "quit", "back")]
        works = {key.id: self._why_not(key.id) is None for _, key in self._keys}
        left = self.size.width - sum(_width(*each) for each in always)
        seen = {key.id for _, key in always}
        for shown, key in sorted(self._keys, key=lambda each: not works[each[1].id]):
            if key.id not in seen and _width(shown, key) <= left:
                left -= _width(shown, key)
                seen.add(key.id)
        parts: list[tuple[str, Style]] = []
        for shown, key in self._keys:
            if key.id in seen:
                parts += [
                    (f" {shown}", key_style if works[key.id] else off),
                    (f" {key.title} ", title_style if works[key.id] else off),
                ]
        return pieces(parts, self.size.width, title_style)


def _width(shown: str, key: Key) -> int:
    return len(shown) + len(key.title) + 3
