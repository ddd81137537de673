"""The checks that work with the engine; a new one is a new file and a line here."""

from __future__ import annotations

from engine.checks.board_check import BoardCheck
from engine.checks.lab import LabCheck
from engine.checks.registry import FoundCheck
from engine.checks.remote_check import RemoteCheck
from engine.checks.schedule_check import ScheduleCheck

LAB_CHECKS: tuple[LabCheck, ...] = (BoardCheck(), RemoteCheck(), ScheduleCheck())
"""In the order in which they are shown."""


def describe_lab_check(check: LabCheck) -> FoundCheck:
    """What such a check says of itself."""
    place = type(check).__module__
    return FoundCheck(check.name, check.title, check.interval, check.options, place)
