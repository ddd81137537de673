"""TESTER: runs the firmware, on a board and in a simulator at once, and reads what it prints."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from engine.boards import ports, pytest_suites, secure_images
from engine.boards.board_files import DEFAULT_BAUD, flashed
from engine.boards.board_session import BoardSession
from engine.boards.capabilities import FlashOptions
from engine.boards.disconnections import Absences
from engine.boards.identity import BoardIdentity
from engine.boards.names import is_virtual
from engine.boards.virtual.chips import CANNOT_RUN, CANNOT_START, RUNNABLE, STOPPED
from engine.builds.agents import silence, simulator_stops
from engine.builds.agents.output_checker import PANIC_SECONDS, OutputChecker
from engine.builds.context import BuildContext
from engine.builds.outputs import Compiled, Planned, Tested
from engine.console_input import ConsoleInput
from engine.enums import ArtifactKind, Severity, StageStatus
from engine.errors import MissingToolError, ToolError
from engine.findings import Finding
from engine.formats.untrusted import file_inside
from engine.images import sdkconfig
from engine.images.image import Image
from engine.manifest import FILE_NAME, Manifest
from engine.monitor.binary_log import BinaryLog
from engine.monitor.decoded_console import DecodedConsole
from engine.runs.pipeline import StageResult
from engine.simulators import labwired_stops
from engine.simulators.base import ChipOptions, Stop, find_simulators
from engine.testing.results import TestCase, joined, report_of
from engine.text import count

LISTEN = 5.0
"""Seconds to listen to firmware of which nothing is expected."""

_MAX_PATH = 300
_MAX_REMARKS = 5


def run(context: BuildContext) -> StageResult:
    """Test on a board or in a simulator, as the stage says."""
    plan = context.stage.output_of("plan", Planned)
    image = context.stage.output_of("build", Compiled).image
    if context.stage.definition.key == "test.board":
        if not plan.boards:
            return _skipped(plan.untested, "board")
        if (reason := _unasked(context, image)) is not None:
            return reason
        return _on_board(context, plan, image)
    if plan.simulator is None:
        return _skipped(plan.untested, "simulator")
    return _in_simulator(context, plan.simulator, plan.manifest, image)


def _skipped(reasons: tuple[str, ...], what: str) -> StageResult:
    reason = next((line for line in reasons if what in line), f"no {what}")
    return StageResult(status=StageStatus.SKIPPED, summary=reason)


def _unasked(context: BuildContext, image: Image) -> StageResult | None:
    """Why the image is not put on a board although there is one; None where it may be."""
    log, found = context.stage.report.log, secure_images.burns(image)
    if image.security is not None and image.security.simulated:
        log("eFuses are simulated (CONFIG_EFUSE_VIRTUAL): nothing is burnt")
    if context.stage.settings.flash_secure:
        if found:
            log(f"the first start burns eFuses for {'; '.join(found)} (flash_secure allows it)")
        return None
    problem = secure_images.unasked(image)
    if problem is None:
        return None
    log(problem)
    return StageResult(
        status=StageStatus.SKIPPED,
        summary=problem,
        findings=(Finding(severity=Severity.WARNING, code="board.secure", message=problem),),
    )


def _on_board(context: BuildContext, plan: Planned, image: Image) -> StageResult:
    manifest = plan.manifest
    report, console_input, settings = context.stage.report, ConsoleInput(), context.stage.settings
    absences = Absences()
    checker = OutputChecker(
        manifest,
        file=_in_project(context, FILE_NAME),
        target=image.target,
        console_input=console_input,
        on_result=_teller(report.log),
        interruption=absences.interruption,
    )
    with context.boards.use(
        *plan.boards,
        cancel=context.stage.cancel,
        on_wait=report.log,
        purpose=f"build {context.stage.run_id}",
    ) as board:
        report.board(board.name)
        report.log(f"flashing {board.called} ({board.url})")
        written = board.flash.write(
            image,
            FlashOptions(baud=settings.flash_baud, secure=settings.flash_secure),
            on_output=report.output,
            on_progress=lambda percent, message: report.progress(percent * 0.6, message),
            timeout=settings.flash_timeout,
            flashed=flashed(
                image, context.stage.run_id, project=context.project.name, commit=context.commit
            ),
        )
        identity = written.identity
        report.log(f"{board.called} is an {identity}")
        if not written.verified:
            report.log("not compared with what was written: the chip encrypts it")
        if is_virtual(board.name) and identity.chip not in RUNNABLE:
            return _kept(context, board.called, CANNOT_RUN.format(chip=identity.chip))
        seconds = seconds_of(manifest)
        baud = image.baud or DEFAULT_BAUD
        report.log(f"listening to {board.called} at {baud} baud for up to {seconds:g} s")
        report.progress(60, f"listening for up to {seconds:g} s")
        with _decoded(context, image) as serial:
            board.console.listen(
                baud=baud,
                on_output=as_text(image, serial.feed, absences.feed, checker.feed),
                until=lambda passed: is_over(checker, passed, seconds),
                seconds=seconds + PANIC_SECONDS,
                reset=True,
                console_input=console_input,
                on_return=absences.returned,
            )
        checker.end(f"nothing more came in {seconds:g} s")
        if _never_started(board.name, image, checker):
            return _kept(context, board.called, CANNOT_START.format(chip=identity.chip))
        boots = checker.boots
        context.boards.count_resets(
            board.name, brownouts=boots.brownouts, watchdogs=boots.watchdogs
        )
        if boots.loop and board.reset.into_bootloader():
            report.log(
                f"boot loop ({boots.loop}): stopped, {board.called} is left in its bootloader"
            )
        suite = _Played() if boots.loop else _play_suite(context, plan, board, baud)
        return _judge(
            context,
            checker,
            board.called,
            seconds=seconds,
            identity=identity,
            stop=_stop_of_virtual(board.name, image, checker),
            suite=suite,
            absences=absences,
        )


def _never_started(board: str, image: Image, checker: OutputChecker) -> bool:
    """Whether what came from a board is its emulation's silence, not the firmware's."""
    has_bootloader = any(part.kind is ArtifactKind.BOOTLOADER for part in image.parts)
    lines = (line for line in checker.transcript().splitlines() if line.strip())
    printed = any(not line.startswith(STOPPED) for line in lines)
    return is_virtual(board) and has_bootloader and not printed


def _stop_of_virtual(board: str, image: Image, checker: OutputChecker) -> Stop | None:
    """Why the chip of a virtual board stopped of itself, as it says on the console."""
    if not is_virtual(board):
        return None
    lines = checker.transcript().splitlines()
    said = next((line for line in reversed(lines) if line.startswith(STOPPED)), None)
    if said is None:
        return None
    stop = labwired_stops.stop_from_reason(said.removeprefix(STOPPED))
    return replace(stop, reason=simulator_stops.named(stop, image.elf))


def _kept(context: BuildContext, board: str, reason: str) -> StageResult:
    """What comes of a virtual board that was flashed and runs nothing: nothing is known."""
    line = f"{board} was flashed, not tested: {reason}"
    context.stage.report.log(line)
    note = Finding(severity=Severity.INFO, code="board.emulated", message=line)
    return StageResult(status=StageStatus.SKIPPED, summary=line, findings=(note,))


@dataclass(frozen=True, slots=True)
class _Played:
    """What became of the project's pytest suite: results, and problems with the suite itself."""

    cases: tuple[TestCase, ...] = ()
    problems: tuple[Finding, ...] = ()


