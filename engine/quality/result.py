"""Results of the quality gate, and the facts of a build that it measures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from engine.enums import Severity
from engine.findings import Finding
from engine.images.image import MemoryRegion
from engine.quality_requirements import Aspect
from engine.text import count

MAX_FINDINGS = 100
"""Findings that a measure lists; how many more there are, its detail says."""


MIN_JUDGED = 0.5
"""Part of the measures that must be judged, as passed or failed, for a gate to pass."""


class MeasureStatus(StrEnum):
    """Whether a measure meets its threshold; ``unknown`` without data."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


class GateVerdict(StrEnum):
    """What the gate says; ``not judged`` where too little could be measured to let it pass."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that was measured.

    Args:
        id: which one; also the key of its threshold.
        title: for people.
        value: what was measured, None where that was not possible.
        unit: of ``value`` and ``threshold``: ``%``, ``points``, ``findings``, ``bytes`` or ``s``.
        threshold: what it is held against, None for nothing.
        status: how it stands.
        detail: how it was measured, or why it is unknown; one line.
        at_most: whether ``value`` may not exceed the threshold; else it must reach it.
        findings: what the tools found.
    """

    id: Aspect
    title: str
    value: float | None
    unit: str
    threshold: float | None
    status: MeasureStatus
    detail: str
    at_most: bool = False
    findings: tuple[Finding, ...] = ()

    @property
    def score(self) -> float:
        """How near it comes to its threshold, 0 to 100; 0 without a value."""
        if self.value is None:
            return 0.0
        if self.threshold is None or self.status is MeasureStatus.PASSED:
            return 100.0
        low, high = sorted((self.value, self.threshold))
        meets = self.value == (low if self.at_most else high)
        return 0.0 if meets else 100.0 * low / high  # else it failed for another reason

    @property
    def shown(self) -> str:
        """The value for people: ``61.2 %``."""
        return "-" if self.value is None else _amount(self.value, self.unit)

    @property
    def limit(self) -> str:
        """The threshold for people: ``>= 80 %``; empty where there is none."""
        if self.threshold is None:
            return ""
        return f"{'<=' if self.at_most else '>='} {_amount(self.threshold, self.unit)}"

    @property
    def line(self) -> str:
        """All of it as a line of a table in a log."""
        row = f"{self.title:<14} {self.status:<8} {self.shown:>16} {self.limit:>19}"
        return f"{row}  {self.detail}"


@dataclass(frozen=True, slots=True)
class GateResult:
    """The gate's result.

    Args:
        passed: whether no measure failed, and :data:`MIN_JUDGED` of them are judged.
        score: mean of the scores of all measures that are known, 0 to 100.
        measures: in a fixed order.
        blockers: why it failed; empty where it did not.
    """

    passed: bool
    score: float
    measures: tuple[Measure, ...]
    blockers: tuple[Finding, ...] = ()

    @property
    def verdict(self) -> GateVerdict:
        """What it says."""
        if self.passed:
            return GateVerdict.PASSED
        return GateVerdict.FAILED if self.blockers else GateVerdict.NOT_JUDGED

    @property
    def judged(self) -> int:
        """How many measures are judged."""
        return sum(each.status is not MeasureStatus.UNKNOWN for each in self.measures)

    @property
    def summary(self) -> str:
        """One line."""
        judged, whole = self.judged, len(self.measures)
        share = f"{judged} of {count(whole, 'measure')} judged"
        if self.verdict is GateVerdict.NOT_JUDGED:
            known = f", with a score of {self.score:.0f}" if judged else ""
            return f"not judged: {share}{known}, at least {_enough(whole)} must be"
        told = f"{self.verdict} with a score of {self.score:.0f}"
        told += f", {share}" if judged < whole else ""
        return f"{told}: {self.blockers[0].title}" if self.blockers else told


@dataclass(frozen=True, slots=True)
class BuildFacts:
    """Measured facts of a build.

    Args:
        target: the chip.
        regions: sizes, as its image has them: the app's partition or memory regions.
        image_bytes: of the app as it is flashed, None where there is none.
        seconds: that compiling took, None where not known.
        source: which build these are of, for people.
        before: regions of the successful build before it; empty where there is none.
        image_bytes_before: of that build's app.
    """

    target: str
    regions: tuple[MemoryRegion, ...] = ()
    image_bytes: int | None = None
    seconds: float | None = None
    source: str = "this build"
    before: tuple[MemoryRegion, ...] = ()
    image_bytes_before: int | None = None


@dataclass(frozen=True, slots=True)
class BuildReport:
    """The facts of a commit's build, or why there are none.

    Args:
        facts: None where there is nothing to measure.
        words: which build, and what became of it, for people: ``build 12``, ``build 12 failed``.
        missing: why there are no facts; one line.
        number: of the build that ``facts`` are of.
    """

    facts: BuildFacts | None
    words: str = "not built yet"
    missing: str = "no build to measure: espdeck build makes one"
    number: int | None = None


@dataclass(frozen=True, slots=True)
class _Kind:
    title: str
    unit: str
    at_most: bool = False


