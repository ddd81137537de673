"""The ways to build a project: chips, and configurations of its app (the build matrix)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.store.tables import Project
    from engine.toolchains.base import App


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to build a project: a chip, and a configuration, empty for the plain one."""

    target: str
    configuration: str = ""

    @property
    def label(self) -> str:
        """Both, for people."""
        return f"{self.target} {self.configuration}".rstrip()


def chips_of(project: Project) -> list[str]:
    """Every chip that a project is built for, that of a plain build first; none while not known."""
    return project.targets or ([project.target] if project.target else [])


def variants_of(project: Project, app: App | None) -> tuple[Variant, ...]:
    """The chips of a project, each with the configurations of its app that are for it.

    ESP-IDF's plain build is one of them; PlatformIO and Arduino have only those that they name.

    Args:
        app: as the sources have it, None where they have no such app.
    """
    chips = chips_of(project)
    if project.configuration or app is None or not app.configurations:
        return tuple(Variant(chip, project.configuration) for chip in chips)
    plain = [Variant(chip) for chip in chips] if app.toolchain == "idf" else []
    named = [
        Variant(chip, each.name)
        for each in app.configurations
        for chip in chips
        if not each.targets or chip in each.targets
    ]
    return (*plain, *named)
