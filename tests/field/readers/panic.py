"""What a console said of a panic: its findings, and the frames of the first."""

from __future__ import annotations

import re
from pathlib import Path

from engine.monitor import panic
from tests.field.case import CASES, Case

PROGRAMS = CASES.with_name("programs")

_FRAME = re.compile(r"0x[0-9a-f]{8} (.+) \[([^\]]+)\]")


def read(case: Case) -> dict[str, object]:
    """Findings, decoded with ``program``; ``begins`` and ``ends`` say which lines do."""
    name = case.options.get("program")
    program = PROGRAMS / str(name) if name else None
    root = Path(str(case.options.get("root", "/w")))
    findings = panic.decode(case.text, program, root)
    lines = [line.strip("\r") for line in case.text.split("\n")]
    evidence = (findings[0].evidence or "").splitlines() if findings else []
    frames = [match for line in evidence if (match := _FRAME.fullmatch(line))]
    return {
        "findings": findings,
        "frames": [match[1] for match in frames],
        "known": [match[2] for match in frames],
        "begins": next((line for line in lines if panic.begins(line)), None),
        "ends": next((line for line in lines if panic.ends(line)), None),
    }
