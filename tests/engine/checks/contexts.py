"""What a check is given, for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.checks.base import CheckContext

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


def context_of(tree: Path, **values: Any) -> CheckContext:
    """A folder of this machine in which a person works, unless ``values`` say otherwise."""
    given: dict[str, Any] = {
        "project": "fw",
        "tree": tree,
        "app": "",
        "repository": tree,
        "is_working_tree": True,
        "branch": "main",
        "commit": "",
        "since": "",
        "target": "",
        "options": {},
        "output": tree.with_name(f"{tree.name}.checked"),
        "previous": None,
        "timeout": 60.0,
        "now": NOW,
    }
    return CheckContext(**(given | values))
