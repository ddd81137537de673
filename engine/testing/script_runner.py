"""Plays the tests of ``espdeck.toml`` against a console that somebody else reads.

Steps meet each line as a person reads it, and every state of one that is drawn over
(:mod:`engine.monitor.line_splitter`). The reader hands over what comes and tells the time; what
is typed goes to a console input. One thread does both, so nothing here waits and nothing is locked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import re2

from engine.console_input import ConsoleInput
from engine.errors import BoardError
from engine.monitor.line_splitter import StateCutter
from engine.testing.results import Outcome, TestCase
from engine.testing.scripts import Script, ScriptStep

QUIET_SECONDS = 15.0
"""Seconds of ours after which a step gives up when nothing more comes, where firmware time passes
far slower: a simulator may take two minutes for the five seconds that a step has."""

_SLOW = 0.5  # of our time that passes for firmware in a simulator that counts as slow
_MIN_QUIET_SECONDS = 0.25  # of firmware time, in which most commands have long answered
_MAX_FACTOR = 3  # of the seconds of ours after which that counts no more, on a busy machine
_MAX_SHOWN_CHARACTERS = 200


class ScriptRunner:
    """Plays scripts one after the other; a test that fails does not keep the next from its turn."""

    def __init__(
        self,
        scripts: Sequence[Script],
        *,
        file: str,
        eol: str,
        console_input: ConsoleInput,
        interruption: Callable[[str], str | None],
        on_result: Callable[[TestCase], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Be ready; nothing is typed before :meth:`start`.

        Args:
            scripts: what to play.
            file: where they were read from, for the results.
            eol: what ends a line that is typed.
            console_input: of the console.
            interruption: says of a line why the firmware does not go on, as after a panic; None of
                any other. A line that a step expects interrupts nothing.
            on_result: called with each result as it is known.
            clock: our time in seconds; a simulated second can take a minute of it.
        """
        self._scripts = scripts
        self._file = file
        self._eol = eol
        self._console_input = console_input
        self._interruption = interruption
        self._on_result = on_result
        self._clock = clock
        self._heard = 0.0, clock()  # when something came or was typed: firmware time, and ours
        self._cutter = StateCutter()
        self._taken = 0
        self._now = 0.0
        self._began = 0.0
        self._deaf = False
        self._pending: _PendingStep | None = None
        self.cases: list[TestCase] = []
        """The results so far, in order."""

        self.sent = 0
        """Lines that were typed so far."""

    @property
    def over(self) -> bool:
        """Whether every test has its result."""
        return len(self.cases) == len(self._scripts)

    def start(self) -> None:
        """Begin with the first test; does nothing when it has begun."""
        if self._pending is None and not self.cases:
            self._take(0)

    def arrived(self) -> None:
        """Bytes have come in, which :meth:`feed` is given next, maybe in pieces."""
        self._deaf = False
        self._heard = self._now, self._clock()

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the console."""
        if self._pending is None:
            self._cutter, self._taken = StateCutter(), 0
            return
        for state in self._cutter.feed(data):
            self._read_line(state, whole=True)
            self._taken = 0
        rest = self._cutter.rest
        if rest[self._taken :]:
            self._read_line(rest, whole=False)

    def tick(self, seconds: float) -> None:
        """Tell the time, in seconds of firmware time since reset."""
        self._now = seconds
        if self._pending is None:
            return
        why = f"within {self._pending.step.within:g} s"
        if self._now <= self._pending.deadline:
            if not is_quiet(seconds, self._clock(), self._heard, QUIET_SECONDS):
                return
            passed = self._now - self._began
            why += f" (given up {passed:.2g} s after its beginning: the simulator is slow)"
        self._keep(self._failure(self._pending, why))
        self._taken = len(self._cutter.rest)
        self._take(0)

    def stop(self, reason: str) -> None:
        """The console ends: the test that is on has failed, those that follow are left out."""
        if self._pending is not None:
            self._keep(self._failure(self._pending, f"but {reason}"))
            self._pending = None
        while not self.over:
            script = self._scripts[len(self.cases)]
            self._keep(self._result(script, Outcome.IGNORE, f"not run: {reason}"))

    def _take(self, number: int) -> None:
        """Take a step of the test that is on, and what follows up to a step that waits."""
        while not self.over:
            script = self._scripts[len(self.cases)]
            if number == len(script.steps):
                self._keep(self._result(script, Outcome.PASS, seconds=self._now - self._began))
                number = 0
                continue
            if number == 0:
                self._began = self._now
            self._pending = pending = _PendingStep(script, number, self._now)
            self._heard = self._now, self._clock()
            try:
                self._type(pending.step)
            except BoardError as error:
                self._keep(self._failure(pending, f"but {error}"))
                number = 0
                continue
            if pending.step.expect is not None:
                return
            number += 1
        self._pending = None

    def _type(self, step: ScriptStep) -> None:
        if step.send is not None:
            self._console_input.send((step.send + self._eol).encode())
            self.sent += 1
            self._deaf = True

    def _read_line(self, text: str, *, whole: bool) -> None:
        """Take the line that comes in, as far as it is there."""
        # What came in together with what made us type was printed before anyone could answer.
        if self._pending is not None and not self._deaf:
            self._pending.line = text[self._taken :]
            self._look(self._pending, whole=whole)
        if self._deaf:
            self._taken = len(text)

    def _look(self, pending: _PendingStep, *, whole: bool) -> None:
        """See whether the line that comes in is what the step waits for."""
        while (end := pending.match_end(whole=whole)) is not None:
            self._taken += end
            rest = pending.line[end:]
            self._take(pending.number + 1)
            if self._pending is None or self._deaf or not rest:
                return
            # Nothing was typed meanwhile: what is left of the line counts for the next step.
            pending = self._pending
            pending.line = rest
        if not whole:
            return
        line, pending.line = pending.line, ""
        reason = self._interruption(line)
        if reason is not None:
            self.stop(reason)
        pending.seen = line.strip() or pending.seen

    def _failure(self, pending: _PendingStep, why: str) -> TestCase:
        took = self._now - self._began
        return self._result(pending.script, Outcome.FAIL, pending.told(why), seconds=took)

    def _result(
        self, script: Script, outcome: Outcome, message: str = "", seconds: float | None = None
    ) -> TestCase:
        return TestCase(script.name, outcome, self._file, script.line, message, seconds)

    def _keep(self, case: TestCase) -> None:
        self.cases.append(case)
        self._on_result(case)


def is_quiet(now: float, ours: float, heard: tuple[float, float], seconds: float) -> bool:
    """Whether nothing came for some seconds of ours, in which far less passed for the firmware.

    Args:
        now: firmware time in seconds.
        ours: our time.
        heard: both times at which something came last.
        seconds: of ours.
    """
    passed, simulated = ours - heard[1], now - heard[0]
    enough = simulated >= _MIN_QUIET_SECONDS or passed >= _MAX_FACTOR * seconds
    return passed >= seconds and enough and simulated < passed * _SLOW


class _PendingStep:
    """A step that waits for its line."""

    def __init__(self, script: Script, number: int, now: float) -> None:
        self.script = script
        self.number = number
        self.step: ScriptStep = script.steps[number]
        self.deadline = now + self.step.within
        pattern = self.step.expect or ""
        self._pattern = re2.compile(pattern)
        # A line that may go on cannot meet it.
        self._wants_end = pattern.endswith("$") and not pattern.endswith("\\$")
        self.line = ""
        self.seen = ""

    def match_end(self, *, whole: bool) -> int | None:
        """Where the match on the line ends; None without one."""
        if self._wants_end and not whole:
            return None
        found = self._pattern.search(self.line)
        return int(found.end()) if found is not None else None

    def told(self, why: str) -> str:
        """One line: what was sent and expected, and what came instead."""
        number = f"step {self.number + 1}: " if len(self.script.steps) > 1 else ""
        sent = f"sent {self.step.send!r}, " if self.step.send is not None else ""
        # The last line, and what may be the prompt after it.
        came = [
            repr(each[:_MAX_SHOWN_CHARACTERS]) for each in (self.seen, self.line.strip()) if each
        ]
        saw = ", ".join(came) or "nothing"
        return f"{number}{sent}expected {self.step.expect!r} {why}, saw {saw}"
