"""A log of ninja, or a folder with the states of one before a build and after it."""

from __future__ import annotations

from engine.toolchains import ninja_log
from tests.field.case import Case


def read(case: Case) -> dict[str, object]:
    """The ``rows``, how many ``steps`` and ``objects`` these are, and the longest."""
    if case.path.is_dir():
        log = ninja_log.parse((case.path / "after").read_bytes())
        steps = log.steps_since(ninja_log.parse((case.path / "before").read_bytes()))
    else:
        log = ninja_log.parse(case.data)
        steps = log.steps()
    longest = max(steps, key=lambda step: step.milliseconds, default=None)
    return {
        "version": log.version,
        "damaged": log.damaged,
        "rows": steps,
        "steps": len(steps),
        "milliseconds": sum(step.milliseconds for step in steps),
        "objects": sum(step.outputs[0].endswith((".o", ".obj")) for step in steps),
        "longest": longest and {"output": longest.outputs[0], "milliseconds": longest.milliseconds},
    }
