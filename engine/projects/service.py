"""Projects as a front end sees them: add, list, sync, remove. Cloning happens in threads."""

from __future__ import annotations

import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.cancel import CancelToken
from engine.errors import EspdeckError, Interrupted, UsageError
from engine.events import Bus, Problem, ProjectChanged
from engine.lock import FileLock
from engine.projects import git, remote, trees
from engine.projects.apps import check_app, check_configuration, survey_commit
from engine.projects.sources import Source, check_ref, check_source
from engine.projects.survey import Survey
from engine.projects.worktrees import Slots
from engine.store import builds as store_builds
from engine.store import projects as store_projects
from engine.store.database import Store
from engine.store.projects import ProjectStats
from engine.store.tables import Project
from engine.text import mask
from engine.toolchains.base import App, CompileRequest
from engine.toolchains.idf_menuconfig import Edited, check_menu, edit
from engine.words import TARGETS, BuildStatus, ProjectStatus

SAY_EVERY = 0.2
"""Seconds between two events about the progress of a clone."""

DEFAULT_TARGET = "esp32c3"
"""The chip of a project when nobody says another."""

CONFIGURE_TIMEOUT = 300.0
"""Seconds that it may take to configure a project before and after a person changes options."""

STOP_WITHIN = 5.0
"""Seconds that a clone or a fetch gets to stop."""

_INTERRUPTED = "import was interrupted: sync to try again"
_MAX_NAME = 80
_TURN = 0.1  # seconds between two looks whether another process is done with a project

_LOG = logging.getLogger("espdeck.projects")


