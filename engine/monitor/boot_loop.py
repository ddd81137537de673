"""When firmware that starts again and again is in a boot loop.

That is the same fault, or the same reset by hardware that nobody asked for, in :data:`LOOP_CYCLES`
boot cycles; or a restart by software without a fault, :data:`LOOP_SAME_RESTARTS` times in a row
where each cycle said the same as the one before, or :data:`LOOP_RESTARTS` times in a row whatever
it said: one restart after an update, or those of a test, are none.
"""

from __future__ import annotations

from dataclasses import dataclass, field

LOOP_CYCLES = 3
"""The same fault, or the same reset that nobody asked for, so often is a boot loop."""

LOOP_SAME_RESTARTS = 5
"""So many restarts in a row by software, each after the same lines, are a boot loop."""

LOOP_RESTARTS = 20
"""So many restarts in a row by software are a boot loop, whatever was said between them."""

_MAX_FAULTS = 64


@dataclass(frozen=True, slots=True)
class BootLoop:
    """A boot loop that was seen.

    Args:
        fault: what ends each cycle, as it was counted.
        name: of the loop, for people.
        message: what happens again and again.
        evidence: lines that told of it.
        times: how often that was seen; 0 where it is not known from the first time on.
    """

    fault: str
    name: str
    message: str
    evidence: str
    times: int = 0


@dataclass(slots=True)
class _Count:
    """How often a fault was seen, and the last lines that told of it."""

    times: int = 0
    lines: list[str] = field(default_factory=list)


class LoopDetector:
    """Counts what ends boot cycles."""

    def __init__(self) -> None:
        self._faults: dict[str, _Count] = {}
        self._restarts = self._same_restarts = 0
        self._said_before: int | None = None

    def clear(self) -> None:
        """The firmware got somewhere: what was before does not count."""
        self._faults.clear()
        self._restarts = self._same_restarts = 0

    def clear_restarts(self) -> None:
        """A cycle ended otherwise than by a restart that the firmware made by itself."""
        self._restarts = self._same_restarts = 0
        self._said_before = None

    def count_restart(self, said: int | None, after: str, last: str) -> BootLoop | None:
        """Count a restart that the firmware made by itself.

        Args:
            said: a checksum of what the cycle printed; None where it printed too much to compare.
            after: what it printed last, for people.
            last: the line itself.
        """
        is_same = said is not None and said == self._said_before
        self._same_restarts = self._same_restarts + 1 if is_same else 1
        self._said_before = said
        self._restarts += 1
        if self._same_restarts < LOOP_SAME_RESTARTS and self._restarts < LOOP_RESTARTS:
            return None
        message = f"boot loop: the firmware restarts itself again and again after {after}"
        return BootLoop("restart", "software restart", message, last)

    def count_fault(self, fault: str, what: str, line: str) -> BootLoop | None:
        """Count what ended a cycle.

        Args:
            fault: by which it is known again.
            what: the same for people.
            line: that told of it.
        """
        if fault not in self._faults and len(self._faults) >= _MAX_FAULTS:
            return None
        count = self._faults.setdefault(fault, _Count())
        count.times += 1
        count.lines = [*count.lines, line][-LOOP_CYCLES:]
        if count.times < LOOP_CYCLES:
            return None
        name, message = fault.removeprefix("boot."), _message(fault, what)
        return BootLoop(fault, name, message, "\n".join(count.lines), count.times)


def _message(fault: str, what: str) -> str:
    if fault.startswith("panic ("):
        return f"boot loop: the same {what} {LOOP_CYCLES} times"
    if fault.startswith("boot."):
        return f"boot loop: {what}; {LOOP_CYCLES} times"
    return f"boot loop: the same reset ({what}) {LOOP_CYCLES} times"
