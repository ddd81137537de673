"""What becomes of a finding of security: it blocks, warns, or is none."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Word(StrEnum):
    """What becomes of a finding; the most serious first."""

    BLOCKS = "blocks"
    WARNS = "warns"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a finding, and why, for people."""

    word: Word
    why: str = ""


NOTHING = Verdict(Word.NOTHING)
BLOCKS = Verdict(Word.BLOCKS)
WARNS = Verdict(Word.WARNS)
