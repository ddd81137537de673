"""Matches of a search in the logs of a run, one of which is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine import LogMatch


class LogMatches:
    """What a search found, and which match is shown; stepping goes round."""

    def __init__(self) -> None:
        self._matches: Sequence[LogMatch] = ()
        self._index = -1

    def __len__(self) -> int:
        return len(self._matches)

    def replace(self, matches: Sequence[LogMatch]) -> None:
        """Take what another search found; none of it is shown yet."""
        self._matches, self._index = matches, -1

    def step(self, by: int) -> LogMatch:
        """Go so many matches on, and give that match.

        Raises:
            ZeroDivisionError: there are no matches.
        """
        self._index = (self._index + by) % len(self._matches)
        return self._matches[self._index]

    @property
    def place(self) -> str:
        """Which match of how many is shown, as ``match 3 of 12``; ``+`` says there are more."""
        from engine import MAX_LOG_MATCHES

        more = "+" if len(self._matches) == MAX_LOG_MATCHES else ""
        return f"match {self._index + 1} of {len(self._matches)}{more}"
