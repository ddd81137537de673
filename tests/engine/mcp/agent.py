"""A coding agent as far as the protocol goes: the ``mcp`` package's client over real streams."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import mcp_types as types
from mcp.client.session import ClientSession
from mcp.client.stdio import StdioServerParameters, stdio_client

from tests.waits import wait_for

BOARD = "virtual:esp32c3"
PROGRAM = ("-m", "tui.cli.main")
SECONDS = 120.0

Told = Callable[[str], None]


def environment(**more: str) -> dict[str, str]:
    """Of a server with one virtual board."""
    return {**os.environ, "ESPDECK_BOARDS": json.dumps([BOARD]), **more}


class Agent:
    """Runs ``espdeck mcp`` and calls its tools; ends it when the ``with`` block ends."""

    def __init__(self, workspace: Path, allow: str = "", **env: str) -> None:
        words = ["--workspace", str(workspace), "mcp", *(["--allow", allow] if allow else [])]
        self._server = StdioServerParameters(
            command=sys.executable, args=[*PROGRAM, *words], env=environment(**env)
        )
        self._loop = asyncio.new_event_loop()
        self._ready: Future[ClientSession] = Future()
        self._over = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Agent:
        self._thread.start()
        self._ready.result(SECONDS)
        return self

    def __exit__(self, *_error: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(SECONDS)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        about = types.Implementation(name="an-agent", version="1")
        try:
            async with (
                stdio_client(self._server) as (incoming, outgoing),
                ClientSession(incoming, outgoing, client_info=about) as session,
            ):
                await session.initialize()
                await session.list_tools()  # what tools answer is held against their schemas
                self._ready.set_result(session)
                await self._over.wait()
        except BaseException as error:
            if not self._ready.done():
                self._ready.set_exception(error)
            raise

    def tools(self) -> Mapping[str, types.Tool]:
        """The tools that there are."""
        session = self._ready.result()
        listed = asyncio.run_coroutine_threadsafe(session.list_tools(), self._loop)
        return {tool.name: tool for tool in listed.result(SECONDS).tools}

    def start(
        self, tool: str, told: Told = lambda _what: None, **arguments: Any
    ) -> Future[types.CallToolResult]:
        """Call a tool; cancelling what is given cancels the call.

        Args:
            told: called with what the server tells of its progress.
        """

        async def tell(progress: float, total: float | None, message: str | None) -> None:
            told(message or "")

        session = self._ready.result()
        call = session.call_tool(tool, arguments, progress_callback=tell)
        return asyncio.run_coroutine_threadsafe(call, self._loop)

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """What a tool answers, which is the same as data and as text."""
        result = self.start(tool, **arguments).result(SECONDS)
        text = text_of(result)
        assert not result.is_error, text
        assert result.structured_content is not None
        assert json.loads(text) == result.structured_content
        answer: dict[str, Any] = result.structured_content
        return answer

    def refused(self, tool: str, **arguments: Any) -> str:
        """The one line in which a tool says what is wrong."""
        result = self.start(tool, **arguments).result(SECONDS)
        text = text_of(result)
        assert result.is_error, text
        assert "\n" not in text
        return text

    def wait_for_board(self, state: str) -> dict[str, Any]:
        """The board of the lab once it is in a state."""
        found: dict[str, Any] = {}

        def is_so() -> bool:
            found.update(self.call("list_boards")["boards"][0])
            return bool(found["state"] == state)

        wait_for(is_so)
        return found


def text_of(result: types.CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, types.TextContent)
    return content.text


class Raw:
    """``espdeck mcp`` behind pipes, spoken with line by line."""

    def __init__(self, *words: str | Path, through: tuple[str, ...] = (), **env: str) -> None:
        """Start it.

        Args:
            words: behind ``espdeck``.
            through: text of Python programs that start it, the first of which is our child.
        """
        argv = [sys.executable, *PROGRAM, *map(str, words)]
        for program in through:
            argv = [sys.executable, "-c", program, *argv]
        self.process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(**env),
            text=True,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.stdin, self.stdout = self.process.stdin, self.process.stdout

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_error: object) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.stdin, self.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def initialize(self) -> None:
        """Shake hands."""
        about = {"name": "raw", "version": "1"}
        given = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": about}
        self.ask(1, "initialize", **given)
        self.send(method="notifications/initialized")

    def send(self, **message: Any) -> None:
        """Send a message."""
        self.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self.stdin.flush()

    def ask(self, number: int, method: str, **params: Any) -> dict[str, Any]:
        """Send a request; its result."""
        self.send(id=number, method=method, params=params)
        while True:
            answer = json.loads(self.stdout.readline())
            if answer.get("id") == number:
                result: dict[str, Any] = answer["result"]
                return result
