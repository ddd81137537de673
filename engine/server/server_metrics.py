"""What the HTTP server measures of itself, for Prometheus."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from fastapi import FastAPI
from prometheus_client import (
    CONTENT_TYPE_PLAIN_0_0_4,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

CPU_SHARE = 0.02
"""The part of one processor that reading the lab's statistics may take, however often somebody
asks: the page is kept for as long as that needs."""

MIN_PAGE_SECONDS = 5.0
"""How long a page is kept at least."""

_BUCKETS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PREFIXES = ("/api/v1", "/api")
_STREAM = "text/event-stream"


class ServerMetrics:
    """Counts requests and streams. Labels are routes as they are declared, never paths."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "espdeck_http_requests",
            "Requests that were answered.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "espdeck_http_request_seconds",
            "Time until an answer began.",
            ("method", "route"),
            buckets=_BUCKETS_SECONDS,
            registry=self.registry,
        )
        self.open_streams = Gauge(
            "espdeck_http_open_streams",
            "Event streams and WebSockets that are open.",
            ("kind",),
            registry=self.registry,
        )
        self.lagged = Counter(
            "espdeck_http_lagged_events",
            "Events that were dropped as their reader was slow.",
            ("stream",),
            registry=self.registry,
        )
        for kind in ("sse", "websocket"):
            self.open_streams.labels(kind)
        ProcessCollector(registry=self.registry)

    def page(self) -> str:
        """All of it in Prometheus' text format."""
        return generate_latest(self.registry).decode()


def count_lagged(app: FastAPI, stream: str, events: int) -> None:
    """Count events that were dropped as their reader was slow.

    Args:
        app: that is measured.
        stream: which kind of stream.
        events: how many.
    """
    metrics: ServerMetrics = app.state.metrics
    metrics.lagged.labels(stream).inc(events)


def install(app: FastAPI) -> None:
    """Have an app measure itself, outside of all that may refuse a request."""
    app.add_middleware(_Measured, metrics=app.state.metrics)


class _Measured:
    """ASGI middleware that measures each request.

    Args:
        app: what is behind it.
        metrics: counts.
    """

    def __init__(self, app: ASGIApp, metrics: ServerMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        began, seconds, status, stream = time.monotonic(), 0.0, 500, ""

        async def noting(message: Message) -> None:
            nonlocal seconds, status, stream
            kind = message["type"]
            if kind in ("http.response.start", "websocket.http.response.start"):
                seconds, status = time.monotonic() - began, message["status"]
                if Headers(raw=message["headers"]).get("content-type", "").startswith(_STREAM):
                    stream = "sse"
            elif kind == "websocket.accept":
                seconds, status, stream = time.monotonic() - began, 101, "websocket"
            if stream and kind in ("http.response.start", "websocket.accept"):
                self._metrics.open_streams.labels(stream).inc()
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            if stream:
                self._metrics.open_streams.labels(stream).dec()
            method = scope.get("method", "WEBSOCKET")
            if method not in _METHODS and method != "WEBSOCKET":
                method = "other"
            route = _route(scope)
            self._metrics.requests.labels(method, route, str(status)).inc()
            self._metrics.seconds.labels(method, route).observe(seconds)


def _route(scope: Scope) -> str:
    """The route as it is declared, without the API's prefix; empty where none was chosen."""
    template: str = getattr(scope.get("route"), "path_format", "")
    for prefix in _PREFIXES:
        if template.startswith(f"{prefix}/"):
            return template.removeprefix(prefix)
    return template


class KeptPage:
    """A page that costs time to make, made anew no more often than is affordable.

    Args:
        make: makes it.
        now: a clock in seconds that never goes back.
        cost: seconds of a processor that this thread took so far.
    """

    def __init__(
        self,
        make: Callable[[], str],
        now: Callable[[], float] = time.monotonic,
        cost: Callable[[], float] = time.thread_time,
    ) -> None:
        self._make = make
        self._now = now
        self._cost = cost
        self._lock = threading.Lock()
        self._page = ""
        self._until = float("-inf")

    def read(self) -> str:
        """The page; who comes while it is made anew gets the one from before, if there is one."""
        if self._lock.acquire(blocking=not self._page):
            try:
                if self._now() >= self._until:
                    began = self._cost()
                    self._page = self._make()
                    rest = max(MIN_PAGE_SECONDS, (self._cost() - began) / CPU_SHARE)
                    self._until = self._now() + rest
            finally:
                self._lock.release()
        return self._page
