"""The head of a run: what it is, its stages, how far it is, how long it takes."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from engine.enums import StageStatus
from engine.text import clean
from tui.presentation.labels import stage_label
from tui.presentation.strips import fit, pieces
from tui.state.run_state import RunView
from tui.theme import STATE_COLOURS, Glyphs

_WIDE_CELLS = 90
"""Width from which on there is room for the names of several steps."""

_MIN_BAR_CELLS = 6
_PERCENT_CELLS = 8
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
        cause = view.cause(view.attempt)
        attempt = f" attempt {view.attempt} ({cause})" if cause else ""
        parts: list[tuple[str, Style]] = [
            (f" #{view.number}", text),
            (sign, self._of(view.status)),
            (verdict, self._of(view.verdict)),
            (attempt, self._style("busy")),
        ]
        parts += self._stages(width - sum(len(part) for part, _ in parts) - len(clock))
        used = sum(cell_len(part) for part, _ in parts)
        room = width - used - len(clock) - _PERCENT_CELLS
        if room < _MIN_BAR_CELLS and not view.status.is_final:
            parts.append((f" {view.percent:3.0f}%", text))
        elif room >= _MIN_BAR_CELLS:
            bar = self._glyphs.bar(view.percent, min(room, 30))
            parts += [(f"  {bar}", self._of(view.status)), (f" {view.percent:3.0f}%", text)]
        left = width - sum(cell_len(part) for part, _ in parts) - len(clock)
        parts += [(" " * max(0, left), text), (clock, text)]
        return pieces(parts, width, text, cut=self._glyphs.cut)

    def _stages(self, room: int) -> list[tuple[str, Style]]:
        """The stages of the pipeline, each with its state; in little room, the name of some."""
        view, named = self._view, list[tuple[str, Style]]()
        phase = ""
        for stage in view.pipeline.stages:
            status = view.stage(stage.key)
            arrow = f" {self._glyphs.arrow}" if stage.phase != phase else ""
            phase = stage.phase
            word = f" {self._glyphs.state(status)} {stage_label(stage.key)}"
            named += [(arrow, self._style("dim")), (word, self._of(status))]
        percent = 0 if view.status.is_final else _PERCENT_CELLS
        if sum(len(part) for part, _ in named) + percent <= room:
            return named
        states = {stage.key: view.stage(stage.key) for stage in view.pipeline.stages}
        signs = [(self._glyphs.state(state), self._of(state)) for state in states.values()]
        worth = StageStatus.FAILED if view.status.is_final else StageStatus.RUNNING
        telling = [stage_label(key) for key, state in states.items() if state is worth]
        return [(" ", self._style("text")), *signs, (f" {', '.join(telling)}", self._of(worth))]

    def _message(self) -> Strip:
        view, dim = self._view, self._style("dim")
        style = self._style("bad") if view.error else dim
        warning = f"  {view.warning}" if view.warning else ""
        message = [("  ", style), (view.says, style)]
        details = [(f"  {view.facts}" if view.facts else "", dim)]
        title = clean(view.title)
        if view.error:  # it needs its room beside a long commit message
            most = self.size.width // 2
            title = fit(title, min(cell_len(title), most), cut=self._glyphs.cut)
        parts = [
            (f" {title}", self._style("text")),
            (warning, self._style("busy")),
            *(message + details if self.DETAILS_LAST else details + message),
        ]
        return pieces(parts, self.size.width, style, cut=self._glyphs.cut)

    def _of(self, status: str) -> Style:
        return self._style(STATE_COLOURS.get(status, "dim"))

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"run-head--{name}")


class TaskHead(RunHead):
    """The head of a task: a sign for each wave of its steps, and which one it is at."""

    DETAILS_LAST = True

    def _stages(self, room: int) -> list[tuple[str, Style]]:
        wide = self.size.width >= _WIDE_CELLS
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
            room = _STEP_CELLS if wide else _STEP_CELLS // 3
            if cell_len(step) > room and len(titles) > 1:
                step = f"{len(titles)} at once"
            step = fit(step, min(room, cell_len(step)), cut=self._glyphs.cut)
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
