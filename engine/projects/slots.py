"""Build slots: worktrees at paths that stay, so that the next build is incremental.

Worktrees are of a clone, which all projects of one source share; each project builds beside them in
folders of its own, one for each chip and configuration.

CMake ties a build directory to its source path. So a build does not get a new folder but a slot
that nobody else uses meanwhile, with a worktree of exactly its commit; Git leaves files that did
not change untouched, and the build directory beside it stays.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from engine.cancel import CancelToken
from engine.errors import Interrupted, ToolError
from engine.file_lock import FileLock
from engine.files import read_file
from engine.projects.git import run_git
from engine.projects.revisions import resolve
from engine.projects.worktrees import Slot, build_name, check_out, plain
from engine.source import tree

_MAX_SLOTS = 64
_LOCK_FILE, _RUN_FILE = "lock", "run"
_MAX_RUN_DIGITS = 20


class Slots:
    """The slots of every project; the lowest free one is taken.

    A slot is held by a lock on a file, so it is free again when its process is gone, and threads
    and processes never share one. A run whose process is gone finds its slot as it left it: it is
    the run's until that has ended.
    """

    def __init__(self, folder: Path, is_unfinished: Callable[[int], bool]) -> None:
        """Know where they are; none is taken yet.

        Args:
            folder: where they are kept, a folder for each clone.
            is_unfinished: whether a run has not ended, by its number.
        """
        self._folder = folder
        self._is_unfinished = is_unfinished
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def take(
        self, clone: Path, sha: str, *, build: str = "", run: int | None = None, cancel: CancelToken
    ) -> Iterator[Slot]:
        """Hold a slot with a worktree of one commit, without what its submodules have.

        Args:
            clone: the repository; its name names the slots' folder.
            sha: the commit, whole.
            build: name of a build folder (:func:`build_name`): a free slot that has it goes first.
            run: number of the run that it is for. When that is interrupted, the slot waits for it.

        Raises:
            ToolError: the commit cannot be checked out, or a link leaves the worktree.
            UsageError: the clone has no such commit.
        """
        commit = resolve(clone, sha).sha
        lock, folder = self._free(plain(clone.stem), build, run)
        try:
            slot = Slot(folder, cancel)
            check_out(clone, slot, commit)
            yield slot
        except Interrupted:
            raise  # it goes on here
        except BaseException:
            _give_back(folder)
            raise
        else:
            _give_back(folder)
        finally:
            lock.release()

    @contextlib.contextmanager
    def empty(self, name: str, *, cancel: CancelToken) -> Iterator[Slot]:
        """Hold a slot of no project: its worktree has no files. It is deleted afterwards.

        Args:
            name: names the slot's folder; projects have other names.

        Raises:
            ToolError: it cannot be made.
        """
        lock, folder = self._free(plain(name))
        try:
            slot = Slot(folder, cancel)
            tree.delete(slot.source)
            run_git(["init", "--quiet", "--", str(slot.source)], cancel=cancel)
            who = ("-c", "user.name=espdeck", "-c", "user.email=espdeck@localhost")
            commit = ("commit", "--quiet", "--allow-empty", "--no-gpg-sign", "-m", "Nothing yet")
            run_git(["-C", str(slot.source), *who, *commit], cancel=cancel)
            yield slot
        finally:
            tree.delete(folder.parent)
            lock.release()

    def sources(self, clone: Path) -> Sequence[Path]:
        """The worktrees of a clone, those of slots that were taken so far."""
        return [
            slot.source for slot in map(_unheld_since, self.folders(clone)) if slot.source.is_dir()
        ]

    def folders(self, clone: Path) -> Sequence[Path]:
        """The folders of a clone's slots."""
        every = (self._folder / plain(clone.stem) / str(number) for number in range(_MAX_SLOTS))
        return [folder for folder in every if folder.is_dir()]

    def builds(self, clone: Path, project: str) -> Sequence[Path]:
        """The build folders of a project, in all of its clone's slots."""
        start = build_name(project, "", "")
        return [
            path
            for folder in self.folders(clone)
            for path in sorted(folder.glob(f"{start}*"))
            if path.is_dir() and not path.is_symlink()
        ]

    def remove(self, clone: Path) -> None:
        """Delete every slot of a clone."""
        tree.delete(self._folder / plain(clone.stem))

    def size(self) -> int:
        """Bytes that all slots take."""
        return tree.size(self._folder)

    def unused(self, seconds: float) -> Sequence[Path]:
        """Slots that wait for no run, and that none has held for so many seconds."""
        found, now = [], time.time()
        for folder in sorted(self._folder.glob("*/*")):
            # Who takes the lock writes into it.
            try:
                used = (folder / _LOCK_FILE).stat().st_mtime
            except OSError:
                used = 0.0
            if folder.is_dir() and now - used >= seconds and not self._is_kept(folder):
                found.append(folder)
        return found

    def remove_unused(self, seconds: float) -> int:
        """Delete slots that no build holds, nor has held for that long; how many these were."""
        removed = 0
        for folder in self.unused(seconds):
            lock = FileLock(folder / _LOCK_FILE)
            if not lock.acquire():
                continue
            try:
                tree.delete(folder)
                removed += 1
            finally:
                lock.release()
        return removed

    def _free(self, name: str, build: str = "", run: int | None = None) -> tuple[FileLock, Path]:
        with self._lock:
            # Others must not read what is checked out.
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folders = [self._folder / name / str(number) for number in range(_MAX_SLOTS)]
            owners = {folder: _waiting_run(folder) for folder in folders if folder.is_dir()}
            folders.sort(
                key=lambda folder: (
                    run is None or owners.get(folder) != run,
                    bool(build) and not (folder / build).is_dir(),
                )
            )
            for folder in folders:
                if owners.get(folder) != run and self._is_kept(folder):
                    continue
                lock = FileLock(folder / _LOCK_FILE)
                if lock.acquire():
                    _take(folder, run)
                    return lock, folder
        raise ToolError(f"{_MAX_SLOTS} builds of one repository at once: wait for one to end")

    def _is_kept(self, folder: Path) -> bool:
        """Whether a slot waits for a run that was interrupted."""
        owner = _waiting_run(folder)
        return owner is not None and self._is_unfinished(owner)


def _waiting_run(folder: Path) -> int | None:
    """The run that a slot was taken for last and that did not give it back; None for none."""
    try:
        text = read_file(folder / _RUN_FILE, _MAX_RUN_DIGITS).decode("ascii", "replace")
    except OSError:
        return None
    return int(text) if text.isascii() and text.isdigit() else None


def _take(folder: Path, run: int | None) -> None:
    _give_back(folder)
    if run is not None:
        # On a full disk it is held as long as this process is there.
        with contextlib.suppress(OSError):
            (folder / _RUN_FILE).write_text(str(run), "ascii")


def _give_back(folder: Path) -> None:
    (folder / _RUN_FILE).unlink(missing_ok=True)


def _unheld_since(folder: Path) -> Slot:
    return Slot(folder, CancelToken())
