"""Taking a project's commits from another source: its builds keep theirs."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cancel import CancelToken
from engine.enums import ProjectStatus
from engine.errors import ConflictError
from engine.projects import git, lfs
from engine.projects.apps import survey_commit
from engine.projects.clone_sync import synchronise
from engine.projects.clones import Clones
from engine.projects.jobs import Jobs
from engine.projects.project_sync import NO_CHIP, ProjectSync
from engine.projects.sources import Source
from engine.source import tree
from engine.store import projects as store_projects
from engine.store.database import Store
from engine.store.tables import Project, utc_now

if TYPE_CHECKING:
    from engine.projects.survey import Survey

Change = Callable[[Project], None]
"""Changes a row of the project table."""

_FIX_REFS = f"{git.BRANCH_REFS}espdeck/"
"""Branches of repairs that a person committed."""


class SourceChange:
    """Fetches a new source of a project, and gives up the clone of the one before.

    Args:
        jobs: what is done with projects in threads; one thing at a time with each.
    """

    def __init__(self, store: Store, sync: ProjectSync, jobs: Jobs, clones: Clones) -> None:
        self._store = store
        self._sync = sync
        self._jobs = jobs
        self._clones = clones

    def make(
        self,
        project_id: uuid.UUID,
        source: Source,
        branch: str | None,
        check: Callable[[Survey], Change],
        *,
        cancel: CancelToken,
    ) -> Project:
        """Clone a source and have a project follow it; else the project stays as it was.

        Args:
            branch: a branch or tag, empty for ``HEAD`` of the source; None for the one that a
                person chose before.
            check: is given what the source has; returns what else changes in the row, or raises.

        Raises:
            ConflictError: a run of the project has not ended, or it is being cloned or synced.
            UsageError: the source has no such branch, or what ``check`` raises.
            ToolError: the source cannot be read.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        lock = self._jobs.lock_of(project_id)
        if self._jobs.is_working(project_id) or not lock.acquire():
            name = store_projects.get_project(self._store, project_id).name
            raise ConflictError(f"{name} is being cloned or synced: try again when it is done")
        try:
            before = store_projects.get_project(self._store, project_id)
            store_projects.check_idle(self._store, project_id)  # before anything is fetched
            clone = self._clones.path_of(source)
            with self._sync.locked_clone(clone, cancel):
                try:
                    changed = self._fetch(before, source, clone, branch, check, cancel)
                except BaseException:
                    if not store_projects.projects_in(self._store, str(clone)):
                        tree.delete(clone)
                    raise
            self._sync.publish(changed)
            if before.clone_path != changed.clone_path:
                self._clones.remove_of(before)
        finally:
            lock.release()
        return changed

    def _fetch(
        self,
        before: Project,
        source: Source,
        clone: Path,
        branch: str | None,
        check: Callable[[Survey], Change],
        cancel: CancelToken,
    ) -> Project:
        """Fill the clone, whose lock is held, and write the project's row."""
        wanted = before.branch or "" if branch is None and before.branch_chosen else branch or ""
        upstream = synchronise(
            clone,
            source,
            branch=wanted,
            chosen=bool(wanted),
            tip="",
            on_progress=self._sync.progress(before),
            cancel=cancel,
        )
        found = survey_commit(clone, upstream.tip)
        rest = check(found)
        old = Path(before.clone_path)
        if old != clone and git.is_repository(old):
            _copy_kept(old, clone, cancel)

        def change(row: Project) -> None:
            rest(row)
            row.source, row.clone_path = source.url, str(clone)
            row.branch, row.branch_chosen = upstream.branch or None, bool(wanted)
            row.tip, row.synced_at = upstream.tip, utc_now()
            row.status, row.status_detail = ProjectStatus.ACTIVE, upstream.note
            if not row.target and not row.status_detail:
                is_there = found.app(row.app) is not None
                row.status_detail = NO_CHIP if is_there else found.explain_absence(row.app)

        # A run that was started meanwhile has its commit from the old clone.
        return store_projects.change_project(self._store, before.id, change, idle=True)


def _copy_kept(old: Path, new: Path, cancel: CancelToken) -> None:
    """Copy the commits of builds, with their LFS files, and committed repairs to another clone.

    Raises:
        ToolError: Git cannot: the disk is full, or one names its objects by SHA-1, one by SHA-256.
    """
    options = ("--no-tags", "--force", "--no-write-fetch-head", "--update-shallow")
    refs = [f"+{name}*:{name}*" for name in (git.KEPT_REFS, _FIX_REFS)]
    git.run_git(["-C", str(new), "fetch", *options, "--", str(old), *refs], cancel=cancel)
    lfs.copy_content(old, new, cancel)
