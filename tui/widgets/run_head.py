"""The head of a run: what it is, its phases, how far it is, how long it takes."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from engine.enums import StageStatus
from engine.text import clean
from tui.presentation.strips import pieces
from tui.state.run_state import RunView
from tui.theme import STATE_COLOURS, Glyphs

_WIDE_CELLS = 90
"""Width from which on phases have their names."""

_MIN_BAR_CELLS = 6
_STEP_CELLS = 42
_DONE = (StageStatus.SUCCESS, StageStatus.FAILED, StageStatus.SKIPPED)


class RunHead(Widget):
    """Two rows; the second is left out where there is no room."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "run-head--text",
        "run-head--dim",
        "run-head--good",
        "run-head--bad",
        "run-head--busy",
    }

    DETAILS_LAST: ClassVar[bool] = False
    """Whether the details of the run come after its message."""

    def __init__(self, view: RunView, glyphs: Glyphs) -> None:
        super().__init__()
        self._view = view
        self._glyphs = glyphs

    def render_line(self, y: int) -> Strip:
        """One of the two rows."""
        return self._progress() if y == 0 else self._message()

    def _progress(self) -> Strip:
        view, width = self._view, self.size.width
        text = self._style("text")
        sign = f" {self._glyphs.state(view.status)} {view.status}"
        clock = f" {_clock(view.elapsed())} "
        verdict = f" {view.verdict}" if view.verdict else ""
        attempt = f" attempt {view.attempt}" if view.attempt > 1 else ""
        parts: list[tuple[str, Style]] = [
            (f" #{view.number}", text),
            (sign, self._of(view.status)),
            (verdict, self._of(view.verdict)),
            (attempt, self._style("busy")),
            *self._phases(width >= _WIDE_CELLS),
        ]
        used = sum(len(part) for part, _ in parts)
        room = width - used - len(clock) - 8
        if room >= _MIN_BAR_CELLS:
            bar = self._glyphs.bar(view.percent, min(room, 30))
            parts += [(f"  {bar}", self._of(view.status)), (f" {view.percent:3.0f}%", text)]
        left = width - sum(len(part) for part, _ in parts) - len(clock)
        parts += [(" " * max(0, left), text), (clock, text)]
        return pieces(parts, width, text)

    def _phases(self, wide: bool) -> list[tuple[str, Style]]:
        """The phases of the pipeline, each with its state."""
        parts: list[tuple[str, Style]] = []
        for phase in self._view.pipeline.phases:
            status = self._view.phase(phase)
            sign = self._glyphs.state(status)
            word = f" {sign} {phase}" if wide else f" {sign}{phase[:3]}"
            arrow = f" {self._glyphs.arrow}" if wide else ""
            parts += [(arrow, self._style("dim")), (word, self._of(status))]
        return parts

    def _message(self) -> Strip:
        view, dim = self._view, self._style("dim")
        style = self._style("bad") if view.error else dim
        warning = f"  {view.warning}" if view.warning else ""
        message = [("  ", style), (view.error or view.message, style)]
        details = [(f"  {view.facts}" if view.facts else "", dim)]
        parts = [
            (f" {view.title}", self._style("text")),
            (warning, self._style("busy")),
            *(message + details if self.DETAILS_LAST else details + message),
        ]
        return pieces(parts, self.size.width, style)

    def _of(self, status: str) -> Style:
        return self._style(STATE_COLOURS.get(status, "dim"))

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"run-head--{name}")


class TaskHead(RunHead):
    """The head of a task: a sign for each wave of its steps, and which one it is at."""

    DETAILS_LAST = True

    def _phases(self, wide: bool) -> list[tuple[str, Style]]:
        phases = self._view.pipeline.phases
        states = [self._view.phase(phase) for phase in phases]
        done = sum(state in _DONE for state in states)
        parts = [(" ", self._style("text"))]
        parts += [(self._glyphs.state(state), self._of(state)) for state in states]
        parts.append((f" {done}/{len(phases)}", self._style("dim")))
        running = {key for key, _ in self._view.running()}
        titles = [stage.title for stage in self._view.pipeline.stages if stage.key in running]
        if titles:
            step = clean(", ".join(titles))
            if len(step) > (room := _STEP_CELLS if wide else _STEP_CELLS // 3) and len(titles) > 1:
                step = f"{len(titles)} at once"
            step = step[:room]
            parts.append((f" {step}", self._style("busy")))
        return parts


def _clock(seconds: float | None) -> str:
    if seconds is None:
        return "--:--"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
