"""The text of panics, read into what was printed of each: cause, registers, stack, backtraces.

Formats read: the ``Guru Meditation Error`` line, the register and stack dumps and the
``Backtrace:`` line of ESP-IDF's panic handler (ESP-IDF Programming Guide, "Fatal Errors"; in its
source ``esp_system/panic.c``, ``port/panic_handler.c``, ``port/arch/*/panic_arch.c`` and
``debug_helpers.c``), the task watchdog's (``task_wdt.c``), and what its ``linux`` target prints
instead (``freertos/FreeRTOS-Kernel/portable/linux/port_idf.c``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from engine.monitor.panic_causes import (
    CAUSES,
    GURU,
    HOST_ABORTED,
    NOT_ABORTED,
    TASK_WATCHDOG,
    UNKNOWN,
    Cause,
)
from engine.text import clean

MAX_PANICS = 20
"""Panics of one text that are read; firmware in a boot loop prints the same again and again."""

MAX_BLOCK_LINES = 200
"""Lines of a panic that are read; ESP-IDF prints some 80, twice as many of two cores."""

MAX_LINE_CHARACTERS = 2000

_SAME_PANIC_LINES = 12
"""Lines after a cause in which an abort() is the same panic, told again."""

_MAX_DETAILS = 12
_MAX_CORES = 8
_MAX_ADDRESSES = 100
_MAX_BACKTRACE_CHARACTERS = 8192

# Of the panic handler; of the ROM; of what then waits for a person or a debugger.
_END = re.compile(
    r"Rebooting ?\.\.\.|Rebooting in {1,2}\d|CPU halted|CORE DUMP START"
    r"|ESP-ROM:|\brst:0x|\bets [A-Z][a-z]{2} [ \d]\d "
    r"|Entering gdb stub now|Press Enter to print core dump|Setting breakpoint at 0x"
)
_DUMP = re.compile(r"Core {1,3}(\d) register dump:")
_REGISTER = re.compile(r"\b([A-Z][A-Z0-9/]{1,8})\s{0,8}: 0x([0-9a-fA-F]{8})\b")
_STACK = re.compile(r"([0-9a-fA-F]{8}):((?: 0x[0-9a-fA-F]{8}){1,16})\s*$")
_BACKTRACE = re.compile(r"Backtrace: ?(?!$)|Backtrace:\s*$")
_ADDRESS = re.compile(r"0x([0-9a-fA-F]{8})(?::0x[0-9a-fA-F]{8})?")
_MORE = re.compile(r"[\s0-9a-fA-Fx:]*(?:\|<-[A-Z]{1,12}\s*)?$")
_CUT = re.compile(r"\|<-(CORRUPTED|CONTINUES)|Backtrace ended (abruptly)")
_HOST_FRAME = re.compile(r"\s*\S{0,400}?(\.elf|\.so[\d.]{0,20})\(\+0x([0-9a-f]{1,16})\)\[0x")
_PRINT_CPU = re.compile(r"Print CPU (\d) ")
# Without the log's tag before ESP-IDF 3.0.
_LATE = re.compile(r"(?:\btask_wdt: {1,2}|^ {0,2})- (.{1,60}?)(?: \(CPU ([\d/]{1,3})\))?$")
_RUNNING = re.compile(r"(?:\btask_wdt: |^)CPU (\d): (.{1,60})$")
_SHA = re.compile(r"ELF file SHA256:\s{0,4}([0-9a-fA-F]{7,64})\b")
_FACTS = (
    re.compile(r'\bfile: "(?P<file>[^"]{1,300})" line (?P<line>\d{1,6})'),
    re.compile(r"(?:^|[\s>\]])func: (?P<function>.{1,300})"),
    re.compile(r"(?:^|[\s>\]])expression: (?P<expression>.{1,300})"),
    re.compile(r"\bwhat\(\): {1,3}(?P<what>.{1,300})"),
    re.compile(r"Debug exception reason: (?P<debug>.{1,120})"),
    re.compile(r"Stack canary watchpoint triggered \((?P<task>[^)]{1,60})\)"),
    re.compile(r'\bDetected in task "(?P<task>[^"]{1,60})" at (?P<detected>0x[0-9a-fA-F]{8})'),
    re.compile(r"\bStack pointer: (?P<sp>0x[0-9a-fA-F]{8})"),
    re.compile(r"\bStack bounds: (?P<low>0x[0-9a-fA-F]{8}) - (?P<high>0x[0-9a-fA-F]{8})"),
    re.compile(r"\bmemory type: (?P<memory>.{1,60})"),
    re.compile(r"\bfaulting address: (?P<fault>0x[0-9a-fA-F]{8})"),
    re.compile(r"\boperation type: (?P<operation>.{1,60})"),
    re.compile(
        r"\b(?P<operation>Read|Write|Instruction fetch|Unknown) operation "
        r"at address (?P<fault>0x[0-9a-fA-F]{8}) not permitted \((?P<memory>[^)]{1,60})\)"
    ),
    re.compile(r"\bBug type: (?P<bug>.{1,100})"),
)


@dataclass(slots=True)
class Core:
    """What was printed of one CPU core.

    Args:
        number: of the core, None where it was not said.
        registers: by the names that are printed; the first value counts.
        stack: dumped words by their addresses.
        backtrace: addresses, innermost first.
        cut: how the backtrace ended before its end, in ESP-IDF's words.
    """

    number: int | None = None
    registers: dict[str, int] = field(default_factory=dict)
    stack: dict[int, int] = field(default_factory=dict)
    backtrace: list[int] = field(default_factory=list)
    cut: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was printed of it yet."""
        return not (self.registers or self.backtrace)


