"""Keeping projects where their sources are: cloning and syncing, in threads or before a build."""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.cancel import CancelToken
from engine.clock import shown_time
from engine.enums import TARGETS, ProjectStatus, Severity
from engine.errors import EspdeckError, Interrupted, ToolError, UsageError
from engine.events import Bus, Problem, ProjectChanged
from engine.file_lock import FileLock
from engine.findings import Finding
from engine.projects import git, remote
from engine.projects.apps import find_app
from engine.projects.clone_sync import Upstream, synchronise
from engine.projects.jobs import Jobs, fetch_lock
from engine.projects.sources import Source, check_source
from engine.store import projects as store_projects
from engine.store.database import Store
from engine.store.tables import Project, utc_now
from engine.text import mask

PROGRESS_INTERVAL_SECONDS = 0.2
"""Seconds between two events about the progress of a clone."""

REFRESH_TIMEOUT_SECONDS = 10.0
"""Seconds that a source gets to answer before what was fetched earlier is built."""

NO_CHIP = "nothing in its sources says which chip it is for"
"""Status of a project whose chip is to be asked for."""

INTERRUPTED = "import was interrupted: sync to try again"
"""Status of a project whose process died, or ended, while it was being imported."""

NOT_SYNCED = "project.not_synced"
"""Code of the finding that a source could not be reached, so that what is known is old."""

NOT_SYNCED_DETAIL = "not synced: "
"""Begins the status of a project whose clone is usable and old; the reason follows."""

_LOCK_POLL_SECONDS = 0.1  # seconds between two looks whether another process is done with a project

_LOG = logging.getLogger("espdeck.projects")


