"""Adds and changes projects as a person asks for it; a change that fails changes nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.cancel import CancelToken
from engine.enums import TARGETS, ProjectStatus
from engine.errors import ConflictError, ToolError, UsageError, about_field
from engine.projects import remote
from engine.projects.apps import check_app, check_configuration
from engine.projects.clone_sync import find_upstream
from engine.projects.project_options import check_name, check_targets
from engine.projects.project_sync import NOT_SYNCED
from engine.projects.service import Projects
from engine.projects.sources import Source, check_ref, check_source
from engine.projects.survey import Survey
from engine.store.tables import Project
from engine.text import listed, mask


@dataclass(frozen=True, slots=True)
class ProjectEdits:
    """What is to change of a project; None stays.

    Args:
        targets: none of them has the sources say it.
        branch: empty follows ``HEAD`` of the source.
        source: Git URL or path; of a folder in a repository, ``app`` is that folder unless it is
            given.
    """

    name: str | None = None
    targets: Sequence[str] | None = None
    branch: str | None = None
    app: str | None = None
    configuration: str | None = None
    source: str | None = None


def consequences(project: Project, edits: ProjectEdits) -> tuple[str, ...]:
    """What edits of a project come to, a line each; what is as it was says nothing.

    Args:
        project: as it is before.
    """
    lines = []
    if edits.source not in (None, project.source, mask(project.source)):
        lines.append("the new source is cloned now; builds, logs and fixes stay")
    if edits.branch is not None and edits.branch != (
        (project.branch or "") if project.branch_chosen else ""
    ):
        now = edits.branch or "HEAD of the source"
        lines.append(f"builds follow {now} from now on; earlier builds stay")
    if edits.app is not None and edits.app != project.app:
        what = edits.app or "the root of the repository"
        lines.append(f"builds {what} from now on; earlier builds stay")
    if edits.targets is not None and list(edits.targets) != project.targets:
        now, *others = dict.fromkeys(edits.targets) or ("the chip that the sources say",)
        others = [each for each in others if each in TARGETS]  # not one that is half typed
        also = f"; builds of all variants also for {listed(others)}" if others else ""
        lines.append(f"builds for {now} from now on{also}")
        if project.target and project.target != now:
            lines.append(f"earlier builds and their sizes stay as of {project.target}")
    if edits.configuration is not None and edits.configuration != project.configuration:
        now, before = (name or "default" for name in (edits.configuration, project.configuration))
        lines.append(f"builds configuration {now}; sizes of {before} are not compared with it")
    if edits.name is not None and edits.name != project.name:
        lines.append(f"commands and the API call it {edits.name} from now on")
    return tuple(lines)


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
            UsageError: one of them is not valid, it cannot be cloned, or it is there already.
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

    def start_adding(
        self,
        source: str,
        *,
        name: str | None,
        targets: Sequence[str],
        branch: str | None,
        app: str,
        configuration: str,
        cancel: CancelToken,
    ) -> Project:
        """Add a project when its source answers; it is cloned in a thread.

        Args:
            cancel: ends the question to the source.

        Raises:
            UsageError: one of them is not valid, the source has no such branch, or the project is
                there already; nothing was added.
            ToolError: the source cannot be reached, or has no commits.
            CancelledError: it was told to stop.
        """
        self.check_new(source, name, branch, app, configuration)
        with about_field("targets"):
            check_targets(targets)
        with about_field("branch"):
            check_ref(branch or "HEAD")
        checked = check_source(source)
        with about_field("source"):
            has = remote.list_refs(checked, cancel=cancel)
        with about_field("branch" if branch and has.refs else "source"):
            find_upstream(has, mask(checked.url), branch or "", gone=False)
        with about_field("name"):
            return self._projects.add(
                source,
                name=name,
                targets=targets,
                branch=branch,
                app=app,
                configuration=configuration,
            )

    def check_new(
        self, source: str, name: str | None, branch: str | None, app: str, configuration: str
    ) -> None:
        """Whether a source is no project yet, unless a person gives it a name of its own.

        Raises:
            UsageError: it is one already, or one of them is not valid.
        """
        with about_field("source"):
            checked = check_source(source)
        with about_field("app"):
            folder = check_app(app or checked.folder)
        with about_field("configuration"):
            check_configuration(configuration)
        if name:
            with about_field("name"):
                check_name(name)
            return
        with about_field("source"):
            _check_no_twin(self._projects.list(), (checked.url, folder, configuration), branch)

    def edit(
        self, project: Project, edits: ProjectEdits, *, cancel: CancelToken | None = None
    ) -> Project:
        """Change a project, sync it where that matters, and wait until that is done.

        Its builds stay, with their commits, logs, sizes and fixes.

        Args:
            cancel: ends it early while another source is cloned.

        Raises:
            UsageError: one of them is not valid, or it is being cloned; nothing has changed.
            ToolError: the sources cannot be read.
            CancelledError: it was told to stop; nothing has changed.
        """
        if project.status is ProjectStatus.PENDING:
            raise ConflictError(f"{project.name} is being cloned: change it when that is done")
        targets = edits.targets
        _check_words(edits)  # before the source is asked anything
        if edits.source is not None and edits.source.strip() != mask(project.source):
            with about_field("source"):
                source = check_source(edits.source)
            if source.folder and edits.app is None:
                edits = replace(edits, app=source.folder)
            if source.url != project.source:
                return self._move(project, source, edits, cancel)
        if project.status is ProjectStatus.ACTIVE:
            if edits.branch is not None:
                with about_field("branch"):
                    project = self._follow(project, edits.branch)
            if edits.app is not None or edits.configuration:
                found = self._projects.survey(project.id)
                app = check_app(_or(edits.app, project.app))
                _check_app(found, app)
                _check_configuration(found, app, _or(edits.configuration, project.configuration))
                if targets is None and project.targets == found.targets(project.app):
                    targets = []  # they were read from the other app
        with about_field("name"):
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

    def _move(
        self, project: Project, source: Source, edits: ProjectEdits, cancel: CancelToken | None
    ) -> Project:
        """Have a project follow another source, with its other edits."""
        app = check_app(_or(edits.app, project.app))
        configuration = _or(edits.configuration, project.configuration)
        before = None
        if project.status is ProjectStatus.ACTIVE:
            with contextlib.suppress(ToolError):  # its clone is gone: it is cloned anew
                before = self._projects.survey(project.id)

        def check(found: Survey) -> Sequence[str] | None:
            if app:
                _check_app(found, app)
            _check_configuration(found, app, configuration)
            known = before.targets(project.app) if before is not None else []
            was_read = project.targets == known
            return [] if edits.targets is None and was_read else edits.targets

        with about_field("source"):
            return self._projects.change_source(
                project.id,
                source,
                check,
                branch=edits.branch,
                name=edits.name,
                app=edits.app,
                configuration=edits.configuration,
                cancel=cancel,
            )

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
                f"{each.name} updates it, another name adds it a second time"
            )


def _or(changed: str | None, before: str) -> str:
    return before if changed is None else changed


def _identity(project: Project) -> tuple[str, str, str]:
    return project.source, project.app, project.configuration


def _check_words(edits: ProjectEdits) -> None:
    """Refuse what no source needs to be asked about.

    Raises:
        UsageError: one of them is not valid.
    """
    with about_field("targets"):
        check_targets(edits.targets or ())
    if edits.name is not None:
        with about_field("name"):
            check_name(edits.name)
    if edits.branch:
        with about_field("branch"):
            check_ref(edits.branch)
    with about_field("app"):
        check_app(edits.app or "")
    with about_field("configuration"):
        check_configuration(edits.configuration or "")


def _check_app(found: Survey, folder: str) -> None:
    if found.app(folder) is None:
        with about_field("app"):
            raise UsageError(found.explain_absence(folder))


def _check_configuration(found: Survey, folder: str, name: str) -> None:
    app = found.app(folder)
    names = [each.name for each in app.configurations] if app else []
    if app is not None and name and name not in names:
        with about_field("configuration"):
            there = listed(names) or "none"
            raise UsageError(f"no configuration {name[:80]!r} there (there are: {there})")
