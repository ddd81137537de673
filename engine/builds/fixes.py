"""What DEVELOPER's repairs of a build come to: see :mod:`engine.runs.changes`.

A fix is the build's ``fix.patch``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.builds import fix_patch
from engine.builds.pipeline import FIRMWARE_PIPELINE
from engine.enums import Role, RunKind, RunStatus, StageStatus
from engine.repair.subject import CHANGES_TESTS, MAX_SUBJECT, NOTHING_SAID, shortened
from engine.runs.changes import ChangeSets, is_discarded, listed, message
from engine.runs.proposals import check_approved
from engine.stage_labels import stage_label
from engine.store import runs
from engine.store.attempts import counted_stages
from engine.store.tables import Run, StageRow

_REPAIR_STAGES = [stage.key for stage in FIRMWARE_PIPELINE.stages if stage.role == Role.DEVELOPER]


class Fixes(ChangeSets):
    """The fixes of a workspace."""

    KIND = RunKind.FIRMWARE
    NAME = PREFIX = "fix"
    ARTIFACT = fix_patch.NAME
    VERB = "fix"

    def _diff_of(self, run: Run) -> str:
        found = self._read_artifact(run)
        return found.diff if found else ""

    def _check_approved(self, run: Run) -> None:
        check_approved(run)

    def _read_artifact(self, build: Run) -> fix_patch.FixFile | None:
        """The artifact, if the last run of the build ended with it."""
        rows = [
            row
            for row in runs.stages_of(self._store, build.number)
            if row.key in _REPAIR_STAGES and not row.superseded
        ]
        if not _is_settled(build.status, rows):
            return None
        try:
            return fix_patch.read(Path(build.artifacts_path) / fix_patch.NAME)
        except OSError:
            return None

    def _message_of(self, run: Run) -> str:
        """What failed, and what was changed by whom."""
        found = self._read_artifact(run)
        changes = found.changes if found else ()
        stages = [row for row in runs.stages_of(self._store, run.number) if not row.superseded]
        repaired = [
            row.attempt
            for row in stages
            if row.key in _REPAIR_STAGES and row.status is StageStatus.SUCCESS
        ]
        rows = [
            row
            for row in counted_stages(stages, min(repaired, default=None))
            if row.status is StageStatus.FAILED and row.key not in _REPAIR_STAGES
        ]
        failed = [f"{stage_label(row.key)}: {row.summary}" for row in rows if _is_new(row, rows)]
        what = failed[0].partition(": ")[2] if failed else "what failed"
        end = (
            f"Build {run.number} of espdeck succeeded with it."
            if run.status is RunStatus.SUCCESS
            else f"Build {run.number} of espdeck still fails with it: this is the best it found."
        )
        tests = any(f": {CHANGES_TESTS}: " in change for change in changes)
        return message(
            _subject(changes, what, run.number),
            *("Failed:", *listed(failed), "", "Changed:", *listed(changes), ""),
            *["It changes tests.", ""] * tests,
            end,
        )


def _is_new(row: StageRow, failed: Sequence[StageRow]) -> bool:
    """Whether a stage that failed says more than the others: a verdict often repeats one."""
    return row.key != "judge" or not any(
        each.summary and each.summary in row.summary for each in failed if each is not row
    )


def _subject(changes: Sequence[str], failure: str, build: int) -> str:
    """What was changed last and why: a model says both, of a rule the failure is why.

    Args:
        changes: each ``BY: EXPLANATION``. Untrusted, as the failure is.
        failure: what failed first.
        build: number of the build, told where nobody says what was changed.
    """
    by, _, said = (changes or [""])[-1].partition(": ")
    said = said.removeprefix(f"{CHANGES_TESTS}: ").rstrip(". ")
    if not said or said == NOTHING_SAID:
        return shortened(f"Fix build {build}: {failure}", MAX_SUBJECT)
    said = f"{said[:1].upper()}{said[1:]}"
    whole = f"{said} to mend {failure}" if by.startswith("rule ") else said
    return whole if len(whole) <= MAX_SUBJECT else shortened(said, MAX_SUBJECT)


def has_fix(folder: Path) -> bool:
    """Whether there is a fix among a build's artifacts that nobody discarded.

    Args:
        folder: of the artifacts.
    """
    try:
        found = fix_patch.read(folder / fix_patch.NAME)
    except OSError:
        return False
    return bool(found.diff) and not is_discarded(folder, found.diff)


def _is_settled(status: RunStatus, repairs: list[StageRow]) -> bool:
    """Whether what was repaired was built and judged: it succeeded, or DEVELOPER gave up."""
    repaired = any(row.status is StageStatus.SUCCESS for row in repairs)
    last = max(repairs, key=lambda row: row.attempt, default=None)
    gave_up = last is not None and last.status is StageStatus.FAILED
    return repaired and (status is RunStatus.SUCCESS or (status is RunStatus.FAILED and gave_up))