def _play_suite(context: BuildContext, plan: Planned, board: BoardSession, baud: int) -> _Played:
    """Run the project's ``pytest_*.py`` on a board that is flashed, where there are any."""
    files = pytest_suites.find(context.app)
    if not files:
        return _Played()
    report = context.stage.report
    report.log(f"pytest runs {', '.join(files)}")
    report.progress(80, "pytest")
    suite = pytest_suites.Suite(
        files=files,
        source=context.app,
        build_dir=context.build_dir,
        target=context.target,
        port=board.url,
        baud=baud,
        by_idf=plan.toolchain == "idf",
        virtual=is_virtual(board.name),
        lock=board.port.lock,
    )
    try:
        if ports.is_url(board.url) and not suite.virtual:
            board.reset.into_program()
        cases = pytest_suites.play(suite, cancel=context.stage.cancel, on_output=report.output)
    except (MissingToolError, ToolError) as error:
        missing = isinstance(error, MissingToolError)
        problem = Finding(
            severity=Severity.WARNING if missing else Severity.ERROR,
            code="test.suite",
            message=f"{files[0]} was not run: {error}" if missing else str(error),
            file=_in_project(context, files[0]),
        )
        return _Played(problems=(problem,))
    for case in cases:
        _teller(report.log)(case)
    return _Played(tuple(replace(case, file=_in_project(context, case.file)) for case in cases))


