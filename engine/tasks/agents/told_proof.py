"""What a model is told of how changes were built and tried: what came of it, and what failed.

Texts of compilers, of firmware and of its tests: all of it is material.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.enums import StageStatus
from engine.findings import Finding
from engine.quality.result import GateResult
from engine.repair.subject import shortened
from engine.runs.pipeline import StageResult
from engine.tasks.context import TaskContext
from engine.tasks.plan import GATE, PlannedStep
from engine.tasks.proof_stages import MEND, owner_of

_MAX_FINDINGS = 40
"""Findings of a stage that a model is told."""

_MAX_EVIDENCE_LINES = 12

_MAX_SUMMARY = 500
"""Characters that are told of what came of a stage."""


def how_tried(context: TaskContext, step: PlannedStep) -> Iterator[str]:
    """How what a step changed was built and tried, a line each stage; none for who mends it."""
    if owner_of(context.stage.definition.key)[0] == step.key:
        return
    for attempt, results in context.stage.earlier_attempts.items():
        for key, result in _proof_of(results, step):
            if result.status is StageStatus.FAILED:
                yield f"attempt {attempt}, mended since: {_told(context, key, result)}"
    for key, result in _proof_of(context.stage.results, step):
        if result.status is not StageStatus.SKIPPED or result.summary:
            yield _told(context, key, result)


def what_failed(context: TaskContext, failed: Mapping[str, StageResult]) -> Iterator[str]:
    """What failed, stage by stage, what was tried before, and what is known of the commit."""
    told: set[Finding] = set()
    for key, result in failed.items():
        findings = [each for each in result.findings if each not in told]
        told.update(findings)
        if isinstance(result.output, GateResult):
            yield result.output.summary
        elif any(each.message in result.summary for each in result.findings):
            yield f"{context.plan.pipeline.stage(key).title}: failed"
        else:
            yield _told(context, key, result)
        for finding in findings[:_MAX_FINDINGS]:
            yield f"{_relative(context, finding.title)} [{finding.code}]"
            yield from (f"  {line}" for line in (finding.hint or "").split("\n") if line)
            evidence = _relative(context, finding.evidence or "").split("\n")
            yield from (f"  | {line}" for line in evidence[:_MAX_EVIDENCE_LINES] if line)
        if (more := len(findings) - _MAX_FINDINGS) > 0:
            yield f"... and {more} more"
    for attempt, results in context.stage.earlier_attempts.items():
        for key in context.stage.definition.needs:
            before = results.get(key)
            if before is not None and before.status is StageStatus.FAILED:
                yield f"attempt {attempt} failed before: {_told(context, key, before)}"
    if context.plan.pipeline.stage(context.stage.definition.key).needs != (GATE,):
        yield f"the commit without any change: {context.base}"


def _proof_of(
    results: Mapping[str, StageResult], step: PlannedStep
) -> Iterator[tuple[str, StageResult]]:
    """Results of the stages that build and try what a step changed."""
    for key, result in results.items():
        owner, part = owner_of(key)
        if owner == step.key and part not in ("", MEND):
            yield key, result


def _told(context: TaskContext, key: str, result: StageResult) -> str:
    title = context.plan.pipeline.stage(key).title
    summary = shortened(_relative(context, result.summary), _MAX_SUMMARY)
    return f"{title}: {result.status}, {summary}"


def _relative(context: TaskContext, text: str) -> str:
    """A text with paths of the worktree as the project has them."""
    return text.replace(f"{context.slot.source}/", "")
