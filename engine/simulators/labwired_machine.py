"""A chip in memory: LabWired's machine with the three things that firmware expects of a real one.

LabWired (0.25) ends a run with an error where a chip would trap, and copies what the UART sends to
the standard output of its process. Here a failed access becomes the exception that the CPU would
take, the UART's output becomes bytes, and its input may be typed. Only for processes of their own:
LabWired computes with the interpreter lock held, and the standard output of the process is taken
over.
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

from engine.simulators.labwired_frames import SLICE_SECONDS
from engine.simulators.labwired_uart import Receiver

CPU_HZ = 160_000_000
"""Cycles a second of the simulated chips (``cpu_hz`` in LabWired's chip descriptions)."""

SLICE = round(CPU_HZ * SLICE_SECONDS)
"""Steps that are run at once: 2 ms of firmware time, some 45 ms of wall time. The fastest UART
sends 16,000 bytes in them, less than the pipe between it and us holds."""

SYSTEMS = {"esp32c3": "esp32c3-devkit", "esp32c6": "esp32c6-devkitc"}
"""Chips that can be run, and the board that LabWired puts around each."""

_VIOLATION = re.compile(r"Memory access violation at 0x([0-9a-fA-F]+)")
_PATIENCE = CPU_HZ // 10  # steps in which a program looks at its UART if it ever does
_WFI = 0x10500073
_UART0_STATUS = 0x6000001C  # TXFIFO_CNT [25:16]: TRM of either chip, chapter "UART Controller"
_RESET_CAUSE = {"esp32c3": 0x60008038}  # RTC_CNTL_RESET_STATE_REG: ESP32-C3 TRM, 9.6
_EFUSES = {"esp32c3": {0x60008850: 4 << 18}}  # WAFER_VERSION_MINOR_LO: revision v0.4
_POWER_ON = 0x01  # the cause that the chip notes after power-up and after a pulse on CHIP_EN
_MIE, _MPIE, _MPP = 1 << 3, 1 << 7, 0b11 << 11
_FETCH_FAULT, _LOAD_FAULT, _STORE_FAULT = 1, 5, 7


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
        self._receiver = Receiver(self._machine, _PATIENCE)
        self._console, console = os.pipe()
        os.set_blocking(self._console, False)
        sys.stdout.flush()
        os.dup2(console, 1)
        os.close(console)
        self._last_pc = -1
        self.steps = 0
        self.stopped: str | None = None
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

        ``stopped`` says afterwards why the chip cannot go on (an access that its program cannot
        handle), if it cannot. ``halted`` says whether its program waits for nothing, as after a
        panic: then neither output nor anything else will come.

        Returns:
            What the console UART sent meanwhile.
        """
        if self.stopped is not None or self.halted:
            return b""
        try:
            done = self._receiver.step(SLICE) if self._receiver.waiting else 0
            if done < SLICE:
                self._machine.step(SLICE - done)
        except RuntimeError as error:
            self._fault(error)
        self.steps += SLICE
        try:
            return os.read(self._console, 1 << 20)
        except BlockingIOError:
            if self.stopped is None:
                self.halted = self._waits_for_nothing()
            return b""

    def _fault(self, error: RuntimeError) -> None:
        """Let the CPU take the exception of a failed access, as the chip does.

        RISC-V Privileged Architecture, "Machine-Level CSRs": mepc is the instruction, mtval the
        address, and execution goes on at the base in mtvec with interrupts off.
        """
        found = _VIOLATION.search(str(error))
        state = json.loads(self._machine.snapshot())
        cpu = state["cpu"]
        if found is None or cpu["type"] != "risc_v" or cpu["mtvec"] & ~3 == 0:
            self.stopped = f"{error} (pc 0x{self._machine.get_pc():08x})"
            return
        address, pc, status = int(found[1], 16), cpu["pc"], cpu["mstatus"]
        if pc == cpu["mtvec"] & ~3 and cpu["mepc"] == pc:
            self.stopped = f"{error} in the trap vector itself"
            return
        cpu["mepc"], cpu["mtval"], cpu["mcause"] = pc, address, self._cause(pc, address)
        cpu["mstatus"] = (status & ~(_MIE | _MPIE)) | (_MPIE if status & _MIE else 0) | _MPP
        cpu["pc"] = cpu["mtvec"] & ~3
        # Peripherals and memory are as they are; only the CPU's registers change.
        self._machine.restore(json.dumps(state))

    def _cause(self, pc: int, address: int) -> int:
        if address - pc in (0, 1, 2, 3):
            return _FETCH_FAULT
        code = self._word(pc)
        compressed = code & 3 != 3
        # C.LW and C.LWSP against C.SW and C.SWSP: bit 15 of the instruction; else the opcode.
        store = bool(code & 0x8000) if compressed else code & 0x7F in (0x23, 0x2F)
        return _STORE_FAULT if store else _LOAD_FAULT

    def _waits_for_nothing(self) -> bool:
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