def _in_project(context: BuildContext, file: str) -> str:
    """A file of the app, as the project has it; one that lies elsewhere as it is."""
    path = context.app / file
    inside = path.is_relative_to(context.stage.source)
    return path.relative_to(context.stage.source).as_posix() if inside else file


def _in_simulator(
    context: BuildContext, name: str, manifest: Manifest, image: Image
) -> StageResult:
    report, console_input = context.stage.report, ConsoleInput()
    checker = OutputChecker(
        manifest,
        file=_in_project(context, FILE_NAME),
        target=image.target,
        console_input=console_input,
        on_result=_teller(report.log),
    )
    simulator = next(each for each in find_simulators() if each.name == name)
    seconds = seconds_of(manifest)
    report.log(f"{name} runs {image.elf.name} for up to {seconds:g} s of firmware time")
    # To the monitor it is a board: what its console said is kept as a session, named for the build.
    board = f"{name}.{context.stage.run_id}"
    with context.boards.record(board) as session, _decoded(context, image) as serial:
        stop = simulator.run(
            image,
            seconds=seconds,
            on_output=_each(as_text(image, serial.feed, checker.feed), session.feed),
            until=lambda passed: is_done(checker, passed),
            cancel=context.stage.cancel,
            console_input=console_input,
            options=_chip_options(context, manifest),
        )
    if stop:
        stop = replace(stop, reason=simulator_stops.named(stop, image.elf))
        report.log(f"the simulated chip stopped: {stop.reason}")
    over = f"nothing more came in {seconds:g} s of firmware time"
    checker.end(stop.reason if stop else over)
    return _judge(context, checker, name, seconds=seconds, stop=stop)


def _chip_options(context: BuildContext, manifest: Manifest) -> ChipOptions:
    """What the project asks of a simulated chip; its files lie in the repository.

    Raises:
        ToolError: the file with the eFuses does not.
    """
    name = manifest.efuse
    efuse = file_inside(context.stage.source, name, FILE_NAME, "repository") if name else None
    return ChipOptions(network=manifest.network and not context.held, efuse=efuse)


def seconds_of(manifest: Manifest) -> float:
    """How long a board or a simulator is listened to at the most, by its firmware's clock."""
    tests = sum(step.within for script in manifest.tests for step in script.steps)
    waits = bool(manifest.expect) or manifest.unity or bool(manifest.tests)
    return manifest.timeout + tests if waits else min(manifest.timeout, LISTEN)


def is_done(checker: OutputChecker, seconds: float) -> bool:
    """Whether enough was heard, this many seconds after the start."""
    checker.tick(seconds)
    return checker.done


def is_over(checker: OutputChecker, passed: float, seconds: float) -> bool:
    """Whether enough was heard, or the time is up and no panic is being printed.

    Args:
        passed: seconds since the start.
        seconds: for which the firmware may run.
    """
    return is_done(checker, passed) or (passed >= seconds and not checker.is_panicking)


def _teller(log: Callable[[str], None]) -> Callable[[TestCase], None]:
    def tell(case: TestCase) -> None:
        took = f" ({case.seconds:.2f} s)" if case.seconds is not None else ""
        log(f"{case.outcome:6} {case.name}{took}{': ' if case.message else ''}{case.message}")

    return tell


def _decoded(context: BuildContext, image: Image) -> DecodedConsole:
    """The serial log of the stage, with where the addresses in it lie."""
    return DecodedConsole(context.stage.report.serial, image.elf, context.stage.source)


def as_text(image: Image, *takers: Callable[[bytes], None]) -> Callable[[bytes], None]:
    """Call each with what the console says, a binary log's frames as lines."""
    text, take = BinaryLog(image.elf), _each(*takers)
    return lambda data: take(text.feed(data))


def _each(*takers: Callable[[bytes], None]) -> Callable[[bytes], None]:
    def call(data: bytes) -> None:
        for take in takers:
            take(data)

    return call


