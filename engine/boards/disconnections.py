"""A board that vanished while its console was read, and came back: what its lines say of that."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from engine.enums import Severity
from engine.findings import Finding
from engine.monitor import interruptions, reset_reasons
from engine.monitor.line_splitter import StateCutter
from engine.monitor.reset_reasons import Cause, Reset

_MAX_LINE_CHARACTERS = 512
# The time of a line of ESP-IDF's log, in milliseconds since the start.
_STAMP = re.compile(r"^[EWIDV] \((\d{1,10})\) ")


@dataclass(frozen=True, slots=True)
class Absence:
    """One time that a board was away.

    Args:
        seconds: from when it vanished until its console was read again.
        restarted: whether its firmware was seen to start anew afterwards.
        cause: of a restart, as the ROM spells it, where it is another than the power's; that is
            what a chip's own USB port does at each reset.
    """

    seconds: float
    restarted: bool = False
    cause: str = ""

    def __str__(self) -> str:
        """In a line, for people."""
        away = f"the board was away for {self.seconds:.1f} s"
        if self.cause:
            return f"{away} while it restarted ({self.cause})"
        if self.restarted:
            return f"{away}; the firmware restarted"
        return f"{away}; what it said meanwhile is lost"


class Absences:
    """Reads along with a console; memory is bounded by how often a board may vanish."""

    def __init__(self) -> None:
        self.all: list[Absence] = []
        """The oldest first."""

        self._cutter = StateCutter()
        self._stamp = -1
        self._is_open = False

    def returned(self, seconds: float) -> None:
        """It is back, after that many seconds."""
        self.all.append(Absence(seconds))
        self._cutter, self._is_open = StateCutter(), True

    def feed(self, data: bytes) -> None:
        """Take what the console says next."""
        for line in self._cutter.feed(data):
            self._look(line[:_MAX_LINE_CHARACTERS])

    def interruption(self, line: str) -> str | None:
        """Why firmware that printed this line does not go on, as ``interruption`` says.

        Power that came back with a board is told as the absence that it was.
        """
        reason = interruptions.interruption(line)
        if reason and self.all and _is_power(reset_reasons.read(line)):
            return str(replace(self.all[-1], restarted=True))
        return reason

    def findings(self, *, failed: bool) -> list[Finding]:
        """A finding for each.

        Args:
            failed: whether something went wrong, of which they may be the cause.
        """
        return [
            Finding(
                severity=_severity(each, failed=failed),
                code="board.away",
                message=str(each),
                hint="look at its cable, its hub and its power",
            )
            for each in self.all
        ]

    def _look(self, line: str) -> None:
        """See whether a line shows that the firmware started anew."""
        if stamp := _STAMP.match(line):
            before, self._stamp = self._stamp, int(stamp[1])
            if self._is_open and self._stamp < before:
                self._restarted("")
        if self._is_open and (reset := reset_reasons.read(line)) is not None:
            self._restarted("" if _is_power(reset) else reset.name)

    def _restarted(self, cause: str) -> None:
        self.all[-1] = replace(self.all[-1], restarted=True, cause=cause)
        self._is_open = False


def _is_power(reset: Reset | None) -> bool:
    return reset is not None and reset.cause is Cause.POWER


def _severity(absence: Absence, *, failed: bool) -> Severity:
    if absence.cause:
        return Severity.INFO
    return Severity.ERROR if failed else Severity.WARNING
