"""QA: judges. Tests, warnings, and what the quality gate measures; a verdict with blockers."""

from __future__ import annotations

import json
from dataclasses import asdict

from engine.findings import Finding
from engine.manifest import Manifest
from engine.pipelines.junit import junit
from engine.pipelines.model import FirmwareContext, StageResult
from engine.pipelines.outputs import Compiled, Planned, Tested, Verdict
from engine.quality.gate import REPORT, measure_build, measure_tree
from engine.quality.model import GateResult
from engine.quality.performance import facts_of
from engine.text import count
from engine.words import ArtifactKind, Severity, StageStatus

JUNIT = "junit.xml"
"""Artifact with the test results, for other tools."""


def run(context: FirmwareContext) -> StageResult:
    """Judge the image, what the tests saw of it and, where the project asks for it, its sources."""
    compiled = context.output_of("build", Compiled)
    manifest = context.output_of("plan", Planned).manifest
    seen = {
        key: result.output
        for key, result in context.results.items()
        if isinstance(result.output, Tested)
    }
    gate = _measure(context, compiled, manifest)
    findings, blocking = _findings(gate, gated=manifest.quality is not None)
    blockers = [finding.title for finding in blocking]
    for key in ("test.board", "test.simulator"):
        result = context.results.get(key)
        if result is not None and result.status is StageStatus.FAILED:
            blockers.append(result.summary)
    if not seen:
        findings.append(
            Finding(
                severity=Severity.WARNING,
                code="qa.untested",
                message="compiled but not run: neither on a board nor in a simulator",
            )
        )
    reports = [each.report for each in seen.values() if each.report]
    verdict = Verdict(
        blockers=tuple(blockers),
        tests=sum(report.tests for report in reports),
        failures=sum(report.failures for report in reports),
        warnings=compiled.warnings,
    )
    _say(context, gate, verdict)
    _keep(context, gate, seen)
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


def _measure(context: FirmwareContext, compiled: Compiled, manifest: Manifest) -> GateResult:
    """The whole gate where the project asks for it; it takes its time."""
    facts = facts_of(compiled.image, seconds=compiled.seconds, before=context.image_before())
    if manifest.quality is None:
        return measure_build(facts, settings=context.settings, manifest=manifest)
    return measure_tree(
        context.source,
        settings=context.settings,
        manifest=manifest,
        facts=facts,
        cancel=context.cancel,
        on_output=context.report.output,
        app=context.project.app,
        patch=context.revision,
    )


def _findings(gate: GateResult, *, gated: bool) -> tuple[list[Finding], list[Finding]]:
    """What is to be told of the measures, and what of it blocks.

    A project that asks for no gate is blocked only by what is an error in itself.
    """
    found = [finding for measure in gate.measures for finding in measure.findings]
    told = [finding for finding in found if finding.severity is not Severity.INFO]
    if not gated:
        return told, [finding for finding in told if finding.severity is Severity.ERROR]
    own = [finding for finding in gate.blockers if finding not in told]
    return [*own, *told], list(gate.blockers)


def _say(context: FirmwareContext, gate: GateResult, verdict: Verdict) -> None:
    say = context.report.log
    say(f"tests     {verdict.tests} run, {verdict.failures} failed")
    say(f"warnings  {verdict.warnings}")
    for each in gate.measures:
        say(each.line)
    for blocker in verdict.blockers:
        say(f"BLOCKER   {blocker}")
    say("verdict   " + ("blocked" if verdict.blockers else "accepted"))


def _keep(context: FirmwareContext, gate: GateResult, seen: dict[str, Tested]) -> None:
    path = context.build_dir / REPORT
    path.write_text(json.dumps(asdict(gate), indent=1), "utf-8")
    context.report.keep(ArtifactKind.REPORT, path, REPORT)
    if seen:
        path = context.build_dir / JUNIT
        path.write_bytes(junit(seen))
        context.report.keep(ArtifactKind.REPORT, path, JUNIT)
