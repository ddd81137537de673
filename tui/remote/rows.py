"""Answers of the HTTP API as the engine's own rows, so that both are printed by the same code."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from engine import (
    Artifact,
    BoardInfo,
    CheckCell,
    CheckPlan,
    CheckResultRow,
    FindingRow,
    FoundCheck,
    Project,
    Retry,
    Run,
    StageRow,
)
from engine.enums import CheckStatus, Trigger

if TYPE_CHECKING:
    from pydantic import BaseModel


def run_of(answer: BaseModel) -> Run:
    """A build."""
    return Run(**answer.model_dump(exclude={"stages", "retries"}))


def retry_of(answer: BaseModel, number: int) -> Retry:
    """A retry of a build."""
    return Retry(run_id=number, from_attempt=0, **answer.model_dump())


def stage_of(answer: BaseModel, number: int) -> StageRow:
    """A stage of a build."""
    facts = answer.model_dump(exclude={"stage", "duration"})
    return StageRow(run_id=number, key=answer.model_dump()["stage"], **facts)


def finding_of(answer: BaseModel, number: int) -> FindingRow:
    """A finding of a build."""
    return FindingRow(run_id=number, **answer.model_dump())


def artifact_of(answer: BaseModel, number: int) -> Artifact:
    """A file that a build kept."""
    return Artifact(run_id=number, **answer.model_dump())


def project_of(answer: BaseModel) -> Project:
    """A project."""
    return Project(**answer.model_dump(exclude={"syncing"}))


def board_of(answer: BaseModel) -> BoardInfo:
    """A board."""
    return BoardInfo(**answer.model_dump(exclude={"id"}))


def cell_of(answer: BaseModel) -> CheckCell:
    """How a check of a project stands."""
    told = answer.model_dump()
    name, interval = told["check_name"], told["interval"]
    result = None
    if told["status"] is not None:
        result = CheckResultRow(
            id=told["result_id"],
            check_name=name,
            project_id=told["project_id"],
            status=told["status"],
            message=told["message"],
            timestamp=told["timestamp"],
            duration_seconds=told["duration_seconds"],
            confirmed_at=told["confirmed_at"],
        )
    project = None
    if told["project_id"] is not None:
        project = Project(id=told["project_id"], name=told["project"], source="", target="")
    return CheckCell(
        check=FoundCheck(name, told["title"], interval, problem=told["problem"]),
        project=project,
        plan=CheckPlan(told["enabled"], interval),
        result=result,
        next_at=told["next_at"],
    )


def result_of(told: dict[str, Any]) -> CheckResultRow:
    """What a check found, as the result of its job has it."""
    return CheckResultRow(
        id=told["id"],
        check_name=told["check_name"],
        status=CheckStatus(told["status"]),
        message=told["message"],
        details=told["details"],
        timestamp=datetime.fromisoformat(told["timestamp"]),
        duration_seconds=told["duration_seconds"],
        confirmed_at=datetime.fromisoformat(told["confirmed_at"]),
        triggered_by=Trigger(told["triggered_by"]),
    )
