"""Numbers that a firmware prints, picked out of its lines by a pattern, as series to draw."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.errors import UsageError
from engine.monitor.log_lines import compile_pattern

MAX_PLOT_SERIES = 6
"""Groups of a pattern: as many lines as can be told apart in a small chart."""

MAX_POINTS = 1000
"""Numbers of a series that are kept, the newest."""

_MAX_NUMBER_CHARACTERS = 40  # characters


@dataclass(slots=True)
class Series:
    """The numbers of one group of a pattern."""

    name: str
    points: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_POINTS))


class Plot:
    """Reads lines; one thread's.

    Args:
        pattern: RE2 with a group for each series, such as ``temp=(?P<temp>[-0-9.]+)``; a group
            without a name is called by its number.

    Raises:
        UsageError: it is no pattern, or has no group, or too many.
    """

    def __init__(self, pattern: str) -> None:
        self._pattern = compile_pattern("plot", pattern)
        if not 1 <= self._pattern.groups <= MAX_PLOT_SERIES:
            raise UsageError(
                f"plot {pattern!r}: give 1 to {MAX_PLOT_SERIES} groups, such as temp=([-0-9.]+)"
            )
        names = {number: name for name, number in self._pattern.groupindex.items()}
        self.text = pattern
        self.series: Sequence[Series] = [
            Series(names.get(number, str(number))) for number in range(1, self._pattern.groups + 1)
        ]
        self.version = 0
        """Changes when numbers come."""

    def feed(self, line: str) -> None:
        """Take the numbers of a line; what is no number is passed over."""
        found = self._pattern.search(line)
        if found is None:
            return
        for series, text in zip(self.series, found.groups(), strict=True):
            number = read_number(text) if text else None
            if number is not None:
                series.points.append(number)
                self.version += 1


def read_number(text: str) -> float | None:
    """A number as firmware prints it: decimal, or hexadecimal with ``0x``; None for no number."""
    if len(text) > _MAX_NUMBER_CHARACTERS or "_" in text:
        return None
    try:
        number = float(int(text, 16)) if text[:2] in ("0x", "0X") else float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
