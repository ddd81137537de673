"""What each command of a build printed, and which commands failed.

Formats read: ninja prints a status line, ``FAILED: target``, the command, then its output
(``status_printer.cc``); make and SCons print the output first and then ``*** [target] Error 1``
(GNU make manual, "Errors in Recipes"; SCons, ``Job.py``); arduino-cli ends with ``exit status 1``.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field

from engine.text import count
from engine.toolchains.diagnostics.diagnostic import (
    MAX_EVIDENCE_CHARACTERS,
    MAX_EVIDENCE_LINES,
    Diagnostic,
)

STEP = re.compile(r"\[(\d{1,7})/(\d{1,7})\] (.*)")
"""ninja's status line (see :data:`engine.toolchains.build_output.NINJA_STATUS`)."""

FAILED = re.compile(r"FAILED: (?:\[code=(?P<code>\d{1,5})\] )?(?P<target>\S.{0,400}?)(?: .*)?$")
NINJA = re.compile(r"ninja: (?:(?P<kind>error|fatal): )?(?P<message>.*)")

ENDED = re.compile(
    r"(?:(?P<tool>(?:\S{0,200}?make(?:\.exe)?(?:\[\d{1,4}\])?|scons)): )?"
    r"(?:(?P<file>[^\s:]{1,400}):(?P<line>\d{1,7}): )?"
    r"\*\*\* (?:\[(?P<target>.{1,800}?)\] )?(?P<how>\S.*)"
)
"""How make and SCons say that a command failed, or that they cannot go on."""

KILLED = re.compile(r"Killed$|Error 137$")
"""How they say so of one that was ended by force."""

SUBMAKE = re.compile(
    r"[^\W\d_]{1,20} \d{1,3}$|Explicit exit, status \d+$|Killed$|Waiting for unfinished jobs"
)
"""What they say where the command itself has said why: ``Error 1``, make's in any language."""

NO_SCRIPT = re.compile(r"\*\*\* (?P<how>missing SConscript file .*)")
"""How SCons says that a script is not there."""

SKETCH = re.compile(
    r"(?:(?:Error during build|Compilation error|Error: build failed): )?exit status \d+"
    r"|Error during build|Error compiling for board .*"
)
"""How arduino-cli and the Arduino IDE end."""

_QUIET_STEP = re.compile(
    r"\[ {0,3}\d{1,3}%\] |(?:Compiling|Linking|Archiving|Indexing|Building|Checking size|Generating"
    r"(?: partitions)?|Retrieving maximum program size|CC|CXX|AS|AR|LD|GEN|OBJCOPY) \S+$"
    r"|\S{0,200}make(?:\[\d{1,4}\])?: (?:Entering|Leaving) directory"
)
_ECHO = re.compile(
    r"ld returned \d+ exit status|(?:some|all) warnings being treated as errors"
    r"|linker command failed|too many errors emitted|\d+ errors? generated|compilation terminated"
    r"|could not compile `|aborting due to |generated \d+ warnings?|Please submit a full bug report"
    r"|with preprocessed source if appropriate|^See <?https?:|Please report this bug"
    r"|recipe for target .{1,400} failed$|Waiting for unfinished jobs|failed with exit code \d+"
    r"|build failed, waiting for other jobs|^For more information about (?:this|an) error"
    r"|lto-wrapper: fatal error: .{1,400} returned \d+ exit status|lto-wrapper failed"
    r"|clang frontend command failed"
    r"|^-- (?:Configuring incomplete|Configuring done|Generating done|Build files have)"
)
_COMPLAINT = re.compile(
    r"\b(?:error|fatal|cannot|can't|could ?n[o']t|no such|not found|fail(?:ed|ure)?|invalid|missing"
    r"|unknown|unable|denied|undefined|exception|assert\w*|abort\w*|panicked|refused|unexpected"
    r"|unsupported|unrecogni[sz]ed|illegal|fault|mismatch|must be|does not|doesn't|is not|too \w+"
    r"|exceeds?|timed out)\b",
    re.I,
)
_PLACE = re.compile(
    r"(?P<file>[\w./+-]{1,300}\.\w{1,8}):(?P<line>\d{1,7})(?::(?P<column>\d{1,7}))?: *"
    r"(?P<message>\S.*)"
)
_FOLDER = re.compile(r"cd (\S{1,400}) && ")
_SOURCE = re.compile(r" -c (\S{1,400})(?: |$)")
_PROGRAM = re.compile(r"\S{0,400}/bin/(?=[\w.+-]{1,60}: )")
_FIRST_LINES = 6
_LAST_LINES = (
    MAX_EVIDENCE_LINES - _FIRST_LINES - 4
)  # the target, the command, how many lines are left out


