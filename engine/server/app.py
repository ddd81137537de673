"""The app of the HTTP API: its routes below ``/api/v1``, and for older callers below ``/api``."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import APIRouter, FastAPI

from engine import Engine
from engine.server import audit_requests, authentication, head_requests, openapi, problems
from engine.server.jobs import Jobs
from engine.server.routes import (
    approvals,
    artifacts,
    audit,
    badges,
    boards,
    browser_app,
    build_logs,
    builds,
    checks,
    console_sockets,
    consoles,
    daemon,
    documents,
    events,
    flashes,
    health,
    jobs,
    lineup,
    login,
    metrics,
    notifications,
    orchestrate,
    orchestrator,
    projects,
    task_events,
    tickets,
    tokens,
    webhook,
)

API_ROUTERS: tuple[APIRouter, ...] = (
    tickets.router,
    projects.router,
    builds.router,
    build_logs.router,
    artifacts.router,
    tokens.router,
    audit.router,
    jobs.router,
    consoles.router,
    console_sockets.router,
    flashes.router,
    boards.router,
    checks.router,
    daemon.router,
    notifications.router,
    lineup.router,
    orchestrate.router,
    orchestrator.router,
    task_events.router,
    events.router,
    approvals.router,
    webhook.router,
)
"""What stands below ``/api/v1`` and, for callers of older systems, below ``/api``."""

ROOT_ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    login.router,
    browser_app.router,
    badges.router,
    documents.router,
    metrics.router,
)
"""What stands at the root."""


def create_app(engine: Engine) -> FastAPI:
    """Make the app.

    Args:
        engine: is open as long as the app is served.
    """
    app = FastAPI(
        title="espdeck",
        summary="The console of an ESP32 firmware lab",
        version=version("espdeck"),
        license_info={"name": "MIT"},
        docs_url=None,
        redoc_url=None,
    )
    app.state.engine = engine
    app.state.app_sessions = set()
    app.state.jobs = Jobs()
    head_requests.install(app)
    problems.install(app)
    authentication.install(app)
    audit_requests.install(app)
    metrics.measure(app, engine)
    for router in API_ROUTERS:
        app.include_router(router, prefix="/api/v1")
        app.include_router(router, prefix="/api", include_in_schema=False)
    for router in ROOT_ROUTERS:
        app.include_router(router)
    browser_app.mount_static(app)
    documents.mount_static(app)
    openapi.install(app)
    return app
