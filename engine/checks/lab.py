"""What a check is that works with the engine: it starts builds, or uses boards.

Such a check runs in a thread of the process that executes runs, not in a process of its own: it
needs what only that process has. So it is one of espdeck's own (:mod:`engine.checks.lab_checks`)
and keeps the time itself: what it waits for heeds ``cancel`` and has a time limit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol

from engine.boards.service import Boards
from engine.builds.service import Builds
from engine.cancel import CancelToken
from engine.checks.base import CheckResult
from engine.projects.service import Projects
from engine.settings import Settings
from engine.store.database import Store
from engine.store.tables import CheckResultRow, Project


@dataclass(frozen=True, slots=True)
class LabServices:
    """What such a check works with; ``settings`` are those that hold now."""

    projects: Projects
    builds: Builds
    boards: Boards
    store: Store
    settings: Callable[[], Settings]


class LabCheck(Protocol):
    """A periodic look that may start builds or use boards; no two of one project at once."""

    name: ClassVar[str]
    """Its name in settings, results and commands, such as ``remote_check``."""

    title: ClassVar[str]
    """What it looks at, in a few words."""

    interval: ClassVar[float]
    """Minutes between two runs where nobody said otherwise."""

    options: ClassVar[Mapping[str, Any]]
    """Its own settings with their defaults; the type of a default is the type of the setting."""

    per_project: ClassVar[bool]
    """Whether it looks at each project, and not once at the lab as a whole."""

    quick: ClassVar[bool]
    """Whether it only reads what is in the store: then it takes no turn among the others."""

    def run(
        self,
        services: LabServices,
        project: Project | None,
        *,
        options: Mapping[str, Any],
        previous: CheckResultRow | None,
        now: datetime,
        cancel: CancelToken,
    ) -> CheckResult:
        """Look. What it raises becomes a result of status ``error``.

        Args:
            services: of the engine.
            project: as the store has it now; None for a check of the lab as a whole.
            options: its own settings.
            previous: its last result, None for the first.
            now: the time, in UTC.
            cancel: ends it early; what it waits for heeds it.

        Returns:
            The same, details too, as long as nothing changes.
        """
        ...
