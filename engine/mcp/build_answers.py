"""Builds and their findings, as tools answer them: small, the worst first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine import ChangeSetState, Engine, Finding, Run, reports_of, stage_label
from engine.enums import Severity, StageStatus
from engine.errors import EspdeckError
from engine.mcp.tool import Answer

MAX_FINDINGS = 20
MAX_EVIDENCE_LINES = 8
MAX_FAILURES = 20
MAX_MESSAGE_CHARACTERS = 400


class FindingAnswer(Answer):
    """A problem that was found."""

    severity: str
    code: str
    message: str
    file: str = ""
    line: int | None = None
    hint: str = ""
    evidence: str = ""
    """The first lines of output that show it."""

    found_in: str = ""
    """Stages of the build that found it."""

    repaired: bool = False
    """Whether a repair mended it: the commit has it, the build's result has not."""

    @classmethod
    def of(cls, finding: Finding, *, found_in: str = "", repaired: bool = False) -> FindingAnswer:
        """A finding of the engine."""
        evidence = (finding.evidence or "").split("\n")[:MAX_EVIDENCE_LINES]
        return cls(
            severity=finding.severity,
            code=finding.code,
            message=finding.message[:MAX_MESSAGE_CHARACTERS],
            file=finding.file or "",
            line=finding.line,
            hint=(finding.hint or "")[:MAX_MESSAGE_CHARACTERS],
            evidence="\n".join(line[:MAX_MESSAGE_CHARACTERS] for line in evidence).strip("\n"),
            found_in=found_in,
            repaired=repaired,
        )


class StageAnswer(Answer):
    """A stage of a build, in its last attempt."""

    stage: str
    status: str
    seconds: float | None = None
    summary: str = ""
    """Empty also where it is the build's error."""

    attempt: int = 1


class FailureAnswer(Answer):
    """A test that failed."""

    test: str
    place: str
    """Where it ran: board or simulator."""

    file: str = ""
    line: int = 0
    message: str = ""


class TestsAnswer(Answer):
    """What the tests of a build came to in each place, and those that failed."""

    __test__ = False

    places: tuple[str, ...] = ()
    """As ``board: 3 tests, 1 failed, 0 ignored``."""

    failures: tuple[FailureAnswer, ...] = ()


class BuildAnswer(Answer):
    """A build."""

    build: int
    project: str = ""
    status: str
    """pending, running, success, failed or cancelled."""

    verdict: str = ""
    """accepted, ran (ran, nothing was asked of it), silent, untested or blocked."""

    error: str = ""
    target: str = ""
    configuration: str = ""
    commit: str = ""
    message: str = ""
    dirty: bool = False
    """Whether it has changes that are not committed."""

    seconds: float | None = None
    asked_by: str = ""
    stages: tuple[StageAnswer, ...] = ()
    findings: tuple[FindingAnswer, ...] = ()
    more_findings: int = 0
    tests: TestsAnswer | None = None
    fix: str = ""
    """Whether espdeck repaired a copy of the sources: show_fix has the diff."""

    notes: tuple[str, ...] = ()
    next: str = ""
    """What to do now, where that is known."""

    @classmethod
    def brief(cls, run: Run, project: str) -> BuildAnswer:
        """A build as lists have it."""
        return cls(
            build=run.number,
            project=project,
            status=run.status,
            verdict=run.verdict,
            error=run.error[:MAX_MESSAGE_CHARACTERS],
            target=run.target,
            configuration=run.configuration,
            commit=run.commit_sha[:10],
            message=run.commit_message.split("\n")[0][:100],
            dirty=run.dirty,
            seconds=round(run.duration, 1) if run.duration is not None else None,
        )

    @classmethod
    def whole(cls, engine: Engine, number: int) -> BuildAnswer:
        """A build of the engine with all that it came to.

        Raises:
            UsageError: there is none of that number.
        """
        run = engine.builds.get(number)
        answer = cls.brief(run, project_name(engine, run))
        told = [
            each
            for each in engine.builds.told_findings(number)
            if each.row.severity is not Severity.INFO
        ]
        answer.asked_by = run.asked_by
        answer.stages = _stages(engine, run)
        answer.findings = tuple(
            FindingAnswer.of(
                each.finding,
                found_in=", ".join(map(stage_label, each.stages)),
                repaired=each.is_repaired,
            )
            for each in told[:MAX_FINDINGS]
        )
        answer.more_findings = max(0, len(told) - MAX_FINDINGS)
        answer.tests = _tests(run.test_results or {})
        answer.notes = tuple(str(note["message"]) for note in run.notes)
        if run.status.is_final:
            answer.fix = _fix(engine, number)
        else:
            answer.next = f"it goes on: show_build {number} with wait_seconds waits for its end"
        return answer


def project_name(engine: Engine, run: Run) -> str:
    """The name of a build's project; empty where that was removed."""
    try:
        return engine.projects.get(str(run.project_id)).name
    except EspdeckError:
        return ""


def _stages(engine: Engine, run: Run) -> tuple[StageAnswer, ...]:
    last = {row.key: row for row in engine.builds.stages(run.number) if not row.superseded}
    return tuple(
        StageAnswer(
            stage=stage_label(row.key),
            status=row.status,
            seconds=round(row.seconds, 1) if row.seconds is not None else None,
            summary="" if row.summary == run.error else row.summary[:MAX_MESSAGE_CHARACTERS],
            attempt=row.attempt,
        )
        for row in last.values()
        if row.status is not StageStatus.SKIPPED
    )


def _tests(results: Mapping[str, Any]) -> TestsAnswer | None:
    reports = reports_of(results)
    if not reports:
        return None
    failures = [
        FailureAnswer(
            test=case["name"],
            place=stage_label(key),
            file=case["file"],
            line=case["line"],
            message=case.get("message", "")[:MAX_MESSAGE_CHARACTERS],
        )
        for key, report in reports.items()
        for case in report.get("cases", ())
        if case["outcome"] == "FAIL"
    ]
    return TestsAnswer(
        places=tuple(
            f"{stage_label(key)}: {report['tests']} tests, {report['failures']} failed, "
            f"{report['ignored']} ignored"
            for key, report in reports.items()
        ),
        failures=tuple(failures[:MAX_FAILURES]),
    )


def _fix(engine: Engine, number: int) -> str:
    try:
        fix = engine.fixes.of(number)
    except EspdeckError:
        return ""  # the project's clone is gone
    if fix is None:
        return ""
    if fix.state is not ChangeSetState.OPEN:
        return fix.state
    proved = "the build succeeded with it" if fix.proved else "it mends a part"
    return f"{proved}; your sources are unchanged: show_fix {number} has the diff"
