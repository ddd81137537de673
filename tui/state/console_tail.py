"""The end of a console in memory, into which lines are put later: where an address lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tui.state.log_tail import LogTail


@dataclass(slots=True)
class Anchor:
    """A line of a tail, whatever is put before it meanwhile.

    Args:
        number: its number now.
    """

    number: int


class ConsoleTail(LogTail):
    """A tail of a console; of the screen's thread, too."""

    def __init__(self) -> None:
        super().__init__()
        self._anchors: list[Anchor] = []

    def anchor(self, number: int) -> Anchor:
        """Keep an eye on a line, until :meth:`insert_after`."""
        anchor = Anchor(number)
        self._anchors.append(anchor)
        return anchor

    def insert_after(self, anchor: Anchor, lines: Sequence[str]) -> int | None:
        """Put lines after one that is watched over, which is then let go.

        Returns:
            The number of the first of them; None where there is none, or the line is not in memory
            any more.
        """
        self._anchors.remove(anchor)
        number = anchor.number + 1
        if not lines or not self.first < number <= self.end:
            return None
        for place, line in enumerate(lines):
            self._lines.insert(number - self.first + place, line)
        self._bytes += sum(map(len, lines))
        for other in self._anchors:
            if other.number >= number:
                other.number += len(lines)
        self._forget_oldest()
        self.version += 1
        return number
