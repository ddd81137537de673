"""What a chip's boot messages say of its health: resets, watchdogs, brownouts, boot loops.

Formats read: the ROM's ``ESP-ROM:chip-date`` and ``rst:0x1 (POWERON),boot:...`` lines (esptool
documentation, "Boot Mode Selection", "Boot Log"; :mod:`engine.monitor.reset_reasons`), and what
ROM, bootloader and ESP-IDF say when they cannot go on (:mod:`engine.monitor.boot_faults`).

What lies between two resets is a *boot cycle*. Its first fault (a brownout, a panic, an image that
cannot be started) is why it ended, whoever made the reset: the brownout and the panic handler reset
by software, the ROM waits for a watchdog. :mod:`engine.monitor.boot_loop` says which of them are a
boot loop. A cycle of more than :data:`PROGRESS_SECONDS` is progress: the count begins anew.

Wake-ups from sleep, resets over USB or JTAG and a person's are no faults; what came before the
first reset of a log is not known, so a watchdog's there is only counted (esptool resets some chips
so). So is one after power came or an ESP32 woke, where not even the ROM said what it loads: one
whose flash is not ready yet begins so (its errata: "watchdog reset on powering up or waking from
deep sleep").

An empty partition is no fault where the bootloader starts another instead, and none while it
encrypts the flash for the first time.
"""

from __future__ import annotations

import re
import time
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from engine.enums import Severity
from engine.findings import Finding
from engine.images.app_image import CHIP_IDS
from engine.monitor import interruptions, log_lines, panic, reset_reasons
from engine.monitor.boot_faults import (
    BOOT_PINS,
    BROWNOUT,
    DOWNLOAD,
    HARDWARE,
    PSRAM,
    PSRAM_MISSING,
    SIGNS,
    Sign,
)
from engine.monitor.boot_loop import BootLoop, LoopDetector
from engine.monitor.interruptions import ABORT
from engine.monitor.line_splitter import StateCutter
from engine.monitor.reset_reasons import Cause, Reset

PROGRESS_SECONDS = 60.0
"""Seconds after which firmware that is reset got somewhere."""

COMPARED_LINES = 200
"""Lines of a cycle that are compared with those of the cycle before."""

BOOTLOADER_SECONDS = 10.0
"""Seconds after a reset in which a bootloader has found what it starts, or given up."""

ABORT_CONTEXT_LINES = 12
"""Lines after an error was noticed in which an ``abort()`` is its consequence."""

_MAX_LINE_CHARACTERS = 1000
_MAX_SAID_CHARACTERS = 160
_MAX_RESETS = 1000
_RECENT_LINES = 6
_ROM = re.compile(r"ESP-ROM:(esp32\w{0,8})")
_BANNER = re.compile(r"ESP-ROM:|ets |Build:|Saved PC:")  # of the next cycle, or of no interest
_ETS = re.compile(r"\bets (?:Jun|Jul) {1,2}\d{1,2} 20\d\d \d")  # the ROM of the first ESP32
_APP_RUNS = re.compile(r"Disabling RNG early entropy source|Loaded app from partition")
_ENCRYPTS = re.compile(r"flash_encrypt: (?:bootloader encrypted|Encrypting partition)")
_BOOT_TAG = re.compile(
    r"boot(?:_comm|loader\w{0,16}|\.\w{1,12})?|esp_image|flash_parts|secure_boot\w{0,4}"
    r"|flash_encrypt|qio_mode|efuse"
)
_STAMP = re.compile(r"[(\[][ \d:.-]{1,32}[)\]]")
_PSRAM_SAID = re.compile(r"psram: (.{1,120})")
_PSRAM_FAILED = re.compile(r"E (?:\(\d{1,10}\) )?\w{0,10}psram: (PSRAM .{1,120})")
_PSRAM_MORE = re.compile(r"psram|PSRAM|External RAM|external RAM|SPI RAM")


@dataclass(frozen=True, slots=True)
class BootLog:
    """What was seen.

    Args:
        chip: the chip as its ROM names it, such as ``esp32c3``, None where it said nothing.
        resets: reset reasons in order, as the ROM spells them, such as ``POWERON``.
        panics: reasons of panics in order; :mod:`engine.monitor.panic` decodes them.
        loops: whether it started over again and again by itself.
        findings: what is wrong, in the order in which it was seen: the cause before the loop.
    """

    chip: str | None
    resets: tuple[str, ...]
    panics: tuple[str, ...]
    loops: bool
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Refused:
    """Why a partition cannot be started, before it is known whether another is."""

    sign: Sign
    message: str
    words: str
    line: str
    evidence: str


