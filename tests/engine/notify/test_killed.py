"""An espdeck that is killed in the midst of telling loses nothing and tells nothing twice."""

from __future__ import annotations

import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from engine.enums import DeliveryStatus
from tests.engine.notify.lab import Lab, lab
from tests.engine.notify.receivers import Sink, http_sink, wait_for

pytestmark = pytest.mark.slow

ESPDECK = """
import sys
from functools import partial
from pathlib import Path
from engine.cancel import CancelToken
from engine.notify.service import Notifications
from tests.engine.notify.lab import Lab
here = Lab.__new__(Lab)
here.open(Path(sys.argv[1]), channels={"hook": {"url": sys.argv[2], "rate_limit": 0}})
Notifications(here.store, here.bus, lambda: here.settings).run(CancelToken())
"""


def start(folder: Path, sink: Sink) -> subprocess.Popen[bytes]:
    url = f"json://127.0.0.1:{sink.port}/"
    return subprocess.Popen([sys.executable, "-c", ESPDECK, str(folder), url])


def is_told_or_going(here: Lab, sink: Sink, seen: int) -> bool:
    """Whether something is to be sent, or came."""
    return here.waiting() or len(sink.requests) > seen


def test_what_is_told_when_espdeck_is_killed_again_and_again(tmp_path: Path) -> None:
    with http_sink() as sink, lab(tmp_path) as here:
        first = start(tmp_path, sink)
        wait_for(lambda: bool(here.knows("hook")))
        first.send_signal(signal.SIGKILL)
        first.wait()
        for number in range(4):
            here.build(failed=number % 2 == 0, project=here.project("blink"))
            here.build(failed=True, project=here.project(f"p{number}"))
            here.journal.flush()
            process = start(tmp_path, sink)
            wait_for(partial(is_told_or_going, here, sink, len(sink.requests)))
            process.send_signal(signal.SIGKILL)
            process.wait()
        last = start(tmp_path, sink)
        wait_for(lambda: not here.waiting() and here.told("p3"))
        last.send_signal(signal.SIGKILL)
        last.wait()

        told = " ".join(
            request.json["title"] + request.json["message"] for request in sink.requests
        )
        unknown = [row for row in here.deliveries() if row.status is DeliveryStatus.UNKNOWN]
        for number in range(4):
            missing = told.count(f"p{number} main esp32c3 failed") == 0
            assert not missing or unknown, told
            assert told.count(f"build #{2 * number + 2} failed") <= 1, told
