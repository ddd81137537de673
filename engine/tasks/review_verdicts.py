"""Verdicts of reviews: the form in which a step is asked for one, and how it is read."""

from __future__ import annotations

import re
from enum import StrEnum

_LAST_LINES = 12
"""Lines at the end of an answer that are looked at: a model may add a word behind its verdict."""

_MAX_LINE = 200

VERDICT_FORM = """\
End with a line of its own, in exactly one of these three forms:
VERDICT: approve
VERDICT: approve with remarks
VERDICT: request changes
"""

_VERDICT = re.compile(
    r"[\s>#*_`-]*verdict[*_`]*\s*:[\s*_`]*(approve with remarks|approved?|request changes)[\W_]*",
    re.IGNORECASE,
)


class ReviewVerdict(StrEnum):
    """What a review comes to."""

    APPROVE = "approve"
    REMARKS = "approve with remarks"
    CHANGES = "request changes"


def verdict_of(answer: str) -> ReviewVerdict | None:
    """The verdict of a review; None where it gives none in the form that it was asked for.

    Args:
        answer: the model's text, untrusted.
    """
    lines = [line for line in answer.split("\n") if line.strip()]
    for line in reversed(lines[-_LAST_LINES:]):
        if len(line) <= _MAX_LINE and (found := _VERDICT.fullmatch(line)):
            return ReviewVerdict(found[1].lower().replace("approved", "approve"))
    return None
