"""The process that simulates: ``python -m engine.simulators.labwired_child``.

Arguments: the program (ELF), the chip, seconds of firmware time, seconds of wall time, and a file
for the reason. What the firmware's console prints goes to standard output as it comes; why the
chip stopped of itself, if it did, is written to the file.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from engine.simulators.labwired_machine import Machine


def main(elf: str, chip: str, seconds: str, wall_seconds: str, reason: str) -> int:
    """Run a program until its time is up or its chip stops."""
    output = os.dup(1)
    try:
        machine = Machine(Path(elf), chip)
    except (OSError, ValueError, RuntimeError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - standard error is this process's way to tell
        return 1
    deadline = time.monotonic() + float(wall_seconds)
    stopped = None
    while machine.seconds < float(seconds) and stopped is None and not machine.halted:
        _write(output, machine.run())
        stopped = machine.stopped
        if stopped is None and time.monotonic() > deadline:
            stopped = (
                f"simulated {machine.seconds:.2f} s of firmware time in {float(wall_seconds):g} s,"
                " then gave up"
            )
    Path(reason).write_text(stopped or "", "utf-8")
    return 0


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
