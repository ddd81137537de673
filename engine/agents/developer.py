"""DEVELOPER: repairs what failed with rules, shows the patch, sends the build round again."""

from __future__ import annotations

from engine.pipelines.model import FirmwareContext, StageResult
from engine.repair import propose, suggest
from engine.text import count
from engine.words import ArtifactKind, Severity, StageStatus


def run(context: FirmwareContext) -> StageResult:
    """Patch the worktree for the errors of this attempt."""
    say = context.report.log
    if context.attempt > context.settings.max_iterations:
        return StageResult(
            status=StageStatus.FAILED,
            summary=f"gave up after {context.settings.max_iterations} repairs",
        )
    errors = [
        finding
        for result in context.results.values()
        for finding in result.findings
        if finding.severity is Severity.ERROR
    ]
    errors.sort(key=lambda finding: finding.file is None)  # what names its place tells most
    say(f"{count(len(errors), 'error')} to look at")
    repair = propose(errors, context.source)
    if repair is None:
        advice = suggest(errors)
        say("no rule fits; what a person might do:")
        for line in advice:
            say(f"  - {line}")
        return StageResult(
            status=StageStatus.FAILED,
            summary="no rule fits" + (f": {advice[0]}" if advice else ""),
        )
    say(f"rule {repair.rule}: {repair.explanation}")
    say(repair.patch)
    name = f"repair-{context.attempt}.patch"
    context.slot.apply(repair.patch)
    path = context.build_dir / name
    path.write_text(repair.patch, "utf-8")
    context.report.keep(ArtifactKind.PATCH, path, name)
    return StageResult(
        status=StageStatus.SUCCESS,
        summary=f"{repair.explanation}; round {context.attempt + 1}",
        patch=context.slot.diff(),
    )
