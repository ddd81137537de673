"""When lines of a console came: the time of the first byte of each, not of its end."""

from __future__ import annotations

from datetime import datetime


class LineTimes:
    """Reads along with who cuts lines; of one console and one thread."""

    def __init__(self) -> None:
        self.begun_at: datetime | None = None
        """When the line came that has begun and not ended; None where none has."""

    def take(self, at: datetime, *, ended: bool, begun: bool) -> datetime:
        """Take what some bytes came to.

        Args:
            at: when they came.
            ended: whether they ended a line.
            begun: whether a line has begun now that has not ended.

        Returns:
            When the first of the lines came that they ended; the others came with them.
        """
        first = self.begun_at or at
        if ended or not begun:
            self.begun_at = None
        if begun and self.begun_at is None:
            self.begun_at = at
        return first
