"""A chip in memory: LabWired's machine with what firmware expects of a real one.

LabWired (0.25) ends a run with an error where a chip would trap, passes over breakpoints, begins
without a stack, and copies what the UART sends to the standard output of its process. Here what
fails becomes the exception that the CPU would take, the UART's output becomes bytes, and its input
may be typed. Only for processes of their own: LabWired computes with the interpreter lock held, and
the standard output of the process is taken over.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import labwired

from engine.simulators import labwired_breakpoints
from engine.simulators.labwired_frames import SLICE_SECONDS
from engine.simulators.labwired_stops import (
    ROM_STACK,
    UNMAPPED_WRITE,
    Halt,
    is_peripheral,
    is_rom,
    is_unmapped,
)
from engine.simulators.labwired_uart import Receiver

CPU_HZ = 160_000_000
"""Cycles a second of the simulated chips (``cpu_hz`` in LabWired's chip descriptions)."""

SLICE_STEPS = round(CPU_HZ * SLICE_SECONDS)
"""Steps that are run at once: 2 ms of firmware time, some 45 ms of wall time. The fastest UART
sends 16,000 bytes in them, less than the pipe between it and us holds."""

SYSTEMS = {"esp32c3": "esp32c3-devkit", "esp32c6": "esp32c6-devkitc"}
"""Chips that can be run, and the board that LabWired puts around each."""

_FAILED = re.compile(
    r"(?:Memory access violation|(?P<decoding>Instruction decoding error)) "
    r"at 0x(?P<address>[0-9a-fA-F]{1,16})"
)
_UART_POLL_STEPS = CPU_HZ // 10  # steps in which a program looks at its UART if it ever does
_WFI = 0x10500073
_UART0_STATUS = 0x6000001C  # TXFIFO_CNT [25:16]: TRM of either chip, chapter "UART Controller"
_RESET_CAUSE = {"esp32c3": 0x60008038}  # RTC_CNTL_RESET_STATE_REG: ESP32-C3 TRM, 9.6
_EFUSES = {"esp32c3": {0x60008850: 4 << 18}}  # WAFER_VERSION_MINOR_LO: revision v0.4
_POWER_ON = 0x01  # the cause that the chip notes after power-up and after a pulse on CHIP_EN
_MIE, _MPIE, _MPP = 1 << 3, 1 << 7, 0b11 << 11
_FETCH_FAULT, _ILLEGAL, _BREAKPOINT, _LOAD_FAULT, _STORE_FAULT = 1, 2, 3, 5, 7
_RA, _SP, _PC = 1, 2, 32  # numbers in LabWired's register file
_LOOP = (0x6F, 0, 0, 0)  # j .
_RAM_START = {"esp32c3": 0x3FC80000, "esp32c6": 0x40800000}  # begin of RAM
_NULL_PAGE_BYTES = (
    256  # bytes from address 0, where LabWired shows the flash and a chip has nothing
)
_MAX_NESTED_EXCEPTIONS = (
    3  # exceptions of one instruction without a return: its handler runs into it, too
)
_MAX_DRAIN_STEPS = CPU_HZ // 50  # steps in which a full FIFO is sent at 115,200 baud


class Machine:
    """One chip, reset, with a program in its memory."""

    def __init__(self, elf: Path, chip: str, efuses: Mapping[int, int] | None = None) -> None:
        """Load a program.

        Args:
            elf: the program.
            chip: one of :data:`SYSTEMS`.
            efuses: words that its eFuses hold, by address; None for those of a current revision.
                LabWired's ESP32-C6 has none, and leaves them out.

        Raises:
            OSError, ValueError, RuntimeError: LabWired cannot load it.
        """
        systems = Path(labwired.__file__).parent / "configs" / "systems"
        self._machine = labwired.Machine(str(elf), str(systems / f"{SYSTEMS[chip]}.yaml"))
        if chip in _RESET_CAUSE:
            self._machine.write_memory(_RESET_CAUSE[chip], [_POWER_ON])
        for address, word in (_EFUSES.get(chip, {}) if efuses is None else efuses).items():
            with contextlib.suppress(RuntimeError):  # no such memory
                self._machine.write_memory(address, list(word.to_bytes(4, "little")))
        # LabWired begins with 0; on a chip a program that sets none has the ROM's.
        self._machine.write_register(_SP, ROM_STACK[chip])
        self._chip = chip
        # What cannot be decoded stops LabWired, where it would pass over a breakpoint.
        self._breaks = labwired_breakpoints.find(elf)
        for address, size in self._breaks.items():
            with contextlib.suppress(RuntimeError):
                self._machine.write_memory(address, [0] * size)
        self._receiver = Receiver(self._machine, _UART_POLL_STEPS)
        self._console, console = os.pipe()
        os.set_blocking(self._console, False)
        sys.stdout.flush()
        os.dup2(console, 1)
        os.close(console)
        self._last_pc = -1
        self._nested = 0
        self._null_page = self._read_null_page()
        self.steps = 0
        self.stopped: Halt | None = None
        self.halted = False

    @property
    def seconds(self) -> float:
        """Firmware time since reset."""
        return self.steps / CPU_HZ

    def type(self, data: bytes) -> None:
        """Send bytes to the console UART; they wait for the program to read them."""
        self._receiver.type(data)

    def run(self) -> bytes:
        """Run one slice, or nothing once the chip has stopped or halted.

        ``stopped`` says afterwards why the chip cannot go on (what its program cannot handle, or
        LabWired does not have), if it cannot. ``halted`` says whether its program waits for
        nothing, as after a panic: then neither output nor anything else will come.

        Returns:
            What the console UART sent meanwhile.
        """
        if self.stopped is not None or self.halted:
            return b""
        try:
            done = self._receiver.step(SLICE_STEPS) if self._receiver.waiting else 0
            if done < SLICE_STEPS:
                self._machine.step(SLICE_STEPS - done)
        except RuntimeError as error:
            self._fault(error)
        self.steps += SLICE_STEPS
        self._check_null_page()
        try:
            return os.read(self._console, 1 << 20)
        except BlockingIOError:
            if self.stopped is None:
                self.halted = self._sleeps_forever()
            return b""

    def _fault(self, error: RuntimeError) -> None:
        """Let the CPU take the exception of what failed, as the chip does.

        RISC-V Privileged Architecture, "Machine-Level CSRs": mepc is the instruction, mtval the
        address or the instruction, and execution goes on at the base in mtvec, interrupts off.
        """
        state = json.loads(self._machine.snapshot())
        cpu = state["cpu"]
        found = _FAILED.search(str(error))
        address = int(found["address"], 16) if found else None
        decoding = bool(found and found["decoding"])
        pc, status, vector = cpu["pc"], cpu["mstatus"], cpu["mtvec"] & ~3
        # What the chip has and LabWired does not is no exception of the program's.
        missing = is_rom(pc, self._chip) if decoding else is_peripheral(address or 0, self._chip)
        # A return from a handler sets MPIE; the first exception of a program finds another mepc.
        nests = cpu["mepc"] == pc and not status & (_MIE | _MPIE)
        self._nested = self._nested + 1 if nests else 0
        again = (pc == vector and cpu["mepc"] == pc) or self._nested >= _MAX_NESTED_EXCEPTIONS
        if address is None or missing or vector == 0 or again:
            # Without a vector the CPU goes on at 0, where LabWired stops for an ecall, too.
            taken = decoding and pc in self._breaks and vector == 0
            self.stopped = Halt(
                error=str(error),
                address=address,
                decoding=decoding,
                pc=0 if taken else pc,
                ra=self._machine.read_register(_RA),
                sp=self._machine.read_register(_SP),
                mepc=pc if taken else cpu["mepc"],
                mcause=_BREAKPOINT if taken else cpu["mcause"],
                traps=vector != 0,
            )
            self._drain()
            return
        if not decoding:
            cpu["mcause"], cpu["mtval"] = self._cause(pc, address), address
        elif pc in self._breaks:
            cpu["mcause"], cpu["mtval"] = _BREAKPOINT, pc
        elif is_unmapped(pc):
            cpu["mcause"], cpu["mtval"] = _FETCH_FAULT, pc
        else:
            code = self._word(pc)
            cpu["mcause"], cpu["mtval"] = _ILLEGAL, code if code & 3 == 3 else code & 0xFFFF
        cpu["mepc"], cpu["pc"] = pc, vector
        cpu["mstatus"] = (status & ~(_MIE | _MPIE)) | (_MPIE if status & _MIE else 0) | _MPP
        # Peripherals and memory are as they are; only the CPU's registers change.
        self._machine.restore(json.dumps(state))

    def _check_null_page(self) -> None:
        """Stop where the program has written through a null pointer, which LabWired lets it."""
        low = self._read_null_page()
        if self.stopped is not None or low == self._null_page:
            return
        cpu = json.loads(self._machine.snapshot())["cpu"]
        self.stopped = Halt(
            error=UNMAPPED_WRITE,
            address=next(at for at in range(_NULL_PAGE_BYTES) if low[at] != self._null_page[at])
            & ~3,
            decoding=False,
            pc=cpu["pc"],
            ra=self._machine.read_register(_RA),
            sp=self._machine.read_register(_SP),
            mepc=cpu["mepc"],
            mcause=cpu["mcause"],
            traps=cpu["mtvec"] & ~3 != 0,
        )
        self._drain()

    def _read_null_page(self) -> bytes:
        try:
            return bytes(self._machine.read_memory(0, _NULL_PAGE_BYTES))
        except RuntimeError:
            return bytes(_NULL_PAGE_BYTES)  # no such memory

    def _drain(self) -> None:
        """Let the UART send what its FIFO holds, as it does beside a CPU that has stopped."""
        with contextlib.suppress(RuntimeError):
            self._machine.write_memory(_RAM_START[self._chip], list(_LOOP))
            self._machine.write_register(_PC, _RAM_START[self._chip])
            for _ in range(0, _MAX_DRAIN_STEPS, SLICE_STEPS):
                if not (self._word(_UART0_STATUS) >> 16) & 0x3FF:
                    break
                self._machine.step(SLICE_STEPS)
            self._machine.step(SLICE_STEPS)  # the last byte, which is on its way

    def _cause(self, pc: int, address: int) -> int:
        if address - pc in (0, 1, 2, 3):
            return _FETCH_FAULT
        code = self._word(pc)
        compressed = code & 3 != 3
        # C.LW and C.LWSP against C.SW and C.SWSP: bit 15 of the instruction; else the opcode.
        store = bool(code & 0x8000) if compressed else code & 0x7F in (0x23, 0x2F)
        return _STORE_FAULT if store else _LOAD_FAULT

    def _sleeps_forever(self) -> bool:
        """Whether the CPU waits for an interrupt that it will not take, with all output sent.

        Such a loop is made of ``wfi`` and jumps alone, and interrupts are off.
        """
        pc, before = self._machine.get_pc(), self._last_pc
        self._last_pc = pc
        if abs(pc - before) > 4 or (self._word(_UART0_STATUS) >> 16) & 0x3FF:
            return False
        cpu = json.loads(self._machine.snapshot())["cpu"]
        if cpu["type"] != "risc_v" or cpu["mstatus"] & _MIE:
            return False
        waits = False
        for _ in range(4):
            code = self._word(self._machine.get_pc())
            if code != _WFI and not _is_jump(code):
                return False
            waits = waits or code == _WFI
            self._machine.step(1)
        return waits

    def _word(self, address: int) -> int:
        try:
            return int.from_bytes(bytes(self._machine.read_memory(address, 4)), "little")
        except RuntimeError:
            return 0


def _is_jump(code: int) -> bool:
    """Whether an instruction is ``j``, in its long or its compressed form."""
    return code & 0xFFF == 0x6F or code & 0xE003 == 0xA001
