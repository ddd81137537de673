"""The receiving half of a simulated chip's console UART.

LabWired (0.25) lets only its ``Session`` type to a UART, and a session hides the CPU's registers,
without which no failed access can become an exception (:mod:`engine.simulators.labwired_machine`).
So while something is typed, instructions run one at a time, and each load from the UART's FIFO or
status is answered here. That takes some four times as long as letting LabWired run, and a program
that waits for the UART's interrupt instead of looking at its status gets nothing.

Registers: ESP32-C3 and ESP32-C6 Technical Reference Manual, chapter "UART Controller".
Instructions: RISC-V Unprivileged ISA, "Load and Store Instructions" of RV32I and of "C".
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import labwired

from engine.simulators.labwired_frames import MAX_INPUT_BYTES

_PC = 32  # register number of the program counter in LabWired's register file
_FIFO = 0x60000000
_STATUS = 0x6000001C  # RXFIFO_CNT [9:0] (ESP32-C3), [7:0] (ESP32-C6)
_FIFO_COUNT_MASK = 0x3FF
_FIFO_BYTES = 128
_LOAD = 0x03  # opcode of LB, LH, LW, LBU and LHU
_BITS = {0: 8, 1: 16, 2: 32, 4: 8, 5: 16}  # by funct3 of those five
_SIGNED = (0, 1)


@dataclass(frozen=True, slots=True)
class Load:
    """A load instruction: registers by number, ``size`` of the instruction in bytes."""

    target: int
    base: int
    offset: int
    kind: int
    size: int


class Receiver:
    """What is typed to the program, and the program's view of it."""

    def __init__(self, machine: labwired.Machine, patience: int) -> None:
        """Feed a machine.

        Args:
            machine: runs the program.
            patience: steps without a look at the UART after which what waits is lost.
        """
        self._machine = machine
        self._patience = patience
        self._waiting: deque[int] = deque()
        self._loads: dict[int, Load | None] = {}
        self._unread = 0

    @property
    def waiting(self) -> bool:
        """Whether there is anything that the program has not read."""
        return bool(self._waiting)

    def type(self, data: bytes) -> None:
        """Add bytes to what waits."""
        if not self._waiting:
            self._unread = 0
            self._loads.clear()  # other code may have been loaded since
        self._waiting.extend(data[: MAX_INPUT_BYTES - len(self._waiting)])

    def step(self, most: int) -> int:
        """Run instructions until nothing waits any more.

        Args:
            most: how many at the most.

        Returns:
            How many were run.

        Raises:
            RuntimeError: LabWired could not run one.
        """
        machine, loads = self._machine, self._loads
        for done in range(most):
            pc = machine.get_pc()
            if pc not in loads:
                loads[pc] = self._decode(pc)
            load = loads[pc]
            if load is None or not self._answer(load, pc):
                machine.step(1)
            elif not self._waiting:
                return done + 1
        self._unread += most
        if self._unread > self._patience:
            self._waiting.clear()
        return most

    def _decode(self, pc: int) -> Load | None:
        try:
            return decode(bytes(self._machine.read_memory(pc, 4)))
        except RuntimeError:  # no memory: to run it is what says so
            return None

    def _answer(self, load: Load, pc: int) -> bool:
        """Do a load if it is one from the receiver; False when it is not."""
        address = (self._machine.read_register(load.base) + load.offset) & 0xFFFFFFFF
        register = address & ~3
        if register == _FIFO:
            value = self._waiting.popleft() if self._waiting else 0
        elif register == _STATUS:
            value = int.from_bytes(bytes(self._machine.read_memory(_STATUS, 4)), "little")
            value = value & ~_FIFO_COUNT_MASK | min(len(self._waiting), _FIFO_BYTES)
        else:
            return False
        self._unread = 0
        bits = _BITS[load.kind]
        value = value >> 8 * (address & 3) & (1 << bits) - 1
        if load.kind in _SIGNED and value >> bits - 1:
            value |= 0xFFFFFFFF << bits & 0xFFFFFFFF
        self._machine.write_register(load.target, value)
        self._machine.write_register(_PC, pc + load.size)
        return True


def decode(code: bytes) -> Load | None:
    """Read the instruction at the beginning of four bytes; None when it is no load.

    C.LWSP is none here: the stack is no device.
    """
    word = int.from_bytes(code, "little")
    if word & 3 == 3:
        kind = word >> 12 & 7
        if word & 0x7F != _LOAD or kind not in _BITS:
            return None
        offset = word >> 20
        signed = offset - 0x1000 if offset & 0x800 else offset
        return Load(word >> 7 & 31, word >> 15 & 31, signed, kind, 4)
    if word & 0xE003 != 0x4000:  # C.LW
        return None
    offset = (word >> 10 & 7) << 3 | (word >> 6 & 1) << 2 | (word >> 5 & 1) << 6
    return Load(8 + (word >> 2 & 7), 8 + (word >> 7 & 7), offset, 2, 2)
