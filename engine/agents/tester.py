"""TESTER: runs the firmware, on a board and in a simulator at once, and reads what it prints."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import re2

from engine.boards.bootlog import Resets
from engine.boards.desk import BAUD, Flashed
from engine.boards.flasher import BoardIdentity
from engine.boards.held import FlashOptions
from engine.findings import Finding
from engine.image import Image
from engine.manifest import Manifest
from engine.pipelines.model import StageContext, StageResult
from engine.pipelines.outputs import Compiled, Expectation, Planned, Tested
from engine.simulators.base import find_simulators
from engine.testcases import TestReport
from engine.text import count
from engine.unity import Reader
from engine.words import Severity, StageStatus

LISTEN = 5.0
"""Seconds to listen to firmware of which nothing is expected."""

_MAX_LINE = 4096
_HEAD = 32 << 10
_TAIL = 96 << 10
_PANIC = "Guru Meditation Error"
_PANIC_ENDS = ("Rebooting...", "CPU halted.")


class Listener:
    """Reads serial output as it comes: expectations, Unity, panics. Memory is bounded.

    The panic of ESP-IDF ends with ``Rebooting...`` or ``CPU halted.`` (ESP-IDF Programming Guide,
    "Fatal Errors"), after which nothing that was expected will come any more.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._patterns = {pattern: re2.compile(pattern) for pattern in manifest.expect}
        self._found: dict[str, str] = {}
        self._wants_unity = manifest.unity
        self._head = bytearray()
        self._tail = bytearray()
        self._dropped = 0
        self._rest = b""
        self._unity = Reader()
        self._panicked = False
        self._panic_over = False
        self.lines = 0
        self.resets = Resets()

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        room = _HEAD - len(self._head)
        self._head += data[:room]
        self._tail += data[max(0, room) :]
        if len(self._tail) > 2 * _TAIL:
            self._dropped += len(self._tail) - _TAIL
            del self._tail[:-_TAIL]
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _MAX_LINE:
            lines.append(self._rest)
            self._rest = b""
        for raw in lines:
            self._line(raw[:_MAX_LINE].decode("utf-8", "replace").rstrip("\r"))

    @property
    def done(self) -> bool:
        """Whether there is nothing left to wait for."""
        if self._panic_over or self.resets.loop:
            return True
        if not self._patterns and not self._wants_unity:
            return False
        unity_done = self._unity.complete if self._unity.started else not self._wants_unity
        return unity_done and len(self._found) == len(self._patterns)

    def report(self) -> TestReport | None:
        """Unity results so far, None when the firmware printed none."""
        return self._unity.report() if self._unity.started else None

    def expectations(self) -> tuple[Expectation, ...]:
        """Each expectation with the line that met it."""
        self._line(self._rest.decode("utf-8", "replace"))
        self._rest = b""
        return tuple(Expectation(each, self._found.get(each)) for each in self._patterns)

    def transcript(self) -> str:
        """What was printed, shortened in the middle."""
        gap = f"\n[... {self._dropped} bytes ...]\n".encode() if self._dropped else b""
        return (self._head + gap + self._tail).decode("utf-8", "replace")

    def _line(self, line: str) -> None:
        if not line:
            return
        self.lines += 1
        for pattern, compiled in self._patterns.items():
            if pattern not in self._found and compiled.search(line):
                self._found[pattern] = line
        self._unity.add(line)
        self.resets.add(line)
        if _PANIC in line:
            self._panicked = True
        elif self._panicked and line.startswith(_PANIC_ENDS):
            self._panic_over = True


def run(context: StageContext) -> StageResult:
    """Test on a board or in a simulator, as the stage says."""
    plan = context.output_of("plan", Planned)
    image = context.output_of("build", Compiled).image
    if context.stage.key == "test.board":
        if not plan.boards:
            return _skipped(plan.untested, "board")
        return _on_board(context, plan.boards, plan.manifest, image)
    if plan.simulator is None:
        return _skipped(plan.untested, "simulator")
    return _in_simulator(context, plan.simulator, plan.manifest, image)


def _skipped(reasons: tuple[str, ...], what: str) -> StageResult:
    reason = next((line for line in reasons if what in line), f"no {what}")
    return StageResult(status=StageStatus.SKIPPED, summary=reason)


