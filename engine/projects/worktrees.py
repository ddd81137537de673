"""Build slots: worktrees at paths that stay, so that the next build is incremental.

CMake ties a build directory to its source path. So a build does not get a new folder but a slot
that nobody else uses meanwhile, with a worktree of exactly its commit; Git leaves files that did
not change untouched, and the build directory beside it stays.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.cancel import CancelToken
from engine.errors import ToolError
from engine.lock import FileLock
from engine.projects.git import open_repository, run_git

_MAX_SLOTS = 64


@dataclass(frozen=True, slots=True)
class Slot:
    """A place to build in, held by one build.

    Args:
        folder: the slot's folder.
        cancel: ends what Git does in it.
    """

    folder: Path
    cancel: CancelToken

    @property
    def source(self) -> Path:
        """The worktree."""
        return self.folder / "src"

    def build_dir(self, target: str) -> Path:
        """Where to build for a chip; kept between builds."""
        return self.folder / f"build-{target}"

    def apply(self, patch: str) -> None:
        """Apply a unified diff to the worktree.

        Raises:
            ToolError: it does not apply, or leaves the worktree.
        """
        path = self.folder / "apply.patch"
        path.write_text(patch, "utf-8")
        try:
            run_git(["-C", str(self.source), "apply", "--", str(path)], cancel=self.cancel)
        finally:
            path.unlink(missing_ok=True)


class Slots:
    """The slots of every project; the lowest free one is taken."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def take(self, project: str, clone: Path, sha: str, *, cancel: CancelToken) -> Iterator[Slot]:
        """Hold a slot with a worktree of one commit.

        Raises:
            ToolError: the commit cannot be checked out, or a link in it leaves the worktree.
        """
        lock, folder = self._free(project)
        try:
            slot = Slot(folder, cancel)
            _check_out(clone, slot, sha)
            yield slot
        finally:
            lock.release()

    def remove(self, project: str) -> None:
        """Delete every slot of a project."""
        shutil.rmtree(self._folder / project, ignore_errors=True)

    def _free(self, project: str) -> tuple[FileLock, Path]:
        with self._lock:
            for number in range(_MAX_SLOTS):
                folder = self._folder / project / str(number)
                lock = FileLock(folder / "lock")
                if lock.acquire():
                    return lock, folder
        raise ToolError(f"{_MAX_SLOTS} builds of one project at once: wait for one to end")


def _check_out(clone: Path, slot: Slot, sha: str) -> None:
    source = slot.source
    with open_repository(clone):
        pass
    git = ["-C", str(source)]
    if (source / ".git").is_file():
        # What a killed process left; the slot is ours alone.
        for stale in (clone / "worktrees").glob("*/index.lock"):
            if (stale.parent / "gitdir").read_text().strip() == str(source / ".git"):
                stale.unlink(missing_ok=True)
        try:
            run_git([*git, "checkout", "--force", "--detach", sha], cancel=slot.cancel)
        except ToolError:
            _add(clone, slot, sha)
    else:
        _add(clone, slot, sha)
    run_git([*git, "clean", "-ffdx"], cancel=slot.cancel)
    _check_links(source)


def _add(clone: Path, slot: Slot, sha: str) -> None:
    shutil.rmtree(slot.source, ignore_errors=True)
    git = ["-C", str(clone), "worktree"]
    run_git([*git, "prune"], cancel=slot.cancel)
    run_git(
        [*git, "add", "--force", "--detach", "--", str(slot.source), sha],
        cancel=slot.cancel,
        timeout=300.0,
    )


def _check_links(source: Path) -> None:
    """A link in a repository may lead anywhere: a build must not read or write through it."""
    root = source.resolve()
    for path in source.rglob("*"):
        if path.is_symlink() and not path.resolve().is_relative_to(root):
            name = path.relative_to(source)
            raise ToolError(f"{name}: a link that leaves the repository is refused")
