"""TESTER's ears: what firmware prints, and the tests that its project has for it."""

from __future__ import annotations

import time
from collections.abc import Callable

import re2

from engine.builds.outputs import Expectation
from engine.console_input import ConsoleInput
from engine.manifest import FILE_NAME, Manifest
from engine.monitor import interruptions, panic
from engine.monitor.bootlog import BootReader
from engine.monitor.line_splitter import LineCutter, StateCutter
from engine.monitor.observer import Observer
from engine.testing.results import TestCase, TestReport, joined, report_of
from engine.testing.script_runner import ScriptRunner, is_quiet
from engine.testing.unity import UnityReader

SETTLE_SECONDS = 1.0
"""How long another suite may take to begin after a summary, by the firmware's clock or by ours."""

PANIC_SECONDS = 5.0
"""How long a panic may take to its end once nothing else is waited for, by the firmware's clock."""

PANIC_WALL_SECONDS = 20.0
"""And by ours, which is what counts in a simulator that is slower than the chip."""

QUIET_SECONDS = 30.0
"""Seconds of ours after which firmware that says nothing in a slow simulator says nothing more."""

_HEAD = 32 << 10
_TAIL = 96 << 10


class OutputChecker:
    """Reads serial output as it comes: expectations, Unity, panics; plays the project's tests.

    Suites of Unity run one after the other: after a summary it listens on for a second. The
    project's tests begin once everything was printed that is expected. Memory is bounded.
    Everything meets each line as a person reads it, and every state of one that is drawn over
    (:mod:`engine.monitor.line_splitter`). After a panic nothing that was expected will come any
    more.
    """

    def __init__(
        self,
        manifest: Manifest,
        *,
        file: str = FILE_NAME,
        target: str = "",
        console_input: ConsoleInput | None = None,
        on_result: Callable[[TestCase], None] = lambda case: None,
        clock: Callable[[], float] = time.monotonic,
        interruption: Callable[[str], str | None] = interruptions.interruption,
    ) -> None:
        """Listen for what a manifest says.

        Args:
            manifest: of the project.
            target: the chip that the firmware was built for; empty where nobody knows.
            file: where it was read from, for the results.
            console_input: of the console; None where nothing can be typed.
            on_result: called with the result of each test that the manifest has, when it is known.
            clock: our time in seconds; a simulated second can take a minute of it.
            interruption: says of a line why the firmware does not go on; None of any other.
        """
        self._clock = clock
        self._manifest = manifest
        self._script_runner = ScriptRunner(
            manifest.tests,
            file=file,
            eol=manifest.eol,
            console_input=console_input or ConsoleInput(),
            interruption=interruption,
            on_result=on_result,
            clock=clock,
        )
        self._now = 0.0
        self._heard = 0.0, clock()  # when something came last: firmware time, and ours
        self._panicked: tuple[float, float] | None = None  # when a panic began
        self._patterns = {pattern: re2.compile(pattern) for pattern in manifest.expect}
        self._found: dict[str, str] = {}
        self._wants_unity = manifest.unity
        self._head = bytearray()
        self._tail = bytearray()
        self._dropped = 0
        self._cutter = StateCutter()
        self._unity = UnityReader(interruptions.interruption)
        self._unity_at: tuple[float, float] | None = None
        self._observer = Observer(target=target, on_panic=self._keep_panic)
        self._panics: list[str] = []
        self._sent = 0
        self.lines = 0

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        room = _HEAD - len(self._head)
        self._head += data[:room]
        self._tail += data[max(0, room) :]
        if len(self._tail) > 2 * _TAIL:
            self._dropped += len(self._tail) - _TAIL
            del self._tail[:-_TAIL]
        self._heard = self._now, self._clock()
        self._script_runner.arrived()
        for piece in data.splitlines(keepends=True):
            self._script_runner.feed(piece)
            for line in self._cutter.feed(piece):
                self._take(line)

    def tick(self, seconds: float) -> None:
        """Tell the time, in seconds of firmware time since reset."""
        self._now = seconds
        if self._unity_at is None:
            self._unity_at = seconds, self._clock()
        self._script_runner.tick(seconds)
        self._go_on()

    def end(self, reason: str) -> None:
        """The console has ended; ``reason`` is why, for the tests that had not."""
        for line in self._cutter.flush():
            self._take(line)
        self._observer.end()
        self._script_runner.stop(reason)

    @property
    def boots(self) -> BootReader:
        """What resets and boot messages tell so far."""
        return self._observer.boots

    @property
    def panics(self) -> tuple[str, ...]:
        """The lines of each panic."""
        return tuple(self._panics)

    @property
    def is_panicking(self) -> bool:
        """Whether a panic is being printed."""
        return self._observer.is_panicking

    @property
    def done(self) -> bool:
        """Whether there is nothing left to wait for."""
        if self._observer.is_over or self.boots.loop:
            return True
        if not self._patterns and not self._wants_unity and not self._manifest.tests:
            return False
        if self._is_in_panic:
            return False
        unity_done = self._settled if self._unity.started else not self._wants_unity
        in_time = self._now < self._manifest.timeout and not self._is_quiet
        return self._script_runner.over and (not in_time or (unity_done and self._met))

    def report(self) -> TestReport | None:
        """Results of Unity and of the manifest's tests so far.

        None when there is nothing; Unity that should be there and is not is not complete.
        """
        parts = [self._unity.report()] if self._unity.started or self._wants_unity else []
        if self._manifest.tests:
            parts.append(report_of(self._script_runner.cases, complete=self._script_runner.over))
        return joined(parts) if parts else None

    def expectations(self) -> tuple[Expectation, ...]:
        """Each expectation with the line that met it."""
        return tuple(Expectation(each, self._found.get(each)) for each in self._patterns)

    def transcript(self) -> str:
        """What was printed, as a person reads it, shortened in the middle."""
        gap = f"\n[... {self._dropped} bytes ...]\n".encode() if self._dropped else b""
        cutter = LineCutter()
        lines = [*cutter.feed(bytes(self._head + gap + self._tail)), *cutter.flush()]
        return "\n".join([*lines, ""])

    @property
    def _settled(self) -> bool:
        """Whether a summary came, and nothing of Unity since then."""
        if not self._unity.complete or self._unity_at is None:
            return False
        simulated, ours = self._unity_at
        return self._now - simulated >= SETTLE_SECONDS or self._clock() - ours >= SETTLE_SECONDS

    @property
    def _is_in_panic(self) -> bool:
        """Whether a panic is being printed that may yet come to its end: it is wanted whole."""
        if not self.is_panicking or self._panicked is None:
            return False
        simulated, ours = self._panicked
        return self._now - simulated < PANIC_SECONDS and self._clock() - ours < PANIC_WALL_SECONDS

    @property
    def _is_quiet(self) -> bool:
        return is_quiet(self._now, self._clock(), self._heard, QUIET_SECONDS)

    @property
    def _met(self) -> bool:
        return len(self._found) == len(self._patterns)

    def _go_on(self) -> None:
        """Begin with the tests when the firmware is ready for them, give up when it never is."""
        if self._met:
            self._script_runner.start()
        elif self._now >= self._manifest.timeout or self._is_quiet:
            missing = next(each for each in self._patterns if each not in self._found)
            self._script_runner.stop(f"never printed: {missing}")

    def _take(self, line: str) -> None:
        self.lines += 1
        if self._script_runner.sent != self._sent:
            self._sent = self._script_runner.sent
            self.boots.expect_restart()
        for pattern, compiled in self._patterns.items():
            if pattern not in self._found and compiled.search(line):
                self._found[pattern] = line
                self._go_on()
        if self._unity.add(line):
            self._unity_at = None  # the next tick knows when
        self._observer.add(line)
        if not self.is_panicking:
            self._panicked = None
        elif self._panicked is None:
            self._panicked = self._now, self._clock()
        if self.boots.loop:
            self._script_runner.stop(f"the firmware boots again and again ({self.boots.loop})")

    def _keep_panic(self, text: str) -> None:
        if len(self._panics) < panic.MAX_PANICS:
            self._panics.append(text)
