"""Events that say how a run and its stages stand, made from their rows."""

from __future__ import annotations

from engine import events
from engine.enums import RunStatus, StageStatus
from engine.store import runs
from engine.store.database import Store
from engine.store.tables import Run, StageRow


def stage_changed(row: StageRow, summary: str | None = None) -> events.StageChanged:
    """How a stage stands.

    Args:
        summary: what it does now; None for what the row says.
    """
    return events.StageChanged(
        run_id=row.run_id,
        stage=row.key,
        agent=row.agent,
        phase=row.phase,
        attempt=row.attempt,
        status=row.status,
        summary=row.summary if summary is None else summary,
    )


def run_changed(run: Run) -> events.RunChanged:
    """How a run stands."""
    return events.RunChanged(
        run_id=run.number,
        project_id=str(run.project_id or ""),
        status=run.status,
        run=run.kind,
    )


def end_run(
    store: Store,
    bus: events.Bus,
    run_id: int,
    *,
    status: RunStatus,
    result: str,
    verdict: str = "",
    took: float | None = None,
    result_attempt: int | None = None,
    workflow_id: str | None = None,
) -> Run:
    """Write how a run ended, and publish it; stages that had not ended are cancelled.

    Args:
        result: what came of it, in a line; of one that did not succeed, why.
        verdict, took, result_attempt, workflow_id: as :func:`engine.store.runs.finish_run` has
            them.

    Returns:
        The run as it stands then.

    Raises:
        StoreError: it cannot be written.
    """
    success = status is RunStatus.SUCCESS
    left = [row for row in runs.stages_of(store, run_id) if not row.status.is_final]
    run = runs.finish_run(
        *(store, run_id),
        status=status,
        error="" if success else result,
        verdict=verdict,
        took=took,
        result_attempt=result_attempt,
        workflow_id=workflow_id,
    )
    if run is None:
        return runs.get_run(store, run_id)
    for row in left:
        row.status = StageStatus.CANCELLED
        bus.publish(stage_changed(row))
    bus.publish(
        events.RunCompleted(
            run_id=run_id,
            success=success,
            status=status,
            duration=run.duration or 0.0,
            result=result,
            verdict=verdict,
            run=run.kind,
        )
    )
    bus.publish(run_changed(run))
    return run
