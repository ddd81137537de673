"""``espdeck serve`` and ``espdeck web``: the HTTP API and the app in a browser."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.enums import Scope, TokenStatus
from engine.errors import EspdeckError, UsageError
from tui import garbage_collection
from tui.cli.command_line import Commands
from tui.cli.common import load_settings, print_line

if TYPE_CHECKING:
    from engine import Engine, Settings

cli = Commands()

_LOOK_SECONDS = 2.0
"""Between two looks at the files of the certificate."""


_Host = Annotated[str | None, typer.Option(help="Address to listen on, instead of server.host.")]
_Port = Annotated[int | None, typer.Option(min=0, max=65535, help="Port, instead of server.port.")]


@cli.command()
def serve(context: typer.Context, host: _Host = None, port: _Port = None) -> None:
    """Serve the HTTP API until Ctrl-C; builds run here, unless another process runs them."""
    _serve(context, host, port, lambda url: f"documents: {url}/docs", Scope.READ)


@cli.command()
def web(context: typer.Context, host: _Host = None, port: _Port = None) -> None:
    """Serve the app in a browser until Ctrl-C, beside the HTTP API; the daemon does, too."""
    _serve(context, host, port, lambda url: f"the app: {url}/app/", Scope.ADMIN)


def _serve(
    context: typer.Context,
    host: str | None,
    port: int | None,
    line: Callable[[str], str],
    scope: Scope,
) -> None:
    """Serve until a signal comes.

    Args:
        line: of what is to be opened, given the URL.
        scope: that it needs a token of.
    """
    from engine import Engine, start_http_server

    given = {"host": host, "port": port}
    flags = {name: value for name, value in given.items() if value is not None}

    def load() -> Settings:
        return load_settings(context, server=flags or None)

    settings = load()
    _refuse_second(settings)
    with _told_to_stop() as wait:
        engine = Engine(settings, load)
        try:
            engine.open(scheduled=True)
            server = start_http_server(engine)
            garbage_collection.modules_are_there()
            try:
                print_line(f"serves {settings.workspace} at {server.url}; Ctrl-C ends it")
                print_line(line(server.url))
                if not _has_token(engine, scope):
                    print_line(f"it needs a token: espdeck token create NAME --scope {scope}")
                while not wait():
                    server.refresh_certificate()
            finally:
                server.stop()
        finally:
            engine.close()


def _has_token(engine: Engine, scope: Scope) -> bool:
    now = datetime.now(UTC)
    return any(
        token.scope.allows(scope) and token.status(now) is TokenStatus.ACTIVE
        for token in engine.access.tokens()
    )


def _refuse_second(settings: Settings) -> None:
    """See that the workspace's daemon does not serve there already.

    Raises:
        UsageError: it does.
    """
    from engine import ask_daemon, running_daemon

    pid = running_daemon(settings.workspace)
    if pid is None:
        return
    served: dict[str, Any] = {}
    with contextlib.suppress(EspdeckError):  # one that does not answer serves nobody
        served = ask_daemon(settings.workspace, "status").get("server", {})
    url = str(served.get("url", ""))
    if url.endswith(f":{settings.server.port}"):
        raise UsageError(f"the daemon (process {pid}) serves this workspace already: {url}")


@contextlib.contextmanager
def _told_to_stop() -> Iterator[Callable[[], bool]]:
    """A function that waits a moment, and says whether a signal has come that ends the block."""
    told: SimpleQueue[None] = SimpleQueue()  # unlike an event, safe in a signal handler

    def wait() -> bool:
        with contextlib.suppress(Empty):
            told.get(timeout=_LOOK_SECONDS)
            return True
        return False

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(each, lambda _number, _frame: told.put(None)) for each in numbers]
    try:
        yield wait
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
