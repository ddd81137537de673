"""What a step changed is built and tried by the agents of a build, in the worktree of the task."""

from __future__ import annotations

from dataclasses import replace

from engine.enums import Severity, StageStatus
from engine.findings import Finding
from engine.runs.pipeline import StageResult
from engine.tasks.context import Done, TaskContext
from engine.tasks.proof_stages import BUILD, PLAN, owner_of

NOT_BUILT = "not built"
"""How the summary of a proof begins whose project cannot be built here."""


def run(context: TaskContext) -> StageResult:
    """Do a stage of a proof."""
    owner, part = owner_of(context.stage.definition.key)
    if part == PLAN and (reason := _nothing_new(context)):
        context.stage.report.log(reason)
        return StageResult(StageStatus.SKIPPED, reason)
    with context.worktree():
        pass  # it is now what the run has made it; members of a wave read it at once
    result = context.firmware(context.stage, owner)
    if part == PLAN and result.status is StageStatus.FAILED:
        return _or_not_built(context, owner, result)
    return result


def _nothing_new(context: TaskContext) -> str:
    """Why nothing needs to be built: the last build was of just this; empty where it does."""
    for key, result in reversed(context.stage.latest_results.items()):
        if isinstance(result.output, Done) and result.output.patch is not None:
            return ""
        owner, part = owner_of(key)
        if part == BUILD:
            return f"nothing changed since it was built for {context.plan.step(owner).name}"
    return "" if context.stage.starting_patch else "nothing was changed"


def _or_not_built(context: TaskContext, owner: str, result: StageResult) -> StageResult:
    """A plan that failed; one that fails for the commit as well is no fault of the change."""
    context.stage.report.log("the commit itself:")
    with context.turn:
        context.slot.become("")
        own = context.firmware(context.stage, owner)
        context.slot.become(context.patch)
    if own.status is not StageStatus.FAILED:
        return result
    reason = f"{NOT_BUILT}: {own.summary}"
    findings = tuple(
        replace(each, severity=Severity.WARNING, code=f"proof.{each.code}")
        if each.severity is Severity.ERROR
        else each
        for each in own.findings
    ) or (Finding(Severity.WARNING, "proof.not-built", reason),)
    return StageResult(StageStatus.SKIPPED, reason, findings)