class ProjectSync:
    """Clones and syncs projects, writes down how they stand, and says so.

    Args:
        folder: of the clones.
        jobs: what is done in threads.
    """

    def __init__(self, store: Store, bus: Bus, folder: Path, jobs: Jobs) -> None:
        self._store = store
        self._bus = bus
        self._folder = folder
        self._jobs = jobs

    def start(self, project: Project, source: Source, lock: FileLock) -> None:
        """Clone or sync a project in a thread, which gives ``lock`` back."""

        def job(cancel: CancelToken) -> None:
            self._run_job(project.id, lambda: self._synchronise(project, source, cancel))

        self._jobs.start(project.id, job, lock)

    def _synchronise(
        self,
        project: Project,
        source: Source,
        cancel: CancelToken,
        *,
        within: float = remote.ANSWER_TIMEOUT_SECONDS,
        lock_within: float = remote.TIMEOUT_SECONDS,
    ) -> tuple[Project, Upstream]:
        """Clone or fetch, and write down what the project follows now; its lock is held.

        Args:
            within: seconds until the source must have answered.
            lock_within: seconds until projects that share its clone must be done.
        """
        if project.status is ProjectStatus.PENDING:
            self._update(project.id, ProjectStatus.PENDING, "cloning")
        # Only said, not written: the project is as usable as it was while this goes on.
        progress = self.progress(project)
        clone = Path(project.clone_path)
        with self.locked_clone(clone, cancel, within=lock_within):
            upstream = synchronise(
                clone,
                source,
                branch=project.branch or "",
                chosen=project.branch_chosen,
                tip=project.tip,
                on_progress=progress,
                cancel=cancel,
                within=within,
            )
        chips, lack = ([], "") if project.targets else _chips(clone, upstream.tip, project.app)

        def change(row: Project) -> None:
            row.status, row.status_detail = ProjectStatus.ACTIVE, upstream.note
            if (row.branch, row.branch_chosen) == (project.branch, project.branch_chosen):
                row.branch, row.tip = upstream.branch or None, upstream.tip
            if not row.targets and chips:
                row.targets, row.target = chips, chips[0]
            if not row.target and not row.status_detail:
                row.status_detail = lack or NO_CHIP
            row.synced_at = utc_now()

        changed = store_projects.change_project(self._store, project.id, change)
        self.publish(changed)
        return changed, upstream

    def refresh(
        self, project: Project, cancel: CancelToken, *, strict: bool
    ) -> tuple[Project, list[Finding]]:
        """Sync a project before something is done with it, in this thread.

        Args:
            strict: whether what failed is raised, and not only noted.

        Returns:
            The project as it then stands, and what is to be said of it.

        Raises:
            EspdeckError: ``strict``, and it could not be synced.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        lock, deadline = self._jobs.lock_of(project.id), time.monotonic() + REFRESH_TIMEOUT_SECONDS
        try:
            while not lock.acquire():  # it is being synced: then it is as fresh afterwards
                if time.monotonic() > deadline:
                    raise ToolError("another process has been syncing it for too long")
                cancel.wait(_LOCK_POLL_SECONDS)
            try:
                # Whoever synced or edited it meanwhile has changed it.
                project = store_projects.get_project(self._store, project.id)
                source = check_source(project.source)
                changed, upstream = self._synchronise(
                    project,
                    source,
                    cancel,
                    within=REFRESH_TIMEOUT_SECONDS,
                    lock_within=REFRESH_TIMEOUT_SECONDS,
                )
            finally:
                lock.release()
        except (EspdeckError, OSError) as error:
            cancel.check()
            if strict and isinstance(error, EspdeckError):
                raise
            reason = mask(str(error))
            when = project.synced_at
            since = shown_time(when) if when else "an earlier sync"
            note = Finding(
                Severity.WARNING,
                NOT_SYNCED,
                f"{project.name} could not be synced, so it is as of {since}: {reason}",
                hint="what the source has since then is not in it",
            )
            return self._failed(project.id, reason), [note]
        if not upstream.note:
            return changed, []
        return changed, [Finding(Severity.INFO, "project.source", upstream.note)]

    def recover(self, project_id: uuid.UUID) -> None:
        """Say of a project that nobody imports any more that it is not imported."""
        lock = self._jobs.lock_of(project_id)
        if not lock.acquire():
            return
        try:
            # Since it was listed, its import may have ended.
            project = store_projects.get_project(self._store, project_id)
            if project.status is ProjectStatus.PENDING:
                self._update(project_id, ProjectStatus.ERROR, INTERRUPTED)
        except UsageError:
            lock.path.unlink(missing_ok=True)  # It was removed.
        finally:
            lock.release()

    def _run_job(self, project_id: uuid.UUID, job: Callable[[], object]) -> None:
        """Do a job and write down how it failed; nothing gets past this."""
        try:
            try:
                job()
            except Interrupted:
                project = store_projects.get_project(self._store, project_id)
                if project.status is ProjectStatus.PENDING:
                    project = store_projects.update_project(
                        self._store, project_id, status=ProjectStatus.ERROR, detail=INTERRUPTED
                    )
                self.publish(project)
            except EspdeckError as error:
                self._failed(project_id, mask(str(error)))
            except OSError as error:
                self._failed(project_id, f"{error.filename}: {os.strerror(error.errno or 0)}")
            except Exception as error:
                _LOG.exception("project %s", project_id)
                self._failed(project_id, f"internal error: {mask(repr(error))} (see espdeck.log)")
        except EspdeckError as error:
            # Not even that can be written: the disk is full, or the store is gone.
            self._bus.publish(Problem(message=str(error)))

    def _failed(self, project_id: uuid.UUID, reason: str) -> Project:
        """What was cloned before stays as usable as it was."""
        project = store_projects.get_project(self._store, project_id)
        usable = project.status is not ProjectStatus.PENDING and project.synced_at is not None
        if usable and git.is_repository(Path(project.clone_path)):
            return self._update(project_id, ProjectStatus.ACTIVE, f"{NOT_SYNCED_DETAIL}{reason}")
        return self._update(project_id, ProjectStatus.ERROR, reason)

    @contextmanager
    def locked_clone(
        self, clone: Path, cancel: CancelToken, *, within: float = remote.TIMEOUT_SECONDS
    ) -> Iterator[None]:
        """Hold a clone, which projects of one source share, to fetch into it or to delete it.

        Args:
            within: seconds until whoever holds it must be done.

        Raises:
            ToolError: it is held for longer.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        lock, deadline = fetch_lock(clone), time.monotonic() + within
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        while not lock.acquire():
            if time.monotonic() > deadline:
                raise ToolError("another process has been fetching into its clone for too long")
            cancel.wait(_LOCK_POLL_SECONDS)
        try:
            yield
        finally:
            lock.release()

    def progress(self, project: Project) -> Callable[[float, str], None]:
        """Publishes how far a clone or a fetch of a project is; called with percent and phase."""
        said = -PROGRESS_INTERVAL_SECONDS

        def publish(percent: float, what: str) -> None:
            nonlocal said
            now = time.monotonic()
            if now - said >= PROGRESS_INTERVAL_SECONDS:
                said = now
                self._bus.publish(
                    ProjectChanged(
                        project_id=str(project.id),
                        project=project.name,
                        status=project.status,
                        detail=f"{what} {percent:.0f} %",
                    )
                )

        return publish

    def _update(self, project_id: uuid.UUID, status: ProjectStatus, detail: str) -> Project:
        changed = store_projects.update_project(
            self._store, project_id, status=status, detail=detail
        )
        self.publish(changed)
        return changed

    def publish(self, project: Project, *, removed: bool = False) -> None:
        """Tell everyone how a project stands."""
        self._bus.publish(
            ProjectChanged(
                project_id=str(project.id),
                project=project.name,
                status=project.status,
                detail=project.status_detail,
                removed=removed,
            )
        )


def lack_of_chip(clone: Path, sha: str, app: str) -> str:
    """Why no chip of an app is known and what to do: there is no app, or its sources name none.

    Raises:
        ToolError: Git cannot say.
    """
    return _chips(clone, sha, app)[1] or (
        f"{NO_CHIP}: name it, as in --target esp32 (one of {', '.join(TARGETS)})"
    )


def _chips(clone: Path, sha: str, app: str) -> tuple[list[str], str]:
    """The chips that the sources of an app say, as far as espdeck knows them; or why no app is."""
    found = find_app(clone, sha, app)
    if isinstance(found, str):
        return [], found
    return [chip for chip in found.targets if chip in TARGETS], ""
