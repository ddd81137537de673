"""Jobs as the HTTP API tells them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from engine.enums import RunStatus
from engine.server.jobs import Job, JobKind


class JobAnswer(BaseModel):
    """Something that was started and takes its time."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "5f0c8a1be2d34c77",
                    "kind": "flash",
                    "subject": "virtual:esp32c3",
                    "asked_by": "ci",
                    "status": "running",
                    "progress": 43.0,
                    "message": "writing app",
                    "created_at": "2026-11-28T10:15:00Z",
                    "started_at": "2026-11-28T10:15:00Z",
                    "ended_at": None,
                    "result": None,
                    "error": None,
                    "output": [],
                }
            ]
        }
    )

    id: str
    kind: JobKind
    subject: str = Field(description="The board, or the check.")
    asked_by: str = Field(description="Name of the token that started it.")
    status: RunStatus
    progress: float = Field(description="0 to 100.")
    message: str = Field(description="What it does now, or how it ended.")
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    result: dict[str, Any] | None = Field(description="What came of it, where it succeeded.")
    error: str | None = Field(description="Why it failed.")
    output: list[str] = Field(description="The last lines that it told.")

    @classmethod
    def of(cls, job: Job) -> JobAnswer:
        """A job as it is now."""
        return cls(
            id=job.id,
            kind=job.kind,
            subject=job.subject,
            asked_by=job.asked_by,
            status=job.status,
            progress=job.progress,
            message=job.message,
            created_at=job.created_at,
            started_at=job.started_at,
            ended_at=job.ended_at,
            result=dict(job.result) if job.result is not None else None,
            error=job.error,
            output=list(job.lines),
        )
