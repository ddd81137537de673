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
from engine.tasks.proof_stages import BUILD, PLAN, SIMULATOR, TESTS, owner_of, proof_key
from engine.testing.results import Outcome
from engine.text import count

_MAX_TOLD = 3


def run(context: TaskContext) -> StageResult:
    """Build and try the tests of a step without what the run changed before them."""
    owner, _part = owner_of(context.stage.definition.key)
    done = context.stage.results[owner].output
    assert isinstance(done, Done)
    if not done.before:
        return StageResult(StageStatus.SKIPPED, "there is no fix")
    with_fix = _tried(context, owner, with_own=True)
    if not with_fix:
        return _unknown("no test ran with it")
    with context.turn:
        try:
            context.slot.become(context.slot.diff_between(done.before, context.patch))
        except ToolError as error:
            return _unknown(f"the change of the tests alone does not apply: {error}")
    try:
        return _judged(context, owner, with_fix, wrote=done.patch is not None)
    finally:
        with context.turn:
            context.slot.become(context.patch)


def _judged(
    context: TaskContext, owner: str, with_fix: Mapping[str, bool], *, wrote: bool
) -> StageResult:
    """Build what the worktree is, try it, and compare.

    Args:
        with_fix: tests that ran with the fix, and whether they passed.
        wrote: whether the step wrote a test; where it did not, one that was there may do.
    """
    results = dict(context.stage.results)
    for part in (PLAN, BUILD, SIMULATOR):
        stage = replace(_as(context.stage, owner, part), results=dict(results))
        tried = results[proof_key(owner, part)] = context.firmware(stage, owner)
        if part != SIMULATOR and tried.status is not StageStatus.SUCCESS:
            return _unknown(f"it does not build: {tried.summary}")
    if not isinstance(tried.output, Tested):
        return _unknown(tried.summary)
    without = _names(tried.output)
    passed = {name for name, has_passed in with_fix.items() if has_passed}
    known = _tried(context, owner, with_own=False)
    asked = passed.difference(known) or passed  # it may have changed a test, too
    proving = tuple(name for name in sorted(asked) if not without.get(name))
    if proving:
        shown = ", ".join(proving[:_MAX_TOLD])
        more = f" and {len(proving) - _MAX_TOLD} more" if len(proving) > _MAX_TOLD else ""
        told = f"fails without the fix: {shown}{more}"
        return StageResult(StageStatus.SUCCESS, told, output=TriedWithoutFix(True, told, proving))
    if not wrote:
        return _unknown("no test was written, and of those that were there none failed before")
    told = f"passes without the fix as well ({count(len(asked), 'test')})"
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


def _tried(context: TaskContext, owner: str, *, with_own: bool) -> Mapping[str, bool]:
    """The tests that ran last with what the run changed, and whether each passed.

    Args:
        owner: the step whose tests are in question.
        with_own: whether those count that ran with what the step changed.
    """
    owners = [step.key for step in context.plan.before(owner)]
    for each in reversed([*owners, owner] if with_own else owners):
        for part in reversed(TESTS):
            result = context.stage.results.get(proof_key(each, part))
            if result is not None and isinstance(result.output, Tested):
                return _names(result.output)
    return {}


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
