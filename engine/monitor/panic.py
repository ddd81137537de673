"""Panics of ESP-IDF's firmware, called by their names and decoded to function, file and line.

:mod:`engine.monitor.panic_text` reads what was printed, :mod:`engine.monitor.panic_causes` knows
the causes, :mod:`engine.monitor.unwind` finds the callers of a RISC-V panic.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.enums import Severity
from engine.errors import EspdeckError
from engine.findings import Finding
from engine.monitor.panic_causes import (
    CAUSES,
    EXPRESSIONS,
    NOT_ABORTED,
    REASONS,
    RUNTIME,
    TASK_WATCHDOG,
    Reason,
    explain,
)
from engine.monitor.panic_text import (
    MAX_BLOCK_LINES,
    MAX_PANICS,
    Block,
    Core,
    Panic,
    begins,
    ends,
    gives_up,
    read,
)
from engine.monitor.symbols import Place, Symbols, load_symbols, relative
from engine.monitor.unwind import MAX_FRAMES, FrameSource, StackFrame, unwind

__all__ = [
    "MAX_BLOCK_LINES",
    "MAX_PANICS",
    "SIGNS",
    "Block",
    "CrashedProgram",
    "begins",
    "decode",
    "ends",
    "gives_up",
    "is_runtime",
]

SIGNS = tuple(dict.fromkeys(cause.sign for cause in CAUSES))
"""Words of which each line has one that a panic begins with."""

_UNREADABLE = "the program's ELF could not be read: addresses only"
_NO_PROGRAM = "which program ran is not known: addresses only"
_SHA_DIGITS = 16

# Of RISC-V and Xtensa: what failed there, and the address that was accessed.
_CAUSE_REGISTERS = ("MCAUSE", "MTVAL", "EXCCAUSE", "EXCVADDR")
_ADDRESSED = re.compile(
    r"access fault|page fault|address misaligned|Prohibited|LoadStore|Segmentation", re.I
)


@dataclass(frozen=True, slots=True)
class CrashedProgram:
    """A program that may have printed a panic.

    Args:
        elf: the file. Untrusted.
        root: of its sources; files inside it are named relative to it.
        name: for people, such as ``build 12``.
    """

    elf: Path
    root: Path
    name: str


@dataclass(frozen=True, slots=True)
class _Frame:
    """A place on the way to the panic and how it is known."""

    place: Place
    how: FrameSource


def is_runtime(function: str | None) -> bool:
    """Whether ESP-IDF itself, or a language's library, stands there when a program gives up."""
    return function is not None and RUNTIME.fullmatch(_base_name(function)) is not None


def decode(
    text: str,
    elf: Path | None,
    root: Path,
    find: Callable[[str], CrashedProgram | None] | None = None,
) -> tuple[Finding, ...]:
    """Say what each panic is and where it happened.

    Args:
        text: what firmware printed. Untrusted.
        elf: the program that ran. Untrusted: with one that cannot be read, only addresses are told.
            None when nobody knows which it was.
        root: root of the source tree; files inside it are given relative to it.
        find: gives the program whose ELF's SHA-256 begins with some digits, if there is one. Asked
            where a panic prints other digits than those of ``elf``.
    """
    found: dict[tuple[str, str], Finding] = {}
    for panic in read(text):
        finding = _Decoder(panic, elf, root, find).finding()
        found.setdefault((finding.code, finding.message), finding)
    return tuple(found.values())


