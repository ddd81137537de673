"""What two builds printed differently: bounded differences of their logs, without their times."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from engine.text import count

MAX_READ_LINES = 1500
"""Lines of a log that are compared: its last."""

MAX_LINES = 200
"""Lines of one difference at the most."""

_MAX_CHARACTERS = 500
_CONTEXT_LINES = 1

# What differs each time: times of esp_log, durations, temporary and build folders, addresses.
# Each part begins at most once in a word: noise without spaces takes no quadratic time.
_VARIES = re.compile(
    r"(?<=^[EWIDV] \()\d+(?=\))|\b\d+(?:\.\d+)? ?(?:ms|us|s)\b|\[\d+/\d+\]|0x[0-9a-fA-F]+"
    r"|(?<!\S)\S*/worktrees/[^/\s]+/\d+|\b\d\d:\d\d:\d\d\S*|\b127\.0\.0\.1:\d+"
    r"|(?<![\d.])[\d.]+ kbit/s"
)


@dataclass(frozen=True, slots=True)
class LogChange:
    """What differs in the log of a stage. Lines are untrusted text.

    Args:
        stage: its key.
        stream: ``log`` or ``serial``.
        lines: each begins with ``-`` (only before), ``+`` (only now), a space (both), or ``@`` and
            says how many equal lines were left out.
        left_out: lines of the difference beyond :data:`MAX_LINES`.
    """

    stage: str
    stream: str
    lines: tuple[str, ...]
    left_out: int


def log_change(
    stage: str, stream: str, before: Sequence[str], after: Sequence[str]
) -> LogChange | None:
    """What differs in a log; None where nothing does."""
    before, after = _bounded(before), _bounded(after)
    keys = [[_VARIES.sub("#", line) for line in lines] for lines in (before, after)]
    if keys[0] == keys[1]:
        return None
    lines = list(_difference(keys, before, after))
    return LogChange(stage, stream, tuple(lines[:MAX_LINES]), max(0, len(lines) - MAX_LINES))


def _difference(
    keys: Sequence[Sequence[str]], before: Sequence[str], after: Sequence[str]
) -> Iterable[str]:
    matcher = SequenceMatcher(None, keys[0], keys[1])
    shown = 0
    for group in matcher.get_grouped_opcodes(_CONTEXT_LINES):
        if group[0][3] > shown:
            yield f"@ {count(group[0][3] - shown, 'equal line')}"
        for kind, old, old_end, new, new_end in group:
            if kind == "equal":
                yield from (f" {line}" for line in after[new:new_end])
                continue
            yield from (f"-{line}" for line in before[old:old_end])
            yield from (f"+{line}" for line in after[new:new_end])
        shown = group[-1][4]


def _bounded(lines: Sequence[str]) -> list[str]:
    return [line[:_MAX_CHARACTERS] for line in lines[-MAX_READ_LINES:]]
