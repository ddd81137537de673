"""The colour of a line of a log or of a console, by the words that tools and firmware use.

A colour is one of ``error``, ``warning``, ``good``, ``note``, ``place`` and ``text``.
"""

from __future__ import annotations

import re

NOTE_PREFIX = "--- "
"""How a line begins that espdeck writes between those of a board, as ``idf.py monitor`` does."""

_CHARACTERS = 400
"""Characters of a line that decide its colour."""

# Unity ("…:FAIL: Expected 1"; "FAIL" at the end of all tests), Unity's fixture, pytest.
_FAILED = re.compile(
    r"\bFAIL(?:ED)?\b|\b[1-9]\d* (?:Failures|failed)\b|^ERROR\b|^E   "
    r"|Guru Meditation|panic'ed|\babort\(\)|\bassert failed\b|Brownout|^fatal error\b"
)
_GOOD = re.compile(
    r":PASS\b|\bPASS(?:ED)?\s*$|\bPASSED\b|^OK$|\bHash of data verified"
    r"|\b0 Failures\b|\b\d+ passed\b"
)
_SKIPPED = re.compile(r":IGNORE\b|\bSKIPPED\b")
# esp_log.h begins a line with its level; version 2 of the log may leave the time out.
_LEVEL = re.compile(r"([EWIDV]) (?:\([^)]{1,32}\) |[\w./-]{1,64}: )")
_LEVELS = {"E": "error", "W": "warning"}
_ERROR = re.compile(r"\b(?:fatal )?error\b", re.IGNORECASE)
_WARNING = re.compile(r"\bwarning\b", re.IGNORECASE)

_STAMP = re.compile(r"(?:\d{4}-\d\d-\d\d[ T])?\d\d:\d\d:\d\d\.\d{3}Z? ")
_PLACE = re.compile(rf"{NOTE_PREFIX}0x[0-9a-f]{{8}}: ")
_GONE = ": the board vanished"
_COLOUR = re.compile(r"\x1b\[([0-9]{2})m")
_COLOURS = {"1": "error", "2": "good", "3": "warning"}
"""By the digit of a foreground colour of ECMA-48; blue, magenta and cyan catch the eye alike."""


def log_class(line: str) -> str:
    """The colour for a line of a log."""
    line = line[:_CHARACTERS]
    if _FAILED.search(line):
        return "error"
    if _GOOD.search(line):
        return "good"
    if _SKIPPED.search(line):
        return "warning"
    if level := _LEVEL.match(line):
        return _LEVELS.get(level[1], "text")
    if _ERROR.search(line):
        return "error"
    if _WARNING.search(line):
        return "warning"
    return "note" if line.startswith("$ ") else "text"


def console_class(line: str) -> str:
    """The colour for a line of a console, as a pane holds it.

    Args:
        line: with the colour before it that firmware chose, and the time where that is shown.
    """
    chosen = _COLOUR.match(line)
    line = line[chosen.end() if chosen else 0 :][:_CHARACTERS]
    if stamp := _STAMP.match(line):
        line = line[stamp.end() :]
    if line.startswith(NOTE_PREFIX):
        if _PLACE.match(line):
            return "place"
        if line.startswith(f"{NOTE_PREFIX}error: "):
            return "error"
        return "warning" if _GONE in line else "note"
    found = log_class(line)
    if found == "text" and chosen and chosen[1] not in ("30", "37", "90", "97"):
        return _COLOURS.get(chosen[1][1], "note")
    return found
