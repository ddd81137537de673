"""A small app in the place of the API, for tests of how it is served."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import RedirectResponse, Response, StreamingResponse

from engine import Engine, Settings
from engine.server import http_server, problems
from engine.server.http_server import HttpServer
from engine.server_settings import ServerSettings


def small_app(_engine: Engine) -> FastAPI:
    """Routes that tell what reached them."""
    app = FastAPI()
    problems.install(app)

    @app.get("/seen")
    def seen(request: Request) -> dict[str, Any]:
        return {
            "url": str(request.url),
            "client": request.client.host if request.client else "",
            "root_path": request.scope["root_path"],
            "self": str(request.url_for("seen")),
        }

    @app.get("/folder/")
    def folder() -> dict[str, str]:
        return {}

    @app.get("/elsewhere")
    def elsewhere(request: Request) -> RedirectResponse:
        return RedirectResponse(request.url_for("seen"))

    @app.post("/body")
    async def body(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    @app.post("/api/webhook")
    async def webhook(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    @app.get("/large")
    def large() -> Response:
        return Response(bytes(64 << 20))

    @app.get("/slow")
    async def slow() -> str:
        await asyncio.sleep(3600)
        return "late"

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def events() -> AsyncIterator[str]:
            yield "data: first\n\n"
            await asyncio.sleep(3600)

        headers = {"X-Accel-Buffering": "no"}
        return StreamingResponse(events(), media_type="text/event-stream", headers=headers)

    @app.websocket("/ws")
    async def echo(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(str(socket.url))
        async for text in socket.iter_text():
            await socket.send_text(text)

    return app


@contextlib.contextmanager
def served(folder: Path, **settings: Any) -> Iterator[HttpServer]:
    """The small app, served while the block runs."""
    said = ServerSettings(**{"port": 0, **settings})
    engine = Engine(Settings(workspace=folder / "lab", server=said))
    engine.open(execute=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(http_server, "create_app", small_app)
        server = HttpServer(engine)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        engine.close()
