"""The daemon, health and settings as the HTTP API tells them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field


class Version(BaseModel):
    """Which espdeck serves."""

    version: str
    api: str = Field(examples=["v1"])


class UnfinishedRun(BaseModel):
    """A build or task that waits or runs."""

    number: int
    kind: str
    project: str
    status: str
    asked_by: str
    since: datetime


class NextCheck(BaseModel):
    """A check that is to run."""

    check: str
    project: str
    at: datetime


class DaemonStatus(BaseModel):
    """The daemon of the workspace, and the process that serves."""

    is_running: bool = Field(description="Whether there is a daemon.")
    version: str = Field(description="Of the daemon; of the server where there is none.")
    pid: int | None = Field(description="Process of the daemon.")
    started_at: datetime | None
    uptime_seconds: float
    total_checks_run: int
    memory_bytes: int | None
    cpu_seconds: float | None
    executor: int | None = Field(description="Process that carries out builds; none where null.")
    server: int = Field(description="Process that answers this.")
    runs: list[UnfinishedRun] = Field(description="Builds and tasks that wait or run.")
    next_checks: list[NextCheck] = Field(description="Checks that run next.")
    problem: str = Field(description="Why the daemon tells nothing; empty where it does.")


class DaemonHealth(BaseModel):
    """The daemon since it started."""

    is_running: bool
    uptime_seconds: float
    total_checks_run: int
    success_rate: float | None = Field(description="Percent of its checks that found nothing.")
    average_duration: float | None = Field(description="Seconds that a check takes.")


class CheckHealth(BaseModel):
    """How a check went, over all projects."""

    executions: int
    statuses: dict[str, int]
    average_duration: float
    last_status: str
    last_execution: datetime
    duration_seconds: float = Field(description="Of the last execution.")


class SchedulerHealth(BaseModel):
    """What is carried out by schedule or waits for it."""

    is_running: bool
    active_tasks: int
    task_statuses: dict[str, str]


class Health(BaseModel):
    """Health of daemon, checks and schedule."""

    daemon: DaemonHealth
    checks: dict[str, CheckHealth]
    scheduler: SchedulerHealth


class Setting(BaseModel):
    """A setting as it is now; a secret is masked, whatever its length."""

    key: str
    value: Any
    origin: str = Field(description="Where it comes from.")
    at_start: bool = Field(description="Whether a change takes effect at the next start only.")
    explanation: str
    is_masked: bool


class Reloaded(BaseModel):
    """The settings were read again."""

    message: str
