"""A board's console over a WebSocket: what it says, byte for byte, and what is typed to it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from engine.server.client import connection
from engine.server.client.errors import ApiError
from engine.server.client.messages import ConsoleMessage
from engine.server.models.boards import board_id
from engine.text import clean

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

    from engine.server.client.synchronous.client import Client

_NOT_ALLOWED = 1008  # RFC 6455, section 7.4.1


class ConsoleSocket:
    """An open console. Usable in a ``with`` block, which closes it.

    One thread reads; any thread types, or closes it.

    Args:
        client: of whose server.
        board: its name or label.

    Raises:
        ApiError: the server cannot be reached, or refuses.
    """

    def __init__(self, client: Client, board: str) -> None:
        self._address = client.address
        self._opened = contextlib.ExitStack()
        path = f"boards/{board_id(board)}/monitor/ws?format=bytes"
        self._socket = _connect(client, path, self._opened)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _where: TracebackType | None,
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[bytes | ConsoleMessage]:
        """What the board says, and notes between, until it is closed here.

        Raises:
            ApiError: the connection broke off, or the token holds no more.
        """
        from websockets.exceptions import ConnectionClosed, ConnectionClosedOK

        try:
            while True:
                data = self._socket.recv()
                yield data if isinstance(data, bytes) else _message(data)
        except ConnectionClosed as error:
            is_own = isinstance(error, ConnectionClosedOK) and error.rcvd_then_sent is False
            if is_own:
                return
            if error.rcvd is not None and error.rcvd.code == _NOT_ALLOWED:
                raise ApiError(clean(error.rcvd.reason), 401) from error
            raise self._broken() from error

    def send(self, data: bytes) -> None:
        """Type.

        Raises:
            ApiError: the connection broke off.
        """
        from websockets.exceptions import ConnectionClosed

        try:
            self._socket.send(data)
        except ConnectionClosed as error:
            raise self._broken() from error

    def close(self) -> None:
        """Close it."""
        with contextlib.suppress(OSError):
            self._opened.close()

    def _broken(self) -> ApiError:
        return ApiError(f"the connection to {self._address.url} broke off", is_passing=True)


def _connect(client: Client, path: str, opened: contextlib.ExitStack) -> ClientConnection:
    from websockets.exceptions import InvalidHandshake, InvalidStatus
    from websockets.sync.client import connect

    address = client.address
    options = client.options
    is_tls = address.url.startswith("https:")
    headers = {name: value for name, value in options["headers"].items() if name == "Authorization"}
    try:
        # Versions differ in when they connect, but for this.
        return opened.enter_context(
            connect(
                address.api.replace("http", "ws", 1) + path,
                additional_headers=headers,
                user_agent_header=options["headers"]["User-Agent"],
                ssl=options["verify"] if is_tls else None,
                proxy=None if address.is_local else True,
                open_timeout=connection.CONNECT_SECONDS,
            )
        )
    except InvalidStatus as error:
        response = error.response
        text = bytes(response.body or b"").decode("utf-8", "replace")
        raise connection.refusal(response.status_code, text, address) from error
    except InvalidHandshake as error:
        raise ApiError(f"{address.url} speaks no WebSocket: {clean(str(error))}") from error
    except OSError as error:
        raise connection.failure_of(error, address) from error


def _message(text: str) -> ConsoleMessage:
    try:
        told: Any = json.loads(text)
    except ValueError:
        told = {}
    if not isinstance(told, dict):
        told = {}
    kind = str(told.get("event", "note"))
    if kind == "lagged":
        return ConsoleMessage(kind, f"{told.get('events', 0)} events were missed")
    return ConsoleMessage(kind, str(told.get("text") or told.get("detail") or ""))
