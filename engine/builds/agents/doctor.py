"""DOCTOR: looks for what ails the firmware: chip, flash, boot log, panics."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.builds.context import BuildContext
from engine.builds.outputs import Compiled, Tested
from engine.enums import Severity, StageStatus
from engine.findings import Finding
from engine.monitor import panic, symbols
from engine.runs.pipeline import StageResult
from engine.text import count


def run(context: BuildContext) -> StageResult:
    """Diagnose what the tests saw."""
    image = context.stage.output_of("build", Compiled).image
    findings: list[Finding] = []
    seen: list[Tested] = []
    for key in ("test.board", "test.simulator"):
        result = context.stage.results.get(key)
        if result is None or not isinstance(result.output, Tested):
            continue
        tested = result.output
        seen.append(tested)
        context.stage.report.log(f"{tested.ran_on}: {count(tested.lines, 'line')}")
        findings += _chip(tested, image.target)
        findings += _flash(tested, image.flash_size)
        for reason in tested.boots.resets if tested.boots else ():
            context.stage.report.log(f"reset reason: {reason}")
        findings += diagnose(tested, image.elf, context.stage.source)
    findings = _once(findings)
    for finding in findings:
        context.stage.report.log(f"{finding.severity}: {finding.title}")
        if finding.evidence:
            context.stage.report.log(finding.evidence)
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    return StageResult(
        status=StageStatus.FAILED if errors else StageStatus.SUCCESS,
        summary=errors[0].message if errors else _nothing(seen),
        findings=tuple(findings),
    )


def _nothing(seen: Sequence[Tested]) -> str:
    """What is said where nothing is wrong: not more than what there was to look at."""
    if not seen:
        return "nothing to check: it was not run"
    stopped = next((tested for tested in seen if tested.fault), None)
    if stopped:
        return f"{stopped.ran_on} stopped: {stopped.fault}"
    if all(tested.silent for tested in seen):
        return "nothing to check: it printed nothing"
    return "nothing wrong was seen"


def diagnose(tested: Tested, elf: Path, root: Path) -> list[Finding]:
    """What the console tells, as :class:`engine.monitor.crash_watcher.CrashWatcher` tells it of a
    monitor.

    Args:
        tested: what was seen.
        elf: the program that ran.
        root: of its sources.
    """
    found = list(tested.boots.findings) if tested.boots else []
    for text in tested.panics:
        found += panic.decode(text, elf, root)
    return found + _stopped(tested, elf, root)


def _stopped(tested: Tested, elf: Path, root: Path) -> list[Finding]:
    """Where a program was when its simulated chip stopped."""
    table = symbols.load_symbols(elf) if tested.fault else None
    if table is None:
        return []
    # The first is where it was, the others are behind calls.
    places = [
        (address, table.place(address - bool(index), root))
        for index, address in enumerate(tested.fault_addresses)
        if table.is_code(address - bool(index))
    ]
    mine = next((place for _address, place in places if place.file), None)
    what = "cannot go on, where a chip could" if tested.is_limit else "stopped"
    return [
        Finding(
            severity=Severity.WARNING if tested.is_limit else Severity.ERROR,
            code="simulator.limit" if tested.is_limit else "simulator.fault",
            message=f"{tested.ran_on} {what}: {tested.fault}",
            file=mine.file if mine else None,
            line=mine.line if mine else None,
            hint=tested.fault_hint or None,
            evidence="\n".join(f"0x{address:08x} {place}" for address, place in places) or None,
        )
    ]


def _chip(tested: Tested, target: str) -> list[Finding]:
    if tested.chip in ("", target):
        return []
    message = f"{tested.ran_on} has a {tested.chip}, the image is for {target}"
    return [Finding(severity=Severity.ERROR, code="board.chip", message=message)]


def _flash(tested: Tested, wanted: int | None) -> list[Finding]:
    if wanted is None or tested.flash_size is None or wanted <= tested.flash_size:
        return []
    message = (
        f"the image wants {wanted >> 20} MB of flash, "
        f"{tested.ran_on} has {tested.flash_size >> 20} MB"
    )
    return [
        Finding(
            severity=Severity.ERROR,
            code="board.flash-size",
            message=message,
            hint="set CONFIG_ESPTOOLPY_FLASHSIZE to what the board has",
        )
    ]


def _once(findings: list[Finding]) -> list[Finding]:
    """A board and a simulator see the same panic: say it once."""
    seen: set[tuple[object, ...]] = set()
    kept: list[Finding] = []
    for finding in findings:
        key = (finding.code, finding.message, finding.file, finding.line)
        if key not in seen:
            seen.add(key)
            kept.append(finding)
    return kept
