"""What a chip's boot messages say of its health: resets, watchdogs, brownouts, boot loops.

Formats read: the ROM's ``ESP-ROM:chip-date`` and ``rst:0x1 (POWERON),boot:...`` lines (esptool
documentation, "Boot Mode Selection", "Boot Log"; :mod:`engine.monitor.reset_reasons`), and what
ROM, bootloader and ESP-IDF say when they cannot go on (:mod:`engine.monitor.boot_faults`).

What lies between two resets is a *life* of the firmware. Its first fault (a brownout, a panic, an
image that cannot be started) is why it ended, whoever made the reset: the brownout and the panic
handler reset by software, the ROM waits for a watchdog. A boot loop is

- the same fault, or the same reset by hardware that nobody asked for, in :data:`LOOP` lives; or
- a restart by software without a fault, :data:`RESTARTS` times in a row where each life said the
  same as the one before (log times aside), or :data:`MANY_RESTARTS` times in a row whatever it
  said: one restart after an update, or those of a test, are none.

A life of more than :data:`LIFE` seconds is progress: the count begins anew. Wake-ups from sleep,
resets over USB or JTAG and a person's are no faults; what came before the first reset of a log is
not known, so a watchdog's there is only counted (esptool resets some chips so). So is one after
power came or an ESP32 woke, where not even the ROM said what it loads: one whose flash is not
ready yet begins so (its errata: "watchdog reset on powering up or waking from deep sleep").

An empty partition is no fault where the bootloader starts another instead, and none while it
encrypts the flash for the first time.
"""

from __future__ import annotations

import re
import time
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import re2

from engine.enums import Severity
from engine.findings import Finding
from engine.images.app_image import CHIP_IDS
from engine.monitor import log_lines, panic, reset_reasons
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
from engine.monitor.line_splitter import StateCutter
from engine.monitor.reset_reasons import Cause, Reset

LOOP = 3
"""The same fault, or the same reset that nobody asked for, so often is a boot loop."""

RESTARTS = 5
"""So many restarts in a row by software, each after the same lines, are a boot loop."""

MANY_RESTARTS = 20
"""So many restarts in a row by software are a boot loop, whatever was said between them."""

LIFE = 60.0
"""Seconds after which firmware that is reset got somewhere."""

SHORT = 200
"""Lines of a life that are compared with those of the life before."""

BOOT = 10.0
"""Seconds after a reset in which a bootloader has found what it starts, or given up."""

NOTICED = 12
"""Lines after an error was noticed in which an ``abort()`` is its consequence."""

_MAX_LINE = 1000
_MAX_SAID = 160
_MAX_RESETS = 1000
_MAX_CAUSES = 64
_RECENT = 6
_ROM = re.compile(r"ESP-ROM:(esp32\w{0,8})")
_BANNER = re.compile(r"ESP-ROM:|ets |Build:|Saved PC:")  # of the next life, or of no interest
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
_GURU = re.compile(r"Guru Meditation Error: Core\s+\d+ panic'ed \(([^)]{1,200})\)")
_GIVEN_UP = re.compile(r"abort\(\) was called at PC|assert failed: ")
_ABORT = "abort()"
_GURU_WORDS = "Guru Meditation Error"
_SUSPECT = re2.compile(
    "|".join(
        (
            *(f"(?:{sign.pattern.pattern.replace('^', '')})" for sign in SIGNS),
            r"rst:0x|rst cause|Rebooting|CPU halted|ESP-ROM:|\bets J",
            r"psram: |early entropy|Loaded app from|flash_encrypt: ",
            *map(re2.escape, panic.SIGNS),
            # What ends a panic too: panic.ends() decides.
            r"CORE DUMP START|gdb stub|print core dump|breakpoint at 0x|\bets [A-Z]",
        )
    ).encode()
)


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
class _Life:
    """What firmware said since a reset."""

    reset: Reset | None
    began: float
    lines: int = 0
    said: int = 0  # a checksum of its lines
    last: str = ""
    fault: str = ""
    is_over: bool = False
    is_app: bool = False
    is_asked: bool = False
    refused: _Refused | None = None
    psram: str = ""  # what its driver said, before it is known what becomes of it
    noticed: str = ""  # an error that the firmware need not end with
    noticed_at: int = 0


@dataclass(slots=True)
class _Seen:
    """A finding, and how often it was seen."""

    finding: Finding
    times: int = 1


