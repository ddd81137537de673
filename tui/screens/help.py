"""Help: every key that works on the screen below, with the names that settings use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from tui.actions import Action
from tui.keymap import Where, bindings_of
from tui.presentation.strips import wrap
from tui.screens.reader import LineReader

_KEY_CELLS = 10
_HERE, _EVERYWHERE = "on this screen", "on every screen"


def _line_class(line: str) -> str:
    """The colour of a line: heads begin at its edge."""
    return "text" if line.startswith(" ") else "note"


class HelpScreen(LineReader):
    """A table of keys, to scroll and to search."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "dismiss", "back", priority=True),
        *bindings_of(Where.HOME, ("guide",)),
    ]

    def __init__(self, actions: Sequence[Action], show_guide: Callable[[], object]) -> None:
        """Make the help of a screen with these actions."""
        keys = [action.key for action in actions]
        guide = next(key.shown for key in keys if key.id == "guide")
        self._here = [key for key in keys if key.where is not Where.EVERYWHERE]
        self._everywhere = [key for key in keys if key.where is Where.EVERYWHERE]
        text = "\n".join(f"{key.shown}\t{key.help}\t{key.id}" for key in keys)
        super().__init__("keys; in brackets, names for [keys] of the settings", text,
                         classify=_line_class, keys=[f"{guide} guide"])  # fmt: skip
        self._show_guide = show_guide

    def lines(self, width: int) -> list[str]:
        """Keys of the screen, then those of every screen; texts wrapped beside their keys."""
        shown: list[str] = []
        for head, keys in ((_HERE, self._here), (_EVERYWHERE, self._everywhere)):
            shown += [head] if not shown else ["", head]
            for key in keys:
                text = f"{key.help}  [{key.id}]"
                rows = wrap(text, max(10, width - _KEY_CELLS)) if width > 0 else [text]
                first = f" {key.shown:<{_KEY_CELLS - 1}}"
                shown += [
                    f"{first if at == 0 else ' ' * _KEY_CELLS}{part}"
                    for at, part in enumerate(rows)
                ]
        return shown

    def action_do(self, _id: str) -> None:
        """Textual's action of the guide's key."""
        self.dismiss()
        self._show_guide()
