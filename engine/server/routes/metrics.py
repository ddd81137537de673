"""Metrics for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI, Request, Response

from engine import Engine
from engine.server.access import Reader
from engine.server.routes.daemon import read_daemon
from engine.server.server_metrics import CONTENT_TYPE, KeptPage, ServerMetrics, install

router = APIRouter(tags=["metrics"])


def measure(app: FastAPI, engine: Engine) -> None:
    """Have an app measure itself."""
    app.state.metrics = ServerMetrics()
    app.state.lab_page = KeptPage(lambda: engine.metrics.prometheus(read_daemon(engine)))
    install(app)


@router.get("/metrics", response_class=Response, responses={200: {"content": {CONTENT_TYPE: {}}}})
def get_metrics(request: Request, _reader: Reader) -> Response:
    """Builds, tests, sizes, checks, the daemon and this server, in Prometheus' text format.

    It names projects: a scraper needs a token with the scope read.
    """
    lab_page: KeptPage = request.app.state.lab_page
    metrics: ServerMetrics = request.app.state.metrics
    return Response(lab_page.read() + metrics.page(), media_type=CONTENT_TYPE)
