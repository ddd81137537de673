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
    """

    row: FindingRow
    stages: tuple[str, ...]
    is_repaired: bool = False

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


def counted(told: Iterable[ToldFinding]) -> str:
    """How many errors and warnings these are, as in ``2 errors, 1 warning``; empty for none."""
    left = [each.row.severity for each in told if not each.is_repaired]
    named = ((Severity.ERROR, "error"), (Severity.WARNING, "warning"))
    return ", ".join(count(left.count(kind), word) for kind, word in named if kind in left)
