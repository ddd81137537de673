"""Signs for states: each its own, so that they can be told apart without colour."""

from __future__ import annotations

from dataclasses import dataclass

_STATES = {
    "pending": ("◌", "."),
    "idle": ("·", "."),
    "running": ("●", "*"),
    "working": ("●", "*"),
    "active": ("●", "*"),
    "success": ("✓", "+"),
    "completed": ("✓", "+"),
    "failed": ("✗", "x"),
    "error": ("✗", "x"),
    "warning": ("!", "!"),
    "info": ("i", "i"),
    "cancelled": ("⊘", "-"),
    "skipped": ("–", "-"),
}


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The signs of a terminal: ``ascii`` for one that shows nothing else."""

    ascii: bool = False

    def state(self, word: str) -> str:
        """The sign of a state."""
        fine, plain = _STATES.get(word, ("?", "?"))
        return plain if self.ascii else fine

    def bar(self, percent: float, width: int) -> str:
        """A bar that is so far full."""
        full = round(width * min(100.0, max(0.0, percent)) / 100)
        on, off = ("#", "-") if self.ascii else ("━", "─")
        return on * full + off * (width - full)

    @property
    def arrow(self) -> str:
        """Between phases."""
        return ">" if self.ascii else "›"

    @property
    def cut(self) -> str:
        """Where a line was cut."""
        return "~" if self.ascii else "…"
