"""Messages between a browser and a process of the app."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.websockets import WebSocketDisconnect

from engine.server.app_session import AppSession, app_command, terminal_size

_ECHO = """
import sys
sys.stdout.buffer.write(b"__GANGLION__\\n")
sys.stdout.buffer.flush()
while head := sys.stdin.buffer.read(5):
    body = sys.stdin.buffer.read(int.from_bytes(head[1:], "big"))
    told = head[:1] + b" " + body
    sys.stdout.buffer.write(b"D" + len(told).to_bytes(4, "big") + told)
    sys.stdout.buffer.flush()
    if b'"quit"' in body:
        break
"""
"""A program that speaks as the app in a browser does, and shows what it is told."""


class _Browser:
    def __init__(self) -> None:
        self.shown: list[bytes] = []
        self.is_closed = False
        self._changed = asyncio.Condition()

    async def write_bytes(self, data: bytes) -> None:
        async with self._changed:
            self.shown.append(data)
            self._changed.notify_all()

    async def write_str(self, text: str) -> None:
        raise AssertionError(text)

    async def close(self) -> None:
        async with self._changed:
            self.is_closed = True
            self._changed.notify_all()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with self._changed, asyncio.timeout(30):
            await self._changed.wait_for(condition)


def _session(browser: _Browser, program: str) -> AppSession:
    return AppSession(
        (sys.executable, "-c", program),
        write_bytes=browser.write_bytes,
        write_str=browser.write_str,
        close=browser.close,
    )


async def _shown(*told: str) -> list[bytes]:
    """What the program was told, given messages of a browser."""
    browser = _Browser()
    session = _session(browser, _ECHO)
    await session.start(80, 24)
    for text in told:
        assert await session.take(text) is None
    await session.stop()
    return browser.shown


async def test_keys_sizes_and_focus_reach_the_app() -> None:
    shown = await _shown(
        '["stdin", "q\\u00e9"]', '["resize", {"width": 100, "height": 30}]', '["focus"]', '["blur"]'
    )

    assert shown == [
        "D qé".encode(),
        b'M {"type": "resize", "width": 100, "height": 30}',
        b'M {"type": "focus"}',
        b'M {"type": "blur"}',
        b'M {"type": "quit"}',
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[",
        "[" * 100_000,
        "{}",
        "[]",
        "[1]",
        '["stdin"]',
        '["stdin", 5]',
        '["resize", {"width": "x"}]',
        '["resize", [80, 24]]',
        '["quit"]',
    ],
)
async def test_what_makes_no_sense_is_left_out(text: str) -> None:
    assert await _shown(text) == [b'M {"type": "quit"}']


async def test_a_ping_is_answered() -> None:
    session = _session(_Browser(), _ECHO)

    assert await session.take('["ping", "17"]') == '["pong", "17"]'


async def test_an_app_that_ends_closes_the_connection() -> None:
    browser = _Browser()
    session = _session(browser, "print('no app')")

    await session.start(80, 24)
    await browser.until(lambda: browser.is_closed)

    await session.stop()
    assert browser.shown == []


async def test_a_browser_that_went_away_is_no_error() -> None:
    async def send(_what: object = None) -> None:
        raise WebSocketDisconnect(1006)

    session = AppSession(
        (sys.executable, "-c", _ECHO), write_bytes=send, write_str=send, close=send
    )
    await session.start(80, 24)
    await session.stop()

    assert session._process is not None
    assert session._process.returncode is not None


async def test_an_app_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.server.app_session.STOP_SECONDS", 0.2)
    browser = _Browser()
    session = _session(
        browser,
        "import sys, time; sys.stdout.write('__GANGLION__\\nD\\0\\0\\0\\1x'); sys.stdout.flush();"
        "time.sleep(600)",
    )
    await session.start(80, 24)
    await browser.until(lambda: browser.shown == [b"x"])

    await session.stop()

    assert session._process is not None
    assert session._process.returncode == -9


def test_sizes_are_those_that_a_terminal_has() -> None:
    assert terminal_size(80, 24) == (80, 24)
    assert terminal_size(-1, 10**9) == (20, 200)


def test_the_app_is_found_by_its_console_script(tmp_path: Path) -> None:
    assert app_command(tmp_path, "lab") == (
        *(sys.executable, "-m", "tui.cli.main", "--workspace", str(tmp_path)),
        *("--profile", "lab"),
    )
