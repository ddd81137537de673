"""Processes of a workspace that tests kill: ``serve`` answers, ``write`` publishes.

``python -m tests.engine.server.event_child serve WORKSPACE PORT``
``python -m tests.engine.server.event_child write WORKSPACE FIRST COUNT``
"""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

from engine import Engine, Settings
from engine.events import Problem
from engine.server.http_server import HttpServer
from engine.server_settings import ServerSettings

_PAUSE_SECONDS = 0.005


def main(what: str, workspace: str, *numbers: str) -> None:
    """Serve until it is killed, or publish numbered events."""
    port = int(numbers[0]) if what == "serve" else 0
    engine = Engine(Settings(workspace=Path(workspace), server=ServerSettings(port=port)))
    engine.open(execute=False)
    if what == "serve":
        HttpServer(engine).start()
        print("ready", flush=True)
        signal.pause()
    first, count = map(int, numbers)
    for number in range(first, first + count):
        engine.events.publish(Problem(message=str(number)))
        time.sleep(_PAUSE_SECONDS)
    engine.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
