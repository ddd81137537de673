"""A regression test is tried without the fix: one that passes there as well proves nothing.

What is built is the commit with the changes of the test's step alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine.builds.outputs import Tested
from engine.builds.pipeline import FIRMWARE_PIPELINE
from engine.enums import Severity, StageStatus
from engine.errors import ToolError
from engine.findings import Finding
from engine.runs.pipeline import StageContext, StageResult
from engine.tasks.context import Done, TaskContext, TriedWithoutFix
from engine.tasks.proof_stages import BUILD, SIMULATOR, TESTS, owner_of, proof_key
from engine.testing.results import Outcome
from engine.text import count

_MAX_TOLD = 3


def run(context: TaskContext) -> StageResult:
    """Build and try the tests of a step without what the run changed before them."""
    owner, _part = owner_of(context.stage.definition.key)
    with_fix = _passed(context.stage, owner)
    if with_fix is None:
        return _unknown("the tests were not run with it either")
    done = context.stage.results[owner].output
    assert isinstance(done, Done)
    if done.patch is None:
        return _unknown("no test was written")
    with context.turn:
        try:
            context.slot.become(context.slot.diff_between(done.before, context.patch))
        except ToolError as error:
            return _unknown(f"the change of the tests alone does not apply: {error}")
    try:
        return _judged(context, owner, with_fix)
    finally:
        with context.turn:
            context.slot.become(context.patch)


def _judged(context: TaskContext, owner: str, with_fix: Mapping[str, bool]) -> StageResult:
    """Build what the worktree is, try it, and compare."""
    stage = context.stage
    built = context.firmware(_as(stage, owner, BUILD), owner)
    if built.status is not StageStatus.SUCCESS:
        return _unknown(f"it does not compile: {built.summary}")
    results = {**stage.results, proof_key(owner, BUILD): built}
    tried = context.firmware(replace(_as(stage, owner, SIMULATOR), results=results), owner)
    if not isinstance(tried.output, Tested):
        return _unknown(tried.summary)
    without = _names(tried.output)
    passed = {name for name, has_passed in with_fix.items() if has_passed}
    asked = passed - _known_before(context, owner) or passed  # it may have changed a test, too
    if not asked:
        return _unknown("no test ran with it")
    proving = tuple(name for name in sorted(asked) if not without.get(name))
    if proving:
        shown = ", ".join(proving[:_MAX_TOLD])
        more = f" and {len(proving) - _MAX_TOLD} more" if len(proving) > _MAX_TOLD else ""
        told = f"fails without the fix: {shown}{more}"
        return StageResult(StageStatus.SUCCESS, told, output=TriedWithoutFix(True, told, proving))
    told = f"passes without the fix as well ({count(len(asked), 'test')}): it proves nothing"
    finding = Finding(
        Severity.ERROR,
        "regression.passes-without-fix",
        told,
        hint=f"these pass with the fix and without it: {', '.join(sorted(asked)[:20])}",
    )
    return StageResult(StageStatus.FAILED, told, (finding,), TriedWithoutFix(False, told))


def _as(context: StageContext, owner: str, part: str) -> StageContext:
    """The context for another stage of the proof, whose files are not kept."""
    definition = replace(FIRMWARE_PIPELINE.stage(part), key=proof_key(owner, part))
    report = replace(context.report, keep=lambda _stage, _kind, file, _name: file)
    return replace(context, definition=definition, report=report)


def _passed(context: StageContext, owner: str) -> Mapping[str, bool] | None:
    """The tests that ran with the fix, and whether each passed; None where none could run."""
    for part in reversed(TESTS):
        result = context.results.get(proof_key(owner, part))
        if result is not None and isinstance(result.output, Tested):
            return _names(result.output)
    return None


def _known_before(context: TaskContext, owner: str) -> set[str]:
    """The tests that ran before the step."""
    for step in reversed(context.plan.before(owner)):
        found = _passed(context.stage, step.key)
        if found is not None:
            return set(found)
    return set()


def _names(tested: Tested) -> dict[str, bool]:
    """The tests and expectations of a run, and whether each passed."""
    found = {f"expect {each.pattern}": each.line is not None for each in tested.expectations}
    for case in tested.report.cases if tested.report else ():
        found[case.name] = case.outcome is Outcome.PASS
    return found


def _unknown(reason: str) -> StageResult:
    """Nothing can be said: that is told, and hinders nothing."""
    told = f"cannot be run without the fix: {reason}"
    finding = Finding(Severity.WARNING, "regression.unproved", told)
    return StageResult(StageStatus.SKIPPED, told, (finding,), TriedWithoutFix(None, told))
