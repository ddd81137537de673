"""Adding and changing projects as both front ends do: what makes no sense changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import UsageError
from engine.projects.following import NO_CHIP
from engine.text import count, mask
from engine.words import TARGETS, ProjectStatus
from tui.building import listed
from tui.labels import chips, followed

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.store.tables import Project
    from engine.toolchains.base import App


@dataclass(frozen=True, slots=True)
class Edits:
    """What is to change of a project; None stays.

    Args:
        targets: none of them has the sources say it.
        branch: empty follows ``HEAD`` of the source.
    """

    name: str | None = None
    targets: Sequence[str] | None = None
    branch: str | None = None
    app: str | None = None
    configuration: str | None = None


def add_checked(
    engine: Engine,
    source: str,
    *,
    name: str | None,
    targets: Sequence[str],
    branch: str | None,
    app: str,
    configuration: str,
) -> Project:
    """Add a project and wait until it is there; what cannot be had or built leaves none.

    Raises:
        UsageError: one of them makes no sense, it cannot be cloned, or it is there already.
    """
    check_is_new(engine, source, name, branch, app, configuration)
    added = engine.projects.add(
        source, name=name, targets=targets, branch=branch, app=app, configuration=configuration
    )
    try:
        project = engine.projects.wait(added.id)
        if project.status is ProjectStatus.ERROR:
            raise UsageError(project.status_detail)
        apps = engine.projects.survey(project.id).apps
        if project.app:
            _check_app(apps, project.app)
        if project.configuration:
            _check_configuration(apps, project.app, project.configuration)
    except BaseException:  # Ctrl-C, too
        engine.projects.remove(added.id)
        raise
    return project


def check_is_new(
    engine: Engine,
    source: str,
    name: str | None,
    branch: str | None,
    app: str,
    configuration: str,
) -> None:
    """Whether a source is no project yet, unless a person gives it a name of its own.

    Raises:
        UsageError: it is one already, or one of them makes no sense.
    """
    from engine.projects.apps import check_app
    from engine.projects.sources import check_source

    checked = check_source(source)
    folder = check_app(app or checked.folder)
    for each in engine.projects.list():
        same = (checked.url, folder, configuration) == (each.source, each.app, each.configuration)
        if same and not name and (branch or "") in ("", each.branch):
            raise UsageError(
                f"{mask(source)} is the project {each.name} already: espdeck sync {each.name} "
                "brings it up to date, a name of its own adds it a second time"
            )


def edit_checked(engine: Engine, project: Project, edits: Edits) -> Project:
    """Change a project, sync it where that matters, and wait until that is done.

    Raises:
        UsageError: one of them makes no sense; nothing has changed.
        ToolError: the sources cannot be read.
    """
    if project.status is ProjectStatus.ACTIVE:
        if edits.branch:
            engine.projects.commit(project.id, edits.branch)
        elif edits.app or edits.configuration:
            apps = engine.projects.survey(project.id).apps
            app = project.app if edits.app is None else edits.app.strip("/").removeprefix("./")
            _check_app(apps, app)
            if edits.configuration:
                _check_configuration(apps, app, edits.configuration)
    changed = engine.projects.edit(
        project.id,
        name=edits.name,
        targets=edits.targets,
        branch=edits.branch,
        app=edits.app,
        configuration=edits.configuration,
    )
    asked = edits.targets is not None and (not edits.targets or not project.target)
    if asked or edits.branch is not None or edits.app is not None:
        engine.projects.sync(project.id)
        changed = engine.projects.wait(project.id)
    return changed


def what_there_is(engine: Engine, project: Project) -> list[str]:
    """What a project follows, its chips, and what there is to build: a line each."""
    lines = [f"follows {followed(project)}"]
    if project.status_detail not in ("", NO_CHIP):
        lines.append(project.status_detail)
    apps = engine.projects.survey(project.id).apps
    mine = next((each for each in apps if each.path == project.app), None)
    kind = f" ({mine.toolchain})" if mine else ""
    lines.append(f"app {project.app or '.'}{kind}")
    if project.target:
        lines.append(f"chips {chips(project)}")
    else:
        lines.append(
            f"chip not known: espdeck edit {project.name} --target CHIP ({', '.join(TARGETS)})"
        )
    if project.configuration:
        lines.append(f"configuration {project.configuration}")
    elif mine and mine.configurations:
        names = listed([each.name for each in mine.configurations])
        lines.append(f"configurations {names}: --config, or --all builds all of them")
    others = [each.label for each in apps if each is not mine]
    if others and mine is None:
        lines.append(
            f"nothing to build in {project.app or 'its root'}, but in {listed(others)}: "
            f"espdeck edit {project.name} --app FOLDER"
        )
    elif others:
        lines.append(f"{count(len(others), 'other app')}: espdeck apps {project.name}")
    return lines


def _check_app(apps: Sequence[App], folder: str) -> None:
    """Whether there is this app, where anything is known of apps."""
    if apps and folder not in [each.path for each in apps]:
        there = listed([each.label for each in apps])
        raise UsageError(f"nothing to build in {folder or 'the root'} (there is: {there})")


def _check_configuration(apps: Sequence[App], folder: str, name: str) -> None:
    for app in apps:
        if app.path == folder and name not in [each.name for each in app.configurations]:
            there = listed([each.name for each in app.configurations]) or "none"
            raise UsageError(f"no configuration {name[:80]!r} there (there are: {there})")