@dataclass(slots=True)
class Panic:
    """What was printed of one panic.

    Args:
        cause: what kind it is.
        reason: in the words of the line that it begins with.
        facts: what its lines say, by the names of the groups that found it.
        lines: those that name cause and details.
        cores: the one that panicked first.
        late, running: tasks that the task watchdog missed and their CPU; what ran, by CPU.
        aborted_at: where ``abort()`` was called.
        sha256: begin of the SHA-256 of the program's ELF, as the panic or the boot before it
            printed it; empty where none did.
        aborting: whether the task watchdog said that it aborts.
    """

    cause: Cause
    reason: str
    facts: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    cores: list[Core] = field(default_factory=lambda: [Core()])
    late: list[tuple[str, str]] = field(default_factory=list)
    running: dict[str, str] = field(default_factory=dict)
    aborted_at: int | None = None
    sha256: str = ""
    aborting: bool = False

    @property
    def has_state(self) -> bool:
        """Whether registers or a backtrace were printed."""
        return not self.cores[0].is_empty


def begins(line: str) -> bool:
    """Whether a panic begins with this line."""
    return _start(line[:MAX_LINE_CHARACTERS]) is not None


def ends(line: str) -> bool:
    """Whether nothing more of a panic comes after this line."""
    return _END.search(line[:MAX_LINE_CHARACTERS]) is not None


def gives_up(line: str) -> bool:
    """Whether the firmware ends with what begins with this line.

    It goes on after a task watchdog, a failed check of the heap, or an error that was only printed.
    """
    start = _start(line[:MAX_LINE_CHARACTERS])
    return start is not None and start[0].gives_up


