"""Why a simulated chip stopped: what its firmware did wrong, or what LabWired does not have.

LabWired (0.25) has no ROM, its memory there is all zeros, and not every peripheral. On a chip
neither is a fault of the firmware, so it is told apart. Address ranges: ESP32-C3 and ESP32-C6
Technical Reference Manual, "System and Memory"; ``SOC_IROM_MASK_*`` and ``SOC_ROM_STACK_START`` of
ESP-IDF's ``soc.h``.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from engine.simulators.base import Stop

_ROM = {"esp32c3": range(0x40000000, 0x40060000), "esp32c6": range(0x40000000, 0x40050000)}
_PERIPHERALS = {
    "esp32c3": (range(0x60000000, 0x60100000),),
    "esp32c6": (range(0x60000000, 0x60100000), range(0x20000000, 0x20010000)),
}
_LOWEST_MEMORY_ADDRESS = 0x3C000000  # C3: flash as data; C6 has none below 0x40000000
ROM_STACK = {"esp32c3": 0x3FCDE710, "esp32c6": 0x4087E610}
"""The stack pointer that the ROM leaves to the program that it starts."""

UNMAPPED_WRITE = "memory was written where no chip has any"
"""What :attr:`Halt.error` says of a write that LabWired let pass."""

_STACK_RANGE_BYTES = 1024  # bytes from the stack pointer within which an access is one to the stack

_CAUSES = {
    0: "instruction address misaligned",
    1: "instruction access fault",
    2: "illegal instruction",
    3: "breakpoint (ebreak)",
    4: "load address misaligned",
    5: "load access fault",
    6: "store address misaligned",
    7: "store access fault",
    8: "environment call (ecall)",
    11: "environment call (ecall)",
}
"""RISC-V Privileged Architecture, "Machine Cause Register": exceptions."""

_LACKS = "LabWired has no"
_NOT_THE_FIRMWARE = "this is LabWired's limit, no fault of the firmware: run it on a board"
_WITHOUT_ROM = f"{_NOT_THE_FIRMWARE}, or do not call the ROM's functions in the simulator"
_STACK = (
    "the stack overflowed (endless recursion, or arrays larger than it), or the stack pointer was "
    "overwritten"
)
_NULL = (
    "a pointer that is null or was never set was written through, some milliseconds before at "
    "most; a chip stops there with a store access fault"
)
_HANDLER = (
    "a trap handler (mtvec) that prints the registers, as the sample crash has it, tells more"
)


@dataclass(frozen=True, slots=True)
class Halt:
    """The state of a chip that cannot go on.

    Args:
        error: what LabWired says.
        address: that it could not access or decode, None where it does not say.
        decoding: whether it was an instruction.
        pc, ra, sp: registers.
        mepc, mcause: of the last exception.
        traps: whether the program has set a trap vector.
    """

    error: str
    address: int | None
    decoding: bool
    pc: int
    ra: int
    sp: int
    mepc: int
    mcause: int
    traps: bool

    def dump(self) -> str:
        """As text that :meth:`load` reads."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> Halt:
        """Read what :meth:`dump` wrote.

        Raises:
            ValueError, TypeError: it did not.
        """
        return cls(**json.loads(text))


def stop_from_reason(reason: str) -> Stop:
    """A stop of which only the reason was handed on, as a virtual board prints it."""
    limit = reason.startswith(_LACKS)
    return Stop(reason, hint=_NOT_THE_FIRMWARE if limit else "", limit=limit)


def is_rom(address: int, chip: str) -> bool:
    """Whether the chip has its ROM at an address."""
    return address in _ROM[chip]


def is_peripheral(address: int, chip: str) -> bool:
    """Whether the chip may have a peripheral at an address."""
    return any(address in each for each in _PERIPHERALS[chip])


def is_unmapped(address: int) -> bool:
    """Whether no chip has memory at an address, though LabWired may have."""
    return address < _LOWEST_MEMORY_ADDRESS


def explain(halt: Halt, chip: str) -> Stop:
    """Why the chip stopped; addresses are told, whose functions the program's symbols name."""
    addresses = (halt.pc, halt.ra)
    if halt.decoding and is_rom(halt.pc, chip):
        return Stop(
            f"{_LACKS} ROM: call of 0x{halt.pc:08x} in the chip's ROM{_from(halt)}",
            hint=_WITHOUT_ROM,
            addresses=addresses,
            limit=True,
        )
    if halt.error == UNMAPPED_WRITE:
        return Stop(
            f"0x{halt.address or 0:08x} was written, which is outside all memory", hint=_NULL
        )
    if halt.address is not None and not halt.decoding and is_peripheral(halt.address, chip):
        return Stop(
            f"{_LACKS} peripheral at 0x{halt.address:08x}, which is accessed at 0x{halt.pc:08x}",
            hint=_NOT_THE_FIRMWARE,
            addresses=addresses,
            limit=True,
        )
    handled = "in the trap handler itself" if halt.traps else "and the program has no trap handler"
    if halt.decoding and not halt.traps and halt.pc == 0 and halt.mcause in _CAUSES and halt.mcause:
        return Stop(
            f"{_CAUSES[halt.mcause]} at 0x{halt.mepc:08x}, {handled}",
            hint=_HANDLER,
            addresses=(halt.mepc, halt.ra),
        )
    fetching = halt.decoding or halt.address in range(halt.pc, halt.pc + 4)
    if fetching and (is_unmapped(halt.pc) or not halt.decoding):
        return Stop(
            f"jump to 0x{halt.pc:08x}, which is not code{_from(halt)}",
            hint="a function pointer that is not set, or a return address that was overwritten",
            addresses=addresses,
        )
    if halt.decoding:
        what = f"illegal instruction at 0x{halt.pc:08x}"
    elif halt.address is not None:
        what = f"access to 0x{halt.address:08x}, which is outside all memory, at 0x{halt.pc:08x}"
    else:
        return Stop(f"{halt.error} at 0x{halt.pc:08x}", addresses=addresses)
    if halt.address is not None and abs(halt.address - halt.sp) < _STACK_RANGE_BYTES:
        what += f" (the stack pointer is 0x{halt.sp:08x})"
        return Stop(f"{what}, {handled}", hint=_STACK, addresses=addresses)
    return Stop(f"{what}, {handled}", hint=_HANDLER, addresses=addresses)


def _from(halt: Halt) -> str:
    return f", from 0x{halt.ra:08x}" if halt.ra else ""
