"""``espdeck mcp`` over standard input and output, from its start to the end of its client.

Standard output belongs to the protocol alone: it is taken away before anything else happens, so
that whatever prints, prints to standard error; what is started reads nothing of standard input.
It ends when its client closes standard input or dies, or a signal comes; what was being done is
cancelled then, and boards are free.
"""

from __future__ import annotations

import io
import logging
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Collection
from importlib.util import find_spec
from typing import TYPE_CHECKING, NoReturn

from engine.errors import MissingToolError

if TYPE_CHECKING:
    from engine import Engine
    from engine.mcp.lab import Lab
    from engine.mcp.permissions import McpAllow
    from engine.mcp.server import McpServer

LOOK_SECONDS = 1.0
"""Seconds between two looks whether the client is there: another process may hold its pipe."""

END_SECONDS = 15.0
"""Seconds after which the process ends, whatever still runs."""

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_LOG = logging.getLogger("espdeck.mcp")


def serve_mcp(open_engine: Callable[[], Engine], allowed: Collection[McpAllow]) -> NoReturn:
    """Serve the tools of a lab to the process at the other end of the standard streams.

    Args:
        open_engine: gives the engine, open; called in a thread. What it raises, tools answer.
        allowed: what the client may do beside reading.

    Raises:
        MissingToolError: the protocol's package is not installed.
        SystemExit: never: the process ends here, as a thread may still wait for input.
    """
    if find_spec("mcp") is None:
        raise MissingToolError("the MCP server is not installed: pip install 'espdeck[mcp]'")
    parent = os.getppid()
    wire_in, wire_out = _take_streams()
    import anyio

    from engine.mcp.lab import Lab
    from engine.mcp.server import McpServer

    lab = Lab(open_engine, allowed)
    server = McpServer(lab)
    try:
        anyio.run(_serve, server, lab, parent, wire_in, wire_out)
    except Exception:
        _LOG.exception("serve")
        _end(server, lab, 1)
    _end(server, lab, 0)


def _take_streams() -> tuple[int, int]:
    """Descriptors of the standard streams, which from now on are others."""
    sys.stdout.flush()
    wire_in, wire_out = os.dup(0), os.dup(1)
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    return wire_in, wire_out


async def _serve(server: McpServer, lab: Lab, parent: int, wire_in: int, wire_out: int) -> None:
    """Serve until the client goes."""
    import anyio
    from mcp.server.stdio import stdio_server

    async with anyio.create_task_group() as group:
        group.start_soon(_end_on_signal, server, lab)
        group.start_soon(_end_with_client, server, lab, parent, wire_out)
        reading = io.TextIOWrapper(os.fdopen(wire_in, "rb"), encoding="utf-8", errors="replace")
        writing = io.TextIOWrapper(os.fdopen(wire_out, "wb"), encoding="utf-8")
        protocol, options = server.protocol, server.protocol.create_initialization_options()
        async with stdio_server(anyio.wrap_file(reading), anyio.wrap_file(writing)) as (
            incoming,
            outgoing,
        ):
            await protocol.run(incoming, outgoing, options)
        group.cancel_scope.cancel()


async def _end_on_signal(server: McpServer, lab: Lab) -> None:
    import anyio

    with anyio.open_signal_receiver(*_SIGNALS) as signals:
        async for number in signals:
            await anyio.to_thread.run_sync(_end, server, lab, 128 + number)


async def _end_with_client(server: McpServer, lab: Lab, parent: int, wire_out: int) -> None:
    import anyio

    while os.getppid() == parent and _is_read(wire_out):
        await anyio.sleep(LOOK_SECONDS)
    _LOG.info("the client has gone")
    await anyio.to_thread.run_sync(_end, server, lab, 0)


def _is_read(descriptor: int) -> bool:
    """Whether somebody can read what is written to a pipe or socket."""
    poll = select.poll()
    poll.register(descriptor, 0)  # errors are always told: no reader is one (poll(2))
    return not any(told & (select.POLLERR | select.POLLHUP) for _, told in poll.poll(0))


def _end(server: McpServer, lab: Lab, code: int) -> NoReturn:
    """Cancel what is being done, close the engine and end the process.

    The thread that reads standard input cannot be woken: an interpreter that ends waits for it.
    """
    patience = threading.Timer(END_SECONDS, os._exit, [code])
    patience.daemon = True
    patience.start()
    try:
        server.stop()
        lab.close()
    except Exception:
        _LOG.exception("end")
    finally:
        logging.shutdown()
        os._exit(code)
