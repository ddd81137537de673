"""HEAD of whatever can be read: monitors and link checkers ask with it, FastAPI's routes do not."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send


def install(app: FastAPI) -> None:
    """Have an app answer HEAD; installed first, so that all else sees what was asked."""
    app.add_middleware(HeadRequests, routes=app.router.routes)


class HeadRequests:
    """ASGI middleware that answers HEAD as GET, without the body (RFC 9110, section 9.3.2).

    An answer ends with its head: a stream that would not end itself is told that who asked left.

    Args:
        app: what is behind it.
        routes: of the app; one that answers HEAD itself is let do so.
    """

    def __init__(self, app: ASGIApp, routes: list[BaseRoute]) -> None:
        self._app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on, as GET where it is HEAD."""
        if scope["type"] != "http" or scope["method"] != "HEAD" or self._is_known(scope):
            await self._app(scope, receive, send)
            return
        is_answered = False

        async def head_alone(message: Message) -> None:
            nonlocal is_answered
            if message["type"] == "http.response.start":
                is_answered = True
                await send(message)
                await send({"type": "http.response.body", "body": b""})

        async def until_answered() -> Message:
            return {"type": "http.disconnect"} if is_answered else await receive()

        scope["method"] = "GET"
        try:
            await self._app(scope, until_answered, head_alone)
        finally:
            scope["method"] = "HEAD"

    def _is_known(self, scope: Scope) -> bool:
        return any(route.matches(scope)[0] is Match.FULL for route in self._routes)
