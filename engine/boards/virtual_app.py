"""The process that runs a virtual board's program: ``python -m engine.boards.virtual_app``.

Arguments: the program (ELF), which is removed once it is loaded, and the chip. Firmware time passes
only as the board grants it: each byte on standard input runs one slice, whose console output goes
to standard output as a frame (length, 32 bits little endian, then the bytes). A frame of length
:data:`ENDED` says that nothing will come any more. The process ends with its standard input, and so
with the board.
"""

from __future__ import annotations

import os
import struct
import sys
from pathlib import Path

LENGTH = struct.Struct("<I")
ENDED = 0xFFFFFFFF


def main(elf: str, chip: str) -> int:
    """Run slices as they are granted, until standard input ends."""
    from engine.simulators.labwired_machine import Machine

    output = os.dup(1)
    try:
        machine = Machine(Path(elf), chip)
    finally:
        Path(elf).unlink()
    while os.read(0, 1):
        data = machine.run()
        over = machine.stopped is not None or machine.halted
        frame = LENGTH.pack(len(data)) + data + (LENGTH.pack(ENDED) if over else b"")
        while frame:
            frame = frame[os.write(output, frame) :]
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
