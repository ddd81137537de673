"""Signs and colours of states, and the themes. A sign tells a state without its colour."""

from __future__ import annotations

from dataclasses import dataclass

from textual.theme import Theme

_STATES = {
    "pending": ("◌", "."),
    "idle": ("·", "."),
    "running": ("●", "*"),
    "working": ("●", "*"),
    "active": ("●", "*"),
    "success": ("✓", "+"),
    "completed": ("✓", "+"),
    "passed": ("✓", "+"),
    "failed": ("✗", "x"),
    "error": ("✗", "x"),
    "warning": ("!", "!"),
    "info": ("i", "i"),
    "cancelled": ("⊘", "-"),
    "skipped": ("–", "-"),
    "dirty": ("~", "~"),
    "reserved": ("⚑", "r"),
    "unknown": ("?", "?"),
}


_TRENDS = {"success": ("▅", "+"), "cancelled": ("▃", "-"), "failed": ("▁", "x")}

STATE_COLOURS = {
    "success": "good",
    "passed": "good",
    "failed": "bad",
    "error": "bad",
    "cancelled": "bad",
    "running": "busy",
    "warning": "busy",
    "accepted": "good",
    "ran": "good",
    "blocked": "bad",
    "silent": "busy",
    "untested": "busy",
}
"""The name of a state's colour; of any other state it is ``dim``."""

RUN_COLOURS = {**STATE_COLOURS, "pending": "busy"}
"""Colours of runs in lists: one that waits is busy, too."""


LOW_TERMINAL_ROWS = 18
"""Height of a terminal below which dialogs leave out empty rows."""


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The signs of a terminal: ``ascii`` for one that shows nothing else."""

    ascii: bool = False

    def state(self, word: str) -> str:
        """The sign of a state."""
        fine, plain = _STATES.get(word, ("?", "?"))
        return plain if self.ascii else fine

    def bar(self, percent: float, width: int) -> str:
        """A bar that is so far full; ``width`` is in cells."""
        full = round(width * min(100.0, max(0.0, percent)) / 100)
        on, off = ("#", "-") if self.ascii else ("━", "─")
        return on * full + off * (width - full)

    def bar_with_mark(self, percent: float, mark: float | None, width: int) -> str:
        """A bar that is so far full, with a mark at a threshold; ``mark`` is in percent."""
        bar = self.bar(percent, width)
        if mark is None:
            return bar
        at = min(width - 1, max(0, round(width * mark / 100)))
        return f"{bar[:at]}{'|' if self.ascii else '┃'}{bar[at + 1 :]}"

    def trend(self, word: str) -> str:
        """The sign of a result among others: high for a success, low for a failure."""
        fine, plain = _TRENDS.get(word, ("·", "."))
        return plain if self.ascii else fine

    def fold(self, is_folded: bool) -> str:
        """The sign of a group that is folded, or not."""
        if self.ascii:
            return "+" if is_folded else "-"
        return "▸" if is_folded else "▾"

    @property
    def separator(self) -> str:
        """The sign between statements on a line."""
        return "|" if self.ascii else "·"

    @property
    def arrow(self) -> str:
        """The sign between phases."""
        return ">" if self.ascii else "›"

    @property
    def cut(self) -> str:
        """The sign where a line was cut."""
        return "~" if self.ascii else "…"


DARK = Theme(
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
    variables={"chosen-error": "#a3173c"},
)
LIGHT = Theme(
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
    variables={"chosen-error": "#ff9db0"},
)
