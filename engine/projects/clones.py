"""Where the clone of each source lies, and deleting one that no project needs any more."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

from engine.cancel import CancelToken
from engine.errors import EspdeckError
from engine.projects import git
from engine.projects.jobs import fetch_lock
from engine.projects.project_sync import ProjectSync
from engine.projects.slots import Slots
from engine.projects.sources import Source
from engine.source import tree
from engine.store import projects as store_projects
from engine.store.database import Store
from engine.store.tables import Project

_LOG = logging.getLogger("espdeck.projects")


class Clones:
    """The clones of a workspace: projects of one source share theirs.

    Args:
        folder: where they lie.
        slots: the worktrees that are made from them.
    """

    def __init__(self, store: Store, folder: Path, slots: Slots, sync: ProjectSync) -> None:
        self._store = store
        self._folder = folder
        self._slots = slots
        self._sync = sync

    def path_of(self, source: Source) -> Path:
        """Where the clone of a source is, or is to be."""
        for project in store_projects.projects_of(self._store, source.url):
            return Path(project.clone_path)
        key = hashlib.sha256(source.url.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        return self._folder / f"{key}.git"

    def remove_of(self, project: Project) -> None:
        """Delete what only this project needs of its clone, when its row names it no longer.

        What cannot be deleted is left, with a line in the log.
        """
        if not project.clone_path:
            return  # it was never cloned
        try:
            self._remove(project, Path(project.clone_path))
        except (EspdeckError, OSError) as error:
            _LOG.warning("%s is left over: %s", project.clone_path, error)

    def _remove(self, project: Project, clone: Path) -> None:
        with self._sync.locked_clone(clone, CancelToken()):
            if store_projects.projects_in(self._store, project.clone_path):
                for folder in self._slots.builds(clone, str(project.id)):
                    tree.delete(folder)
                return
            if clone.parent == self._folder:
                tree.delete(clone)
            self._slots.remove(clone)
            git.lock_of(clone).unlink(missing_ok=True)
            fetch_lock(clone).path.unlink(missing_ok=True)