_KINDS = {
    Aspect.COVERAGE: _Kind("test coverage", "%"),
    Aspect.CODE: _Kind("code quality", "points"),
    Aspect.SECURITY: _Kind("security", "findings", at_most=True),
    Aspect.DOCUMENTATION: _Kind("documentation", "points"),
    Aspect.SIZE: _Kind("image size", "bytes", at_most=True),
    Aspect.GROWTH: _Kind("growth", "%", at_most=True),
    Aspect.MEMORY: _Kind("memory in use", "%", at_most=True),
    Aspect.BUILD_TIME: _Kind("build time", "s", at_most=True),
}


def measured(
    aspect: Aspect,
    value: float,
    threshold: float | None,
    detail: str,
    findings: Sequence[Finding] = (),
    *,
    failed: bool = False,
) -> Measure:
    """A measure with a value, held against its threshold.

    Args:
        aspect: which one.
        value: in the aspect's unit; compared as it is shown, with one decimal.
        threshold: None when there is nothing to hold it against.
        detail: how it was measured.
        findings: the first :data:`MAX_FINDINGS`, errors first, are kept.
        failed: whether it fails whatever the value is.
    """
    kind = _KINDS[aspect]
    value = round(value, 1)
    over = threshold is not None and (value > threshold if kind.at_most else value < threshold)
    order = list(Severity)
    kept = sorted(findings, key=lambda each: order.index(each.severity))[:MAX_FINDINGS]
    if len(findings) > len(kept):
        detail = f"{detail}; {len(findings) - len(kept)} more findings"
    return Measure(
        id=aspect,
        title=kind.title,
        value=value,
        unit=kind.unit,
        threshold=threshold,
        status=MeasureStatus.FAILED if failed or over else MeasureStatus.PASSED,
        detail=detail,
        at_most=kind.at_most,
        findings=tuple(kept),
    )


def unknown(aspect: Aspect, threshold: float | None, reason: str) -> Measure:
    """A measure without data; ``reason`` is one line."""
    kind = _KINDS[aspect]
    return Measure(
        id=aspect,
        title=kind.title,
        value=None,
        unit=kind.unit,
        threshold=threshold,
        status=MeasureStatus.UNKNOWN,
        detail=reason,
        at_most=kind.at_most,
    )


def broken(
    aspect: Aspect, threshold: float | None, reason: str, findings: Sequence[Finding]
) -> Measure:
    """A measure that has failed without a value: what should be measured does not work.

    Args:
        aspect: which one.
        threshold: what it would be held against.
        reason: one line.
        findings: errors that say why; at least one.
    """
    measure = unknown(aspect, threshold, reason)
    return replace(measure, status=MeasureStatus.FAILED, findings=tuple(findings[:MAX_FINDINGS]))


def failing(measure: Measure, errors: Sequence[Finding]) -> Measure:
    """A measure that fails for reasons beside its value."""
    findings = (*errors, *measure.findings)[:MAX_FINDINGS]
    return replace(measure, status=MeasureStatus.FAILED, findings=findings)


def evaluate(measures: Sequence[Measure], require: Sequence[Aspect] = ()) -> GateResult:
    """Combine measures to a result: blockers and score.

    Args:
        measures: in the order in which they are shown.
        require: those that fail when they are unknown.
    """
    judged = tuple(
        replace(each, status=MeasureStatus.FAILED, detail=f"required, but {each.detail}")
        if each.status is MeasureStatus.UNKNOWN and each.id in require
        else each
        for each in measures
    )
    scores = [each.score for each in judged if each.status is not MeasureStatus.UNKNOWN]
    blockers = tuple(
        finding
        for each in judged
        if each.status is MeasureStatus.FAILED
        for finding in _blockers(each)
    )
    return GateResult(
        passed=not blockers and len(scores) >= _enough(len(judged)),
        score=round(sum(scores) / len(scores), 1) if scores else 0.0,
        measures=judged,
        blockers=blockers,
    )


def not_judged(result: GateResult) -> tuple[Finding, ...]:
    """The warning that a gate is not judged, if it is not."""
    if result.verdict is not GateVerdict.NOT_JUDGED:
        return ()
    unknown = [each.title for each in result.measures if each.status is MeasureStatus.UNKNOWN]
    hint = f"unknown: {', '.join(unknown)}; espdeck.toml can require them: [quality] require"
    message = f"quality gate {result.summary}"
    return (Finding(Severity.WARNING, "quality.unjudged", message, hint=hint),)


def _enough(measures: int) -> int:
    """How many of so many measures must be judged."""
    return math.ceil(MIN_JUDGED * measures)


def _blockers(measure: Measure) -> tuple[Finding, ...]:
    """Why a measure failed: the errors that it found, else that its threshold is not met."""
    errors = tuple(each for each in measure.findings if each.severity is Severity.ERROR)
    if errors:
        return errors
    message = f"{measure.title}: {measure.detail}"
    if measure.value is not None:
        demanded = f", demanded is {measure.limit}" if measure.limit else ""
        message = f"{measure.title} {measure.shown}{demanded} ({measure.detail})"
    return (Finding(Severity.ERROR, f"quality.{measure.id}", message),)


def _amount(value: float, unit: str) -> str:
    if unit == "bytes":
        return f"{value:,.0f} bytes"
    return f"{value:g} {unit}" if unit != "findings" else f"{value:g}"
