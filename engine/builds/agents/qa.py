"""QA: judges. Tests, warnings, and what the quality gate measures; a verdict with blockers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict

from engine.builds.context import BuildContext
from engine.builds.junit import junit
from engine.builds.outputs import Compiled, Planned, Tested, Verdict
from engine.enums import LINUX, ArtifactKind, Severity, StageStatus, VerdictWord
from engine.findings import Finding
from engine.manifest import Manifest
from engine.projects.variants import chips_of
from engine.quality.gate import GATE_REPORT, measure_build, measure_tree
from engine.quality.performance import facts_of
from engine.quality.result import BuildReport, GateResult, not_judged
from engine.repair.changed_tests import changes_of_tests_in
from engine.repair.subject import CHANGES_TESTS
from engine.runs.pipeline import StageResult
from engine.testing.tally import Tally, place_results, tally
from engine.text import count

JUNIT = "junit.xml"
"""Artifact with the test results, for other tools."""

_SAYS = {
    VerdictWord.ACCEPTED: "firmware built, tested {0} and accepted",
    VerdictWord.RAN: "firmware built and run {0}: no fault was seen, nothing was checked",
    VerdictWord.SILENT: "firmware built and started {0}: silent, it printed nothing{1}",
    VerdictWord.UNTESTED: "firmware built, not run",
    VerdictWord.BLOCKED: "firmware built and blocked",
}
"""The verdict as a sentence; ``{0}`` is where the firmware ran, ``{1}`` where it did better."""

_CAME = {
    VerdictWord.RAN: "nothing was checked",
    VerdictWord.SILENT: "it printed nothing",
    VerdictWord.UNTESTED: "built, not run",
}
"""What came of firmware of which nothing was checked."""


def run(context: BuildContext) -> StageResult:
    """Judge the image, what the tests saw of it and, where the project asks for it, its sources."""
    compiled = context.stage.output_of("build", Compiled)
    manifest = context.stage.output_of("plan", Planned).manifest
    seen = {
        key: result.output
        for key, result in context.stage.results.items()
        if isinstance(result.output, Tested)
    }
    gate = _measure(context, compiled, manifest)
    findings, blocking = _findings(gate, gated=manifest.quality is not None)
    blockers = [finding.title for finding in blocking]
    blockers += _failed_tests(context.stage.results)
    if not seen:
        findings.append(
            Finding(
                severity=Severity.WARNING,
                code="qa.untested",
                message="compiled but not run: neither on a board nor in a simulator",
            )
        )
    tests = _tally(seen)
    word, text = verdict_of(seen, blocked=bool(blockers))
    changed = changes_of_tests_in(context.stage.starting_patch, context.stage.source)
    if changed:
        findings.append(
            Finding(
                severity=Severity.WARNING,
                code="repair.tests",
                message=f"the repair {CHANGES_TESTS}: {changed[0]}",
                hint="look at what it changes before you take it: espdeck fix shows it",
            )
        )
        text = f"{text}; the repair {CHANGES_TESTS}"
    verdict = Verdict(
        word=word,
        text=text,
        blockers=tuple(blockers),
        tests=tests.tests,
        failures=tests.failures,
        warnings=compiled.warnings,
    )
    _say(context, gate, verdict)
    _keep(context, gate, seen)
    warned = count(compiled.warnings, "warning")
    came = blockers[0] if blockers else f"{_came(word, seen)}, {warned}"
    return StageResult(
        status=StageStatus.FAILED if blockers else StageStatus.SUCCESS,
        summary=f"{word}: {came}",
        findings=tuple(findings),
        output=verdict,
    )


def verdict_of(seen: Mapping[str, Tested], *, blocked: bool) -> tuple[VerdictWord, str]:
    """The verdict on firmware that was built, and the sentence that tells it.

    Args:
        seen: what was seen of it, by the key of the stage that saw it.
        blocked: whether something is wrong with it.
    """
    word = VerdictWord.BLOCKED if blocked else _word(seen)
    return word, _SAYS[word].format(*_where(word, seen))


def _word(seen: Mapping[str, Tested]) -> VerdictWord:
    """How far a firmware was tried of which nothing is wrong."""
    if not seen:
        return VerdictWord.UNTESTED
    if any(each.checks_passed for each in seen.values()):
        return VerdictWord.ACCEPTED
    board = seen.get("test.board")
    silent = board.silent if board else all(each.silent for each in seen.values())
    return VerdictWord.SILENT if silent else VerdictWord.RAN


def _where(word: VerdictWord, seen: Mapping[str, Tested]) -> tuple[str, str]:
    """Where it was tried as the verdict says, and where besides."""
    silent = word is VerdictWord.SILENT
    told = {key: each for key, each in seen.items() if each.silent or not silent}
    others = {key: each for key, each in seen.items() if key not in told}
    where = _places(told)
    if "test.board" not in seen and any(each.ran_on != LINUX for each in seen.values()):
        where += " (not on a board)"
    return where, f" (it ran {_places(others)})" if others else ""


def _places(seen: Mapping[str, Tested]) -> str:
    """Boards and simulators, as ``on A and in B``."""
    words = [("on " if key == "test.board" else "in ") + each.ran_on for key, each in seen.items()]
    return " and ".join(words)


def _came(word: VerdictWord, seen: Mapping[str, Tested]) -> str:
    """What came of the tests, in some words."""
    if word is not VerdictWord.ACCEPTED:
        return _CAME[word]
    met = {each.pattern for tested in seen.values() for each in tested.expectations if each.line}
    tests = _tally(seen)
    parts = [f"{count(len(met), 'expectation')} met"] * bool(met)
    parts += [f"{count(tests.passed, 'test')} passed"] * bool(tests.passed)
    parts += [f"{tests.ignored} ignored"] * bool(tests.ignored)
    return f"{', '.join(parts)} {_places(seen)}"


def _tally(seen: Mapping[str, Tested]) -> Tally:
    """The tests, each counted once, wherever it ran."""
    return tally(place_results(each.report) for each in seen.values() if each.report)


def _failed_tests(results: Mapping[str, StageResult]) -> list[str]:
    """Why the tests failed, a line each; what failed alike in two places is one, with both."""
    alike: dict[str, dict[str, Tested]] = {}
    others: list[str] = []
    for key in ("test.board", "test.simulator"):
        result = results.get(key)
        if result is None or result.status is not StageStatus.FAILED:
            continue
        if not isinstance(result.output, Tested):
            others.append(result.summary)
            continue
        why = result.summary.removeprefix(f"{result.output.ran_on}: ")
        alike.setdefault(why, {})[key] = result.output
    told = [
        f"{why} ({_places(seen)})"
        if len(seen) > 1
        else f"{next(iter(seen.values())).ran_on}: {why}"
        for why, seen in alike.items()
    ]
    return [*others, *told]


def _measure(context: BuildContext, compiled: Compiled, manifest: Manifest) -> GateResult:
    """The whole gate where the project asks for it; it takes its time."""
    facts = facts_of(compiled.image, seconds=compiled.seconds, before=context.image_before())
    if manifest.quality is None:
        return measure_build(facts, settings=context.stage.settings, manifest=manifest)
    return measure_tree(
        context.stage.source,
        settings=context.stage.settings,
        manifest=manifest,
        built=BuildReport(facts),
        cancel=context.stage.cancel,
        on_output=context.stage.report.output,
        on_progress=context.stage.report.progress,
        app=context.project.app,
        chips=chips_of(context.project),
        patch=context.stage.starting_patch,
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
    return [*own, *not_judged(gate), *told], list(gate.blockers)


def _say(context: BuildContext, gate: GateResult, verdict: Verdict) -> None:
    say = context.stage.report.log
    say(f"tests     {verdict.tests} run, {verdict.failures} failed")
    say(f"warnings  {verdict.warnings}")
    for each in gate.measures:
        say(each.line)
    for blocker in verdict.blockers:
        say(f"BLOCKER   {blocker}")
    say(f"verdict   {verdict.word}: {verdict.text}")


def _keep(context: BuildContext, gate: GateResult, seen: dict[str, Tested]) -> None:
    path = context.build_dir / GATE_REPORT
    path.write_text(json.dumps(asdict(gate), indent=1), "utf-8")
    context.stage.keep(ArtifactKind.REPORT, path, GATE_REPORT)
    path = context.build_dir / JUNIT
    path.write_bytes(junit(seen))
    context.stage.keep(ArtifactKind.REPORT, path, JUNIT)
