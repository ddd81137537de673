"""What projects take of the disk, and making room: clones, worktrees, build folders, artifacts."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from engine.cancel import CancelToken
from engine.errors import EspdeckError
from engine.file_lock import FileLock
from engine.projects import git
from engine.projects.jobs import fetch_lock
from engine.projects.slots import Slots
from engine.source import tree
from engine.store import projects as store_projects
from engine.store import runs as store_runs
from engine.store.database import Store
from engine.store.tables import Project

_GC_TIMEOUT_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class DiskUsage:
    """What one source takes, in bytes.

    Args:
        source: may hold a password.
        projects: names of the projects that share its clone.
        clone: the repository.
        worktrees: what is checked out of it.
        builds: build folders, of all its projects.
        artifacts: what builds and tasks kept.
    """

    source: str
    projects: tuple[str, ...]
    clone: int
    worktrees: int
    builds: int
    artifacts: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.clone + self.worktrees + self.builds + self.artifacts


@dataclass(frozen=True, slots=True)
class FreedSpace:
    """What making room came to: bytes, and what was deleted, for people, one line each."""

    bytes: int
    removed: tuple[str, ...]


def measure(store: Store, slots: Slots) -> tuple[DiskUsage, ...]:
    """What each source takes, the largest first. Walks through all of it: seconds."""
    shared: dict[str, list[Project]] = {}
    for project in store_projects.all_projects(store):
        shared.setdefault(project.clone_path, []).append(project)
    found = []
    for path, projects in shared.items():
        clone = Path(path)
        everything = sum(map(tree.size, slots.folders(clone)))
        builds = sum(
            tree.size(folder) for each in projects for folder in slots.builds(clone, str(each.id))
        )
        found.append(
            DiskUsage(
                source=projects[0].source,
                projects=tuple(each.name for each in projects),
                clone=tree.size(clone),
                worktrees=everything - builds,
                builds=builds,
                artifacts=_artifacts(store, projects),
            )
        )
    return tuple(sorted(found, key=lambda each: -each.total))


def make_room(
    store: Store, slots: Slots, clones: Path, *, unused_for: float, cancel: CancelToken
) -> FreedSpace:
    """Delete what can be made again: worktrees with their build folders, clones of no project.

    What builds kept, and every commit that a build was of, stays.

    Args:
        clones: the folder of the clones.
        unused_for: seconds for which nothing was built in a worktree that goes.

    Raises:
        CancelledError, Interrupted: as ``cancel`` says.
    """
    folders = [*clones.iterdir()] if clones.is_dir() else []
    before = sum(map(tree.size, folders)) + slots.size()
    removed = []
    if count := slots.remove_unused(unused_for):
        removed.append(f"worktrees and build folders: {count}")
    for clone in sorted(path for path in folders if path.is_dir()):
        cancel.check()
        if _remove_unwanted(store, clone):
            removed.append(f"clone that no project has: {clone.name}")
            continue
        with contextlib.suppress(EspdeckError):
            at = ["-C", str(clone)]
            git.run_git([*at, "worktree", "prune"], cancel=cancel)
            words = ["-c", "gc.auto=1", "gc", "--quiet", "--prune=2.weeks.ago"]
            git.run_git([*at, *words], cancel=cancel, timeout=_GC_TIMEOUT_SECONDS)
    after = sum(map(tree.size, folders)) + slots.size()
    return FreedSpace(max(0, before - after), tuple(removed))


def removable(store: Store, slots: Slots, clones: Path, *, unused_for: float) -> FreedSpace:
    """What :func:`make_room` would delete now; what Git packs closer is not counted."""
    folders = slots.unused(unused_for)
    unwanted = [
        path
        for path in (sorted(clones.iterdir()) if clones.is_dir() else ())
        if path.is_dir() and not store_projects.projects_in(store, str(_whole(path)))
    ]
    lines = [f"worktrees and build folders: {len(folders)}"] if folders else []
    lines += [f"clone that no project has: {path.name}" for path in unwanted]
    return FreedSpace(sum(map(tree.size, (*folders, *unwanted))), tuple(lines))


def _whole(clone: Path) -> Path:
    """The clone that a folder is, or is the beginning of."""
    return clone.with_name(clone.name.removeprefix(".").removesuffix(".part"))


def _remove_unwanted(store: Store, clone: Path) -> bool:
    """Delete a clone, or what was begun of one, that no project has; whether it did."""
    whole = _whole(clone)
    locks = [fetch_lock(whole), FileLock(git.lock_of(whole))]
    try:
        # A project is written down first, and then cloned: with both it cannot come in between.
        if not all(lock.acquire() for lock in locks):
            return False
        if store_projects.projects_in(store, str(clone)):
            return False
        tree.delete(clone)
        return True
    finally:
        for lock in locks:
            lock.release()


def _artifacts(store: Store, projects: list[Project]) -> int:
    seen: set[tuple[int, int]] = set()
    total = 0
    for project in projects:
        # A negative limit is none in SQLite.
        runs = store_runs.list_runs(store, kind=None, project_id=project.id, limit=-1)
        total += sum(
            tree.size(Path(run.artifacts_path), seen) for run in runs if run.artifacts_path
        )
    return total
