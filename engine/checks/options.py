"""Own settings of checks, as each declares them: what is known of ``[checks.NAME]``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.checks.registry import FoundCheck, find_checks


def check_options(
    checks: Iterable[FoundCheck] | None = None,
) -> Mapping[str, Mapping[str, Any] | None]:
    """Settings of each check with their defaults, by its name; None where it cannot be asked.

    Args:
        checks: those that are known already; None has them found.
    """
    found = find_checks() if checks is None else checks
    return {check.name: None if check.problem else check.options for check in found}
