"""The process that simulates: ``python -m engine.simulators.labwired_child``.

Arguments: the program (ELF), the chip, and if need be its eFuses as
:class:`engine.simulators.labwired_machine.Machine` takes them, as JSON. Firmware time passes only
as it is granted: each frame on standard input is typed to the firmware's console and runs one
slice, whose console output goes to standard output as a frame
(:mod:`engine.simulators.labwired_frames`). The process ends with its standard input, when
nothing will come any more, and with its parent, also in the midst of a slice.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from engine.processes.parent_death import end_with_parent
from engine.simulators.labwired_frames import LENGTH, last_frame, pack
from engine.simulators.labwired_machine import Machine


def main(elf: str, chip: str, efuses: str = "null") -> int:
    """Run slices as they are granted."""
    end_with_parent()
    output = os.dup(1)
    try:
        words = json.loads(efuses)
        machine = Machine(Path(elf), chip, words and {int(at): words[at] for at in words})
    except (OSError, ValueError, RuntimeError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - standard error is this process's way to tell
        return 1
    while head := sys.stdin.buffer.read(LENGTH.size):
        (length,) = LENGTH.unpack(head)
        machine.type(sys.stdin.buffer.read(length))
        _write(output, pack(machine.run()))
        if machine.stopped is not None or machine.halted:
            _write(output, last_frame(machine.stopped.dump() if machine.stopped else ""))
            return 0
    return 0


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
