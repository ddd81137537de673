"""A build that is waited for: how far it is, until it ends, time is up or the call is cancelled."""

from __future__ import annotations

import time

from engine import Engine, Run
from engine.errors import CancelledError
from engine.events import Event, RunProgress
from engine.mcp.tool import Call

_LOOK_SECONDS = 0.2


def follow(engine: Engine, number: int, call: Call, seconds: float) -> Run:
    """Wait for the end of a build.

    Args:
        call: is told how far it is.
        seconds: after which it is waited for no more.

    Returns:
        The build as it then stands.

    Raises:
        NotFoundError: there is none of that number.
        CancelledError: the call was cancelled.
    """

    def tell(event: Event) -> None:
        if isinstance(event, RunProgress) and event.run_id == number:
            call.report(event.percent, f"{event.phase}: {event.message}")

    until = time.monotonic() + seconds
    unsubscribe = engine.events.subscribe(tell)
    try:
        run = engine.builds.wait(number, timeout=0.0)
        while not run.status.is_final and (left := until - time.monotonic()) > 0:
            if call.cancel.stopped:
                raise CancelledError(f"build {number} is waited for no more")
            run = engine.builds.wait(number, timeout=min(_LOOK_SECONDS, left))
        return run
    finally:
        unsubscribe()
