"""Own settings of checks, as each declares them: what is known of ``[checks.NAME]``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.checks.registry import FoundCheck, find_checks

OF_DOC_INDEX: Mapping[str, str] = {
    "index_enabled": "enabled",
    "index_auto_generate": "auto_generate",
    "index_path": "output_path",
}
"""Settings of a check that ``[doc_index]`` says, by its key there."""


def check_options(
    checks: Iterable[FoundCheck] | None = None,
) -> Mapping[str, Mapping[str, Any] | None]:
    """Settings of each check with their defaults, by its name; None where it cannot be asked.

    The interval is among them, as its default is the check's own; those of ``[doc_index]`` are not.

    Args:
        checks: those that are known already; None has them found.
    """
    if checks is None:
        from engine.checks.lab_checks import LAB_CHECKS, describe_lab_check  # loads the store

        checks = (*map(describe_lab_check, LAB_CHECKS), *find_checks())
    found = sorted(checks, key=lambda check: check.name)
    return {check.name: None if check.problem else _options(check) for check in found}


def _options(check: FoundCheck) -> Mapping[str, Any]:
    own = {name: value for name, value in check.options.items() if name not in OF_DOC_INDEX}
    return {"interval": check.interval, **own}
