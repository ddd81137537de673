"""Waiting in tests: for conditions, and waits of espdeck that are short there."""

from __future__ import annotations

import time
from collections.abc import Callable

from engine.builds.agents import output_checker

_LOOK_SECONDS = 0.02


def shorten() -> None:
    """Have this process wait for less, until it ends: it says nothing of a machine of tests."""
    output_checker.SETTLE_SECONDS = 0.05  # of a simulator that computes without a pause


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until a condition holds that another process or thread brings about.

    Raises:
        AssertionError: it does not for ``seconds``.
    """
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"not after {seconds:g} s"
        time.sleep(_LOOK_SECONDS)