class _Decoder:
    """Makes the finding of one panic."""

    def __init__(
        self,
        panic: Panic,
        elf: Path | None,
        root: Path,
        find: Callable[[str], CrashedProgram | None] | None,
    ) -> None:
        self._panic = panic
        self._root = root
        self._symbols = load_symbols(elf) if elf is not None else None
        self._notes: list[str] = []
        self._doubt = ""
        self._choose_program(find)
        if self._symbols is None:
            self._notes.append(_NO_PROGRAM if elf is None else _UNREADABLE)

    def finding(self) -> Finding:
        """What the panic is, where it happened and who called."""
        panic = self._panic
        cores = [(core, self._frames(core, first=core is panic.cores[0])) for core in panic.cores]
        if self._symbols is not None and self._symbols.problem:
            self._notes.append(self._symbols.problem)
        frames = self._culprit(cores)
        at = next((frame for frame in frames if not self._is_machinery(frame)), None)
        callers = frames[frames.index(at) + 1 :] if at is not None else []
        reason, meaning = self._reason()
        printed = self._printed(frames, at)
        # Where the machine stood in ROM, or nowhere, the first of its callers is to be looked at.
        known = next(
            (
                frame.place
                for frame in ([at] if at else []) + callers
                if frame.place.file and frame.how is not FrameSource.GUESS
            ),
            None,
        )
        place = printed or known
        return Finding(
            severity=Severity.WARNING if panic.cause is NOT_ABORTED else Severity.ERROR,
            code=f"panic.{self._code(reason, meaning)}",
            message=reason + self._where(at, callers, printed) + self._explained(reason),
            file=place.file if place else None,
            line=place.line if place else None,
            hint="; ".join(filter(None, (self._doubt, self._hint(meaning)))) or None,
            evidence="\n".join((*self._notes[:1] * bool(self._doubt), *self._evidence(cores))),
        )

    def _choose_program(self, find: Callable[[str], CrashedProgram | None] | None) -> None:
        """See whether the panic is of the program at hand, and look for its own if it is not."""
        sha, symbols = self._panic.sha256, self._symbols
        if not sha.strip("0"):
            return  # not printed; or never set, as in an image that esptool did not make
        try:
            ours = symbols.sha256 if symbols is not None else ""
        except OSError:
            ours = ""
        if ours.startswith(sha) and ours:
            return
        other = _found(find, sha) if find is not None else None
        if other is not None and (found := load_symbols(other.elf)) is not None:
            self._symbols, self._root = found, other.root
            self._notes.append(f"decoded with the program of {other.name} (ELF {sha})")
        elif symbols is not None:
            self._doubt = (
                f"the panic is of another program (ELF {sha}, decoding with "
                f"{ours[:_SHA_DIGITS] or symbols.path.name}): addresses may be wrong"
            )
            self._notes.append(self._doubt)

    def _place(self, address: int) -> Place:
        if self._symbols is None:
            return Place(address, None, None, None)
        return self._symbols.place(address, self._root)

    def _frames(self, core: Core, *, first: bool) -> list[_Frame]:
        """From where a core stood outwards."""
        frames = [_Frame(self._place(step.address), step.how) for step in self._steps(core)]
        callee = self._called_in_rom(core)
        if frames and callee is not None:
            # ROM has more functions than names: what was called is what it says.
            frames[0] = replace(frames[0], place=replace(frames[0].place, function=callee))
        aborted, checked = self._panic.aborted_at, self._panic.facts.get("at", "")
        if not first or any(not is_runtime(frame.place.function) for frame in frames):
            return frames
        if self._panic.cause.code.startswith("error-check") and checked:
            frames.append(_Frame(self._place(int(checked, 16)), FrameSource.CHECKED))
        elif aborted is not None:
            frames.append(_Frame(self._place(self._call_at(aborted)), FrameSource.ABORTED))
        return frames

    def _steps(self, core: Core) -> Sequence[StackFrame]:
        registers, symbols = core.registers, self._symbols
        if core.backtrace:
            addresses = core.backtrace[:MAX_FRAMES]
            if symbols is not None and _is_raw(core, symbols):
                addresses = [addresses[0], *(max(each - 1, 0) for each in addresses[1:])]
            return [StackFrame(address, FrameSource.BACKTRACE) for address in addresses]
        if symbols is not None and symbols.is_riscv and "MEPC" in registers:
            return list(unwind(symbols, registers, core.stack))
        at = registers.get("MEPC", registers.get("PC"))
        return [StackFrame(at, FrameSource.PROGRAM_COUNTER)] if at is not None else []

    def _called_in_rom(self, core: Core) -> str | None:
        """The function in ROM that was called, where the core stood in it."""
        symbols, registers = self._symbols, core.registers
        if symbols is None or core.backtrace or not symbols.is_rom(registers.get("MEPC", 0)):
            return None
        _is_call, callee = symbols.call_before(registers.get("RA", 0))
        return symbols.function(callee) if callee is not None and symbols.is_rom(callee) else None

    def _call_at(self, printed: int) -> int:
        """The instruction that called ``abort()``, by the address that it prints of it.

        It is the return address less 3 (``esp_libc/src/abort.c``), which is inside an Xtensa call
        and may be before a RISC-V one; before ESP-IDF 4.0, the return address itself.
        """
        symbols = self._symbols
        if symbols is None or not symbols.is_riscv:
            return printed
        after = next((at for at in (printed + 3, printed) if symbols.call_before(at)[0]), None)
        return after - 1 if after is not None else printed

    def _culprit(self, cores: Sequence[tuple[Core, list[_Frame]]]) -> list[_Frame]:
        """The frames of the core that is to blame."""
        if self._panic.cause is TASK_WATCHDOG:
            cpus = {cpu for _task, cpu in self._panic.late}
            for core, frames in cores:
                if str(core.number) in cpus and frames:
                    return frames
        return next((frames for _core, frames in cores if frames), [])

    def _is_machinery(self, frame: _Frame) -> bool:
        function = frame.place.function
        if is_runtime(function):
            return True
        pattern = self._panic.cause.machinery
        return pattern is not None and function is not None and pattern.match(function) is not None

    def _reason(self) -> tuple[str, Reason | None]:
        """What the panic is called, and what that means."""
        panic, facts = self._panic, self._panic.facts
        reason = panic.reason
        if panic.cause is TASK_WATCHDOG:
            reason = self._watchdog()
        elif panic.cause.message:
            value, name = facts.get("value", ""), facts.get("name")
            error = f"{name} ({value})" if name else value
            reason = panic.cause.message.format(**{**facts, "all": reason, "error": error})
        if panic.cause.code.startswith("error-check") and "expression" in facts:
            reason += f": {facts['expression']}"
        if "exception" in facts or "what" in facts:
            reason = f"uncaught exception {facts.get('exception', '')}".rstrip()
            reason += f": {facts['what']}" if "what" in facts else ""
        if panic.cause.code == "rust" and "text" in facts:
            reason += f": {facts['text']}"
        if "bug" in facts:
            reason += f": {facts['bug']}"
        if "debug" in facts:
            task = facts.get("task")
            reason = f"stack canary watchpoint triggered: stack overflow in task {task}"
            reason = reason if task else f"{panic.reason}: {facts['debug']}"
        elif "detected" in facts:
            reason += f" in task {facts['task']}{self._bounds()}"
        elif "fault" in facts:
            what = facts.get("operation", "access").strip().lower()
            reason += f": {what} of {facts['fault']} in {facts.get('memory', 'memory')}"
        elif "detail" in facts:
            reason += f": {facts['detail']}"
        meanings = REASONS if not panic.cause.code else EXPRESSIONS
        return reason, next((each for each in meanings if each.pattern.search(reason)), None)

    def _bounds(self) -> str:
        facts = self._panic.facts
        if not {"sp", "low", "high"} <= facts.keys():
            return ""
        pointer, low, high = (int(facts[name], 16) for name in ("sp", "low", "high"))
        if pointer < low:
            return f" (stack pointer {low - pointer} bytes below its {high - low} bytes of stack)"
        return f" (stack pointer {facts['sp']}, stack {facts['low']} - {facts['high']})"

    def _watchdog(self) -> str:
        panic = self._panic
        late = ", ".join(f"{task} (CPU {cpu})" if cpu else task for task, cpu in panic.late)
        reason = f"task watchdog: {late or 'a task'} did not run in time"
        cpus = {cpu for _task, cpu in panic.late}
        ran = [f"CPU {cpu}: {task}" for cpu, task in panic.running.items() if cpu in cpus]
        ran = ran or [f"CPU {cpu}: {task}" for cpu, task in panic.running.items()]
        return reason + (f"; running on {', '.join(ran)}" if ran else "")

    def _code(self, reason: str, meaning: Reason | None) -> str:
        if self._panic.cause.code:
            return self._panic.cause.code
        if meaning is not None and meaning.code:
            return meaning.code
        return re.sub(r"[^a-z0-9]+", "-", self._panic.reason.lower()).strip("-")[:60] or "unknown"

    def _hint(self, meaning: Reason | None) -> str:
        return meaning.hint if meaning is not None else self._panic.cause.hint

    def _printed(self, frames: Sequence[_Frame], at: _Frame | None) -> Place | None:
        """File and line that the firmware itself printed, as an assertion does."""
        facts = self._panic.facts
        file = facts.get("file", facts.get("in"))
        line = facts.get("line", facts.get("at_line"))
        if file is None or line is None:
            return None
        if self._panic.cause.machinery is not None and at is not None and at.place.file:
            return None  # the heap noticed what another has done
        found = self._source(file.replace("\\", "/"), frames)
        function = facts.get("function", "").strip() or None
        if at is not None and at.how is not FrameSource.GUESS and _is_named(at.place, function):
            function = at.place.function
        return Place(0, function, found, int(line))

    def _source(self, file: str, frames: Sequence[_Frame]) -> str:
        """A file as the compiler named it, relative to the source tree."""
        if "/" not in file:
            # ESP-IDF's assert() gives no folder.
            paths = (frame.place.file for frame in frames if frame.how is not FrameSource.GUESS)
            same = next((path for path in paths if path and Path(path).name == file), None)
            if same is None and self._symbols is not None:
                same = relative(self._symbols.source(file), self._root)
            return same or file
        path = posixpath.normpath(file)
        if path.startswith("/"):
            return relative(path, self._root) or path
        # Relative to the project, or to its build folder.
        while path.startswith("../"):
            path = path[3:]
        return path

    def _where(self, at: _Frame | None, callers: Sequence[_Frame], printed: Place | None) -> str:
        where = ""
        if printed is not None and self._panic.cause.code.startswith(("error-check", "rust")):
            where += f" in {printed}" if printed.function else f" ({printed.file}:{printed.line})"
        elif at is not None and (at.place.function or printed is None):
            where += f" {'in' if at.place.function is not None else 'at'} {at.place}"
        caller = next((each for each in callers if each.place.function), None)
        if caller is None:
            return where
        if caller.how is FrameSource.GUESS:
            return f"{where}; by a guess from the stack, under {caller.place}"
        return f"{where}, called from {caller.place}"

    def _explained(self, reason: str) -> str:
        """What the address tells that was accessed."""
        registers = self._panic.cores[0].registers
        fault = self._panic.facts.get("fault")
        address = registers.get("MTVAL", registers.get("EXCVADDR"))
        if fault is not None:
            address = int(fault, 16)
        elif not _ADDRESSED.search(self._panic.reason):
            return ""
        meaning = explain(address, self._panic.reason) if address is not None else None
        return f"; address 0x{address:08x} is {meaning}" if meaning else ""

    def _evidence(self, cores: Sequence[tuple[Core, list[_Frame]]]) -> Iterator[str]:
        yield from self._panic.lines
        for name in _CAUSE_REGISTERS:
            if name in self._panic.cores[0].registers:
                yield f"{name} 0x{self._panic.cores[0].registers[name]:08x}"
        shown = [(core, frames) for core, frames in cores if frames]
        for core, frames in shown:
            if len(shown) > 1:
                yield "core not named:" if core.number is None else f"core {core.number}:"
            for frame in frames:
                yield f"0x{frame.place.address:08x} {frame.place} [{frame.how}]"
            if core.cut:
                yield f"the backtrace is cut here ({core.cut.lower()})"
        yield from () if self._doubt else self._notes


def _found(find: Callable[[str], CrashedProgram | None], sha256: str) -> CrashedProgram | None:
    try:
        return find(sha256)
    except EspdeckError:
        return None  # where it cannot be looked for, it is not known


def _base_name(function: str) -> str:
    """A function's name without its arguments."""
    return function.split("(", 1)[0] if not function.startswith("(") else function


def _is_named(place: Place, function: str | None) -> bool:
    """Whether a place is the function that was printed, perhaps without its class."""
    if place.function is None or function is None:
        return False
    printed = re.split(r"[\s*&]", _base_name(function).strip())[-1]
    name = _base_name(place.function)
    return name == printed or name.endswith(f"::{printed}")


def _is_raw(core: Core, symbols: Symbols) -> bool:
    """Whether a backtrace has return addresses as they are.

    On Xtensa they point into the calls already; on RISC-V (``CONFIG_ESP_SYSTEM_USE_EH_FRAME``,
    ``CONFIG_ESP_SYSTEM_USE_FRAME_POINTER``) they point behind them.
    """
    if not symbols.is_riscv:
        return False
    callers = core.backtrace[1:]
    return "MEPC" in core.registers or (
        len(callers) > 1 and all(symbols.call_before(each)[0] for each in callers)
    )
