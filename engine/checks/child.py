"""The process of one run of a check.

``python -P -m engine.checks.child PLACE ANSWER [REQUEST]``: where the check is (``module:Class`` or
a file), the file that the answer is written to, and the file with the request; without a request
the answer is what the check says of itself. Both are JSON. What the check prints is its own affair.
"""

from __future__ import annotations

import contextlib
import json
import resource
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.checks.base import Check, CheckContext, CheckResult, bounded
from engine.enums import CheckStatus
from engine.plugins import load_plugin

_DATA_FACTOR = 2  # a process of a check may ask for more than it may use


def main() -> None:
    """Answer."""
    place, answer, *request = sys.argv[1:]
    kind: type[Check] = load_plugin(place, "run", "interval")
    if request:
        said = _run(kind(), json.loads(Path(request[0]).read_bytes()))
    else:
        from engine.checks.registry import describe  # with the settings, 0.2 s of CPU

        found = describe(kind, place)
        said = {
            "name": found.name,
            "title": found.title,
            "interval": found.interval,
            "options": dict(found.options),
        }
    Path(answer).write_text(json.dumps(said), "utf-8")


def _run(check: Check, request: dict[str, Any]) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError):  # a lower limit is there already
        most = int(request["max_memory_bytes"]) * _DATA_FACTOR
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    context = _context(request["context"])
    state = check.state(context)
    if state and state == request["state"]:
        return {"state": state, "unchanged": True}
    try:
        result = check.run(context)
    except MemoryError:
        result = CheckResult(CheckStatus.ERROR, "more memory than max_memory_usage_mb was needed")
    except Exception as error:
        # Whatever a check raises is its result; its traceback is in what it printed.
        result = CheckResult(CheckStatus.ERROR, f"{type(error).__name__}: {error}")
        sys.excepthook(type(error), error, error.__traceback__)
    return {"state": state, **_as_json(result)}


def _as_json(result: CheckResult) -> dict[str, Any]:
    kept = bounded(result)
    return {"status": kept.status, "message": kept.message, "details": kept.details}


def _context(said: dict[str, Any]) -> CheckContext:
    previous = said["previous"]
    paths = {name: Path(said[name]) for name in ("tree", "repository", "output")}
    return CheckContext(
        **{
            **said,
            **paths,
            "now": datetime.fromisoformat(said["now"]),
            "previous": None
            if previous is None
            else CheckResult(
                CheckStatus(previous["status"]), previous["message"], previous["details"]
            ),
        }
    )


if __name__ == "__main__":
    main()