@dataclass(frozen=True, slots=True)
class _Job:
    """A project that is being cloned or synced here, and how to end that."""

    thread: threading.Thread
    cancel: CancelToken


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
        self._working: dict[uuid.UUID, _Job] = {}

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
            raise UsageError(f"no project {mask(name_or_id)!r} (espdeck projects lists them)")
        return found

    def source_folder(self, project: Project, program: Path) -> Path:
        """Where the sources lay from which a program was built: what its debug information names.

        Args:
            program: ELF that a build of the project kept.

        Returns:
            The worktree in which it was built; the project's clone where none is found.
        """
        try:
            data = program.read_bytes()
        except OSError:
            return Path(project.clone_path)
        for folder in self._slots.sources(str(project.id)):
            if os.fsencode(folder) in data:
                return folder
        return Path(project.clone_path)

    def last_statuses(self) -> dict[uuid.UUID, BuildStatus]:
        """How the newest build of each project that has one stands."""
        return store_projects.last_statuses(self._store)

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
        app: str = "",
        configuration: str = "",
    ) -> Project:
        """Import a repository: returns at once with a ``pending`` project, cloned in a thread.

        Args:
            source: Git URL or path.
            name: None takes the repository's, made unique.
            branch: None takes the repository's own choice.
            app: folder of the repository that is built, empty for its root.
            configuration: NAME of the app's ``sdkconfig.ci.NAME``, empty for its defaults alone.

        Raises:
            UsageError: one of them makes no sense.
        """
        checked = check_source(source)
        app, configuration = check_app(app), check_configuration(configuration)
        if target not in TARGETS:
            raise UsageError(f"target {target!r} is not one of {', '.join(TARGETS)}")
        if branch is not None:
            check_ref(branch)
        if name is not None and not (0 < len(name.strip()) <= _MAX_NAME and name.isprintable()):
            raise UsageError(
                f"{mask(name)[:_MAX_NAME]!r} is no name for a project (1 to {_MAX_NAME} characters)"
            )
        project = Project(
            name=name.strip()
            if name is not None
            else self._free_name(
                "-".join(filter(None, (checked.name, app.rpartition("/")[2], configuration)))
            ),
            source=checked.url,
            app=app,
            configuration=configuration,
            branch=branch,
            target=target,
            status_detail="waits to be cloned",
        )
        project.clone_path = str(self._clone_path(project.id))
        lock = self._file_lock(project.id)
        # Before anybody sees it: a pending project that nobody holds is one whose import died.
        lock.acquire()
        try:
            store_projects.add_project(self._store, project)
        except EspdeckError:
            lock.path.unlink(missing_ok=True)
            lock.release()
            raise
        self._say(project)
        self._work(project.id, lambda cancel: self._clone(project, checked, cancel), lock)
        return project

    def survey(self, project_id: uuid.UUID) -> Survey:
        """What a project's repository holds at the tip of its branch: apps, and what is none.

        Raises:
            ToolError: it is not cloned.
        """
        project = store_projects.get_project(self._store, project_id)
        clone = Path(project.clone_path)
        return survey_commit(clone, git.resolve(clone, project.branch or "HEAD").sha)

    def apps(self, project_id: uuid.UUID) -> tuple[App, ...]:
        """Apps of a project's repository, at the tip of its branch.

        Raises:
            ToolError: it is not cloned.
        """
        return self.survey(project_id).apps

    def check_menuconfig(self, project_id: uuid.UUID) -> None:
        """Look whether a project has a menu of options here; nothing is configured yet.

        Raises:
            UsageError: there is no such project.
            MissingToolError: ESP-IDF is not there, or cannot build for its chip.
            ToolError: it is not cloned, or none of ESP-IDF.
        """
        project = store_projects.get_project(self._store, project_id)
        clone = Path(project.clone_path)
        sha = git.resolve(clone, project.branch or "HEAD").sha
        check_menu(_lists_of(clone, sha, project.app), project.target)

    def menuconfig(self, project_id: uuid.UUID) -> Edited:
        """Change the configuration of a project, at the tip of its branch, in this terminal.

        Nothing is written to the project: see :meth:`write`.

        Raises:
            UsageError: there is no such project.
            MissingToolError: ESP-IDF is not there.
            ToolError: it is not cloned, is none of ESP-IDF, or cannot be configured.
        """
        project = store_projects.get_project(self._store, project_id)
        clone, cancel = Path(project.clone_path), CancelToken()
        sha = git.resolve(clone, project.branch or "HEAD").sha
        check_menu(_lists_of(clone, sha, project.app), project.target)
        with self._slots.take(str(project.id), clone, sha, cancel=cancel) as slot:
            return edit(
                CompileRequest(
                    source=slot.source / project.app,
                    build_dir=slot.build_dir(project.target),
                    target=project.target,
                    timeout=CONFIGURE_TIMEOUT,
                    cancel=cancel,
                    on_output=lambda _data: None,
                    on_progress=lambda _percent, _doing: None,
                    root=slot.source,
                    configuration=project.configuration,
                )
            )

    def write(self, project_id: uuid.UUID, edited: Edited) -> Path:
        """Write what was configured into the folder that a project was added from.

        Returns:
            The file; it is not committed.

        Raises:
            UsageError: it was not added from a folder with a worktree, or there the file is
                another than the one that was configured, or a link that leads out of the folder.
        """
        project = store_projects.get_project(self._store, project_id)
        folder = Path(project.source)
        if not (folder / ".git").exists():
            raise UsageError(f"{project.name} is not a folder of this machine: change it there")
        path = folder / project.app / edited.file
        try:
            if not path.resolve().is_relative_to(folder.resolve()):
                raise UsageError(f"{path} leads out of {folder}: change what it leads to")
            if (path.read_text("utf-8", "replace") if path.is_file() else "") != edited.had:
                raise UsageError(f"{path} has changes of its own: commit them and sync first")
            path.write_text(edited.text, "utf-8")
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}") from error
        return path

    def find_or_add(
        self,
        wanted: str,
        *,
        target: str | None = None,
        app: str = "",
        configuration: str = "",
    ) -> Project:
        """The project of this name or source, synced when a source was given; else a new one.

        Returns when the project is cloned or could not be.

        Args:
            wanted: a name, an id, a Git URL or a path.
            target, app, configuration: as :meth:`add` takes them.

        Raises:
            UsageError: it is neither a project nor a repository, or is for another chip, or
                could not be cloned; then nothing was added.
        """
        app, configuration = check_app(app), check_configuration(configuration)
        found = store_projects.find_project(self._store, wanted)
        source = None
        if found is None or found.source == wanted:
            source = check_source(wanted)
            found = store_projects.find_app(self._store, source.url, app, configuration)
        elif (app or found.app, configuration or found.configuration) != (
            found.app,
            found.configuration,
        ):
            raise UsageError(f"{found.name} is another app: name the repository to add this one")
        if found is None:
            added = self.wait(
                self.add(
                    wanted,
                    target=target or DEFAULT_TARGET,
                    app=app,
                    configuration=configuration,
                ).id
            )
            if added.status is ProjectStatus.ERROR:
                self.remove(added.id)  # a mistake in a URL leaves no project behind
                raise UsageError(added.status_detail)
            return added
        if target is not None and target != found.target:
            raise UsageError(f"{found.name} is for {found.target}, not {target}")
        if source is not None and not self._is_working(found.id):
            lock = self._file_lock(found.id)
            while not lock.acquire():  # another process clones or syncs it
                time.sleep(_TURN)
            self._sync(found.id, lock)
        return self.wait(found.id)

    def sync(self, project_id: uuid.UUID) -> None:
        """Fetch and fast-forward in a thread; a project without a clone is cloned anew.

        Raises:
            UsageError: there is no such project, or it is being cloned or synced now.
        """
        lock = self._file_lock(project_id)
        if self._is_working(project_id) or not lock.acquire():
            name = store_projects.get_project(self._store, project_id).name
            raise UsageError(f"{name} is being cloned or synced already")
        self._sync(project_id, lock)

    def _sync(self, project_id: uuid.UUID, lock: FileLock) -> None:
        try:
            project = store_projects.get_project(self._store, project_id)
            source = check_source(project.source)
        except EspdeckError:
            lock.release()
            raise
        job = self._clone
        if project.branch is not None and git.is_repository(Path(project.clone_path)):
            job = self._fetch
        self._work(project_id, lambda cancel: job(project, source, cancel), lock)

    def remove(self, project_id: uuid.UUID) -> None:
        """Forget a project, with its clone, worktrees, builds, tasks and logs.

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
            working.cancel.cancel()
            working.thread.join(STOP_WITHIN)
        lock = self._file_lock(project_id)
        if not lock.acquire():
            raise UsageError(f"{project.name} is being cloned or synced: try again when it is done")
        try:
            # A negative limit is none in SQLite.
            kept = store_builds.list_builds(self._store, kind=None, project_id=project_id, limit=-1)
            store_projects.remove_project(self._store, project_id)
            for build in kept:
                if build.artifacts_path:
                    trees.delete(Path(build.artifacts_path))
            trees.delete(self._clone_path(project_id))
            self._slots.remove(str(project_id))
            git.lock_of(self._clone_path(project_id)).unlink(missing_ok=True)
            lock.path.unlink(missing_ok=True)
        finally:
            lock.release()
        self._say(project, removed=True)

    def wait(self, project_id: uuid.UUID, timeout: float | None = None) -> Project:
        """Wait until a project is neither cloned nor synced here, or ``timeout`` seconds.

        Returns:
            The project as it then stands.
        """
        with self._lock:
            working = self._working.get(project_id)
        if working is not None:
            working.thread.join(timeout)
        return store_projects.get_project(self._store, project_id)

    def recover(self) -> None:
        """Say of projects that a dead process was importing that they are not imported.

        May be called at any time and again: what a process works on, this or another, is left
        alone.
        """
        for project in self.list():
            if project.status is ProjectStatus.PENDING:
                self._recover(project.id)

    def close(self) -> None:
        """Stop cloning and syncing."""
        with self._lock:
            working = tuple(self._working.values())
        for job in working:
            job.cancel.interrupt()
        for job in working:
            job.thread.join(STOP_WITHIN)

    def _recover(self, project_id: uuid.UUID) -> None:
        lock = self._file_lock(project_id)
        if not lock.acquire():
            return
        try:
            # Since it was listed, its import may have ended.
            project = store_projects.get_project(self._store, project_id)
            if project.status is ProjectStatus.PENDING:
                self._update(project_id, ProjectStatus.ERROR, _INTERRUPTED)
        except UsageError:
            lock.path.unlink(missing_ok=True)  # It was removed.
        finally:
            lock.release()

    def _work(
        self,
        project_id: uuid.UUID,
        job: Callable[[CancelToken], None],
        lock: FileLock,
    ) -> None:
        """Do a job in a thread, which gives ``lock`` back: one a project, over all processes."""
        cancel = CancelToken()

        def work() -> None:
            try:
                self._explained(project_id, lambda: job(cancel))
            finally:
                with self._lock:
                    del self._working[project_id]
                    lock.release()

        with self._lock:
            # A daemon: a server that keeps silent must not keep the process alive.
            thread = threading.Thread(target=work, name=f"project {project_id}", daemon=True)
            self._working[project_id] = _Job(thread, cancel)
            thread.start()

    def _explained(self, project_id: uuid.UUID, job: Callable[[], None]) -> None:
        """Do a job and write down how it failed; nothing gets past this."""
        try:
            try:
                job()
            except Interrupted:
                project = store_projects.get_project(self._store, project_id)
                if project.status is ProjectStatus.PENDING:
                    project = store_projects.update_project(
                        self._store, project_id, status=ProjectStatus.ERROR, detail=_INTERRUPTED
                    )
                self._say(project)
            except EspdeckError as error:
                self._update(project_id, ProjectStatus.ERROR, mask(str(error)))
            except OSError as error:
                reason = f"{error.filename}: {os.strerror(error.errno or 0)}"
                self._update(project_id, ProjectStatus.ERROR, reason)
            except Exception as error:
                _LOG.exception("project %s", project_id)
                reason = f"internal error: {mask(repr(error))} (see espdeck.log)"
                self._update(project_id, ProjectStatus.ERROR, reason)
        except EspdeckError as error:
            # Not even that can be written: the disk is full, or the store is gone.
            self._bus.publish(Problem(message=str(error)))

    def _is_working(self, project_id: uuid.UUID) -> bool:
        with self._lock:
            return project_id in self._working

    def _clone_path(self, project_id: uuid.UUID) -> Path:
        return self._folder / f"{project_id}.git"

    def _file_lock(self, project_id: uuid.UUID) -> FileLock:
        # The first file of the folder, made here: others must not read what is cloned into it.
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return FileLock(self._folder / f"{project_id}.lock")

    def _clone(self, project: Project, source: Source, cancel: CancelToken) -> None:
        self._update(project.id, ProjectStatus.PENDING, "cloning")
        branch = remote.clone(
            source,
            Path(project.clone_path),
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
        # Only said, not written: the project is as usable as it was while this goes on.
        progress = self._progress(project, project.status)
        progress(0.0, "syncing")
        remote.fetch(
            Path(project.clone_path), source, project.branch, on_progress=progress, cancel=cancel
        )
        changed = store_projects.update_project(
            self._store, project.id, status=ProjectStatus.ACTIVE, synced=True
        )
        self._say(changed)

    def _progress(self, project: Project, status: ProjectStatus) -> Callable[[float, str], None]:
        said = -SAY_EVERY

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


def _lists_of(clone: Path, sha: str, app: str) -> str:
    """The ``CMakeLists.txt`` of an app as it is in a commit, empty where there is none."""
    try:
        return git.read_text(clone, sha, f"{app or '.'}/CMakeLists.txt")
    except UsageError:
        return ""
