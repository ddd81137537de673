"""Adds and changes projects as a person asks for it: what makes no sense changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.enums import TARGETS, ProjectStatus
from engine.errors import ConflictError, UsageError
from engine.projects.apps import check_app
from engine.projects.project_options import check_targets
from engine.projects.project_sync import NOT_SYNCED
from engine.projects.service import Projects
from engine.projects.sources import check_source
from engine.projects.survey import Survey
from engine.store.tables import Project
from engine.text import listed, mask


@dataclass(frozen=True, slots=True)
class ProjectEdits:
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


class ProjectEditor:
    """Checks what a person asks for against the sources. All calls may block."""

    def __init__(self, projects: Projects) -> None:
        self._projects = projects

    def add(
        self,
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
        self.check_new(source, name, branch, app, configuration)
        added = self._projects.add(
            source, name=name, targets=targets, branch=branch, app=app, configuration=configuration
        )
        try:
            project = self._projects.wait(added.id)
            if project.status is ProjectStatus.ERROR:
                raise UsageError(project.status_detail)
            if name is None:
                others = [each for each in self._projects.list() if each.id != project.id]
                _check_no_twin(others, _identity(project), branch)
            if project.app:
                found = self._projects.survey(project.id)
                _check_app(found, project.app)
                _check_configuration(found, project.app, project.configuration)
        except BaseException:  # Ctrl-C, too
            self._projects.remove(added.id)
            raise
        return project

    def check_new(
        self, source: str, name: str | None, branch: str | None, app: str, configuration: str
    ) -> None:
        """Whether a source is no project yet, unless a person gives it a name of its own.

        Raises:
            UsageError: it is one already, or one of them makes no sense.
        """
        checked = check_source(source)
        wanted = checked.url, check_app(app or checked.folder), configuration
        if not name:
            _check_no_twin(self._projects.list(), wanted, branch)

    def edit(self, project: Project, edits: ProjectEdits) -> Project:
        """Change a project, sync it where that matters, and wait until that is done.

        Raises:
            UsageError: one of them makes no sense, or it is being cloned; nothing has changed.
            ToolError: the sources cannot be read.
        """
        if project.status is ProjectStatus.PENDING:
            raise ConflictError(f"{project.name} is being cloned: change it when that is done")
        targets = edits.targets
        check_targets(targets or ())  # before the source is asked anything
        if project.status is ProjectStatus.ACTIVE:
            if edits.branch is not None:
                project = self._follow(project, edits.branch)
            if edits.app is not None or edits.configuration:
                found = self._projects.survey(project.id)
                app = check_app(_or(edits.app, project.app))
                _check_app(found, app)
                _check_configuration(found, app, _or(edits.configuration, project.configuration))
                if targets is None and project.targets == _known_targets(found, project.app):
                    targets = []  # they were read from the other app
        changed = self._projects.edit(
            project.id,
            name=edits.name,
            targets=targets,
            branch=edits.branch if project.status is not ProjectStatus.ACTIVE else None,
            app=edits.app,
            configuration=edits.configuration,
        )
        reads_targets = targets is not None and (not targets or not project.target)
        if reads_targets or edits.app is not None or changed.status is not ProjectStatus.ACTIVE:
            changed = self._sync(project)
        return changed

    def _follow(self, project: Project, branch: str) -> Project:
        """Have a project follow another branch of its source; else it stays as it was."""
        located = self._projects.commit(project.id, branch or None)
        for note in located.notes:
            if note.code == NOT_SYNCED:
                raise UsageError(f"{note.message}: its branch stays as it is")
        before = located.project
        self._projects.edit(project.id, branch=branch)
        now = self._sync(project)
        if now.synced_at != before.synced_at:
            return now
        self._projects.edit(project.id, branch=before.branch if before.branch_chosen else "")
        self._sync(project)
        raise UsageError(now.status_detail)

    def _sync(self, project: Project) -> Project:
        self._projects.sync(project.id)
        return self._projects.wait(project.id)


def _check_no_twin(
    projects: Sequence[Project], wanted: tuple[str, str, str], branch: str | None
) -> None:
    """Refuse what is a project already: the same source, app and configuration, and branch."""
    for each in projects:
        if _identity(each) == wanted and (branch or each.branch) == each.branch:
            raise ConflictError(
                f"{mask(wanted[0])} is the project {each.name} already: espdeck sync "
                f"{each.name} brings it up to date, a name of its own adds it a second time"
            )


def _known_targets(found: Survey, folder: str) -> list[str]:
    """The chips that the sources say of an app, as projects keep them."""
    app = found.app(folder)
    return [chip for chip in app.targets if chip in TARGETS] if app else []


def _or(changed: str | None, before: str) -> str:
    return before if changed is None else changed


def _identity(project: Project) -> tuple[str, str, str]:
    return project.source, project.app, project.configuration


def _check_app(found: Survey, folder: str) -> None:
    if found.app(folder) is None:
        raise UsageError(found.explain_absence(folder))


def _check_configuration(found: Survey, folder: str, name: str) -> None:
    app = found.app(folder)
    names = [each.name for each in app.configurations] if app else []
    if app is not None and name and name not in names:
        there = listed(names) or "none"
        raise UsageError(f"no configuration {name[:80]!r} there (there are: {there})")
