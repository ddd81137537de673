"""How calls are made: each bounded in time, repeated where that is safe, its answer typed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from engine.errors import UsageError
from engine.server.client import connection
from engine.server.client.errors import ApiError
from engine.server.client.messages import SseMessage, SseParser

T = TypeVar("T")

Parameters = Mapping[str, Any]


class AsyncTransport:
    """A connection to a server. Usable in a ``with`` block, which closes it.

    Args:
        url: the server's root, with the path of a proxy: ``https://lab.example.org/lab``.
        token: of ``espdeck token create``; None for none.
        timeout: seconds that an answer may take; no call waits longer for a byte.
        verify: True recognises a server by the certificates of this machine, of ``SSL_CERT_FILE``
            and ``SSL_CERT_DIR``; a file or folder by those in it; False by nothing.
        patience: seconds for which waiting and following calls come again to a server that is
            away.

    Raises:
        UsageError: the URL, token or file of certificates is none.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        timeout: float = 30.0,
        verify: bool | str | Path = True,
        patience: float = 300.0,
    ) -> None:
        self.address = connection.address_of(url)
        self._patience = patience
        self.options = connection.options_of(self.address, token, timeout, verify)
        try:
            self._http = httpx.AsyncClient(**self.options)
        except (ValueError, ImportError) as error:  # that is how httpx refuses a proxy
            raise UsageError(f"the proxy of the environment cannot be used: {error}") from error

    @property
    def url(self) -> str:
        """The server's root."""
        return self.address.url

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _where: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connection."""
        await self._http.aclose()

    async def _call(
        self,
        method: str,
        path: str,
        *,
        parameters: Parameters | None = None,
        body: Mapping[str, Any] | BaseModel | None = None,
        held: float = 0.0,
    ) -> httpx.Response:
        """Make a call, again where that is safe.

        Args:
            path: below ``/api/v1/``.
            parameters: of the query; those that are None are left out.
            body: sent as JSON, without what is None.
            held: seconds for which the server may hold its answer.
        """
        if isinstance(body, BaseModel):
            body = body.model_dump(mode="json")
        json = _given(body) if body is not None else None
        options = self.options["timeout"]
        timeout = httpx.Timeout(
            (options.read or 0.0) + held, connect=options.connect, pool=options.pool
        )
        tries = 0
        while True:
            tries += 1
            try:
                response = await self._http.request(
                    method, path, params=_given(parameters), json=json, timeout=timeout
                )
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                failure = connection.failure_of(error, self.address)
                failure.__cause__ = error
            else:
                if response.is_success:
                    return response
                failure = connection.refusal_of(response, response.text, self.address)
            pause = connection.pause_before(method, failure, tries)
            if pause is None:
                raise failure
            await asyncio.sleep(pause)

    async def _get(
        self,
        kind: type[T],
        path: str,
        parameters: Parameters | None = None,
        *,
        held: float = 0.0,
    ) -> T:
        response = await self._call("GET", path, parameters=parameters, held=held)
        return self._read(kind, response)

    async def _post(
        self,
        kind: type[T],
        path: str,
        body: Mapping[str, Any] | BaseModel | None = None,
        *,
        parameters: Parameters | None = None,
        held: float = 0.0,
    ) -> T:
        response = await self._call("POST", path, parameters=parameters, body=body, held=held)
        return self._read(kind, response)

    async def _pages(
        self, kind: type[T], path: str, parameters: Parameters | None = None
    ) -> AsyncGenerator[T, None]:
        """Entries of a list, page after page."""
        page: Parameters | Sequence[tuple[str, str]] | None
        page = {"limit": connection.PAGE_ENTRIES, **_given(parameters)}
        while page is not None:
            response = await self._call("GET", path, parameters=dict(page))
            for entry in self._read(list[kind], response):  # type: ignore[valid-type] # a model
                yield entry
            page = connection.next_of(response)

    async def _until(
        self, kind: type[T], path: str, is_final: Any, timeout: float | None, what: str
    ) -> T:
        """Ask until something is so, the server holding each answer until it may be.

        Args:
            is_final: whether an answer is the last.
            timeout: seconds; None waits as long as it takes.
            what: names it, should time be over.

        Raises:
            ApiError: time is over, or the server was away for longer than patience.
        """
        began = time.monotonic()
        last_seen = began
        while True:
            left = None if timeout is None else timeout - (time.monotonic() - began)
            held = connection.HELD_SECONDS if left is None else min(left, connection.HELD_SECONDS)
            try:
                answer = await self._get(kind, path, {"wait": max(0.0, held)}, held=max(0.0, held))
            except ApiError as error:
                if not error.is_passing or time.monotonic() - last_seen > self._patience:
                    raise
                if left is not None and left <= 0:
                    raise
                await asyncio.sleep(connection.COME_AGAIN_SECONDS)
                continue
            if is_final(answer):
                return answer
            last_seen = time.monotonic()
            if left is not None and left <= 0:
                raise ApiError(f"{what} has not ended after {timeout:g} s", is_passing=True)

    async def _follow(
        self, path: str, parameters: Parameters | None = None, after: str = ""
    ) -> AsyncGenerator[SseMessage, None]:
        """Messages of an event stream, without an end: it comes again when it breaks off.

        Args:
            after: id of the last message that the reader has.

        Raises:
            ApiError: the server refuses, or was away for longer than patience.
        """
        pause, last_seen = connection.COME_AGAIN_SECONDS, time.monotonic()
        while True:
            try:
                async with self._stream(path, parameters, {"Last-Event-ID": after}) as response:
                    parser = SseParser()
                    async for line in response.aiter_lines():
                        pause, last_seen = connection.COME_AGAIN_SECONDS, time.monotonic()
                        message = parser.take(line)
                        if message is not None:
                            after = message.id or after
                            yield message
            except ApiError as error:
                if not error.is_passing or time.monotonic() - last_seen > self._patience:
                    raise
                await asyncio.sleep(error.retry_after or pause)
            else:
                await asyncio.sleep(pause)
            pause = min(2 * pause, connection.LONGEST_COME_AGAIN_SECONDS)

    @asynccontextmanager
    async def _stream(
        self, path: str, parameters: Parameters | None, headers: Mapping[str, str]
    ) -> AsyncIterator[httpx.Response]:
        """An answer that is read as it comes; what breaks it off is an :class:`ApiError`."""
        options = self.options["timeout"]
        timeout = httpx.Timeout(connection.SILENCE_SECONDS, connect=options.connect)
        given = {"Accept": "text/event-stream", **headers}
        try:
            async with self._http.stream(
                "GET",
                path,
                params=_given(parameters),
                headers={name: value for name, value in given.items() if value},
                timeout=timeout,
            ) as response:
                if not response.is_success:
                    text = (await response.aread()).decode("utf-8", "replace")
                    raise connection.refusal_of(response, text, self.address)
                yield response
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise connection.failure_of(error, self.address) from error

    def _read(self, kind: type[T], response: httpx.Response) -> T:
        """An answer as what it is to be.

        Raises:
            ApiError: it is something else.
        """
        data = connection.json_of(response, self.address)
        try:
            return TypeAdapter(kind).validate_python(data)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise ApiError(
                f"{self.url} answered what this version does not know ({where}: {first['msg']}): "
                "have the same espdeck at both ends",
                response.status_code,
            ) from error


def _given(parameters: Parameters | None) -> dict[str, Any]:
    """What is given: None stands for what is not."""
    return {name: value for name, value in (parameters or {}).items() if value is not None}
