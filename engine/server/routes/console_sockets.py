"""A board's console as a WebSocket: what it says, and what is typed to it.

In the format ``lines`` messages are JSON both ways; in ``bytes`` they are what the board says and
what is typed, byte for byte, as terminals in a browser (xterm.js) have it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocketState

from engine import EOLS, ConsoleWatch, Principal
from engine.enums import Scope
from engine.errors import EspdeckError
from engine.server import sse
from engine.server.access import EngineOf, StreamReader, require_scope
from engine.server.routes.boards import BoardOf
from engine.server.routes.consoles import Tail, console_message
from engine.server.server_metrics import count_lagged
from engine.server.waiting import Wakeup

router = APIRouter(tags=["consoles"])

Format = Annotated[Literal["lines", "bytes"], Query(description="What messages are.")]

_MAX_TYPED_CHARACTERS = 1 << 16
_AWAY = 1001  # RFC 6455, section 7.4.1


class Typed(BaseModel):
    """What a client sends in the format ``lines``."""

    model_config = ConfigDict(extra="forbid")

    line: str | None = Field(default=None, max_length=_MAX_TYPED_CHARACTERS)
    """A line, which is ended by ``eol``."""

    text: str | None = Field(default=None, max_length=_MAX_TYPED_CHARACTERS)
    """Text as it is."""

    eol: Literal["cr", "lf", "crlf"] = "cr"
    reset: bool = False
    """Whether to restart the board's program first."""


@router.websocket("/boards/{board:path}/monitor/ws")
async def console_socket(
    websocket: WebSocket,
    board: BoardOf,
    engine: EngineOf,
    principal: StreamReader,
    format: Format = "lines",
    tail: Tail = 0,
    after: Annotated[str, Query(max_length=100)] = "",
) -> None:
    """Watch a console, and type to it with the scope flash."""
    await websocket.accept()
    wakeup = Wakeup()
    try:
        watch = await run_in_threadpool(
            engine.consoles.watch,
            board.name,
            holder=principal.name,
            on_ready=wakeup.set,
            wants_bytes=format == "bytes",
            tail=tail,
            after=after,
        )
    except EspdeckError as error:
        await websocket.close(_AWAY, str(error)[:100])
        return
    socket = _ConsoleSocket(websocket, watch, principal, is_raw=format == "bytes")
    try:
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(socket.send(wakeup))
            tasks.create_task(socket.receive(sending))
    except* (WebSocketDisconnect, RuntimeError):  # who watched has gone
        pass
    finally:
        watch.close()


class _ConsoleSocket:
    """One client's socket."""

    def __init__(
        self,
        websocket: WebSocket,
        watch: ConsoleWatch,
        principal: Principal,
        *,
        is_raw: bool,
    ) -> None:
        self._websocket = websocket
        self._watch = watch
        self._principal = principal
        self._is_raw = is_raw

    async def send(self, wakeup: Wakeup) -> None:
        """Send what the board says until the console ends."""
        if self._watch.lost:
            await self._tell("lagged", {"events": self._watch.lost})
        while not self._watch.is_over:
            await wakeup.wait(sse.HEARTBEAT_SECONDS)
            events, dropped = self._watch.take()
            if dropped:
                count_lagged(self._websocket.app, "console", dropped)
                await self._tell("lagged", {"events": dropped})
            for event in events:
                if self._is_raw and event.data:
                    await self._websocket.send_bytes(event.data)
                else:
                    told = console_message(event)
                    told["id"] = f"{self._watch.epoch}-{event.number}"
                    await self._tell(event.kind, told)
        await self._websocket.close(_AWAY, "espdeck is ending")

    async def receive(self, sending: asyncio.Task[None]) -> None:
        """Type what the client sends until it goes."""
        while self._websocket.client_state is WebSocketState.CONNECTED:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                sending.cancel()
                return
            try:
                await run_in_threadpool(self._type, message)
            except EspdeckError as error:
                await self._tell("error", {"detail": str(error)})
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join(map(str, first["loc"]))
                await self._tell("error", {"detail": f"{where}: {first['msg']}".removeprefix(": ")})

    def _type(self, message: Mapping[str, Any]) -> None:
        require_scope(self._principal, Scope.FLASH, "to type")
        data, text = message.get("bytes"), message.get("text")
        if data is not None:
            self._watch.send(data)
        elif self._is_raw:
            self._watch.send((text or "").encode("utf-8", "surrogateescape"))
        else:
            typed = Typed.model_validate_json(text or "")
            if typed.reset:
                self._watch.reset()
            if typed.text is not None:
                self._watch.send(typed.text.encode())
            if typed.line is not None:
                self._watch.send(typed.line.encode() + EOLS[typed.eol])

    async def _tell(self, event: str, data: Mapping[str, Any]) -> None:
        await self._websocket.send_text(json.dumps({"event": event, **data}))
