"""Plugin of pytest that writes what happens as it happens, one JSON value a line.

A report in JUnit XML is written at the end, which a suite that hangs or is too long never sees.
The file is that of the environment variable ``ESPDECK_RESULTS``.
"""

from __future__ import annotations

import json
import os
from typing import Any

_FILE = open(os.environ["ESPDECK_RESULTS"], "a", buffering=1, encoding="utf-8")  # noqa: SIM115, PTH123
_MAX_CHARACTERS = 300


def _write(**said: object) -> None:
    print(json.dumps(said), file=_FILE)


def pytest_runtest_logstart(nodeid: str, location: tuple[str, int | None, str]) -> None:
    """A test begins."""
    _write(began=nodeid[:_MAX_CHARACTERS], file=location[0])


def pytest_runtest_logreport(report: Any) -> None:
    """Setup, call or teardown of a test is over."""
    if report.when != "call" and report.outcome == "passed":
        return
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash is not None else str(report.longrepr or "")
    _write(
        id=report.nodeid[:_MAX_CHARACTERS],
        file=report.location[0],
        line=(report.location[1] or 0) + 1,
        outcome=report.outcome,
        seconds=report.duration,
        message=text.strip()[: 10 * _MAX_CHARACTERS] if report.outcome == "failed" else "",
    )
