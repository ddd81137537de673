"""PROJECT_MANAGER: validates the project, chooses toolchain, board and simulator."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from engine import manifest
from engine.builds.context import BuildContext
from engine.builds.outputs import Planned
from engine.enums import LINUX, Severity, StageStatus
from engine.errors import MistakeError
from engine.findings import Finding
from engine.projects.dependencies import scan_dependencies
from engine.projects.external_content import fetch_content
from engine.projects.validation import validate
from engine.runs.pipeline import StageResult
from engine.simulators.base import choose_simulator
from engine.text import count
from engine.toolchains.base import choose_toolchain


def run(context: BuildContext) -> StageResult:
    """Validate and plan; each rule that fails is a finding of its own."""
    say = context.stage.report.log
    say(f"project {context.project.name} at {context.app}")
    for note in context.notes:
        say(f"{note.severity}: {note.message}")
    findings = validate(
        context.project, context.stage.source, context.target, context.configuration
    )
    fetched = () if findings else _contents(context)
    for finding in (*findings, *fetched):
        say(f"{finding.severity}: {finding.message}")
    errors = [each for each in (*findings, *fetched) if each.severity is Severity.ERROR]
    if errors:
        return StageResult(
            status=StageStatus.FAILED,
            summary=errors[0].message,
            findings=(*findings, *fetched, *context.notes),
        )
    toolchain = choose_toolchain(context.app)
    way = f", configuration {context.configuration}" if context.configuration else ""
    say(f"toolchain {toolchain.name}, target {context.target}{way}")
    for dependency in scan_dependencies(context.app):
        say(f"component {dependency.name} {dependency.version} ({dependency.file})")
    try:
        expected = manifest.load(context.app)
    except MistakeError as mistake:
        file = str(PurePosixPath(context.project.app, mistake.file))
        found = Finding(Severity.ERROR, "manifest", mistake.what, file=file, line=mistake.line)
        return StageResult(
            status=StageStatus.FAILED,
            summary=found.title,
            findings=(found, *fetched, *context.notes),
        )
    speed = f", {expected.baud} baud" if expected.baud else ""
    waits = f"{count(len(expected.expect), 'expectation')}, {count(len(expected.tests), 'test')}"
    say(
        f"{waits}, {expected.timeout:g} s{speed}"
        if expected.expect or expected.unity or expected.tests
        else f"no expectations: {manifest.FILE_NAME} would say what the firmware should print"
    )
    untested: list[str] = []
    boards = context.boards.choose(context.board, context.target)
    if not boards:
        untested.append(
            f"no board before a person approves it: espdeck approve {context.stage.run_id}"
            if context.held
            else "no board was wanted"
            if context.board == "none"
            else "no board: firmware for linux runs on this machine"
            if context.target == LINUX
            else _no_board(context)
        )
    simulator, reason = choose_simulator(context.simulator, context.target, bare=toolchain.bare)
    if simulator is None:
        untested.append(reason)
    for line in untested:
        say(line)
    shown = _shown([*map(context.boards.called, boards)])
    where = f"board {shown}, simulator {simulator.name if simulator else 'none'}"
    say(where)
    notes = tuple(
        Finding(severity=Severity.INFO, code="plan.untested", message=line) for line in untested
    )
    return StageResult(
        status=StageStatus.SUCCESS,
        summary=f"{toolchain.name} for {context.target}, {where}",
        findings=(*fetched, *context.notes, *notes),
        output=Planned(
            toolchain=toolchain.name,
            manifest=expected,
            boards=boards,
            simulator=simulator.name if simulator else None,
            untested=tuple(untested),
        ),
    )


def _no_board(context: BuildContext) -> str:
    """Why there is no board for a build that would take any."""
    if left := context.boards.out_of_pool(context.target):
        name, reason = next(iter(left.items()))
        called = context.boards.called(name)
        more = f" (and {len(left) - 1} more)" if len(left) > 1 else ""
        return f"no {context.target} board: {called} left the pool: {reason}{more}"
    return f"no {context.target} board: name one with --board or in the settings"


def _contents(context: BuildContext) -> tuple[Finding, ...]:
    return fetch_content(
        context.slot,
        context.project,
        local_submodules=context.stage.settings.local_submodules,
        say=context.stage.report.log,
        cancel=context.stage.cancel,
    )


def _shown(boards: Sequence[str]) -> str:
    if not boards:
        return "none"
    return boards[0] if len(boards) == 1 else f"{boards[0]} or the first free of {len(boards)}"
