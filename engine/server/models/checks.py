"""Checks as the HTTP API tells them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from engine import CheckCell, CheckResultRow
from engine.enums import CheckStatus, Trigger


class CheckState(BaseModel):
    """A check of a project: when it runs, and its newest result."""

    check_name: str
    title: str = Field(description="What it looks at.")
    project: str = Field(description="Empty for the lab as a whole.")
    project_id: uuid.UUID | None
    enabled: bool = Field(description="Whether it runs by itself.")
    interval: float = Field(description="Minutes between two runs.")
    next_at: datetime | None = Field(description="When it runs next.")
    problem: str = Field(description="Why it cannot be used; empty where it can.")
    result_id: int | None = Field(description="Of the newest result.")
    status: CheckStatus | None
    message: str
    timestamp: datetime | None
    duration_seconds: float | None
    confirmed_at: datetime | None = Field(description="When it was seen last that this holds.")

    @classmethod
    def of(cls, cell: CheckCell) -> CheckState:
        """A check of a project as the engine knows it."""
        result = cell.result
        return cls(
            check_name=cell.check.name,
            title=cell.check.title,
            project=cell.project.name if cell.project else "",
            project_id=cell.project.id if cell.project else None,
            enabled=cell.plan.enabled,
            interval=cell.plan.interval,
            next_at=cell.next_at,
            problem=cell.check.problem,
            result_id=result.id if result else None,
            status=result.status if result else None,
            message=result.message if result else "",
            timestamp=result.timestamp if result else None,
            duration_seconds=result.duration_seconds if result else None,
            confirmed_at=result.confirmed_at if result else None,
        )


class CheckResultAnswer(BaseModel):
    """What one run of a check came to."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": 7,
                    "check_name": "doc_check",
                    "project": "node",
                    "project_id": "2f6d4c1e-6f0a-4a57-9a6d-0c8f6a1d2b3c",
                    "status": "warning",
                    "message": "2 of 9 modules have no documentation",
                    "details": {},
                    "timestamp": "2026-11-28T10:15:00Z",
                    "duration_seconds": 0.8,
                    "confirmed_at": "2026-11-28T10:25:00Z",
                    "triggered_by": "schedule",
                }
            ]
        }
    )

    id: int
    check_name: str
    project: str
    project_id: uuid.UUID | None
    status: CheckStatus
    message: str
    details: dict[str, Any] = Field(description="Empty in lists, unless they are asked for.")
    timestamp: datetime
    duration_seconds: float
    confirmed_at: datetime
    triggered_by: Trigger

    @classmethod
    def of(cls, result: CheckResultRow, projects: Mapping[uuid.UUID, str]) -> CheckResultAnswer:
        """A result as the engine knows it.

        Args:
            projects: names by id.
        """
        assert result.id is not None
        return cls(
            id=result.id,
            check_name=result.check_name,
            project=projects.get(result.project_id, "") if result.project_id else "",
            project_id=result.project_id,
            status=result.status,
            message=result.message,
            details=result.details,
            timestamp=result.timestamp,
            duration_seconds=result.duration_seconds,
            confirmed_at=result.confirmed_at,
            triggered_by=result.triggered_by,
        )


class CheckRunBody(BaseModel):
    """What a check is to look at."""

    model_config = ConfigDict(extra="forbid")

    project: str = Field(
        default="", max_length=200, description="Name or id; empty for a check of the lab."
    )


class CheckPlanBody(BaseModel):
    """When a check runs by itself."""

    model_config = ConfigDict(extra="forbid")

    enabled: bool | None = Field(default=None, description="Whether it does at all.")
    interval: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="Minutes between two runs."
    )
    project: str = Field(default="", max_length=200, description="For this project alone.")
