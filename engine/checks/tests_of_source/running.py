"""Runs a project's test suites on this machine, in a copy, one after another.

They are foreign code: no secrets in their environment, bounds on time and on what they write, and
nothing of theirs is left running. A test that this machine lacks something for (a plugin, a
package, a compiler, ESP-IDF) has not failed: it was not run.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from engine.checks.tests_of_source import ctest_suite, pytest_suite
from engine.checks.tests_of_source.host import Host, SuiteResult
from engine.checks.tests_of_source.suites import Runner, Suite
from engine.errors import MissingToolError, ToolError
from engine.text import clean

_MIN_SECONDS = 1.0
_RUNNERS = {Runner.PYTEST: pytest_suite.run, Runner.CTEST: ctest_suite.run}


def run(suites: Sequence[Suite], host: Host, deadline: float) -> tuple[SuiteResult, ...]:
    """Run suites; each gets its share of the time that is left.

    Args:
        suites: which.
        host: where.
        deadline: by :func:`time.monotonic`, when all of them must be over.

    Raises:
        CancelledError, Interrupted: it was told to stop.
    """
    found = []
    for index, suite in enumerate(suites):
        begun = time.monotonic()
        left = deadline - begun
        if left < _MIN_SECONDS:
            found.append(SuiteResult(suite, said="no time was left", cut_off=True))
            continue
        try:
            result = _RUNNERS[suite.runner](suite, host, begun + left / (len(suites) - index))
        except MissingToolError as error:
            result = SuiteResult(suite, said=str(error), lacks=(str(error),))
        except ToolError as error:
            result = SuiteResult(suite, said=str(error), problem=clean(str(error)))
        found.append(replace(result, seconds=round(time.monotonic() - begun, 2)))
    return tuple(found)
