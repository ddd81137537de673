"""What a chip's boot messages say of its health: resets, watchdogs, brownouts, boot loops.

Formats read: the ROM's ``ESP-ROM:chip-date`` and ``rst:0x1 (POWERON),boot:...`` lines (esptool
documentation, "Boot Mode Selection", "Boot Log"), and ESP-IDF's messages (ESP-IDF Programming
Guide, "Fatal Errors", "Watchdogs").
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from engine.findings import Finding
from engine.text import clean
from engine.words import Severity

LOOP = 3
"""The same panic, or the same reset that nobody asked for, so often is a boot loop."""

_MAX_LINE = 1000
_MAX_LINES = 20
_ROM = re.compile(r"ESP-ROM:(esp32\w{0,8})")
_RESET = re.compile(r"\brst:0x([0-9a-fA-F]{1,2}) ?\((\w{1,40})\)")
_PANIC = re.compile(r"Guru Meditation Error: Core\s+\d+ panic'ed \(([^)]{1,200})\)")
_ABORT = re.compile(r"abort\(\) was called at PC|assert failed: ")
_NO_IMAGE = re.compile(r"invalid header: 0x[0-9a-fA-F]{8}|No bootable app partitions")

# Named as in <chip>/rom/rtc.h of ESP-IDF: a chip that starts or wakes, or that was told to.
_EXPECTED = re.compile(
    r"POWERON|EXT_|(?:RTC_)?SW_|DSLEEP|DEEPSLEEP|USB_UART|USB_JTAG|JTAG|CHIP_POWER|SDIO"
)


@dataclass(frozen=True, slots=True)
class _Sign:
    """A line that tells of a problem.

    Args:
        pattern: in a line.
        code: of the finding.
        message: of the finding; ``{0}`` is the pattern's first group.
        hint: what a person might do.
        severity: how much it matters.
    """

    pattern: re.Pattern[str]
    code: str
    message: str
    hint: str
    severity: Severity = Severity.ERROR


_SIGNS = (
    _Sign(
        re.compile(
            r"Brownout detector was triggered|\brst:0x\w{1,2} ?\(\w{0,30}BROWN_?OUT\w{0,30}\)"
        ),
        "boot.brownout",
        "brownout: the supply voltage fell too low",
        "use a better supply or a shorter cable; look at what draws current at this moment",
    ),
    _Sign(
        re.compile(r"Task watchdog got triggered"),
        "boot.task-watchdog",
        "task watchdog: a task kept the CPU for too long",
        "let the task that is named in the evidence block or call vTaskDelay() now and then",
    ),
    _Sign(
        re.compile(r"\brst:0x\w{1,2} ?\((?!\w*BROWN)(\w{0,30}WDT\w{0,30})\)"),
        "boot.watchdog-reset",
        "a hardware watchdog reset the chip ({0})",
        "the program hung with interrupts off, or did not feed a watchdog that the ROM leaves on",
    ),
    _Sign(
        re.compile(r"\*{3}ERROR\*{3} A stack overflow in task (.{1,40}?) has been detected"),
        "boot.stack-overflow",
        "stack overflow in task {0}",
        "give the task a larger stack, or keep large data off it",
    ),
    _Sign(
        re.compile(r"CORRUPT HEAP: (.{1,200})"),
        "boot.heap-corrupt",
        "the heap is corrupt: {0}",
        "something wrote past its block: build with CONFIG_HEAP_POISONING_COMPREHENSIVE",
    ),
    _Sign(
        _NO_IMAGE,
        "boot.no-image",
        "nothing bootable in flash",
        "flash all parts of the image, at the offsets that the chip wants",
    ),
)


@dataclass(frozen=True, slots=True)
class BootLog:
    """What was seen.

    Args:
        chip: the chip as its ROM names it, such as ``esp32c3``, None where it said nothing.
        resets: reset reasons in order, as the ROM spells them, such as ``POWERON``.
        panics: reasons of ESP-IDF panics in order; :mod:`engine.boards.panic` decodes them.
        loops: whether it started over again and again by itself.
        findings: what is wrong, errors first.
    """

    chip: str | None
    resets: tuple[str, ...]
    panics: tuple[str, ...]
    loops: bool
    findings: tuple[Finding, ...]


class Resets:
    """Counts resets, line by line, as a console is read.

    Args:
        total: resets of any kind.
        brownouts: resets because the supply fell too low.
        watchdogs: resets by a watchdog.
    """

    def __init__(self) -> None:
        self.total = 0
        self.brownouts = 0
        self.watchdogs = 0
        self._causes: Counter[str] = Counter()

    def add(self, line: str) -> None:
        """Take the next line."""
        found = _RESET.search(line[:_MAX_LINE])
        if found is None:
            return
        self.total += 1
        if _EXPECTED.match(found[2]):
            return
        self._causes[found[2]] += 1
        if "BROWN" in found[2]:  # also as RTCWDT_BROWN_OUT_RESET
            self.brownouts += 1
        elif "WDT" in found[2]:
            self.watchdogs += 1

    @property
    def loop(self) -> str:
        """The cause that came :data:`LOOP` times, as the ROM spells it; empty for none."""
        return next((cause for cause, times in self._causes.items() if times >= LOOP), "")


def interruption(line: str) -> str | None:
    """Why firmware that printed this line does not go on with what it did; None when it does.

    Args:
        line: one line that a board or simulator printed. Untrusted.
    """
    line = line[:_MAX_LINE]
    if panic := _PANIC.search(line):
        return f"the firmware panicked ({clean(panic[1])})"
    if _ABORT.search(line):
        return "the firmware aborted"
    if reset := _RESET.search(line):
        return f"the chip was reset ({reset[2]})"
    return None


def examine(text: str, *, target: str) -> BootLog:
    """Read a boot log.

    Args:
        text: what a board or simulator printed. Untrusted.
        target: the chip that the firmware was built for.
    """
    lines = [clean(line[:_MAX_LINE]).rstrip("\r") for line in text.split("\n")]
    chips = [match[1].lower() for match in map(_ROM.search, lines) if match]
    resets = [(match[2], line) for line in lines if (match := _RESET.search(line))]
    panics = [(match[1], line) for line in lines if (match := _PANIC.search(line))]
    aborts = [line for line in lines if _ABORT.search(line)]
    signs = [finding for sign in _SIGNS if (finding := _seen(sign, lines))]
    loop = _loop(panics, resets, aborts)
    findings = [
        *_wrong_chip(chips, target, lines),
        *signs,
        *([loop] if loop else []),
    ]
    return BootLog(
        chip=chips[0] if chips else None,
        resets=tuple(reason for reason, _line in resets),
        panics=tuple(reason for reason, _line in panics),
        loops=loop is not None,
        findings=tuple(findings),
    )


def _wrong_chip(chips: Sequence[str], target: str, lines: Sequence[str]) -> list[Finding]:
    other = next((chip for chip in chips if chip != target), None)
    if other is None:
        return []
    return [
        Finding(
            severity=Severity.ERROR,
            code="boot.chip",
            message=f"the ROM says that this is an {other}, the firmware is for {target}",
            evidence=next(line for line in lines if other in line.lower()),
        )
    ]


def _seen(sign: _Sign, lines: Sequence[str]) -> Finding | None:
    index = next((at for at, line in enumerate(lines) if sign.pattern.search(line)), None)
    if index is None:
        return None
    match = sign.pattern.search(lines[index])
    assert match is not None
    times = sum(1 for line in lines if sign.pattern.search(line))
    message = sign.message.format(*match.groups("") or ("",))
    return Finding(
        severity=sign.severity,
        code=sign.code,
        message=f"{message} ({times} times)" if times > 1 else message,
        hint=sign.hint,
        evidence="\n".join(line for line in lines[index : index + 6] if line.strip()),
    )


def _loop(
    panics: Sequence[tuple[str, str]], resets: Sequence[tuple[str, str]], aborts: Sequence[str]
) -> Finding | None:
    unasked = [(reason, line) for reason, line in resets if not _EXPECTED.match(reason)]
    events = [
        *((f"panic ({reason})", line) for reason, line in panics),
        *((f"reset ({reason})", line) for reason, line in unasked),
        *(("abort()", line) for line in aborts),
    ]
    if not events:
        return None
    what, times = Counter(name for name, _line in events).most_common(1)[0]
    if times < LOOP:
        return None
    evidence = [line for name, line in events if name == what] + [line for _name, line in resets]
    return Finding(
        severity=Severity.ERROR,
        code="boot.loop",
        message=f"boot loop: the same {what} {times} times",
        hint="repair what makes it reset: the program never gets further",
        evidence="\n".join(evidence[:_MAX_LINES]),
    )
