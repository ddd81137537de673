"""What DEVELOPER knows of a failure: what failed, what was expected, what the console said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from engine.builds.agents.repair_history import Attempt, outcome
from engine.builds.context import BuildContext
from engine.builds.outputs import Planned, Tested
from engine.enums import StageStatus
from engine.errors import ToolError
from engine.files import read_file
from engine.manifest import FILE_NAME
from engine.monitor import interruptions
from engine.projects.apps import find_apps
from engine.projects.git_objects import diff_between
from engine.repair.case import EarlierRepair, RepairCase, StageFailure, said_then
from engine.source.editable_tree import EditableTree
from engine.source.file_kinds import other_apps
from engine.source.file_policy import SECRET_FILES
from engine.toolchains.compiler_facts import compiler_facts

_CONSOLE_LINES = 40
_PANIC_LINES = 3  # lines of a panic that are shown with what came before it
_MAX_DIFF_BYTES = 64 << 10
_MANIFEST_BYTES = 64 << 10
_SMALL_MANIFEST = 1500  # characters: one of so many is shown whole


def case_of(context: BuildContext, attempts: Sequence[Attempt], start: Attempt) -> RepairCase:
    """What is to be repaired.

    Args:
        context: of the stage; its worktree is what ``start`` was built from.
        attempts: every attempt so far.
        start: the one whose failure is repaired.
    """
    failures = tuple(
        StageFailure(key, result.summary, tuple(f for f in start.errors if f in result.findings))
        for key, result in start.results.items()
        if result.status is StageStatus.FAILED
    )
    tried = tuple(
        EarlierRepair(
            by=each.repair.by if each.repair.by_rule else "a model",
            outcome=outcome(attempts, each.number),
            patch=each.repair.change,
            errors=tuple(map(said_then, each.errors)),
        )
        for each in attempts
        if each.repair
    )
    plan = next((r.output for r in start.results.values() if isinstance(r.output, Planned)), None)
    named = next((each.file for each in start.errors if each.file), None)
    return RepairCase(
        target=context.target,
        app=context.project.app,
        failures=failures,
        tried=tried,
        tree=_own_tree(context),
        toolchain=(
            compiler_facts(context.build_dir, plan.toolchain, named) if plan is not None else ()
        ),
        expected=_expected(context, start),
        awaited=tuple(dict.fromkeys(_awaited(start, plan))),
        console=_console(start),
        diff=_diff_since_success(context),
        may_change_tests=context.stage.settings.repair.may_change_tests,
    )


def _own_tree(context: BuildContext) -> EditableTree:
    """The worktree without the folders of other apps: a model is shown none of their files."""
    apps = [each.path for each in find_apps(context.slot.source, "HEAD")]
    tree, is_other = context.slot.tree, other_apps(context.project.app, apps)
    return replace(tree, files=frozenset(each for each in tree.files if not is_other(each)))


def _seen(start: Attempt) -> list[Tested]:
    """What was seen where the firmware failed, on a board first."""
    found = [start.results.get(key) for key in ("test.board", "test.simulator")]
    return [
        each.output
        for each in found
        if each is not None
        and each.status is StageStatus.FAILED
        and isinstance(each.output, Tested)
    ]


def _awaited(start: Attempt, plan: Planned | None) -> Iterator[str]:
    """The patterns of expectations that were not met, and of the scripts that failed."""
    for tested in _seen(start):
        yield from (each.pattern for each in tested.expectations if each.line is None)
        failed = {case.name for case in tested.report.cases if case.failed} if tested.report else ()
        for script in plan.manifest.tests if plan is not None else ():
            if script.name in failed:
                yield from (step.expect for step in script.steps if step.expect)


def _expected(context: BuildContext, start: Attempt) -> str:
    """What ``espdeck.toml`` says: all of a small one, else what failed of it.

    Empty where the firmware did not come to its tests.
    """
    seen = _seen(start)
    if not seen:
        return ""
    try:
        text = read_file(context.app / FILE_NAME, _MANIFEST_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
    head = f"{FILE_NAME} (it stays as it is):\n"
    if len(text) <= _SMALL_MANIFEST:
        return head + text
    patterns = [
        f"expect = {each.pattern!r}"
        for tested in seen
        for each in tested.expectations
        if each.line is None
    ]
    tables = [
        _table(text, finding.line) for finding in start.errors if _is_of_manifest(finding.file)
    ]
    return head + "\n\n".join(dict.fromkeys((*patterns, *filter(None, tables))))


def _is_of_manifest(file: str | None) -> bool:
    return (file or "").rpartition("/")[2] == FILE_NAME


def _table(text: str, line: int | None) -> str:
    """The table of a TOML text that begins at a line."""
    rows = text.split("\n")
    if line is None or not 1 <= line <= len(rows):
        return ""
    first = next((at for at in range(line - 1, -1, -1) if rows[at].startswith("[[")), line - 1)
    ends = (at for at in range(first + 1, len(rows)) if rows[at].startswith("["))
    return "\n".join(rows[first : next(ends, len(rows))]).strip()


def _console(start: Attempt) -> tuple[str, ...]:
    """The last lines that were printed before the failure, where it was seen first."""
    seen = _seen(start)
    if not seen:
        return ()
    lines = seen[0].transcript.rstrip().split("\n")
    panics = (at for at, line in enumerate(lines) if interruptions.panic_reason(line))
    end = next((at + _PANIC_LINES for at in panics), len(lines))
    return tuple(lines[max(0, end - _CONSOLE_LINES) : end])


def _diff_since_success(context: BuildContext) -> str:
    """What the commit changes since the last build that succeeded; empty where nobody knows."""
    before = context.commit_before()
    if not before or not context.commit or before == context.commit:
        return ""
    try:
        diff, _files, _size = diff_between(
            context.slot.source,
            f"{before}..{context.commit}",
            _MAX_DIFF_BYTES,
            without=SECRET_FILES,
            cancel=context.stage.cancel,
        )
    except ToolError:  # the commit is gone
        return ""
    return diff
