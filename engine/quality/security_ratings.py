"""Ratings of security findings: it blocks, warns, or is no finding."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SecurityLevel(StrEnum):
    """Level of a finding; the most serious first."""

    BLOCKS = "blocks"
    WARNS = "warns"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Rating:
    """Level of a finding, and the reason for people."""

    level: SecurityLevel
    reason: str = ""


NOTHING = Rating(SecurityLevel.NOTHING)
BLOCKS = Rating(SecurityLevel.BLOCKS)
WARNS = Rating(SecurityLevel.WARNS)
