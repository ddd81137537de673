"""What ``espdeck doctor`` says of one thing that it looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DoctorCheck:
    """One thing that was looked at.

    Args:
        name: what.
        ok: whether it is as it should be.
        needed: whether nothing works without it.
        detail: what was found.
        advice: what to do, empty when it is fine.
    """

    name: str
    ok: bool
    needed: bool
    detail: str
    advice: str = ""