@dataclass(slots=True)
class _Events:
    """How often something happened that makes a boot loop, and lines that told of it."""

    times: int = 0
    lines: list[str] = field(default_factory=list)


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
        self._events: dict[str, _Events] = {}
        self._recent: deque[str] = deque(maxlen=_RECENT)
        self._life = _Life(None, clock())
        self._restarts = self._same_restarts = 0
        self._said_before: int | None = None
        self.total = 0
        """Resets of any kind."""

        self.brownouts = 0
        """Times that the supply fell too low, as the handler or the ROM says it."""

        self.watchdogs = 0
        """Resets by a watchdog."""

        self.loop = ""
        """Why it boots again and again: the reset as the ROM spells it, a panic, ``brownout``,
        ``software restart`` or what else ends each life; empty where it does not."""

    @property
    def is_attentive(self) -> bool:
        """Whether every line matters now, and not only one that :func:`is_suspect` finds."""
        return self._life.lines <= SHORT

    def ask(self) -> None:
        """Something was typed: a restart may be what was asked for."""
        self._life.is_asked = True

    def add_context(self, line: str) -> None:
        """Take a line that does not matter but as what came before the next."""
        self._recent.append(line[:_MAX_LINE])

    def add(self, line: str, *, suspect: bool) -> None:
        """Take the next line, clean, not empty. Untrusted.

        Args:
            line: the line.
            suspect: whether :func:`is_suspect` finds it.
        """
        line = line[:_MAX_LINE]
        self._recent.append(line)
        if suspect:
            if found := reset_reasons.read(line):
                self._take_reset(found)
                return
            self._look(line)
        life = self._life
        if life.psram and not _PSRAM_MORE.search(line):
            self._go_without_psram()
        life.lines += 1
        if life.lines <= SHORT:
            if not life.is_app and (head := log_lines.parse(line)) is not None:
                life.is_app = _BOOT_TAG.fullmatch(head.tag) is None
            life.said = zlib.crc32(
                _STAMP.sub("", line, count=1).encode("utf-8", "replace"), life.said
            )
            if not _BANNER.match(line):
                life.last = line

    def end(self) -> None:
        """Nothing more comes for now: what waited for more is told."""
        self._start_none()
        if self._life.psram:
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
            self._life.psram = found[1].strip()
        if _APP_RUNS.search(line):
            self._life.is_app = True
            self._start_another()
        elif _ENCRYPTS.search(line):
            self._life.is_app = True  # as one does, it looks at what may not be there
        if (reason := panic_reason(line)) is not None:
            self._take_panic(reason, line)
        elif panic.ends(line):
            self._life.is_over = True  # of a panic: what comes next is another's
        elif panic.begins(line):
            self._life.noticed, self._life.noticed_at = line.strip()[:_MAX_SAID], self._life.lines
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
        life = self._life
        if sign.code == PSRAM:
            life.psram = ""
        if sign.at_boot and (life.is_app or life.lines > SHORT or _is_late(line)):
            return
        if not sign.is_fault:
            self._tell(sign, sign.severity, sign.code, self._message(sign, found), sign.hint)
            return
        if life.fault and not life.is_over:
            if not sign.is_of_partition:
                self._start_none()
            return  # a consequence of what was said before
        message = self._message(sign, found)
        life.fault, life.is_over = sign.code, sign.code == BROWNOUT
        if sign.is_of_partition:
            evidence = "\n".join(self._recent)
            life.refused = _Refused(sign, message, found[1], line, evidence)
            return
        self.brownouts += sign.code == BROWNOUT
        key = BROWNOUT if sign.code == BROWNOUT else sign
        self._tell(key, sign.severity, sign.code, message, sign.hint)
        if sign.code != DOWNLOAD:
            self._count(sign.code, message, line)

    def _go_without_psram(self) -> None:
        """The driver's words were all that is said, as with Arduino's log level."""
        said, self._life.psram = self._life.psram, ""
        sign = PSRAM_MISSING
        self._tell(sign, sign.severity, sign.code, f"{sign.message} ({said})", sign.hint)

    def _start_another(self) -> None:
        """A partition was started: what was refused before was another."""
        life = self._life
        if life.refused is None:
            return
        message = f"the bootloader started another partition: {life.refused.words}"
        hint = "flash the app where the boot data (otadata) says, or erase that"
        evidence = life.refused.evidence
        life.fault, life.refused = "", None
        self._tell("fallback", Severity.WARNING, "boot.fallback", message, hint, evidence)

    def _start_none(self) -> None:
        """What was refused is why nothing was started."""
        refused, self._life.refused = self._life.refused, None
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
        life = self._life
        if len(self._panics) < _MAX_RESETS:
            self._panics.append(reason)
        if life.fault and not life.is_over:
            return
        if reason == _ABORT and life.noticed and life.lines - life.noticed_at <= NOTICED:
            reason = life.noticed
        life.fault, life.is_over = f"panic ({reason})", False
        self._count(life.fault, life.fault, line)

    def _take_reset(self, found: Reset) -> None:
        self.end()
        before, now = self._life, self._clock()
        self._life = _Life(found, now)
        self.total += 1
        if len(self._resets) < _MAX_RESETS:
            self._resets.append(found.name)
        self.watchdogs += found.cause is Cause.WATCHDOG
        self.brownouts += found.cause is Cause.BROWNOUT and before.fault != BROWNOUT
        if now - before.began > LIFE:
            self._events.clear()
            self._restarts = self._same_restarts = 0
        self._count_restart(found, before)
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

    def _is_late_flash(self, found: Reset, before: _Life) -> bool:
        """Whether a watchdog resets an ESP32 that could not read its flash yet."""
        if self._chip not in (None, "esp32") or before.reset is None or before.last:
            return False
        return found.cause is Cause.WATCHDOG and before.reset.cause in (Cause.POWER, Cause.SLEEP)

    def _count_restart(self, found: Reset, before: _Life) -> None:
        by_itself = before.reset is not None and not before.fault and not before.is_asked
        if found.cause is not Cause.SOFTWARE or not by_itself:
            self._restarts = self._same_restarts = 0
            self._said_before = None
            return
        said = before.said if before.lines <= SHORT else None
        is_same = said is not None and said == self._said_before
        self._same_restarts = self._same_restarts + 1 if is_same else 1
        self._said_before = said
        self._restarts += 1
        if self._same_restarts >= RESTARTS or self._restarts >= MANY_RESTARTS:
            self._tell_loop(
                "restart",
                "software restart",
                f"boot loop: the firmware restarts itself again and again after {_said(before)}",
                before.last,
            )

    def _count(self, fault: str, what: str, line: str) -> None:
        """Count what ended a life; so often is a boot loop."""
        if fault not in self._events and len(self._events) >= _MAX_CAUSES:
            return
        events = self._events.setdefault(fault, _Events())
        events.times += 1
        events.lines = [*events.lines, line][-LOOP:]
        if events.times >= LOOP and self.total:
            name = fault.removeprefix("boot.")
            self._tell_loop(fault, name, _loop_message(fault, what), "\n".join(events.lines))
            self._seen["loop", fault].times = events.times

    def _tell_loop(self, fault: str, name: str, message: str, evidence: str) -> None:
        self.loop = self.loop or name
        self._tell(
            ("loop", fault),
            Severity.ERROR,
            "boot.loop",
            message,
            "repair what makes it reset: the program never gets further",
            evidence,
        )

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


