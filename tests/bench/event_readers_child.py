"""Many readers of events in a process of their own, half by SSE, half by WebSocket.

``python -m tests.bench.event_readers_child URL TOKEN READERS NICENESS`` says ``ready`` when all are
there; a line on stdin ends it, and it prints the seconds from publication to receipt of each event
of each reader, as JSON, with how many were told to be slow.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import time
from datetime import datetime
from urllib.parse import urlsplit

from websockets.asyncio.client import connect

_LOGS_EVERY = 10
"""Of so many readers one reads logs, too."""

_OPEN_SECONDS = 120.0
"""Seconds that opening a WebSocket may take a process that gives way to all others."""

_TIMESTAMP = re.compile(rb'"timestamp": "([^"]+)"')


class Readers:
    """Readers and what they measure."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self.seconds: list[float] = []
        self.notices = 0
        self.there = 0

    def _note(self, data: bytes) -> None:
        now = time.time()
        if b'"type": "hello"' in data:
            self.there += 1
        elif b'"type": "lagged"' in data or b'"type": "resync"' in data:
            self.notices += 1
        elif found := _TIMESTAMP.search(data):
            at = datetime.fromisoformat(found[1].decode()).timestamp()
            self.seconds.append(now - at)

    async def read(self, number: int) -> None:
        """Read until it is cancelled."""
        query = "?logs=true" if number % _LOGS_EVERY == 0 else ""
        if number % 2:
            await self._read_websocket(query)
        else:
            await self._read_sse(query)

    async def _read_sse(self, query: str) -> None:
        address = urlsplit(self._url)
        reading, writing = await asyncio.open_connection(
            address.hostname, address.port, limit=1 << 20
        )
        head = "".join(f"{name}: {value}\r\n" for name, value in self._headers.items())
        writing.write(
            f"GET /api/v1/events{query} HTTP/1.1\r\nHost: {address.netloc}\r\n{head}\r\n".encode()
        )
        while line := await reading.readline():
            if line.startswith(b"data:"):
                self._note(line)

    async def _read_websocket(self, query: str) -> None:
        url = f"{self._url.replace('http', 'ws', 1)}/api/v1/ws{query}"
        async with connect(
            url,
            additional_headers=self._headers,
            compression=None,
            proxy=None,
            open_timeout=_OPEN_SECONDS,
            ping_interval=None,
        ) as ws:
            async for message in ws:
                assert isinstance(message, str)
                self._note(message.encode())


async def main(url: str, token: str, count: int) -> None:
    """Read, say ``ready``, wait for a line, print."""
    readers = Readers(url, token)
    tasks = [asyncio.create_task(readers.read(number)) for number in range(count)]
    while readers.there < count:
        done, _ = await asyncio.wait(tasks, timeout=0.05)
        for task in done:
            task.result()  # says why it ended
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    print(json.dumps({"seconds": readers.seconds, "notices": readers.notices}), flush=True)


if __name__ == "__main__":
    os.nice(int(sys.argv[4]))
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
