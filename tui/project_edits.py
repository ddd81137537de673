"""Adding and changing projects as both front ends do: what makes no sense changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.enums import TARGETS, ProjectStatus
from engine.errors import UsageError
from engine.projects.apps import check_app
from engine.projects.project_options import check_targets
from engine.projects.project_sync import NO_CHIP
from engine.text import count, mask
from tui.build_selection import listed
from tui.presentation.labels import chips, followed

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.projects.survey import Survey
    from engine.store.tables import Project

NOT_SYNCED = "project.not_synced"
"""Code of the finding that a source could not be reached, so that what is known is old."""


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
        if name is None:
            others = [each for each in engine.projects.list() if each.id != project.id]
            _check_no_twin(others, _is_of(project), branch)
        if project.app:
            found = engine.projects.survey(project.id)
            _check_app(found, project.app)
            _check_configuration(found, project.app, project.configuration)
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
    from engine.projects.sources import check_source

    checked = check_source(source)
    wanted = checked.url, check_app(app or checked.folder), configuration
    if not name:
        _check_no_twin(engine.projects.list(), wanted, branch)


def edit_checked(engine: Engine, project: Project, edits: Edits) -> Project:
    """Change a project, sync it where that matters, and wait until that is done.

    Raises:
        UsageError: one of them makes no sense; nothing has changed.
        ToolError: the sources cannot be read.
    """
    targets = edits.targets
    check_targets(targets or ())  # before the source is asked anything
    if project.status is ProjectStatus.ACTIVE:
        if edits.branch is not None:
            project = _follow(engine, project, edits.branch)
        if edits.app is not None or edits.configuration:
            found = engine.projects.survey(project.id)
            app = check_app(edits.app if edits.app is not None else project.app)
            _check_app(found, app)
            _check_configuration(found, app, _or(edits.configuration, project.configuration))
            if targets is None and project.targets == _told(found, project.app):
                targets = []  # they were read from the other app
    changed = engine.projects.edit(
        project.id,
        name=edits.name,
        targets=targets,
        branch=edits.branch if project.status is not ProjectStatus.ACTIVE else None,
        app=edits.app,
        configuration=edits.configuration,
    )
    asks = targets is not None and (not targets or not project.target)
    if asks or edits.app is not None or changed.status is not ProjectStatus.ACTIVE:
        engine.projects.sync(project.id)
        changed = engine.projects.wait(project.id)
    return changed


def what_there_is(engine: Engine, project: Project) -> list[str]:
    """What a project follows, its chips, and what there is to build: a line each."""
    lines = [f"follows {followed(project)}"]
    if project.status_detail not in ("", NO_CHIP):
        lines.append(project.status_detail)
    if project.status is not ProjectStatus.ACTIVE:
        return lines
    found = engine.projects.survey(project.id)
    mine = next((each for each in found.apps if each.path == project.app), None)
    kind = f" ({mine.toolchain})" if mine else ""
    lines.append(f"app {project.app or '.'}{kind}")
    if project.target:
        lines.append(f"chips {chips(project)}")
    elif mine is not None:
        lines.append(
            f"chip not known: espdeck edit {project.name} --target CHIP ({', '.join(TARGETS)})"
        )
    if project.configuration:
        lines.append(f"configuration {project.configuration}")
    elif mine and mine.configurations:
        names = listed([each.name for each in mine.configurations])
        lines.append(f"configurations {names}: --config, or --all builds all of them")
    others = len(found.apps) - bool(mine)
    if mine is None:
        lines.append(found.explain_absence(project.app))
        if found.apps:
            lines.append(f"espdeck edit {project.name} --app FOLDER makes it one of them")
    elif others:
        lines.append(f"{count(others, 'other app')}: espdeck apps {project.name}")
    return lines


def _follow(engine: Engine, project: Project, branch: str) -> Project:
    """Have a project follow another branch, which its source has now; else it stays as it was."""
    located = engine.projects.commit(project.id, branch or None)
    for note in located.notes:
        if note.code == NOT_SYNCED:
            raise UsageError(f"{note.message}: its branch stays as it is")
    before = located.project
    engine.projects.edit(project.id, branch=branch)
    engine.projects.sync(project.id)
    now = engine.projects.wait(project.id)
    if now.synced_at != before.synced_at:
        return now
    engine.projects.edit(project.id, branch=before.branch if before.branch_chosen else "")
    engine.projects.sync(project.id)
    engine.projects.wait(project.id)
    raise UsageError(now.status_detail)


def _check_no_twin(
    projects: Sequence[Project], wanted: tuple[str, str, str], branch: str | None
) -> None:
    """Whether none of the projects is of this source, app and configuration, and this branch."""
    for each in projects:
        if _is_of(each) == wanted and (branch or each.branch) == each.branch:
            raise UsageError(
                f"{mask(wanted[0])} is the project {each.name} already: espdeck sync "
                f"{each.name} brings it up to date, a name of its own adds it a second time"
            )


def _told(found: Survey, folder: str) -> list[str]:
    """The chips that the sources say of an app, as projects keep them."""
    app = next((each for each in found.apps if each.path == folder), None)
    return [chip for chip in app.targets if chip in TARGETS] if app else []


def _or(changed: str | None, before: str) -> str:
    return before if changed is None else changed


def _is_of(project: Project) -> tuple[str, str, str]:
    return project.source, project.app, project.configuration


def _check_app(found: Survey, folder: str) -> None:
    if folder not in [each.path for each in found.apps]:
        raise UsageError(found.explain_absence(folder))


def _check_configuration(found: Survey, folder: str, name: str) -> None:
    for app in found.apps:
        names = [each.name for each in app.configurations]
        if app.path == folder and name and name not in names:
            there = listed(names) or "none"
            raise UsageError(f"no configuration {name[:80]!r} there (there are: {there})")