def is_suspect(data: bytes) -> bool:
    """Whether lines may matter to a :class:`BootReader`, or to what reads panics, at a glance."""
    return _SUSPECT.search(data) is not None


def panic_reason(line: str) -> str | None:
    """Why the firmware gives up in this line; None where it does not."""
    if found := _GURU.search(line):
        return found[1]
    if "abort() was called at PC 0x" in line:
        return _ABORT
    if _GURU_WORDS in line or panic.gives_up(line):
        return line.strip()[:_MAX_SAID]
    return None


def interruption(line: str) -> str | None:
    """Why firmware that printed this line does not go on with what it did; None when it does.

    Args:
        line: one line that a board or simulator printed, clean. Untrusted.
    """
    line = line[:_MAX_LINE]
    if not is_suspect(line.encode("utf-8", "replace")):
        return None  # as almost every line: the rest takes far longer
    reason = panic_reason(line)
    if reason is not None:
        given_up = _GIVEN_UP.search(line) is not None
        return "the firmware aborted" if given_up else f"the firmware panicked ({reason})"
    found = reset_reasons.read(line)
    return f"the chip was reset ({found.name})" if found is not None else None


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
    head = log_lines.parse(line)
    return head is not None and head.time.isdecimal() and int(head.time) > 1000 * BOOT


def _said(life: _Life) -> str:
    text = _STAMP.sub("", life.last, count=1).strip()
    found = log_lines.parse(life.last)
    if found is not None:
        text = life.last.partition(f"{found.tag}: ")[2].strip() or text
    return f"{text[:_MAX_SAID]!r}" if text else "saying nothing"


def _loop_message(fault: str, what: str) -> str:
    if fault.startswith("panic ("):
        return f"boot loop: the same {what} {LOOP} times"
    if fault.startswith("boot."):
        return f"boot loop: {what}; {LOOP} times"
    return f"boot loop: the same reset ({what}) {LOOP} times"


def _counted(seen: _Seen) -> Finding:
    """A finding that says how often it was seen."""
    finding, times = seen.finding, seen.times
    if finding.code == "boot.loop":
        return replace(finding, message=re.sub(r"\d+ times$", f"{times} times", finding.message))
    if times > 1:
        return replace(finding, message=f"{finding.message} ({times} times)")
    return finding
