"""The daemon: status, health, settings."""

from __future__ import annotations

import os
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter

from engine import DaemonState, Engine, ask_daemon, daemon_state, list_settings, running_daemon
from engine.errors import ConflictError, EspdeckError, UsageError
from engine.server.access import Admin, EngineOf, Reader
from engine.server.models.daemon import DaemonStatus, Health, Reloaded, Setting, Version

router = APIRouter(tags=["daemon"])


def read_daemon(engine: Engine) -> DaemonState | None:
    """What the daemon of the workspace says of itself; None where none answers."""
    workspace = engine.settings.workspace
    if running_daemon(workspace) is None:
        return None
    try:
        return daemon_state(ask_daemon(workspace, "status"))
    except EspdeckError:
        return None


@router.get("/version")
def get_version(_reader: Reader) -> Version:
    """Which espdeck serves, and which version of the API."""
    return Version(version=version("espdeck"), api="v1")


@router.get("/daemon")
def get_daemon(engine: EngineOf, _reader: Reader) -> DaemonStatus:
    """Whether the daemon runs, since when, what it does and what it will do next."""
    workspace = engine.settings.workspace
    pid = running_daemon(workspace)
    said: dict[str, Any] = {}
    problem = ""
    if pid is not None:
        try:
            said = ask_daemon(workspace, "status")
        except UsageError:
            pid = None  # it ended meanwhile
        except EspdeckError as error:
            problem = str(error)
    return DaemonStatus(
        is_running=pid is not None,
        version=str(said.get("version", version("espdeck"))),
        pid=pid,
        started_at=said.get("started_at"),
        uptime_seconds=said.get("uptime_seconds", 0.0),
        total_checks_run=int(said.get("total_checks_run", 0)),
        memory_bytes=said.get("memory_bytes"),
        cpu_seconds=said.get("cpu_seconds"),
        executor=engine.executor_pid,
        server=os.getpid(),
        runs=said.get("runs", []),
        next_checks=said.get("next_checks", []),
        problem=problem,
    )


@router.get("/daemon/health")
def get_health(engine: EngineOf, _reader: Reader) -> Health:
    """Health of the daemon, of each check, and of what runs by schedule."""
    return Health.model_validate(engine.metrics.health(read_daemon(engine)))


@router.post("/daemon/reload")
def reload_settings(engine: EngineOf, _admin: Admin) -> Reloaded:
    """Have the server, and the daemon where that is another process, read the settings again."""
    engine.reload()
    workspace = engine.settings.workspace
    pid = running_daemon(workspace)
    if pid is None or pid == os.getpid():
        return Reloaded(message="settings read")
    try:
        ask_daemon(workspace, "reload")
    except UsageError:
        raise
    except EspdeckError as error:
        raise ConflictError(f"the server read the settings, the daemon did not: {error}") from error
    return Reloaded(message="settings read, by the daemon too")


@router.get("/settings")
def get_settings(engine: EngineOf, _admin: Admin) -> list[Setting]:
    """List every setting, where it comes from and what it is; secrets are masked."""
    settings = engine.settings
    try:
        rows = list_settings(workspace=settings.workspace, profile=settings.profile or None)
    except UsageError as error:
        raise ConflictError(f"the settings from before stay in force: {error}") from error
    return [
        Setting(
            key=row.key,
            value=row.value,
            origin=str(row.origin),
            at_start=row.at_start,
            explanation=row.explanation,
            is_masked=row.is_masked,
        )
        for row in rows
    ]
