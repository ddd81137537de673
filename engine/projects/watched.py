"""What is to start builds of a project: the settings' word, else that of its ``espdeck.toml``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.errors import EspdeckError, UsageError
from engine.projects.manifests import manifest_at
from engine.settings import ProjectSettings, Settings
from engine.store.tables import Project
from engine.watch_rules import WatchRules, check_tags


@dataclass(frozen=True, slots=True)
class Watched:
    """What starts builds of a project.

    Args:
        rules: what does.
        problem: why its ``espdeck.toml`` does not count; one line, empty where it does.
    """

    rules: WatchRules
    problem: str = ""


def watched(settings: Settings, project: Project, sha: str) -> Watched:
    """What starts builds of a project by itself.

    Args:
        sha: the commit whose ``espdeck.toml`` counts; empty for none.

    Raises:
        UsageError: the settings make no sense.
    """
    said = settings.projects.get(project.name, ProjectSettings()).watch
    own, problem = WatchRules(), ""
    if sha and None in (said.push, said.tags, said.schedule):
        try:
            own = manifest_at(Path(project.clone_path), project.app, sha).watch
        except EspdeckError as error:
            problem = str(error)
    try:
        tags = own.tags if said.tags is None else check_tags(said.tags)
    except UsageError as error:
        raise UsageError(f"settings, projects.{project.name}.watch: {error}") from error
    return Watched(
        WatchRules(
            push=own.push if said.push is None else said.push,
            tags=tags,
            schedule=own.schedule if said.schedule is None else said.schedule,
        ),
        problem,
    )
