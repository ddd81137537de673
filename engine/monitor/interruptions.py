"""What one line of a console says of why the firmware stops: a panic, a reset, what may matter.

Formats: :mod:`engine.monitor.panic_text`, :mod:`engine.monitor.reset_reasons` and
:mod:`engine.monitor.boot_faults`.
"""

from __future__ import annotations

import re

import re2

from engine.monitor import panic, reset_reasons
from engine.monitor.boot_faults import SIGNS

ABORT = "abort()"
"""The reason of a panic that the firmware asked for."""

_MAX_LINE_CHARACTERS = 1000
_MAX_REASON_CHARACTERS = 160
_GURU = re.compile(r"Guru Meditation Error: Core\s+\d+ panic'ed \(([^)]{1,200})\)")
_GIVEN_UP = re.compile(r"abort\(\) was called at PC|assert failed: ")
_GURU_WORDS = "Guru Meditation Error"
_SUSPECT = re2.compile(
    "|".join(
        (
            *(f"(?:{sign.pattern.pattern.replace('^', '')})" for sign in SIGNS),
            r"rst:0x|rst cause|Rebooting|CPU halted|ESP-ROM:|\bets J",
            r"psram: |early entropy|Loaded app from|flash_encrypt: ",
            *map(re2.escape, panic.SIGNS),
            # What ends a panic too: panic.ends() decides.
            r"CORE DUMP START|gdb stub|print core dump|breakpoint at 0x|\bets [A-Z]",
        )
    ).encode()
)


def is_suspect(data: bytes) -> bool:
    """Whether lines may matter to who reads boot logs or panics, at a glance."""
    return _SUSPECT.search(data) is not None


def panic_reason(line: str) -> str | None:
    """Why the firmware gives up in this line; None where it does not."""
    if found := _GURU.search(line):
        return found[1]
    if "abort() was called at PC 0x" in line:
        return ABORT
    if _GURU_WORDS in line or panic.gives_up(line):
        return line.strip()[:_MAX_REASON_CHARACTERS]
    return None


def interruption(line: str) -> str | None:
    """Why firmware that printed this line does not go on with what it did; None when it does.

    Args:
        line: one line that a board or simulator printed, clean. Untrusted.
    """
    line = line[:_MAX_LINE_CHARACTERS]
    if not is_suspect(line.encode("utf-8", "replace")):
        return None  # as almost every line: the rest takes far longer
    reason = panic_reason(line)
    if reason is not None:
        given_up = _GIVEN_UP.search(line) is not None
        return "the firmware aborted" if given_up else f"the firmware panicked ({reason})"
    found = reset_reasons.read(line)
    return f"the chip was reset ({found.name})" if found is not None else None
