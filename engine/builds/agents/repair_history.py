"""The rounds of a build: what each was built from, how it went, which was the best."""

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
    """How far a round came; what is greater is better, the first difference decides.

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
class Round:
    """One round.

    Args:
        number: from 1.
        patch: all of the difference between the commit and what it was built from.
        results: of its stages, DEVELOPER's not among them.
        standing: how far it came.
        made: the repair that led to it, None for the commit itself.
        changes: that repair and those before it that are still in it, a line each.
    """

    number: int
    patch: str
    results: Mapping[str, StageResult]
    standing: Standing
    made: Repaired | None
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


def rounds_of(context: BuildContext) -> tuple[Round, ...]:
    """Every round so far, the one that just failed last."""
    key = context.stage.definition.key
    rounds: list[Round] = []
    for number, results in enumerate((*context.stage.earlier_attempts, context.stage.results), 1):
        repair = context.stage.earlier_attempts[number - 2].get(key) if number > 1 else None
        made = repair.output if repair and isinstance(repair.output, Repaired) else None
        others = {name: result for name, result in results.items() if name != key}
        rounds.append(
            Round(
                number=number,
                patch=repair.patch if repair else "",
                results=others,
                standing=_standing(others),
                made=made,
                changes=(
                    (*rounds[made.base - 1].changes, f"{made.by}: {made.explanation}")
                    if made
                    else ()
                ),
            )
        )
    return tuple(rounds)


def latest_best(rounds: Sequence[Round]) -> Round:
    """The round to go on from: of several that came as far, the last that fails in another way."""
    best = first_best(rounds)
    for each in rounds[best.number :]:
        if each.standing == best.standing and _failure(each) != _failure(best):
            best = each
    return best


def first_best(rounds: Sequence[Round]) -> Round:
    """The round to end with: of several that came as far, the first, which changes least."""
    return max(rounds, key=lambda each: (each.standing, -each.number))


def outcome(rounds: Sequence[Round], number: int) -> str:
    """How a round went beside the one that its repair started from; empty for the first."""
    now = rounds[number - 1]
    if now.made is None:
        return ""
    base = rounds[now.made.base - 1]
    if now.standing == base.standing:
        return f"round {number} came as far as round {base.number} ({now.standing})"
    how = "better" if now.standing > base.standing else "worse"
    return f"round {number} was {how} than round {base.number}: {now.standing}, not {base.standing}"


def _failure(each: Round) -> frozenset[tuple[str | None, str, str]]:
    """In which way a round failed, whatever moved its lines."""
    return frozenset((error.file, error.code, error.message) for error in each.errors)


def _standing(results: Mapping[str, StageResult]) -> Standing:
    errors = {
        (finding.file, finding.line, finding.code, finding.message)
        for result in results.values()
        for finding in result.findings
        if finding.severity is Severity.ERROR
    }
    failed = sum(result.status is StageStatus.FAILED for result in results.values())
    return Standing(
        passed=sum(result.status is StageStatus.SUCCESS for result in results.values()),
        # A stage that failed without saying why is an error, too.
        spared=-max(len(errors), failed),
        tests=sum(
            result.output.checks_passed
            for result in results.values()
            if isinstance(result.output, Tested)
        ),
    )