def _on_board(
    context: StageContext, boards: Sequence[str], manifest: Manifest, image: Image
) -> StageResult:
    report, listener, settings = context.report, Listener(manifest), context.settings
    with context.boards.use(
        *boards,
        cancel=context.cancel,
        on_wait=report.log,
        purpose=f"build {context.build_id}",
    ) as board:
        identity = board.identity()
        report.log(
            f"flashing {board.name} ({board.url}): {identity.chip} {identity.revision}, "
            f"{identity.mac}"
        )
        board.flash(
            image,
            FlashOptions(baud=settings.flash_baud, secure=settings.flash_secure),
            on_output=report.output,
            on_progress=lambda percent, message: report.progress(percent * 0.6, message),
            timeout=settings.flash_timeout,
        )
        seconds = _seconds(manifest)
        baud = manifest.baud or image.baud or BAUD
        context.boards.desk(board.name).remember_flashed(Flashed(context.build_id, baud))
        report.log(f"listening to {board.name} at {baud} baud for up to {seconds:g} s")
        report.progress(60, f"listening for up to {seconds:g} s")
        board.listen(
            baud=baud,
            on_output=_both(report.serial, listener.feed),
            until=lambda: listener.done,
            seconds=seconds,
            reset=True,
        )
        resets = listener.resets
        context.boards.count_resets(
            board.name, brownouts=resets.brownouts, watchdogs=resets.watchdogs
        )
        if resets.loop and board.park():
            report.log(
                f"boot loop ({resets.loop}): stopped, {board.name} is left in its bootloader"
            )
        return _judge(context, listener, board.name, identity=identity)


def _in_simulator(
    context: StageContext, name: str, manifest: Manifest, image: Image
) -> StageResult:
    report, listener = context.report, Listener(manifest)
    simulator = next(each for each in find_simulators() if each.name == name)
    seconds = _seconds(manifest)
    report.log(f"{name} runs {image.elf.name} for up to {seconds:g} s of firmware time")
    fault = simulator.run(
        image,
        seconds=seconds,
        on_output=_both(report.serial, listener.feed),
        until=lambda _passed: listener.done,
        cancel=context.cancel,
    )
    if fault:
        report.log(f"the simulated chip stopped: {fault}")
    return _judge(context, listener, name, fault=fault)


def _seconds(manifest: Manifest) -> float:
    waits = bool(manifest.expect) or manifest.unity
    return manifest.timeout if waits else min(manifest.timeout, LISTEN)


def _both(
    first: Callable[[bytes], None], second: Callable[[bytes], None]
) -> Callable[[bytes], None]:
    def call(data: bytes) -> None:
        first(data)
        second(data)

    return call


def _judge(
    context: StageContext,
    listener: Listener,
    ran_on: str,
    *,
    identity: BoardIdentity | None = None,
    fault: str | None = None,
) -> StageResult:
    expectations, unity = listener.expectations(), listener.report()
    tested = Tested(
        ran_on=ran_on,
        chip=identity.chip if identity else "",
        flash_size=identity.flash_size if identity else None,
        expectations=expectations,
        report=unity,
        lines=listener.lines,
        fault=fault or "",
        transcript=listener.transcript(),
    )
    findings = tuple(_problems(tested))
    for finding in findings:
        context.report.log(f"{finding.severity}: {finding.message}")
    met = sum(each.line is not None for each in expectations)
    tests = f", {count(unity.tests, 'test')}, {count(unity.failures, 'failure')}" if unity else ""
    summary = f"{ran_on}: {met} of {count(len(expectations), 'expectation')} met{tests}"
    if findings:
        return StageResult(
            status=StageStatus.FAILED,
            summary=f"{ran_on}: {findings[0].message}",
            findings=findings,
            output=tested,
        )
    context.report.log(summary)
    return StageResult(status=StageStatus.SUCCESS, summary=summary, output=tested)


def _problems(tested: Tested) -> list[Finding]:
    seen = tested.transcript.strip().splitlines()[-8:]
    evidence = "\n".join(seen) or "nothing was printed"
    findings = [
        Finding(
            severity=Severity.ERROR,
            code="test.expectation",
            message=f"never printed: {each.pattern}",
            hint="the last lines that it printed instead are the evidence",
            evidence=evidence,
        )
        for each in tested.expectations
        if each.line is None
    ]
    if tested.fault:
        findings.insert(
            0,
            Finding(
                severity=Severity.ERROR,
                code="simulator.fault",
                message=tested.fault,
                evidence=evidence,
            ),
        )
    if tested.report is not None:
        findings += [
            Finding(
                severity=Severity.ERROR,
                code="test.failed",
                message=f"{case.name}: {case.message}" if case.message else case.name,
                file=case.file,
                line=case.line,
            )
            for case in tested.report.cases
            if case.failed
        ]
        if not tested.report.complete:
            findings.append(
                Finding(
                    severity=Severity.ERROR,
                    code="test.incomplete",
                    message="the tests did not come to their summary",
                    evidence=evidence,
                )
            )
    return findings
