"""Waits of espdeck that say nothing of a machine of tests: they are short there."""

from __future__ import annotations

from engine.builds.agents import output_checker


def shorten() -> None:
    """Have this process wait for less, until it ends."""
    output_checker.SETTLE_SECONDS = 0.05  # of a simulator that computes without a pause