class Block:
    """The lines of one panic, for who reads a console line by line.

    Args:
        line: the one that it begins with.
    """

    def __init__(self, line: str) -> None:
        self.lines = [line]
        self._reader = _Reader()
        self._reader.feed(clean(line[:MAX_LINE_CHARACTERS]).rstrip())

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it."""
        return not self._reader.is_reading

    def add(self, line: str) -> bool:
        """Take the next line; False where it is none of this panic any more, and not taken."""
        text = clean(line[:MAX_LINE_CHARACTERS]).rstrip()
        if self.is_over or self._reader.is_past(text):
            return False
        self._reader.feed(text)
        if len(self._reader.panics) > 1:
            return False
        self.lines.append(line)
        return True


def read(text: str) -> list[Panic]:
    """The panics in a text, at most :data:`MAX_PANICS`.

    Args:
        text: what firmware printed. Untrusted.
    """
    reader = _Reader()
    for raw in text.split("\n"):
        for line in raw[:MAX_LINE_CHARACTERS].strip("\r").split("\r"):
            if not reader.feed(clean(line).rstrip()):
                return reader.end()
    return reader.end()


def _start(line: str) -> tuple[Cause, re.Match[str]] | None:
    for cause in CAUSES:
        if cause.sign in line and (match := cause.pattern.search(line)) is not None:
            return cause, match
    return None


class _Reader:
    """Takes a console line by line."""

    def __init__(self) -> None:
        self.panics: list[Panic] = []
        self._left = 0
        self._since = 0
        self._before = ""
        self._backtrace: str | None = None
        self._sha256 = ""

    def feed(self, line: str) -> bool:
        """Take a line; whether more is wanted."""
        start = _start(line)
        if start is not None and not self._is_told_again(*start):
            if len(self.panics) == MAX_PANICS:
                return False
            self._begin(*start, line)
        booted = _SHA.search(line) if not self._left else None
        if booted is not None:
            self._sha256 = booted[1].lower()
        if self._left and self.is_past(line):
            self._left = 0
            self._end_backtrace()
        if self._left:
            self._left = 0 if _END.search(line) else self._left - 1
            self._since += 1
            self._take(self.panics[-1], line)
            if not self._left:
                self._end_backtrace()
        if line:
            self._before = line
        return True

    def end(self) -> list[Panic]:
        """The panics that were read."""
        self._end_backtrace()
        return self.panics

    @property
    def is_reading(self) -> bool:
        """Whether more may come of the last panic."""
        return self._left > 0

    def is_past(self, line: str) -> bool:
        """Whether a panic with which the firmware does not end is over before this line."""
        panic = self.panics[-1]
        if panic.cause.gives_up or not line or "task_wdt" in line:
            return False
        if self._since > _SAME_PANIC_LINES and not (
            panic.has_state or self._backtrace or panic.late
        ):
            return True
        is_told = panic.has_state or self._backtrace is not None
        is_more = _BACKTRACE.search(line) or _is_more(line) or _CUT.search(line)
        goes_on = panic.aborting or panic.aborted_at is not None or not is_told
        return panic.cause is TASK_WATCHDOG and not goes_on and not is_more

    def _is_told_again(self, cause: Cause, match: re.Match[str]) -> bool:
        """Whether a line belongs to the panic that is being read."""
        if not self._left:
            return False
        panic = self.panics[-1]
        if cause is UNKNOWN:
            return True
        if panic.cause is NOT_ABORTED or cause.code == "panic-in-panic":
            return False
        if panic.cause is TASK_WATCHDOG and not (panic.aborting and cause.code == "abort"):
            return False
        follows = (
            self._since <= _SAME_PANIC_LINES and not panic.has_state and panic.aborted_at is None
        )
        gives_up = cause.code in ("abort", "assert", "heap-corruption", "kasan") or (
            match[0] == HOST_ABORTED
        )
        told_again = panic.cause.code != "abort" and cause is not GURU and gives_up
        if panic.cause is GURU or not (follows and told_again):
            return False
        if cause.code == "abort":
            panic.aborted_at = int(match["at"], 16)
            panic.cores[0].number = int(match["core"]) if match["core"] else None
        elif cause.code == "assert" and panic.cause.code not in ("heap-corruption", "rust"):
            return False
        self._note(panic, match.string)
        return True

    def _begin(self, cause: Cause, match: re.Match[str], line: str) -> None:
        self._end_backtrace()
        groups = {name: value for name, value in match.groupdict().items() if value}
        reason = groups.get("reason") or groups.get("type") if not cause.code else None
        panic = Panic(cause, (reason or match[0]).strip(), groups, sha256=self._sha256)
        core = groups.get("core") or groups.get("on", "")
        panic.cores[0].number = int(core) if core.isdecimal() else None
        if cause.code == "abort":
            panic.aborted_at = int(groups["at"], 16)
        if cause is UNKNOWN:
            # What esp_system_abort() was told to say.
            panic.reason = self._before[:200] or "the firmware gave up"
            self._note(panic, self._before)
        self._note(panic, line[match.start() :] if cause is not UNKNOWN else line)
        self.panics.append(panic)
        self._left, self._since = MAX_BLOCK_LINES, 0

    def _take(self, panic: Panic, line: str) -> None:
        if self._take_backtrace(panic, line):
            return
        core = panic.cores[-1]
        dump, cpu = _DUMP.search(line), _PRINT_CPU.search(line)
        number = dump or cpu
        if number is not None:
            core = self._core(panic, int(number[1]))
            panic.aborting = panic.aborting or "Aborting" in line
        for name, value in _REGISTER.findall(line):
            core.registers.setdefault(name, int(value, 16))
        stack = _STACK.search(line)
        if stack is not None:
            begin = int(stack[1], 16)
            for index, word in enumerate(stack[2].split()):
                core.stack.setdefault(begin + 4 * index, int(word, 16))
        frame = _HOST_FRAME.match(line)
        if frame is not None:
            _take_host_frame(core, panic, is_program=frame[1] == ".elf", offset=int(frame[2], 16))
        self._take_facts(panic, line)

    def _core(self, panic: Panic, number: int) -> Core:
        """Where to keep what is printed next of a core."""
        core = panic.cores[-1]
        if not core.is_empty and len(panic.cores) < _MAX_CORES:
            core = Core()
            panic.cores.append(core)
        core.number = number
        return core

    def _take_backtrace(self, panic: Panic, line: str) -> bool:
        """Collect a backtrace, which a terminal may have cut into lines anywhere."""
        start = _BACKTRACE.search(line)
        if start is not None:
            self._end_backtrace()
            core = panic.cores[-1]
            if core.backtrace and len(panic.cores) < _MAX_CORES:
                panic.cores.append(Core())
            self._backtrace = line[start.end() :]
        elif self._backtrace is not None and _is_more(line):
            self._backtrace += line.strip()
        else:
            cut = _CUT.search(line)
            if cut is not None:
                panic.cores[-1].cut = cut[1] or cut[2]
            if line:
                self._end_backtrace()
            return False
        if len(self._backtrace or "") > _MAX_BACKTRACE_CHARACTERS:
            self._end_backtrace()
        return True

    def _end_backtrace(self) -> None:
        text, self._backtrace = self._backtrace, None
        if text is None or not self.panics:
            return
        core = self.panics[-1].cores[-1]
        found = [int(match[1], 16) for match in _ADDRESS.finditer(text)]
        core.backtrace += found[: _MAX_ADDRESSES - len(core.backtrace)]
        cut = _CUT.search(text)
        if cut is not None:
            core.cut = cut[1] or cut[2]

    def _take_facts(self, panic: Panic, line: str) -> None:
        found = [match for pattern in _FACTS if (match := pattern.search(line))]
        for match in found:
            for name, value in match.groupdict().items():
                panic.facts.setdefault(name, value.strip())
        if panic.cause.code == "rust" and line and self._since == 2:
            panic.facts.setdefault("text", line[:300])
        sha = _SHA.search(line)
        if sha is not None:
            panic.sha256 = sha[1].lower()
        if panic.cause is TASK_WATCHDOG:
            late, running = _LATE.search(line), _RUNNING.search(line)
            if late is not None and len(panic.late) < _MAX_DETAILS:
                panic.late.append((late[1], late[2] or ""))
            elif running is not None:
                panic.running.setdefault(running[1], running[2])
            elif "task_wdt: Aborting" in line:
                panic.aborting = True
            is_part = "task_wdt" in line or late is not None or running is not None
            if is_part and self._since > 1:
                self._note(panic, line)
        elif found or self._is_detail(panic, line):
            self._note(panic, line)
        if panic.cause is NOT_ABORTED and "expression" in panic.facts:
            self._left = 0

    def _is_detail(self, panic: Panic, line: str) -> bool:
        """Whether a line stands where the handler prints details: before the registers."""
        if (
            panic.cause is not GURU
            or self._since == 1
            or panic.has_state
            or sum(map(len, panic.lines)) > MAX_LINE_CHARACTERS
        ):
            return False
        is_detail = bool(line) and not _DUMP.search(line) and not _REGISTER.search(line)
        if is_detail and "Cache" in panic.reason:
            panic.facts.setdefault("detail", line.strip()[:200])
        return is_detail and not _END.search(line)

    def _note(self, panic: Panic, line: str) -> None:
        line = line.strip()[:300]
        if line and len(panic.lines) < _MAX_DETAILS and line not in panic.lines:
            panic.lines.append(line)


def _is_more(line: str) -> bool:
    """Whether a line can be more of a backtrace."""
    return "0" in line and _MORE.match(line) is not None and _STACK.search(line) is None


def _take_host_frame(core: Core, panic: Panic, *, is_program: bool, offset: int) -> None:
    """A line of ``backtrace_symbols_fd`` (glibc manual, "Backtraces"), innermost first.

    The first are the handler that prints them, up to the C library that called it; then comes the
    very place, then return addresses.
    """
    if is_program:
        core.backtrace.append(offset - 1 if core.backtrace else offset)
    elif "handled" not in panic.facts:
        core.backtrace.clear()
        panic.facts["handled"] = "yes"
