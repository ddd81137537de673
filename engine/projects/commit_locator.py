"""Which commit a person means: of what a project follows, by a revision, or a folder as it is."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.cancel import CancelToken
from engine.enums import ProjectStatus, Severity
from engine.errors import ConflictError, ToolError, UsageError
from engine.findings import Finding
from engine.projects import git, git_objects, remote, working_tree
from engine.projects.project_options import inactive_reason
from engine.projects.project_sync import NOT_SYNCED, ProjectSync
from engine.projects.revisions import HEAD, Commit, base_of, is_elsewhere, resolve
from engine.projects.sources import check_source, is_whole_commit
from engine.store import projects as store_projects
from engine.store.database import Store
from engine.store.tables import Project

_HASH_DIGITS = 10

UNCOMMITTED = "project.uncommitted"
"""Code of the finding that a project's folder has changes which are not committed."""


@dataclass(frozen=True, slots=True)
class LocatedCommit:
    """A commit of a project, as a person named it.

    Args:
        project: as it stands after it was synced.
        commit: the commit.
        notes: what is to be known of it: that the project could not be synced, that history was
            rewritten, that a folder has changes which are not committed.
        dirty: whether the commit is a snapshot of such changes.
        foreign: as what it was asked for, where no branch and no tag of the source has it: the
            commit of a fork or a pull request, or one that was rewritten; empty for others.
    """

    project: Project
    commit: Commit
    notes: tuple[Finding, ...] = ()
    dirty: bool = False
    foreign: str = ""


class CommitLocator:
    """Finds commits of projects; syncs them first."""

    def __init__(self, store: Store, sync: ProjectSync) -> None:
        self._store = store
        self._sync = sync

    def find(
        self,
        project_id: uuid.UUID,
        revision: str | None,
        *,
        fresh: bool = True,
        dirty: bool = False,
        cancel: CancelToken,
    ) -> LocatedCommit:
        """As :meth:`engine.projects.service.Projects.commit`, which front ends call."""
        project = store_projects.get_project(self._store, project_id)
        folder = project.source if working_tree.is_working_tree(project.source) else ""
        if dirty and (revision is not None or not folder):
            raise UsageError(
                "a commit has no uncommitted changes: leave one of both out"
                if revision is not None
                else f"{project.name} is not a folder of this machine: nothing is uncommitted there"
            )
        clone, notes = Path(project.clone_path), list[Finding]()
        is_known = revision is not None and self._is_whole_hash(clone, revision)
        if fresh and not is_known and project.status is ProjectStatus.ACTIVE:
            project, found = self._sync.refresh(project, cancel, strict=dirty)
            notes += found
        inactive = inactive_reason(project)
        if inactive:
            raise ConflictError(inactive)
        if dirty:
            return self._as_it_is(project, notes, cancel)
        if fresh and folder and revision is None:
            notes += _uncommitted(folder, cancel)
        commit, found = self._resolve(project, revision, cancel, fresh=fresh)
        foreign = ""
        # What is committed in a folder of this machine is its user's own.
        if revision is not None and not folder and not git_objects.is_on_a_ref(clone, commit.sha):
            foreign = revision if is_elsewhere(base_of(revision)) else commit.sha[:_HASH_DIGITS]
        return LocatedCommit(project, commit, (*notes, *found), foreign=foreign)

    def _as_it_is(
        self, project: Project, notes: Sequence[Finding], cancel: CancelToken
    ) -> LocatedCommit:
        """A commit of the project's folder as it is, whatever branch the project follows."""
        folder, clone = Path(project.source), Path(project.clone_path)
        found = working_tree.changes(folder, cancel=cancel)
        if not found:
            return LocatedCommit(project, resolve(clone, HEAD, head=git.SOURCE_HEAD), tuple(notes))
        with self._sync.locked_clone(clone, cancel):
            sha = working_tree.snapshot(folder, clone, found, cancel=cancel)
        said = working_tree.note_of(found, project.source)
        new = working_tree.new_files(found)
        text = f"with {said}; {new}" if new else f"with {said}"
        hint = "a file that is not meant is left out when Git ignores it" if new else None
        note = Finding(Severity.INFO, UNCOMMITTED, text, hint=hint)
        more = [
            Finding(
                Severity.WARNING,
                "project.submodule",
                f"{name} is a separate repository: changes not committed there are not built",
                file=name,
                hint="commit it there, and the submodule here",
            )
            for name in found.submodules
        ]
        commit = resolve(clone, sha)
        return LocatedCommit(project, commit, (*notes, note, *more), dirty=True)

    def _resolve(
        self, project: Project, revision: str | None, cancel: CancelToken, *, fresh: bool
    ) -> tuple[Commit, list[Finding]]:
        """The commit, and what is to be said of it."""
        clone, head = Path(project.clone_path), tip_of(project)
        text = HEAD if revision is None else revision
        name, notes = base_of(text), []
        if fresh and is_elsewhere(name) and not self._fetch(project, name, cancel):
            # What was fetched of it earlier may be old.
            note = f"{name} could not be fetched: it is as of an earlier build"
            notes = [Finding(Severity.WARNING, NOT_SYNCED, note)]
        try:
            return resolve(clone, text, head=head), notes
        except UsageError:
            if not is_whole_commit(name) or not self._fetch(project, name, cancel):
                raise
            return resolve(clone, text, head=head), []

    def _fetch(self, project: Project, name: str, cancel: CancelToken) -> bool:
        clone = Path(project.clone_path)
        try:
            source = check_source(project.source)
        except UsageError:
            return False  # the folder is gone: what was fetched earlier is all there is
        with self._sync.locked_clone(clone, cancel):
            return remote.fetch_revision(clone, source, name, cancel=cancel)

    def _is_whole_hash(self, clone: Path, revision: str) -> bool:
        """Whether it is a commit that is there, which no sync can change."""
        if not is_whole_commit(revision):
            return False
        try:
            return git_objects.has_ref(clone, revision)
        except ToolError:
            return False


def tip_of(project: Project) -> str:
    """The commit that a project follows, else the ref that has it as of the last fetch."""
    return project.tip or (
        f"{git.REMOTE_REFS}{project.branch}" if project.branch else git.SOURCE_HEAD
    )


def _uncommitted(folder: str, cancel: CancelToken) -> list[Finding]:
    """What is said of a folder's changes when they are not taken along."""
    try:
        found = working_tree.changes(Path(folder), cancel=cancel)
    except ToolError as error:
        return [Finding(Severity.WARNING, UNCOMMITTED, str(error))]
    if not found:
        return []
    said = working_tree.note_of(found, folder)
    hint = "commit them, or take them along: espdeck build --dirty, or D in the app"
    return [Finding(Severity.WARNING, UNCOMMITTED, f"{said}: not part of this", hint=hint)]
