"""Projects as a front end sees them: add, list, sync, remove. Cloning happens in threads."""

from __future__ import annotations

import shutil
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.cancel import CancelToken
from engine.errors import EspdeckError, Interrupted, UsageError
from engine.events import Bus, ProjectChanged
from engine.projects import git
from engine.projects.sources import Source, check_ref, check_source
from engine.projects.worktrees import Slots
from engine.store import builds as store_builds
from engine.store import projects as store_projects
from engine.store.database import Store
from engine.store.projects import ProjectStats
from engine.store.tables import Project
from engine.words import TARGETS, ProjectStatus

SAY_EVERY = 0.2
"""Seconds between two events about the progress of a clone."""

DEFAULT_TARGET = "esp32c3"
"""The chip of a project that does not say."""

_INTERRUPTED = "the import was interrupted: sync to try again"


class Projects:
    """Every project of a workspace. All calls may block: keep them off an event loop."""

    def __init__(self, store: Store, bus: Bus, folder: Path, slots: Slots) -> None:
        """Know the projects.

        Args:
            folder: where clones are kept.
            slots: the projects' worktrees.
        """
        self._store = store
        self._bus = bus
        self._folder = folder
        self._slots = slots
        self._lock = threading.Lock()
        self._working: dict[uuid.UUID, tuple[threading.Thread, CancelToken]] = {}

    def list(self) -> Sequence[Project]:
        """Every project, by name."""
        return store_projects.all_projects(self._store)

    def get(self, name_or_id: str) -> Project:
        """A project by its name, id or source.

        Raises:
            UsageError: there is none.
        """
        found = store_projects.find_project(self._store, name_or_id)
        if found is None:
            raise UsageError(f"no project {name_or_id!r} (espdeck projects lists them)")
        return found

    def stats(self, project_id: uuid.UUID) -> ProjectStats:
        """How its builds went."""
        return store_projects.project_stats(self._store, project_id)

    def add(
        self,
        source: str,
        *,
        name: str | None = None,
        target: str = DEFAULT_TARGET,
        branch: str | None = None,
    ) -> Project:
        """Import a repository: returns at once with a ``pending`` project, cloned in a thread.

        Args:
            source: Git URL or path.
            name: None takes the repository's, made unique.
            branch: None takes the repository's own choice.

        Raises:
            UsageError: the source, the branch, the chip or the name makes no sense.
        """
        checked = check_source(source)
        if target not in TARGETS:
            raise UsageError(f"target {target!r} is not one of {', '.join(TARGETS)}")
        if branch is not None:
            check_ref(branch)
        if name is not None and (not name.strip() or len(name) > 80 or not name.isprintable()):
            raise UsageError(f"{name!r} is no name for a project")
        project = Project(
            name=name.strip() if name else self._free_name(checked.name),
            source=checked.url,
            branch=branch,
            target=target,
            status_detail="waits to be cloned",
        )
        project.clone_path = str(self._folder / f"{project.id}.git")
        store_projects.add_project(self._store, project)
        self._say(project)
        self._work(project.id, lambda cancel: self._clone(project, checked, cancel))
        return project

    def find_or_add(self, wanted: str, *, target: str | None = None) -> Project:
        """The project of this name or source, synced when a source was given; else a new one.

        Returns when the project is cloned or could not be.

        Raises:
            UsageError: it is neither a project nor a repository, or is for another chip.
        """
        found = store_projects.find_project(self._store, wanted)
        if found is None:
            wanted = check_source(wanted).url
            found = store_projects.find_project(self._store, wanted)
        if found is None:
            return self.wait(self.add(wanted, target=target or DEFAULT_TARGET).id)
        if target is not None and target != found.target:
            raise UsageError(f"{found.name} is for {found.target}, not {target}")
        if found.source == wanted:
            self.sync(found.id)
        return self.wait(found.id)

    def sync(self, project_id: uuid.UUID) -> None:
        """Fetch and fast-forward in a thread; a project without a clone is cloned anew.

        Raises:
            UsageError: there is no such project, or it is being cloned or synced now.
        """
        project = store_projects.get_project(self._store, project_id)
        source = check_source(project.source)
        if Path(project.clone_path).is_dir() and project.branch is not None:
            self._work(project_id, lambda cancel: self._fetch(project, source, cancel))
        else:
            self._work(project_id, lambda cancel: self._clone(project, source, cancel))

    def remove(self, project_id: uuid.UUID) -> None:
        """Forget a project, with its clone, worktrees, builds and logs.

        Raises:
            UsageError: a build of it has not ended.
        """
        project = store_projects.get_project(self._store, project_id)
        busy = [
            build
            for build in store_builds.unfinished_builds(self._store)
            if build.project_id == project_id
        ]
        if busy:
            raise UsageError(f"build {busy[0].number} of {project.name} has not ended")
        with self._lock:
            working = self._working.get(project_id)
        if working is not None:
            working[1].cancel()
            working[0].join(5)
        store_projects.remove_project(self._store, project_id)
        shutil.rmtree(project.clone_path, ignore_errors=True)
        self._slots.remove(str(project_id))
        self._say(project, removed=True)

    def wait(self, project_id: uuid.UUID, timeout: float | None = None) -> Project:
        """Wait until a project is neither cloned nor synced; returns it as it then stands."""
        with self._lock:
            working = self._working.get(project_id)
        if working is not None:
            working[0].join(timeout)
        return store_projects.get_project(self._store, project_id)

    def recover(self) -> None:
        """Say of projects that a dead process was importing that they are not imported."""
        for project in self.list():
            if project.status is ProjectStatus.PENDING:
                self._update(project.id, ProjectStatus.ERROR, _INTERRUPTED)

    def close(self) -> None:
        """Stop cloning and syncing."""
        with self._lock:
            working = list(self._working.values())
        for _thread, cancel in working:
            cancel.interrupt()
        for thread, _cancel in working:
            thread.join(5)

    def _work(self, project_id: uuid.UUID, job: Callable[[CancelToken], None]) -> None:
        cancel = CancelToken()

        def work() -> None:
            try:
                job(cancel)
            except EspdeckError as error:
                self._update(project_id, ProjectStatus.ERROR, str(error))
            except Interrupted:
                self._update(project_id, ProjectStatus.ERROR, _INTERRUPTED)
            except OSError as error:
                self._update(project_id, ProjectStatus.ERROR, f"{error.filename}: {error.strerror}")
            finally:
                with self._lock:
                    del self._working[project_id]

        with self._lock:
            if project_id in self._working:
                raise UsageError("it is being cloned or synced already")
            thread = threading.Thread(target=work, name="project", daemon=True)
            self._working[project_id] = (thread, cancel)
            thread.start()

    def _clone(self, project: Project, source: Source, cancel: CancelToken) -> None:
        self._update(project.id, ProjectStatus.PENDING, "cloning")
        path = Path(project.clone_path)
        branch = git.clone(
            source,
            path,
            project.branch,
            on_progress=self._progress(project, ProjectStatus.PENDING),
            cancel=cancel,
        )
        changed = store_projects.update_project(
            self._store, project.id, status=ProjectStatus.ACTIVE, branch=branch, synced=True
        )
        self._say(changed)

    def _fetch(self, project: Project, source: Source, cancel: CancelToken) -> None:
        assert project.branch is not None
        self._update(project.id, ProjectStatus.ACTIVE, "syncing")
        git.fetch(
            Path(project.clone_path),
            source,
            project.branch,
            on_progress=self._progress(project, ProjectStatus.ACTIVE),
            cancel=cancel,
        )
        changed = store_projects.update_project(
            self._store, project.id, status=ProjectStatus.ACTIVE, synced=True
        )
        self._say(changed)

    def _progress(self, project: Project, status: ProjectStatus) -> Callable[[float, str], None]:
        said = 0.0

        def say(percent: float, what: str) -> None:
            nonlocal said
            now = time.monotonic()
            if now - said >= SAY_EVERY:
                said = now
                self._bus.publish(
                    ProjectChanged(
                        project_id=str(project.id),
                        project=project.name,
                        status=status,
                        detail=f"{what} {percent:.0f} %",
                    )
                )

        return say

    def _update(self, project_id: uuid.UUID, status: ProjectStatus, detail: str) -> None:
        self._say(
            store_projects.update_project(self._store, project_id, status=status, detail=detail)
        )

    def _say(self, project: Project, *, removed: bool = False) -> None:
        self._bus.publish(
            ProjectChanged(
                project_id=str(project.id),
                project=project.name,
                status=project.status,
                detail=project.status_detail,
                removed=removed,
            )
        )

    def _free_name(self, wanted: str) -> str:
        taken = {project.name for project in self.list()}
        name, number = wanted, 2
        while name in taken:
            name, number = f"{wanted}-{number}", number + 1
        return name
