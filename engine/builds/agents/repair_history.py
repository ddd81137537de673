"""The attempts of a build: what each was built from, how it went, which was the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.builds.context import BuildContext
from engine.builds.outputs import Repaired, Tested
from engine.enums import Severity, StageStatus
from engine.findings import Finding
from engine.runs.pipeline import StageResult
from engine.text import count


@dataclass(frozen=True, slots=True, order=True)
class Standing:
    """How far an attempt came; what is greater is better, the first difference decides.

    Args:
        passed: stages that succeeded.
        spared: errors, counted downwards from 0.
        tests: tests that passed and expectations that were met.
    """

    passed: int
    spared: int
    tests: int

    def __str__(self) -> str:
        passed, errors = count(self.passed, "stage"), count(-self.spared, "error")
        return f"{passed} passed, {errors}, {count(self.tests, 'check')} met"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a build.

    Args:
        number: of the attempt in which it ended.
        patch: all of the difference between the commit and what it was built from.
        results: of its stages, DEVELOPER's not among them.
        standing: how far it came.
        repair: the repair that led to it, None for the commit itself.
        changes: that repair and those before it that are still in it, a line each.
    """

    number: int
    patch: str
    results: Mapping[str, StageResult]
    standing: Standing
    repair: Repaired | None
    changes: tuple[str, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What went wrong; what names its place comes first, as it tells most."""
        found = [
            finding
            for result in self.results.values()
            for finding in result.findings
            if finding.severity is Severity.ERROR
        ]
        return tuple(sorted(dict.fromkeys(found), key=lambda finding: finding.file is None))


def attempts_of(context: BuildContext) -> tuple[Attempt, ...]:
    """Every attempt so far, the one that just failed last."""
    key = context.stage.definition.key
    attempts: list[Attempt] = []
    earlier = context.stage.earlier_attempts
    result: StageResult | None = None
    for number, results in (*earlier.items(), (context.stage.attempt, context.stage.results)):
        repair = result.output if result and isinstance(result.output, Repaired) else None
        others = {name: each for name, each in results.items() if name != key}
        attempts.append(
            Attempt(
                number=number,
                patch=result.patch if result else "",
                results=others,
                standing=standing_of(others),
                repair=repair,
                changes=(
                    (*_of(attempts, repair.base).changes, f"{repair.by}: {repair.explanation}")
                    if repair
                    else ()
                ),
            )
        )
        result = results.get(key)
    return tuple(attempts)


def latest_best(attempts: Sequence[Attempt]) -> Attempt:
    """The attempt to go on from: of several that came as far, the last with another failure."""
    best = first_best(attempts)
    for each in attempts[attempts.index(best) + 1 :]:
        if each.standing == best.standing and _failure(each) != _failure(best):
            best = each
    return best


def first_best(attempts: Sequence[Attempt]) -> Attempt:
    """The attempt to end with: of several that came as far, the first, which changes least."""
    return max(attempts, key=lambda each: (each.standing, -each.number))


def outcome(attempts: Sequence[Attempt], number: int) -> str:
    """How an attempt went beside the one that its repair started from; empty for the first."""
    now = _of(attempts, number)
    if now.repair is None:
        return ""
    base = _of(attempts, now.repair.base)
    if now.standing == base.standing:
        return f"attempt {number} came as far as attempt {base.number} ({now.standing})"
    how = "better" if now.standing > base.standing else "worse"
    both = f"{now.standing}, not {base.standing}"
    return f"attempt {number} was {how} than attempt {base.number}: {both}"


def _of(attempts: Sequence[Attempt], number: int) -> Attempt:
    return next(each for each in attempts if each.number == number)


def _failure(each: Attempt) -> frozenset[tuple[str | None, str, str]]:
    """In which way an attempt failed, whatever moved its lines."""
    return frozenset((error.file, error.code, error.message) for error in each.errors)


def standing_of(results: Mapping[str, StageResult]) -> Standing:
    """How far an attempt came whose stages came to this."""
    errors = {
        (finding.file, finding.line, finding.code, finding.message)
        for result in results.values()
        for finding in result.findings
        if finding.severity is Severity.ERROR
    }
    failed = sum(result.status is StageStatus.FAILED for result in results.values())
    return Standing(
        passed=sum(result.status is StageStatus.SUCCESS for result in results.values()),
        # Stages that failed and do not say why are errors, too; a verdict repeats what others say.
        spared=-(len(errors) or failed),
        tests=sum(
            result.output.checks_passed
            for result in results.values()
            if isinstance(result.output, Tested)
        ),
    )
