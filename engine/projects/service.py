"""Projects as a front end sees them: add, list, sync, edit, remove. Cloning happens in threads."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cancel import CancelToken
from engine.enums import ProjectStatus
from engine.errors import ConflictError, EspdeckError, UsageError
from engine.events import Bus
from engine.files import read_file
from engine.formats.elf import MAX_BYTES
from engine.projects import disk
from engine.projects.apps import check_app, check_configuration, survey_commit
from engine.projects.clones import Clones
from engine.projects.commit_locator import CommitLocator, LocatedCommit, tip_of
from engine.projects.jobs import Jobs
from engine.projects.lookup import ProjectLookup, check_no_other_folder, names_a_source
from engine.projects.project_options import check_name, check_targets
from engine.projects.project_sync import INTERRUPTED, ProjectSync, lack_of_chip
from engine.projects.revisions import HEAD, CommitRange, resolve, resolve_range
from engine.projects.slots import Slots
from engine.projects.source_change import SourceChange
from engine.projects.sources import Source, check_ref, check_source, looks_like_a_path
from engine.projects.variants import Variant, variants_of
from engine.source import tree
from engine.store import projects as store_projects
from engine.store import runs as store_runs
from engine.store.database import Store
from engine.store.projects import ProjectStats
from engine.store.tables import Project

if TYPE_CHECKING:
    from engine.projects.survey import Survey
    from engine.toolchains.idf_menuconfig import ConfigurationEdit, InTerminal


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
        self._closing = CancelToken()
        self._jobs = Jobs(folder)
        self._sync = ProjectSync(store, bus, folder, self._jobs)
        self._clones = Clones(store, folder, slots, self._sync)
        self._source_change = SourceChange(store, self._sync, self._jobs, self._clones)
        self._locator = CommitLocator(store, self._sync)
        self._lookup = ProjectLookup(store)

    def list(self) -> Sequence[Project]:
        """Every project, by name."""
        return store_projects.all_projects(self._store)

    def get(self, name_or_id: str) -> Project:
        """A project by its name or id.

        Raises:
            UsageError: there is none.
        """
        return self._lookup.get(name_or_id)

    def find(self, wanted: str) -> Project:
        """The project that a person means, of those that are there.

        Args:
            wanted: as :meth:`ProjectLookup.find` has it.

        Raises:
            UsageError: there is none, or there are several.
        """
        return self._lookup.find(wanted)

    def source_folder(self, project: Project, program: Path) -> Path:
        """Where the sources lay from which a program was built: what its debug information names.

        Args:
            program: ELF that a build of the project kept.

        Returns:
            The worktree in which it was built; the project's clone where none is found.
        """
        clone = Path(project.clone_path)
        try:
            data = read_file(program, MAX_BYTES)
        except OSError:
            return clone
        for folder in self._slots.sources(clone):
            if os.fsencode(folder) in data:
                return folder
        return clone

    def stats(self, project_id: uuid.UUID) -> ProjectStats:
        """How its builds went."""
        return store_projects.project_stats(self._store, project_id)

    def add(
        self,
        source: str,
        *,
        name: str | None = None,
        targets: Sequence[str] = (),
        branch: str | None = None,
        app: str = "",
        configuration: str = "",
    ) -> Project:
        """Import a repository: returns at once with a ``pending`` project, cloned in a thread.

        Projects of one source share its clone.

        Args:
            source: Git URL or path; of a folder in a repository, the app that it is or lies in.
            name: None takes the repository's, made unique.
            targets: chips that it is built for, the one of a plain build first; none takes those
                that the sources say.
            branch: a branch or tag; None follows ``HEAD`` of the source.
            app: folder of the repository that is built, empty for its root.
            configuration: as :class:`~engine.store.tables.Project` has it.

        Raises:
            UsageError: one of them makes no sense.
        """
        checked = check_source(source)
        app = check_app(app or self._lookup.app_around(checked))
        configuration = check_configuration(configuration)
        chips = check_targets(targets)
        if branch is not None:
            check_ref(branch)
        last = "-".join(filter(None, (checked.name, app.rpartition("/")[2], configuration)))
        project = Project(
            name=check_name(name) if name is not None else self._free_name(last),
            source=checked.url,
            app=app,
            configuration=configuration,
            branch=branch,
            branch_chosen=branch is not None,
            target=chips[0] if chips else "",
            targets=chips,
            status_detail="waits to be cloned",
        )
        project.clone_path = str(self._clones.path_of(checked))
        lock = self._jobs.lock_of(project.id)
        # Before anybody sees it: a pending project that nobody holds is one whose import died.
        lock.acquire()
        try:
            store_projects.add_project(self._store, project)
        except EspdeckError:
            lock.path.unlink(missing_ok=True)
            lock.release()
            raise
        self._sync.publish(project)
        self._sync.start(project, checked, lock)
        return project

    def edit(
        self,
        project_id: uuid.UUID,
        *,
        name: str | None = None,
        targets: Sequence[str] | None = None,
        branch: str | None = None,
        app: str | None = None,
        configuration: str | None = None,
    ) -> Project:
        """Change a project; what is None stays. Its builds stay. Sync it afterwards.

        Args:
            targets: none of them has the sources say it, as of the next sync.
            branch: empty follows ``HEAD`` of the source.

        Raises:
            UsageError: one of them makes no sense, or there is no such project.
        """
        row_change = _row_change(name, targets, app, configuration)
        if branch:
            check_ref(branch)

        def change(project: Project) -> None:
            row_change(project)
            if branch is not None:
                project.branch, project.branch_chosen = branch or None, bool(branch)
                project.tip = ""

        changed = store_projects.change_project(self._store, project_id, change)
        self._sync.publish(changed)
        return changed

    def change_source(
        self,
        project_id: uuid.UUID,
        source: Source,
        check: Callable[[Survey], Sequence[str] | None],
        *,
        branch: str | None = None,
        name: str | None = None,
        app: str | None = None,
        configuration: str | None = None,
        cancel: CancelToken | None = None,
    ) -> Project:
        """Have a project follow another source; its builds, with their commits, stay.

        Returns when the source is cloned. Where anything fails, nothing has changed.

        Args:
            check: is given what the source has; returns the chips (None for those it had, none
                has the sources say it), or raises.
            branch: empty follows ``HEAD`` of the source; None the branch chosen before.
            name, app, configuration: as :meth:`edit` takes them.
            cancel: ends it early.

        Raises:
            UsageError: one of them is not valid, the source has no such branch, or a run of the
                project has not ended.
            ToolError: the source cannot be read.
            CancelledError: it was told to stop.
        """
        if branch:
            check_ref(branch)
        _row_change(name, None, app, configuration)  # before anything is fetched

        def settle(found: Survey) -> Callable[[Project], None]:
            return _row_change(name, check(found), app, configuration, found)

        return self._source_change.make(
            project_id, source, branch, settle, cancel=cancel or CancelToken()
        )

    def survey(self, project_id: uuid.UUID) -> Survey:
        """What there is to build in a project's repository, at the commit that it follows.

        Raises:
            UsageError: there is no such project.
            ToolError: it is not cloned.
        """
        project = store_projects.get_project(self._store, project_id)
        clone = Path(project.clone_path)
        return survey_commit(clone, resolve(clone, HEAD, head=tip_of(project)).sha)

    def variants(self, project_id: uuid.UUID) -> tuple[Variant, ...]:
        """Every way to build a project: its chips, each with the configurations that are for it.

        A project for which a person chose a configuration has that one alone.

        Raises:
            UsageError: there is no such project, or its chip is not known.
            ToolError: it is not cloned.
        """
        project = store_projects.get_project(self._store, project_id)
        found = variants_of(project, self.survey(project_id).app(project.app))
        if not found:
            raise UsageError(self.lack_of_chip(project_id))
        return found

    def lack_of_chip(self, project_id: uuid.UUID) -> str:
        """Why the chip of a project is not known, and what to do; one line.

        Raises:
            UsageError: there is no such project.
            ToolError: it is not cloned.
        """
        project = store_projects.get_project(self._store, project_id)
        clone = Path(project.clone_path)
        sha = resolve(clone, HEAD, head=tip_of(project)).sha
        return f"{project.name}: {lack_of_chip(clone, sha, project.app)}"

    def check_menuconfig(self, project_id: uuid.UUID) -> str:
        """Look whether a project has a menu of options here; nothing is configured yet.

        Returns:
            Why its commit has none, whatever is installed here; empty where it has one.

        Raises:
            UsageError: there is no such project, or its chip is not known.
            MissingToolError: ESP-IDF is not there, or cannot build for its chip.
            ToolError: it is not cloned.
        """
        from engine.projects import menuconfig

        found = self.commit(project_id, None, fresh=False)
        return menuconfig.check(found.project, found.commit.sha)

    def menuconfig(
        self,
        project_id: uuid.UUID,
        *,
        cancel: CancelToken | None = None,
        in_terminal: InTerminal = lambda run: run(),
    ) -> ConfigurationEdit:
        """Change the configuration of a project, at the commit that it follows, in this terminal.

        Nothing is written to the project: see :meth:`write`.

        Args:
            cancel: ends the configuring before and after the menu.
            in_terminal: calls what it is given once the terminal is free for the menu.

        Raises:
            UsageError: there is no such project.
            MissingToolError: ESP-IDF is not there.
            ToolError: it is not cloned, is none of ESP-IDF, or cannot be configured.
            CancelledError: as ``cancel`` says.
        """
        from engine.projects import menuconfig

        found = self.commit(project_id, None, fresh=False)
        cancel = cancel or CancelToken()
        forget = self._closing.on_stop(cancel.cancel)
        try:
            return menuconfig.menuconfig(
                found.project, found.commit.sha, self._slots, cancel, in_terminal
            )
        finally:
            forget()

    def write(self, project_id: uuid.UUID, edited: ConfigurationEdit) -> Path:
        """Write what was configured into the folder that a project was added from.

        Raises:
            UsageError: as :func:`engine.projects.menuconfig.write`.
        """
        from engine.projects import menuconfig

        return menuconfig.write(store_projects.get_project(self._store, project_id), edited)

    def commit(
        self,
        project_id: uuid.UUID,
        revision: str | None,
        *,
        fresh: bool = True,
        dirty: bool = False,
        cancel: CancelToken | None = None,
    ) -> LocatedCommit:
        """The commit that a revision names now, at the project's source.

        Args:
            revision: as :func:`engine.projects.revisions.resolve` has it; also a commit that no
                branch has, by its whole hash, and a whole ref such as ``refs/pull/7/head``. None
                is what the project follows.
            fresh: whether to sync first, as far as the source can be reached.
            dirty: take the folder of the project as it is, with what is not committed.
            cancel: ends it early.

        Raises:
            UsageError: there is no such project or commit, or the project is not active; or it is
                not a folder of which a snapshot could be made.
            ToolError: it is not cloned, or no snapshot can be made.
        """
        return self._locator.find(
            project_id, revision, fresh=fresh, dirty=dirty, cancel=cancel or CancelToken()
        )

    def commits(self, project_id: uuid.UUID, revisions: str) -> CommitRange:
        """What a range of revisions names, in a project as it was synced last.

        Raises:
            UsageError, ToolError: as :func:`engine.projects.revisions.resolve_range`.
        """
        project = store_projects.get_project(self._store, project_id)
        return resolve_range(Path(project.clone_path), revisions, head=tip_of(project))

    def find_or_add(
        self,
        wanted: str,
        *,
        targets: Sequence[str] = (),
        app: str = "",
        configuration: str = "",
        branch: str | None = None,
    ) -> Project:
        """The project of this name or source; else a new one.

        Returns when the project is cloned or could not be.

        Args:
            wanted: a name, an id or its first digits, a Git URL or a path, also of an app in a
                repository.
            targets, app, configuration, branch: as :meth:`add` takes them, for a new one.

        Raises:
            UsageError: it is neither a project nor a repository, or both; or it could not be
                cloned, then nothing was added.
        """
        app, configuration = check_app(app), check_configuration(configuration)
        wanted = self._lookup.whole_id(wanted)
        if not names_a_source(wanted):
            self.get(wanted)  # a word: what is missing is a project, no folder
        found = store_projects.find_project(self._store, wanted)
        if found is not None and not looks_like_a_path(wanted):
            check_no_other_folder(found, wanted)
            if app and app != found.app:
                found = self._lookup.of_app(found.source, app, configuration)
                wanted = found.source if found else self.get(wanted).source
        else:
            source = check_source(wanted)
            app = app or self._lookup.app_around(source)
            found = self._lookup.of_app(source.url, app, configuration)
            wanted = source.url
        if found is not None:
            return self.resume(found.id)
        added = self.wait(
            self.add(
                wanted, targets=targets, app=app, configuration=configuration, branch=branch
            ).id
        )
        if added.status is ProjectStatus.ERROR:
            self.remove(added.id)  # a mistake in a URL leaves no project behind
            raise UsageError(added.status_detail)
        return added

    def sync(self, project_id: uuid.UUID) -> None:
        """Fetch, and follow the source, in a thread; what has no clone is cloned anew.

        Raises:
            UsageError: there is no such project, or it is being cloned or synced now.
        """
        lock = self._jobs.lock_of(project_id)
        if self._jobs.is_working(project_id) or not lock.acquire():
            name = store_projects.get_project(self._store, project_id).name
            raise ConflictError(f"{name} is being cloned or synced already")
        try:
            project = store_projects.get_project(self._store, project_id)
            source = check_source(project.source)
        except EspdeckError:
            lock.release()
            raise
        self._sync.start(project, source, lock)

    def is_syncing(self, project_id: uuid.UUID) -> bool:
        """Whether this process clones or syncs a project now."""
        return self._jobs.is_working(project_id)

    def resume(self, project_id: uuid.UUID, timeout: float | None = None) -> Project:
        """Wait for a project to be imported; an import that was interrupted is begun again.

        Args:
            timeout: seconds; None for as long as it takes.

        Raises:
            UsageError: there is no such project.
        """
        if self.get(str(project_id)).status_detail == INTERRUPTED:
            with contextlib.suppress(UsageError):  # somebody else does
                self.sync(project_id)
        return self.wait(project_id, timeout)

    def remove(self, project_id: uuid.UUID) -> None:
        """Forget a project, with its worktrees, builds, tasks and logs, and a clone of its own.

        Raises:
            UsageError: a build of it has not ended.
        """
        project = store_projects.get_project(self._store, project_id)
        store_projects.check_idle(self._store, project_id)  # before its sync is cancelled
        self._jobs.cancel(project_id)
        lock = self._jobs.lock_of(project_id)
        if not lock.acquire():
            raise ConflictError(
                f"{project.name} is being cloned or synced: try again when it is done"
            )
        try:
            # A negative limit is none in SQLite.
            kept = store_runs.list_runs(self._store, kind=None, project_id=project_id, limit=-1)
            store_projects.remove_project(self._store, project_id)
            self._sync.publish(project, removed=True)
            for build in kept:
                if build.artifacts_path:
                    tree.delete(Path(build.artifacts_path))
            self._clones.remove_of(project)
            lock.path.unlink(missing_ok=True)
        finally:
            lock.release()

    def usage(self) -> tuple[disk.DiskUsage, ...]:
        """What each source takes of the disk, the largest first. Takes seconds."""
        return disk.measure(self._store, self._slots)

    def make_room(self, *, unused_for: float, cancel: CancelToken | None = None) -> disk.FreedSpace:
        """Delete what can be made again; see :func:`engine.projects.disk.make_room`."""
        return disk.make_room(
            self._store,
            self._slots,
            self._folder,
            unused_for=unused_for,
            cancel=cancel or CancelToken(),
        )

    def removable(self, *, unused_for: float) -> disk.FreedSpace:
        """What :meth:`make_room` would delete; see :func:`engine.projects.disk.removable`."""
        return disk.removable(self._store, self._slots, self._folder, unused_for=unused_for)

    def wait(self, project_id: uuid.UUID, timeout: float | None = None) -> Project:
        """Wait until a project is neither cloned nor synced here, or ``timeout`` seconds.

        Returns:
            The project as it then stands.
        """
        self._jobs.wait(project_id, timeout)
        return store_projects.get_project(self._store, project_id)

    def recover(self) -> None:
        """Say of projects that a dead process was importing that they are not imported.

        May be called at any time and again: what a process works on, this or another, is left
        alone.
        """
        for project in self.list():
            if project.status is ProjectStatus.PENDING:
                self._sync.recover(project.id)

    def close(self) -> None:
        """Stop cloning, syncing and configuring."""
        self._closing.cancel()
        self._jobs.close()

    def _free_name(self, wanted: str) -> str:
        taken = {project.name for project in self.list()}
        name, number = wanted, 2
        while name in taken:
            name, number = f"{wanted}-{number}", number + 1
        return name


def _row_change(
    name: str | None,
    targets: Sequence[str] | None,
    app: str | None,
    configuration: str | None,
    found: Survey | None = None,
) -> Callable[[Project], None]:
    """What changes a project's row; None stays.

    Args:
        found: has the chips where ``targets`` are none; None where nobody has looked yet.

    Raises:
        UsageError: one of them is not valid.
    """
    chips = check_targets(targets) if targets is not None else None
    new_name = check_name(name) if name is not None else None
    new_app = check_app(app) if app is not None else None
    new_configuration = check_configuration(configuration) if configuration is not None else None

    def change(project: Project) -> None:
        project.name = project.name if new_name is None else new_name
        project.app = project.app if new_app is None else new_app
        if new_configuration is not None:
            project.configuration = new_configuration
        if chips is not None:
            known = found.targets(project.app) if found is not None else []
            project.targets = chips or known
            project.target = project.targets[0] if project.targets else ""

    return change
