"""The quality gate as rows of a list: each measure against its threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.theme import STATE_COLOURS

if TYPE_CHECKING:
    from engine import GateResult, Measure
    from tui.theme import Glyphs
    from tui.widgets.row_list import Parts

_FIXED_CELLS = 52
"""Width of the columns beside the bar, up to the limit."""

_MIN_BAR_CELLS = 6

_HUNDRED = ("%", "points")
"""Units in which a hundred is all that there can be."""

_HEADROOM = 1.25
"""How much longer a bar is than what it must hold, in other units."""


def gate_title(result: GateResult) -> str:
    """The gate's word, as a title."""
    word, judged = result.verdict, result.judged
    share = f", {judged} of {len(result.measures)} judged" * (judged < len(result.measures))
    blockers = f", {len(result.blockers)} blocking" if result.blockers else ""
    return f" QUALITY GATE {word}, score {result.score:.0f}{blockers}{share}"


def measure_parts(measure: Measure, glyphs: Glyphs, width: int) -> Parts:
    """A measure as a row of so many cells."""
    colour = STATE_COLOURS.get(measure.status, "dim")
    bar = ""
    # The limit is worth more than the bar: that has what the other columns leave.
    cells = min(30, width // 5, width - _FIXED_CELLS)
    if cells >= _MIN_BAR_CELLS:
        value = _percent(measure, measure.value)
        drawn = glyphs.bar_with_mark(value or 0.0, _percent(measure, measure.threshold), cells)
        bar = f" {drawn if value is not None else ' ' * cells}"
    return [
        (f" {glyphs.state(measure.status)} ", colour),
        (f"{measure.title:<14}", ""),
        (bar, colour),
        (f" {measure.shown:>12}" if bar else f" {measure.shown}", ""),
        (f"  {measure.limit:<18}" if width >= 72 else f"  {measure.limit}", "dim"),
        (f"  {measure.detail}", "dim"),
    ]


def gate_text(result: GateResult) -> str:
    """All of it as text, a line each."""
    rows = [gate_title(result).strip()]
    for each in result.measures:
        limit = f" ({each.limit})" if each.limit else ""
        rows.append(f"{each.status}: {each.title} {each.shown}{limit}: {each.detail}")
    return "\n".join(rows)


def _percent(measure: Measure, amount: float | None) -> float | None:
    """An amount as part of the bar's length, in percent."""
    if amount is None:
        return None
    if measure.unit in _HUNDRED:
        return amount
    whole = max(measure.value or 0.0, measure.threshold or 0.0) * _HEADROOM
    return 100 * amount / whole if whole else 0.0
