"""Own settings of checks, as each declares them: what is known of ``[checks.NAME]``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.checks.registry import find_checks


def check_options() -> Mapping[str, Mapping[str, Any] | None]:
    """Settings of each check with their defaults, by its name; None where it cannot be asked."""
    return {check.name: None if check.problem else check.options for check in find_checks()}
