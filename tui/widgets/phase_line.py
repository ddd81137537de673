"""The head of a build: what it is, its phases, how far it is, how long it takes."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from engine.words import BuildStatus, Phase, StageStatus
from tui.build_view import BuildView
from tui.look import Glyphs
from tui.widgets.lines import pieces

_COLOURS = {
    "success": "phase-line--good",
    "failed": "phase-line--bad",
    "cancelled": "phase-line--bad",
    "running": "phase-line--busy",
}


class PhaseLine(Widget):
    """Two rows; the second is left out where there is no room."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "phase-line--text",
        "phase-line--dim",
        "phase-line--good",
        "phase-line--bad",
        "phase-line--busy",
    }

    def __init__(self, view: BuildView, glyphs: Glyphs) -> None:
        super().__init__()
        self._view = view
        self._glyphs = glyphs

    def render_line(self, y: int) -> Strip:
        """One of the two rows."""
        return self._phases() if y == 0 else self._message()

    def _phases(self) -> Strip:
        view, width = self._view, self.size.width
        text, dim = self._style("text"), self._style("dim")
        sign = f" {self._glyphs.state(view.status)} {view.status}"
        clock = f" {_clock(view.elapsed())} "
        round_ = f" round {view.attempt}" if view.attempt > 1 else ""
        parts: list[tuple[str, Style]] = [
            (f" #{view.number}", text),
            (sign, self._of(view.status)),
            (round_, self._style("busy")),
        ]
        used = sum(len(part) for part, _ in parts)
        names = width >= 90
        for phase in Phase:
            status = view.phase(phase)
            sign = self._glyphs.state(status)
            word = f" {sign} {phase}" if names else f" {sign}{phase[:3]}"
            parts += [(f" {self._glyphs.arrow}" if names else "", dim), (word, self._of(status))]
            used += len(word) + (2 if names else 0)
        room = width - used - len(clock) - 8
        if room >= 6:
            bar = self._glyphs.bar(view.percent, min(room, 30))
            parts += [(f"  {bar}", self._of(view.status)), (f" {view.percent:3.0f}%", text)]
        left = width - sum(len(part) for part, _ in parts) - len(clock)
        parts += [(" " * max(0, left), text), (clock, text)]
        return pieces(parts, width, text)

    def _message(self) -> Strip:
        view = self._view
        text = view.error or view.message
        style = self._style("bad") if view.error else self._style("dim")
        title = f" {view.title}"
        return pieces(
            [(title, self._style("text")), ("  ", style), (text, style)], self.size.width, style
        )

    def _of(self, status: BuildStatus | StageStatus) -> Style:
        name = _COLOURS.get(status, "phase-line--dim")
        return self.get_component_rich_style(name)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"phase-line--{name}")


def _clock(seconds: float | None) -> str:
    if seconds is None:
        return "--:--"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
