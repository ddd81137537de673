"""ESP-IDF panics, decoded to function, file and line.

Formats read: the ``Guru Meditation Error`` line, the RISC-V register and stack dump and the
``Backtrace:`` line of ESP-IDF's panic handler (ESP-IDF Programming Guide, "Fatal Errors"; in its
source ``esp_system/port/panic_handler.c`` and ``port/arch/*/panic_arch.c``), and what its ``linux``
target prints instead (``freertos/FreeRTOS-Kernel/portable/linux/port_idf.c``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.boards.symbols import Place, Symbols, load
from engine.findings import Finding
from engine.text import clean
from engine.words import Severity

MAX_PANICS = 20
"""Panics of one text that are decoded; firmware in a boot loop prints the same again and again."""

MAX_BLOCK = 150
"""Lines of a panic that are read; ESP-IDF prints some 80."""

_UNREADABLE = "the program's ELF could not be read: addresses only"
_NO_PROGRAM = "which program ran is not known: addresses only"

_MAX_LINE = 2000
_MAX_CALLERS = 12

_START = re.compile(
    r"Guru Meditation Error: Core\s+\d+ panic'ed \((?P<reason>[^)]{1,120})\)"
    r"|abort\(\) was called at PC (?P<abort>0x[0-9a-f]{8})"
    r"|(?P<assert>assert failed: .{1,300})"
    r"|ERROR: (?P<host>Segmentation Fault|Aborted)"
)
_END = re.compile(r"Rebooting\.\.\.|CPU halted|ESP-ROM:|\brst:0x")
_REGISTER = re.compile(r"\b([A-Z][A-Z0-9/]{1,8})\s*: 0x([0-9a-fA-F]{8})\b")
_STACK = re.compile(r"([0-9a-fA-F]{8}):((?: 0x[0-9a-fA-F]{8}){1,16})\s*$")
_BACKTRACE = re.compile(r"Backtrace:\s*((?:0x[0-9a-fA-F]{8}:0x[0-9a-fA-F]{8}\s*)+)")
_HOST_FRAME = re.compile(r"\s*\S{0,400}?(\.elf|\.so[\d.]{0,20})\(\+0x([0-9a-f]{1,16})\)\[0x")


def begins(line: str) -> bool:
    """Whether a panic begins with this line."""
    return _START.search(line) is not None


def is_runtime(function: str | None) -> bool:
    """Whether ESP-IDF itself stands there when a program gives up."""
    return function in _RUNTIME


def ends(line: str) -> bool:
    """Whether nothing more of a panic comes after this line."""
    return _END.search(line) is not None


_RUNTIME = frozenset(
    {"panic_abort", "esp_system_abort", "abort", "__assert_func", "__assert", "vPanicAbort"}
)
"""Where ESP-IDF itself stands when a program gives up: the place of interest is who called it."""

_HINTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"access fault|Prohibited|page fault|segmentation fault", re.I),
        "a pointer is not valid there: look for one that is null, freed or never set",
    ),
    (
        re.compile(r"misaligned|Alignment", re.I),
        "an address is not a multiple of the size of what is read or written there",
    ),
    (
        re.compile(r"illegal ?instruction", re.I),
        "the CPU ran into something that is no code: a bad function pointer, a function without "
        "return, or a smashed stack",
    ),
    (
        re.compile(r"memory protection", re.I),
        "code was written to, or data was run: look at the pointer that is used there",
    ),
    (
        re.compile(r"interrupt wdt|watchdog", re.I),
        "interrupts were off, or a handler ran, for too long: shorten what is done there",
    ),
    (re.compile(r"stack", re.I), "give the task a larger stack, or keep large data off it"),
    (re.compile(r"divide", re.I), "check the divisor before dividing"),
    (re.compile(r"cache", re.I), "code or data in flash was used while the flash cache was off"),
    (re.compile(r"abort|assert", re.I), "the program gave up by itself: see what it says"),
)


@dataclass(slots=True)
class _Panic:
    """What was printed of one panic."""

    reason: str
    line: str
    registers: dict[str, int] = field(default_factory=dict)
    stack: list[int] = field(default_factory=list)
    backtrace: list[int] = field(default_factory=list)
    aborted_at: int | None = None
    in_handler: bool = True


@dataclass(frozen=True, slots=True)
class _Frame:
    """A place on the way to the panic and how it is known."""

    place: Place
    how: str


def decode(text: str, elf: Path | None, root: Path) -> tuple[Finding, ...]:
    """Say where each panic happened.

    The callers of a RISC-V panic are partly a guess: without unwind tables, the words of the dumped
    stack that follow a call instruction are taken for return addresses, and the evidence says so.

    Args:
        text: what firmware printed. Untrusted.
        elf: the program that ran. Untrusted: with one that cannot be read, only addresses are told.
            None when nobody knows which it was.
        root: root of the source tree; files inside it are given relative to it.
    """
    symbols = load(elf) if elf is not None else None
    unknown = None if symbols else _NO_PROGRAM if elf is None else _UNREADABLE
    found: dict[tuple[str, str], Finding] = {}
    for panic in _panics(text):
        finding = _finding(panic, symbols, root, unknown)
        found.setdefault((finding.code, finding.message), finding)
    return tuple(found.values())


def _panics(text: str) -> list[_Panic]:
    panics: list[_Panic] = []
    left = 0
    for raw in text.split("\n"):
        line = clean(raw[:_MAX_LINE]).rstrip("\r ")
        start = _START.search(line)
        # An assertion aborts: one panic, told twice.
        if start and not (start["abort"] and left and "assert" in panics[-1].reason):
            if len(panics) == MAX_PANICS:
                break
            reason = start["reason"] or start["assert"] or start["host"] or "abort()"
            panics.append(_Panic(reason.strip(), line[start.start() :]))
            left = MAX_BLOCK
        if start and start["abort"]:
            panics[-1].aborted_at = int(start["abort"], 16)
        if start:
            continue
        if not left:
            continue
        left = 0 if _END.search(line) else left - 1
        _take(panics[-1], line)
    return panics


def _take(panic: _Panic, line: str) -> None:
    for name, value in _REGISTER.findall(line):
        panic.registers.setdefault(name, int(value, 16))
    stack = _STACK.match(line)
    if stack:
        panic.stack += [int(word, 16) for word in stack[2].split()]
    backtrace = _BACKTRACE.search(line)
    if backtrace:
        panic.backtrace += [int(pair[:10], 16) for pair in backtrace[1].split()]
    frame = _HOST_FRAME.match(line)
    if frame:
        _take_host_frame(panic, is_program=frame[1] == ".elf", offset=int(frame[2], 16))


def _take_host_frame(panic: _Panic, *, is_program: bool, offset: int) -> None:
    """A line of ``backtrace_symbols_fd`` (glibc manual, "Backtraces"), innermost first.

    The first are the handler that prints them, up to the C library that called it; then comes the
    very place, then return addresses.
    """
    if not is_program:
        if panic.in_handler:
            panic.backtrace.clear()
        panic.in_handler = False
    else:
        panic.backtrace.append(offset - 1 if panic.backtrace else offset)


def _finding(panic: _Panic, symbols: Symbols | None, root: Path, unknown: str | None) -> Finding:
    frames = _frames(panic, symbols, root)
    at = next((each for each in frames if not _is_runtime(each.place)), None)
    callers = frames[frames.index(at) + 1 :] if at else []
    message = panic.reason
    if at is not None:
        inside = at.place.function is not None
        message += f" {'in' if inside else 'at'} {at.place}"
    called_from = next((each for each in callers if each.place.function), None)
    if called_from is not None:
        message += f", called from {called_from.place}"
    return Finding(
        severity=Severity.ERROR,
        code=f"panic.{_slug(panic.reason)}",
        message=message,
        file=at.place.file if at else None,
        line=at.place.line if at else None,
        hint=next((hint for pattern, hint in _HINTS if pattern.search(panic.reason)), None),
        evidence="\n".join((*_evidence(panic, frames), *([unknown] if unknown else []))),
    )


def _slug(reason: str) -> str:
    name = "assert" if reason.startswith("assert failed") else reason
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "unknown"


def _frames(panic: _Panic, symbols: Symbols | None, root: Path) -> list[_Frame]:
    """From the place of the panic outwards."""

    def place(address: int) -> Place:
        if symbols is None:
            return Place(address, None, None, None)
        return symbols.place(address, root)

    at = panic.registers.get("MEPC", panic.registers.get("PC"))
    if panic.backtrace:
        # ESP-IDF has made these addresses point into the calls already.
        frames = [_Frame(place(address), "backtrace") for address in panic.backtrace[:32]]
    else:
        frames = [_Frame(place(at), "program counter")] if at is not None else []
        if symbols is not None and "MEPC" in panic.registers:
            callers = _callers(panic, symbols, panic.registers["MEPC"])
            frames += [_Frame(place(address), how) for address, how in callers]
    if panic.aborted_at is not None and all(_is_runtime(frame.place) for frame in frames):
        frames.append(_Frame(place(panic.aborted_at - 2), "caller of abort()"))
    return frames


def _is_runtime(place: Place) -> bool:
    return is_runtime(place.function)


def _callers(panic: _Panic, symbols: Symbols, at: int) -> Iterator[tuple[int, str]]:
    """Addresses of the calls that led here, innermost first."""
    current = symbols.function(at)
    words = [(panic.registers.get("RA", 0), "return address register")]
    words += [(word, "guess: from the stack") for word in panic.stack]
    found = 0
    for word, how in words:
        is_call, target = symbols.call_before(word)
        if not is_call or found == _MAX_CALLERS:
            continue
        caller = symbols.function(word - 2)
        # A call of something else is left over from before, and so is the return address of a call
        # that a function made itself.
        left_over = target is not None and symbols.function(target) != current
        if left_over or (how != "guess: from the stack" and caller == current):
            continue
        yield word - 2, how
        current, found = caller, found + 1


def _evidence(panic: _Panic, frames: Sequence[_Frame]) -> Iterator[str]:
    yield panic.line[:300]
    for name in ("MCAUSE", "MTVAL", "EXCCAUSE", "EXCVADDR"):
        if name in panic.registers:
            yield f"{name} 0x{panic.registers[name]:08x}"
    for frame in frames:
        yield f"0x{frame.place.address:08x} {frame.place} [{frame.how}]"