@dataclass(slots=True)
class _BootCycle:
    """What firmware said since a reset."""

    reset: Reset | None
    began: float
    lines: int = 0
    said: int = 0  # a checksum of its lines
    last: str = ""
    fault: str = ""
    is_over: bool = False
    is_app: bool = False
    may_restart: bool = False
    refused: _Refused | None = None
    psram: str = ""  # what its driver said, before it is known what becomes of it
    noticed: str = ""  # an error that the firmware need not end with
    noticed_at: int = 0


@dataclass(slots=True)
class _Seen:
    """A finding, and how often it was seen."""

    finding: Finding
    times: int = 1


class BootReader:
    """Reads a console line by line.

    Args:
        target: the chip that the firmware was built for; empty where nobody knows.
        on_finding: called with each finding when it is seen first, without how often.
        clock: seconds; only their differences matter.
    """

    def __init__(
        self,
        *,
        target: str = "",
        on_finding: Callable[[Finding], None] = lambda finding: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._target = target
        self._on_finding = on_finding
        self._clock = clock
        self._chip: str | None = None
        self._resets: list[str] = []
        self._panics: list[str] = []
        self._seen: dict[object, _Seen] = {}
        self._loops = LoopDetector()
        self._recent: deque[str] = deque(maxlen=_RECENT_LINES)
        self._cycle = _BootCycle(None, clock())
        self.total = 0
        """Resets of any kind."""

        self.brownouts = 0
        """Times that the supply fell too low, as the handler or the ROM says it."""

        self.watchdogs = 0
        """Resets by a watchdog."""

        self.loop = ""
        """Why it boots again and again: the reset as the ROM spells it, a panic, ``brownout``,
        ``software restart`` or what else ends each cycle; empty where it does not."""

    @property
    def is_attentive(self) -> bool:
        """Whether every line matters now, not only one that ``is_suspect`` finds."""
        return self._cycle.lines <= COMPARED_LINES

    def expect_restart(self) -> None:
        """Take it that something was typed: a restart may be what it asked for."""
        self._cycle.may_restart = True

    def add_context(self, line: str) -> None:
        """Take a line that does not matter but as what came before the next."""
        self._recent.append(line[:_MAX_LINE_CHARACTERS])

    def add(self, line: str, *, suspect: bool) -> None:
        """Take the next line, clean, not empty. Untrusted.

        Args:
            line: the line.
            suspect: whether :func:`engine.monitor.interruptions.is_suspect` finds it.
        """
        line = line[:_MAX_LINE_CHARACTERS]
        self._recent.append(line)
        if suspect:
            if found := reset_reasons.read(line):
                self._take_reset(found)
                return
            self._look(line)
        cycle = self._cycle
        if cycle.psram and not _PSRAM_MORE.search(line):
            self._go_without_psram()
        cycle.lines += 1
        if cycle.lines <= COMPARED_LINES:
            if not cycle.is_app and (head := log_lines.parse_log_line(line)) is not None:
                cycle.is_app = _BOOT_TAG.fullmatch(head.tag) is None
            cycle.said = zlib.crc32(
                _STAMP.sub("", line, count=1).encode("utf-8", "replace"), cycle.said
            )
            if not _BANNER.match(line):
                cycle.last = line

    def end(self) -> None:
        """Nothing more comes for now: what waited for more is told."""
        self._start_none()
        if self._cycle.psram:
            self._go_without_psram()

    def log(self) -> BootLog:
        """All that was seen so far; findings say how often."""
        return BootLog(
            chip=self._chip,
            resets=tuple(self._resets),
            panics=tuple(self._panics),
            loops=bool(self.loop),
            findings=tuple(map(_counted, self._seen.values())),
        )

    def _look(self, line: str) -> None:
        if found := _ROM.search(line):
            self._take_chip(found[1].lower())
        elif _ETS.search(line):
            self._take_chip("esp32")
        if found := _PSRAM_FAILED.match(line):
            self._cycle.psram = found[1].strip()
        if _APP_RUNS.search(line):
            self._cycle.is_app = True
            self._start_another()
        elif _ENCRYPTS.search(line):
            self._cycle.is_app = True  # as one does, it looks at what may not be there
        if (reason := interruptions.panic_reason(line)) is not None:
            self._take_panic(reason, line)
        elif panic.ends(line):
            self._cycle.is_over = True  # of a panic: what comes next is another's
        elif panic.begins(line):
            self._cycle.noticed, self._cycle.noticed_at = (
                line.strip()[:_MAX_SAID_CHARACTERS],
                self._cycle.lines,
            )
        else:
            for sign in SIGNS:
                if found := sign.pattern.search(line):
                    self._take_sign(sign, found, line)
                    return

    def _take_chip(self, chip: str) -> None:
        self._chip = self._chip or chip
        if self._target and chip != self._target:
            article = "an" if chip.startswith("esp") else "a"
            self._tell(
                "chip",
                Severity.ERROR,
                "boot.chip",
                f"the ROM says that this is {article} {chip}, the firmware is for {self._target}",
            )

    def _take_sign(self, sign: Sign, found: re.Match[str], line: str) -> None:
        cycle = self._cycle
        if sign.code == PSRAM:
            cycle.psram = ""
        if sign.at_boot and (cycle.is_app or cycle.lines > COMPARED_LINES or _is_late(line)):
            return
        if not sign.is_fault:
            self._tell(sign, sign.severity, sign.code, self._message(sign, found), sign.hint)
            return
        if cycle.fault and not cycle.is_over:
            if not sign.is_of_partition:
                self._start_none()
            return  # a consequence of what was said before
        message = self._message(sign, found)
        cycle.fault, cycle.is_over = sign.code, sign.code == BROWNOUT
        if sign.is_of_partition:
            evidence = "\n".join(self._recent)
            cycle.refused = _Refused(sign, message, found[1], line, evidence)
            return
        self.brownouts += sign.code == BROWNOUT
        key = BROWNOUT if sign.code == BROWNOUT else sign
        self._tell(key, sign.severity, sign.code, message, sign.hint)
        if sign.code != DOWNLOAD:
            self._count(sign.code, message, line)

    def _go_without_psram(self) -> None:
        """The driver's words were all that is said, as with Arduino's log level."""
        said, self._cycle.psram = self._cycle.psram, ""
        sign = PSRAM_MISSING
        self._tell(sign, sign.severity, sign.code, f"{sign.message} ({said})", sign.hint)

    def _start_another(self) -> None:
        """A partition was started: what was refused before was another."""
        cycle = self._cycle
        if cycle.refused is None:
            return
        message = f"the bootloader started another partition: {cycle.refused.words}"
        hint = "flash the app where the boot data (otadata) says, or erase that"
        evidence = cycle.refused.evidence
        cycle.fault, cycle.refused = "", None
        self._tell("fallback", Severity.WARNING, "boot.fallback", message, hint, evidence)

    def _start_none(self) -> None:
        """What was refused is why nothing was started."""
        refused, self._cycle.refused = self._cycle.refused, None
        if refused is not None:
            sign, message = refused.sign, refused.message
            self._tell(sign, sign.severity, sign.code, message, sign.hint, refused.evidence)
            self._count(sign.code, message, refused.line)

    def _message(self, sign: Sign, found: re.Match[str]) -> str:
        words = [word.strip() for word in found.groups("")]
        if sign.code == "boot.chip":
            words = [CHIP_IDS.get(int(word), f"chip ID {word}") for word in words]
        message = sign.message.format(*words or ("",))
        if sign.code == DOWNLOAD and self._chip:
            message = f"the chip is in download mode: {BOOT_PINS.get(self._chip, 'GPIO9')} was low"
            message += " at reset, it runs no program"
        if sign.code == PSRAM:
            said = [match[1] for match in map(_PSRAM_SAID.search, self._recent) if match]
            message += f" ({said[-1].strip()})" if said else ""
        return message

    def _take_panic(self, reason: str, line: str) -> None:
        cycle = self._cycle
        if len(self._panics) < _MAX_RESETS:
            self._panics.append(reason)
        if cycle.fault and not cycle.is_over:
            return
        if (
            reason == ABORT
            and cycle.noticed
            and cycle.lines - cycle.noticed_at <= ABORT_CONTEXT_LINES
        ):
            reason = cycle.noticed
        cycle.fault, cycle.is_over = f"panic ({reason})", False
        self._count(cycle.fault, cycle.fault, line)

    def _take_reset(self, found: Reset) -> None:
        self.end()
        before, now = self._cycle, self._clock()
        self._cycle = _BootCycle(found, now)
        self.total += 1
        if len(self._resets) < _MAX_RESETS:
            self._resets.append(found.name)
        self.watchdogs += found.cause is Cause.WATCHDOG
        self.brownouts += found.cause is Cause.BROWNOUT and before.fault != BROWNOUT
        if now - before.began > PROGRESS_SECONDS:
            self._loops.clear()
        is_by_itself = before.reset is not None and not before.fault and not before.may_restart
        if found.cause is Cause.SOFTWARE and is_by_itself:
            said = before.said if before.lines <= COMPARED_LINES else None
            self._tell_loop(self._loops.count_restart(said, _said(before), before.last))
        else:
            self._loops.clear_restarts()
        if before.fault or self._is_late_flash(found, before):
            return
        if found.cause in HARDWARE:
            code, message, hint = HARDWARE[found.cause]
            message = message.format(found.name)
            if before.reset is not None or found.cause is not Cause.WATCHDOG:
                self._tell(code, Severity.ERROR, code, message, hint)
            if found.cause is Cause.BROWNOUT:
                self._count(code, message, self._recent[-1])
            else:
                self._count(found.name, found.name, self._recent[-1])

    def _is_late_flash(self, found: Reset, before: _BootCycle) -> bool:
        """Whether a watchdog resets an ESP32 that could not read its flash yet."""
        if self._chip not in (None, "esp32") or before.reset is None or before.last:
            return False
        return found.cause is Cause.WATCHDOG and before.reset.cause in (Cause.POWER, Cause.SLEEP)

    def _count(self, fault: str, what: str, line: str) -> None:
        """Count what ended a boot cycle."""
        self._tell_loop(self._loops.count_fault(fault, what, line))

    def _tell_loop(self, found: BootLoop | None) -> None:
        """Say that it boots again and again; not before the first reset."""
        if found is None or not self.total:
            return
        self.loop = self.loop or found.name
        self._tell(
            ("loop", found.fault),
            Severity.ERROR,
            "boot.loop",
            found.message,
            "repair what makes it reset: the program never gets further",
            found.evidence,
        )
        if found.times:
            self._seen["loop", found.fault].times = found.times

    def _tell(
        self,
        key: object,
        severity: Severity,
        code: str,
        message: str,
        hint: str | None = None,
        evidence: str = "",
    ) -> None:
        """Say it the first time, count it then."""
        if key in self._seen:
            self._seen[key].times += 1
            return
        finding = Finding(
            severity=severity,
            code=code,
            message=message,
            hint=hint,
            evidence=evidence or "\n".join(self._recent),
        )
        self._seen[key] = _Seen(finding)
        self._on_finding(finding)


def examine(text: str, *, target: str) -> BootLog:
    """Read a boot log that is there as a whole.

    Args:
        text: what a board or simulator printed. Untrusted.
        target: the chip that the firmware was built for.
    """
    reader, cutter = BootReader(target=target, clock=lambda: 0.0), StateCutter()
    for line in (*cutter.feed(text.encode("utf-8", "replace")), *cutter.flush()):
        reader.add(line, suspect=True)
    reader.end()
    return reader.log()


def _is_late(line: str) -> bool:
    """Whether a line's time is past that of any bootloader."""
    head = log_lines.parse_log_line(line)
    return head is not None and head.time.isdecimal() and int(head.time) > 1000 * BOOTLOADER_SECONDS


def _said(cycle: _BootCycle) -> str:
    text = _STAMP.sub("", cycle.last, count=1).strip()
    found = log_lines.parse_log_line(cycle.last)
    if found is not None:
        text = cycle.last.partition(f"{found.tag}: ")[2].strip() or text
    return f"{text[:_MAX_SAID_CHARACTERS]!r}" if text else "saying nothing"


def _counted(seen: _Seen) -> Finding:
    """A finding that says how often it was seen."""
    finding, times = seen.finding, seen.times
    if finding.code == "boot.loop":
        return replace(finding, message=re.sub(r"\d+ times$", f"{times} times", finding.message))
    if times > 1:
        return replace(finding, message=f"{finding.message} ({times} times)")
    return finding
