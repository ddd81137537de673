"""Why a simulated chip stopped, with the names of the firmware's functions."""

from __future__ import annotations

import re
from pathlib import Path

from engine.monitor import symbols
from engine.simulators.base import Stop

_ADDRESS = re.compile(r"0x([0-9a-f]{8})\b")


def named(stop: Stop, elf: Path) -> str:
    """The reason, each address of a function of the program or of the ROM followed by its name."""
    table = symbols.load_symbols(elf)
    if table is None:
        return stop.reason

    def name(match: re.Match[str]) -> str:
        address = int(match[1], 16)
        # What is returned to lies behind the call, which may be the function's last instruction.
        behind = address in stop.addresses[1:]
        found = table.function(address - behind) if address else None
        if not found:
            return match[0]
        return f"{match[0]} ({found})" if "(" in found else f"{match[0]} ({found}())"

    return _ADDRESS.sub(name, stop.reason)
