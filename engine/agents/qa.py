"""QA: judges. Tests passed, warnings, size against what the chip has; a verdict with blockers."""

from __future__ import annotations

from engine.findings import Finding
from engine.image import Image
from engine.pipelines.junit import junit
from engine.pipelines.model import FirmwareContext, StageResult
from engine.pipelines.outputs import Compiled, Tested, Verdict
from engine.text import count
from engine.words import ArtifactKind, Severity, StageStatus

JUNIT = "junit.xml"
"""Artifact with the test results, for other tools."""

TIGHT = 0.9
"""Part of a region or partition in use from which QA warns."""


def run(context: FirmwareContext) -> StageResult:
    """Judge the image and what the tests saw of it."""
    compiled = context.output_of("build", Compiled)
    seen = {
        key: result.output
        for key, result in context.results.items()
        if isinstance(result.output, Tested)
    }
    tested = list(seen.values())
    findings = _sizes(compiled.image)
    blockers = [finding.message for finding in findings if finding.severity is Severity.ERROR]
    for key in ("test.board", "test.simulator"):
        result = context.results.get(key)
        if result is not None and result.status is StageStatus.FAILED:
            blockers.append(result.summary)
    if not tested:
        findings.append(
            Finding(
                severity=Severity.WARNING,
                code="qa.untested",
                message="compiled but not run: neither on a board nor in a simulator",
            )
        )
    verdict = Verdict(
        blockers=tuple(blockers),
        tests=sum(each.report.tests for each in tested if each.report),
        failures=sum(each.report.failures for each in tested if each.report),
        warnings=compiled.warnings,
    )
    _say(context, compiled.image, verdict)
    if seen:
        path = context.build_dir / JUNIT
        path.write_bytes(junit(seen))
        context.report.keep(ArtifactKind.REPORT, path, JUNIT)
    warned = count(verdict.warnings, "warning")
    summary = (
        f"blocked: {blockers[0]}"
        if blockers
        else f"accepted: {count(verdict.tests, 'test')} passed, {warned}"
    )
    return StageResult(
        status=StageStatus.FAILED if blockers else StageStatus.SUCCESS,
        summary=summary,
        findings=tuple(findings),
        output=verdict,
    )


def _sizes(image: Image) -> list[Finding]:
    findings = []
    for region in image.regions:
        limit = TIGHT if region.grows else 1.0
        if not region.total or region.used <= limit * region.total:
            continue
        over = region.used > region.total
        findings.append(
            Finding(
                severity=Severity.ERROR if over else Severity.WARNING,
                code="qa.size",
                message=f"{region.name}: {region.used} of {region.total} bytes in use",
                hint="make it smaller, or give it a larger partition",
            )
        )
    return findings


def _say(context: FirmwareContext, image: Image, verdict: Verdict) -> None:
    say = context.report.log
    say(f"tests     {verdict.tests} run, {verdict.failures} failed")
    say(f"warnings  {verdict.warnings}")
    for region in image.regions:
        total = f" of {region.total}" if region.total else ""
        say(f"size      {region.name} {region.used}{total} bytes")
    for blocker in verdict.blockers:
        say(f"BLOCKER   {blocker}")
    say("verdict   " + ("blocked" if verdict.blockers else "accepted"))