def is_echo(line: str) -> bool:
    """Whether a line only repeats that something failed which was said before."""
    return _ECHO.search(line) is not None


def is_step(line: str) -> bool:
    """Whether a line only says what is being done (make, SCons, ESP-IDF's old make)."""
    return _QUIET_STEP.match(line) is not None


@dataclass(slots=True)
class Command:
    """What one command printed; where tools print in turns, all since the last that failed.

    Args:
        target: what it makes, where it failed.
        killed: it did not end by itself, but by SIGKILL.
        total: ninja's count of steps, by which a build within a build is told.
        before: the command's output that came before ninja said that it failed.
        follows: it failed because of a command in it, which has been told.
    """

    target: str | None = None
    total: int | None = None
    before: Command | None = None
    killed: bool = False
    follows: bool = True
    errors: int = 0
    placeless: list[Diagnostic] = field(default_factory=list)
    command: str = ""
    _first: list[str] = field(default_factory=list)
    _last: deque[str] = field(default_factory=lambda: deque(maxlen=_LAST_LINES))
    _left_out: int = 0
    _complaint: str | None = None
    _end: str | None = None

    @property
    def folder(self) -> str | None:
        """Where the command runs: CMake's custom commands say so, compilers and linkers do not."""
        match = _FOLDER.match(self.command)
        return match[1] if match else None

    @property
    def source(self) -> str | None:
        """The source file that is compiled."""
        match = _SOURCE.search(self.command)
        return match[1] if match else None

    def take(self, line: str, *, known: bool = False) -> None:
        """Keep a line of output.

        Args:
            line: the line.
            known: it is a finding of its own already, or a part of one.
        """
        if not line.strip():
            return
        if self.target is not None and not self.command and not known and not self._end:
            self.command = line
            return
        kept = line[:MAX_EVIDENCE_CHARACTERS]
        if len(self._first) < _FIRST_LINES:
            self._first.append(kept)
        else:
            self._left_out += len(self._last) == _LAST_LINES
            self._last.append(kept)
        if is_echo(line):
            return
        self._end = line
        if self._complaint is None and "warning" not in line.lower() and _COMPLAINT.search(line):
            self._complaint = line

    def note_error(self, diagnostic: Diagnostic) -> None:
        """An error was read in the output."""
        self.errors += 1
        if diagnostic.file is None and len(self.placeless) < 2:
            self.placeless.append(diagnostic)

    @property
    def has_output(self) -> bool:
        """Whether there is any output that tells something."""
        return self._end is not None

    @property
    def reason(self) -> str | None:
        """The first line that complains, else the last one."""
        best = self._complaint or self._end
        return best.strip() if best else None

    @property
    def output(self) -> list[str]:
        """The lines, of many the first and the last."""
        gap = [f"... ({count(self._left_out, 'line')} left out)"] if self._left_out else []
        return [*self._first, *gap, *self._last]

    def explained(self) -> bool:
        """Whether an error was read in what it printed; then its evidence is all of that."""
        if len(self.placeless) == self.errors == 1:
            diagnostic = self.placeless[0]
            seen = dict.fromkeys([f"FAILED: {self.target}", *diagnostic.evidence, *self.output])
            diagnostic.evidence = list(seen)[:MAX_EVIDENCE_LINES]
        return self.errors > 0

    def finding(self, diagnostic: Diagnostic) -> Diagnostic:
        """The draft of a failed command with what it printed as its message and evidence."""
        if self.reason and not self.killed:
            diagnostic.message = _PROGRAM.sub("", self.reason, 1)
            place = _PLACE.match(diagnostic.message)
            if place:
                diagnostic.file, diagnostic.line = place["file"], int(place["line"])
                diagnostic.column = int(place["column"]) if place["column"] else None
                diagnostic.message = place["message"]
        if self.command:
            diagnostic.add(self.command)
        for line in self.output:
            diagnostic.add(line)
        return diagnostic