def _judge(
    context: BuildContext,
    checker: OutputChecker,
    ran_on: str,
    *,
    seconds: float,
    identity: BoardIdentity | None = None,
    stop: Stop | None = None,
    suite: _Played | None = None,
    absences: Absences | None = None,
) -> StageResult:
    expectations, suite = checker.expectations(), suite or _Played()
    reports = [report_of(suite.cases, complete=True)] if suite.cases else []
    if (heard := checker.report()) is not None:
        cases = (replace(case, file=_in_source(context, case.file)) for case in heard.cases)
        reports.insert(0, replace(heard, cases=tuple(cases)))
    tests = joined(reports) if reports else None
    transcript = checker.transcript()
    silent = silence.is_silent(transcript) and not (tests and tests.passed)
    tested = Tested(
        ran_on=ran_on,
        chip=identity.chip if identity else "",
        flash_size=identity.flash_size if identity else None,
        expectations=expectations,
        report=tests,
        lines=checker.lines,
        fault=stop.reason if stop else "",
        fault_hint=stop.hint if stop else "",
        fault_addresses=stop.addresses if stop else (),
        is_limit=stop.limit if stop else False,
        transcript=transcript,
        silent=silent,
        boots=checker.boots.log(),
        panics=checker.panics,
    )
    findings = (*_problems(tested), *suite.problems)
    if silent:
        options = _sdkconfig(context)
        findings += (silence.finding(ran_on, seconds, transcript, options),)
    failed = any(finding.severity is Severity.ERROR for finding in findings)
    findings = (*(absences.findings(failed=failed) if absences else ()), *findings)
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    for finding in findings:
        context.stage.report.log(f"{finding.severity}: {finding.message}")
    summary = f"{ran_on}: {_told(tested)}"
    if errors:
        summary = f"{ran_on}: {errors[0].message}"
    else:
        context.stage.report.log(summary)
    return StageResult(
        status=StageStatus.FAILED if errors else StageStatus.SUCCESS,
        summary=summary,
        findings=findings,
        output=tested,
    )


def _told(tested: Tested) -> str:
    """What came of it, in some words."""
    parts = []
    if tested.expectations:
        parts.append(
            f"{tested.expectations_met} of {count(len(tested.expectations), 'expectation')} met"
        )
    if tests := tested.report:
        parts += [count(tests.tests, "test"), count(tests.failures, "failure")]
        parts += [f"{tests.ignored} ignored"] * bool(tests.ignored)
    if tested.silent:
        parts.append("silent: it printed nothing")
    return ", ".join(parts) or f"ran, {count(tested.lines, 'line')}, nothing was asked of it"


def _in_source(context: BuildContext, file: str) -> str:
    """A file as the firmware names it (``__FILE__``), as the repository has it where it does."""
    if 0 < len(file) <= _MAX_PATH:
        for folder in (context.app, context.stage.source):
            path = Path(os.path.normpath(folder / file))
            if path.is_relative_to(context.stage.source) and path.is_file():
                return path.relative_to(context.stage.source).as_posix()
    return file


def _sdkconfig(context: BuildContext) -> dict[str, str]:
    """The options of the build's ``sdkconfig``; none where it has none."""
    try:
        return sdkconfig.read(context.build_dir / "sdkconfig")
    except OSError:
        return {}


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
    fault = Finding(
        severity=Severity.ERROR,
        code="simulator.limit" if tested.is_limit else "simulator.fault",
        message=tested.fault,
        hint=tested.fault_hint or None,
        evidence=evidence,
    )
    # That a slow simulator gave up, at no place, says less than the test that it was at.
    gave_up = tested.is_limit and not tested.fault_addresses
    if tested.fault and not (gave_up and tested.report and tested.report.failures):
        findings.insert(0, fault)
    if tested.report is not None:
        findings += [
            Finding(
                severity=Severity.ERROR,
                code="test.failed",
                message=f"{case.name}: {case.message}" if case.message else case.name,
                file=case.file,
                line=case.line or None,
            )
            for case in tested.report.cases
            if case.failed
        ]
        if fault.message and fault not in findings:
            findings.append(fault)
        if unseen := tested.report.unseen:
            findings.append(
                Finding(
                    severity=Severity.ERROR,
                    code="test.failed",
                    message=f"{count(unseen, 'failure')} that only a summary counts",
                    hint="no line that was read says of which test: the log has what was printed",
                    evidence=evidence,
                )
            )
        findings += [
            Finding(severity=Severity.WARNING, code="test.summary", message=remark)
            for remark in tested.report.remarks[:_MAX_REMARKS]
        ]
        if not tested.report.complete:
            none = f"no test ran: {FILE_NAME} has unity = true, and no summary of Unity came"
            message = "the tests did not come to their summary" if tested.report.tests else none
            findings.append(
                Finding(
                    severity=Severity.ERROR,
                    code="test.incomplete",
                    message=message,
                    hint="UNITY_END() prints it: a test hung, a reset came, or nobody calls it",
                    evidence=evidence,
                )
            )
    return findings
