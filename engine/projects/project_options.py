"""Checks of a project's name, chips and status."""

from __future__ import annotations

from collections.abc import Sequence

from engine.enums import TARGETS, ProjectStatus
from engine.errors import UsageError
from engine.store.tables import Project
from engine.text import mask, near

_MAX_NAME_CHARACTERS = 80


def inactive_reason(project: Project) -> str:
    """One line with why a project cannot be built, as it is not active; empty where it is.

    Programs outside know its words.
    """
    if project.status is ProjectStatus.ACTIVE:
        return ""
    failed = project.status is ProjectStatus.ERROR and project.status_detail
    why = f": {project.status_detail}" if failed else ""
    return f"Project status is '{project.status}', must be 'active'{why}"


def check_name(name: str) -> str:
    """The name of a project.

    Raises:
        UsageError: it is empty, too long or not printable.
    """
    if not (0 < len(name.strip()) <= _MAX_NAME_CHARACTERS and name.isprintable()):
        raise UsageError(
            f"{mask(name)[:_MAX_NAME_CHARACTERS]!r} is not a valid project name "
            f"(1 to {_MAX_NAME_CHARACTERS} characters)"
        )
    return name.strip()


def check_targets(targets: Sequence[str]) -> list[str]:
    """Chips, each once.

    Raises:
        UsageError: there is no such chip.
    """
    for each in targets:
        if each not in TARGETS:
            meant = near(each, TARGETS)
            raise UsageError(f"target {each[:80]!r} is not one of {', '.join(TARGETS)}{meant}")
    return list(dict.fromkeys(targets))
