"""Findings of a run as they are told: those of its result, each once, whoever found it.

A board and a simulator fail the same test for the same reason: that is one finding with two places.
Infos are notes and are not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from engine.enums import RunStatus, Severity, StageStatus
from engine.findings import Finding
from engine.runs.pipeline import Pipeline
from engine.store.attempts import counted_stages, of_stages
from engine.store.tables import FindingRow, Run, StageRow
from engine.text import count


@dataclass(frozen=True, slots=True)
class ToldFinding:
    """A finding of a run.

    Args:
        row: the finding, as the first stage found it.
        stages: keys of the stages that found it.
        is_repaired: whether a repair mended it: the run's own commit has it, its result has not.
        counts: whether the run's result is about it; else it is of a repair that was taken back, or
            of what a retry did again.
    """

    row: FindingRow
    stages: tuple[str, ...]
    is_repaired: bool = False
    counts: bool = True

    @property
    def finding(self) -> Finding:
        """What was found."""
        return self.row.finding

    @property
    def attempt(self) -> int:
        """The attempt in which it was found."""
        return self.row.attempt


def told_findings(
    run: Run, pipeline: Pipeline, stages: Sequence[StageRow], found: Sequence[FindingRow]
) -> list[ToldFinding]:
    """Findings that a run's result is about, the worst first; then what repairs mended.

    Args:
        run: whose result it is.
        pipeline: that it walked.
        stages: all of the run's.
        found: all of the run's.
    """
    told = merged(of_stages(found, counted_stages(stages, run.result_attempt)))
    own = own_attempt(pipeline, stages)
    if run.status is not RunStatus.SUCCESS or own is None:
        return told
    before = merged(of_stages(found, counted_stages(stages, own)))
    known = {identity(each.row) for each in told}
    mended = [
        replace(each, is_repaired=True)
        for each in before
        if each.row.severity is Severity.ERROR and identity(each.row) not in known
    ]
    return [*told, *mended]


def listed_findings(
    run: Run, pipeline: Pipeline, stages: Sequence[StageRow], found: Sequence[FindingRow]
) -> list[ToldFinding]:
    """All findings of a run: those that are told of it, then those of its other attempts.

    Args:
        run, pipeline, stages, found: as :func:`told_findings` takes them.
    """
    told = told_findings(run, pipeline, stages, found)
    last = {(row.key, row.attempt) for row in counted_stages(stages, run.result_attempt)}
    mended = {(*identity(each.row), each.attempt) for each in told if each.is_repaired}
    others = [
        row
        for row in found
        if (row.stage, row.attempt) not in last and (*identity(row), row.attempt) not in mended
    ]
    attempts = sorted({row.attempt for row in others}, reverse=True)
    return [
        *told,
        *(
            replace(each, counts=False)
            for attempt in attempts
            for each in merged(row for row in others if row.attempt == attempt)
        ),
    ]


def own_attempt(pipeline: Pipeline, stages: Iterable[StageRow]) -> int | None:
    """The attempt that ended with the first repair: what came up to it is of the run's own commit.

    Returns:
        None where nothing was repaired.
    """
    repairs = {stage.key for stage in pipeline.stages if stage.back_to}
    repaired = [
        row.attempt
        for row in stages
        if row.key in repairs and row.status is StageStatus.SUCCESS and not row.superseded
    ]
    return min(repaired, default=None)


def merged(found: Iterable[FindingRow]) -> list[ToldFinding]:
    """Findings, each once, the worst first."""
    together: dict[tuple[object, ...], list[FindingRow]] = {}
    for row in found:
        together.setdefault((*identity(row), row.line), []).append(row)
    told = [
        ToldFinding(
            # Of several the one that says most.
            max(rows, key=lambda row: (row.hint is not None, len(row.evidence or ""))),
            tuple(dict.fromkeys(sorted(row.stage for row in rows))),
        )
        for rows in together.values()
    ]
    return sorted(told, key=lambda each: each.row.rank)


def identity(row: FindingRow) -> tuple[str, str, str, str]:
    """What two findings have in common that are of the same fault, wherever its line has moved."""
    return row.severity, row.code, row.file or "", row.message


def count_findings(told: Iterable[ToldFinding]) -> str:
    """How many errors and warnings there are, as in ``2 errors, 1 warning``, or ``none``.

    Infos are not counted, nor is what other attempts found; what a repair mended is told apart.
    """
    listed = [each for each in told if each.counts]
    left = [each.row.severity for each in listed if not each.is_repaired]
    named = ((Severity.ERROR, "error"), (Severity.WARNING, "warning"))
    words = [count(left.count(kind), word) for kind, word in named if kind in left]
    if mended := sum(each.is_repaired for each in listed):
        words.append(f"{mended} repaired")
    return ", ".join(words) or "none"
