"""Asking an ASGI app without a server: quick enough to ask for every route in many ways."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp

WEBSOCKET = "WEBSOCKET"
"""The method of what is asked for as a WebSocket."""

_ports = itertools.count(1)


@dataclass(frozen=True)
class Answer:
    """What came back.

    Args:
        status: of HTTP; 101 for a WebSocket that was accepted.
        headers: by their names in lower case.
        body: as it came.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        """Of the body."""
        return self.headers.get("content-type", "")

    @property
    def detail(self) -> str:
        """What a problem tells."""
        return str(json.loads(self.body)["detail"])


def ask(
    app: ASGIApp,
    method: str,
    path: str,
    headers: Iterable[tuple[str, str]] = (),
    *,
    query: str = "",
    body: bytes = b"",
    client: str = "",
) -> Answer:
    """Ask, and leave as soon as a stream or WebSocket has begun.

    Args:
        client: address of who asks; a new one each time if it is empty.
    """
    return asyncio.run(_ask(app, method, path, list(headers), query, body, client))


async def _ask(
    app: ASGIApp,
    method: str,
    path: str,
    headers: list[tuple[str, str]],
    query: str,
    body: bytes,
    client: str,
) -> Answer:
    is_socket = method == WEBSOCKET
    number = next(_ports)
    scope: dict[str, Any] = {
        "type": "websocket" if is_socket else "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "ws" if is_socket else "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", b"testserver")]
        + [(name.lower().encode(), value.encode("latin-1")) for name, value in headers],
        "client": (client or f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}", 1),
        "server": ("testserver", 80),
        "state": {},
        "extensions": {"websocket.http.response": {}},
    }
    if not is_socket:
        scope["method"] = method
    status, told = 0, bytearray()
    answered: dict[str, str] = {}
    asked = False

    async def receive() -> MutableMapping[str, Any]:
        nonlocal asked
        if not asked:
            asked = True
            if is_socket:
                return {"type": "websocket.connect"}
            return {"type": "http.request", "body": body, "more_body": False}
        return {"type": "websocket.disconnect" if is_socket else "http.disconnect", "code": 1001}

    async def send(message: MutableMapping[str, Any]) -> None:
        nonlocal status
        if message["type"].endswith("http.response.start"):
            status = message["status"]
            answered.update((name.decode(), value.decode()) for name, value in message["headers"])
        elif message["type"].endswith("http.response.body"):
            told.extend(message.get("body", b""))
        elif message["type"] == "websocket.accept":
            status = 101
        elif message["type"] == "websocket.close" and not status:
            status = 403

    await app(scope, receive, send)
    return Answer(status, answered, bytes(told))
