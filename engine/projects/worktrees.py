"""Build slots: worktrees at paths that stay, so that the next build is incremental.

Worktrees are of a clone, which all projects of one source share; each project builds beside them in
folders of its own, one for each chip and configuration.

CMake ties a build directory to its source path. So a build does not get a new folder but a slot
that nobody else uses meanwhile, with a worktree of exactly its commit; Git leaves files that did
not change untouched, and the build directory beside it stays.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.cancel import CancelToken
from engine.errors import ToolError
from engine.lock import FileLock
from engine.projects import trees
from engine.projects.git import alone, explain, read_git, run_git
from engine.projects.patches import tree_with
from engine.projects.revisions import resolve
from engine.repair.edits import Tree, unreachable
from engine.repair.paths import why_not

_MAX_SLOTS = 64
_ID_DIGITS = 8  # of a project's id: among projects of one repository enough

_REGULAR = ("100644 ", "100755 ")
"""How Git begins to tell of a file that is no link and no submodule."""

_POINTERS = (
    *("-c", "filter.lfs.smudge="),
    *("-c", "filter.lfs.process="),
    *("-c", "filter.lfs.required=false"),
)
"""Options of a checkout that leaves pointers of Git LFS as they are, also where the person's
configuration asks for git-lfs and there is none: :mod:`engine.projects.lfs` fetches and tells."""

_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


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

    def build_dir(self, project: str, target: str, configuration: str = "") -> Path:
        """Where to build; kept between builds."""
        return self.folder / build_name(project, target, configuration)

    @property
    def tree(self) -> Tree:
        """What of the worktree may be changed.

        Raises:
            ToolError: Git cannot say.
        """
        files, closed = set[str](), set[str]()
        for entry in filter(None, self._read("ls-files", "--stage", "-z").split("\0")):
            facts, _, name = entry.partition("\t")
            (files if facts.startswith(_REGULAR) else closed).add(name)
        return Tree(self.source, frozenset(files), frozenset(closed))

    def apply(self, patch: str) -> None:
        """Apply a unified diff to the worktree as it is.

        It may change lines of tracked files and make files, whose names say nothing against it
        (:func:`engine.repair.paths.why_not`), and nothing else.

        Raises:
            ToolError: it does not apply, leaves the worktree, or does more than that. Nothing was
                changed then.
        """
        with self._checked(patch) as (path, made):
            command = ["-C", str(self.source), "apply", "--whitespace=nowarn", "--", str(path)]
            run_git(command, cancel=self.cancel)
            if made:  # Else Git would not tell them from what a build left.
                command = ["-C", str(self.source), "add", "--intent-to-add", "--force", "--"]
                run_git([*command, *made], cancel=self.cancel)
        check_links(self.source)

    def become(self, patch: str) -> None:
        """Make the worktree the commit and a patch, whatever it is now.

        Files that are right already are not touched, so that builds stay incremental; what a build
        made of tracked files is undone, and what it left beside them stays.

        Args:
            patch: unified diff against the commit, under the rules of :meth:`apply`; empty for the
                commit itself.

        Raises:
            ToolError: it does not apply to the commit. Nothing was changed then.
        """
        if self.diff() == patch:
            return
        with self._checked(patch):
            tree = tree_with(self.source, "HEAD", patch, self.folder, cancel=self.cancel)
            command = ["-C", str(self.source), "read-tree", "--reset", "-u", tree]
            run_git(command, cancel=self.cancel)
        check_links(self.source)

    def diff(self) -> str:
        """What differs from the commit, as a unified diff; text may hold lone surrogates.

        Raises:
            ToolError: Git cannot say.
        """
        plain = ("--no-color", "--no-ext-diff", "--no-textconv", "--no-renames")
        prefixes = ("--src-prefix=a/", "--dst-prefix=b/", "--ignore-submodules=all")
        names = ("-c", "core.quotePath=off")
        return self._read(*names, "diff", *plain, *prefixes, "HEAD", "--")

    @contextlib.contextmanager
    def _checked(self, patch: str) -> Iterator[tuple[Path, Sequence[str]]]:
        """The patch as a file, and the files that it makes, if it does nothing that it must not."""
        path = self.folder / "apply.patch"
        path.write_bytes(patch.encode("utf-8", "surrogateescape"))
        try:
            yield path, self._check_patch(path) if patch else ()
        finally:
            path.unlink(missing_ok=True)

    def _check_patch(self, path: Path) -> Sequence[str]:
        summary = self._read("apply", "--summary", "--", str(path)).split("\n")
        for line in filter(None, summary):
            if not line.startswith(" create mode 100644 "):
                raise ToolError(f"the patch does more than change lines: {explain(line)}")
        tree, made = self.tree, []
        counts = self._read("apply", "--numstat", "-z", "--", str(path))
        for entry in filter(None, counts.split("\0")):
            name = entry.split("\t", 2)[-1]
            reason = why_not(name) or unreachable(name, tree)
            if name not in tree.files:
                made.append(name)
                if os.path.lexists(self.source / name):
                    reason = reason or "is there, but not tracked"
            if reason:
                raise ToolError(f"the patch changes {explain(name)}, which {reason}")
        return made

    def _read(self, *arguments: str) -> str:
        return read_git(self.source, *arguments)


class Slots:
    """The slots of every project; the lowest free one is taken.

    A slot is held by a lock on a file, so it is free again when its process is gone, and threads
    and processes never share one.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def take(
        self, clone: Path, sha: str, *, build: str = "", cancel: CancelToken
    ) -> Iterator[Slot]:
        """Hold a slot with a worktree of one commit, without what its submodules have.

        Args:
            clone: the repository; its name names the slots' folder.
            sha: the commit, whole.
            build: name of a build folder (:func:`build_name`): a free slot that has it goes first.

        Raises:
            ToolError: the commit cannot be checked out, or a link leaves the worktree.
            UsageError: the clone has no such commit.
        """
        commit = resolve(clone, sha).sha
        lock, folder = self._free(_plain(clone.stem), build)
        try:
            slot = Slot(folder, cancel)
            _check_out(clone, slot, commit)
            check_links(slot.source)
            yield slot
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
        lock, folder = self._free(_plain(name))
        try:
            slot = Slot(folder, cancel)
            trees.delete(slot.source)
            run_git(["init", "--quiet", "--", str(slot.source)], cancel=cancel)
            who = ("-c", "user.name=espdeck", "-c", "user.email=espdeck@localhost")
            commit = ("commit", "--quiet", "--allow-empty", "--no-gpg-sign", "-m", "Nothing yet")
            run_git(["-C", str(slot.source), *who, *commit], cancel=cancel)
            yield slot
        finally:
            trees.delete(folder.parent)
            lock.release()

    def sources(self, clone: Path) -> Sequence[Path]:
        """The worktrees of a clone, those of slots that were taken so far."""
        return [slot.source for slot in map(_unheld, self.folders(clone)) if slot.source.is_dir()]

    def folders(self, clone: Path) -> Sequence[Path]:
        """The folders of a clone's slots."""
        every = (self._folder / _plain(clone.stem) / str(number) for number in range(_MAX_SLOTS))
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
        trees.delete(self._folder / _plain(clone.stem))

    def size(self) -> int:
        """Bytes that all slots take."""
        return trees.size(self._folder)

    def remove_unused(self, seconds: float) -> int:
        """Delete slots that no build holds, nor has held for that long; how many these were."""
        removed, now = 0, time.time()
        for folder in sorted(self._folder.glob("*/*")):
            lock = FileLock(folder / "lock")
            # Who takes the lock writes into it.
            try:
                used = lock.path.stat().st_mtime
            except OSError:
                used = 0.0
            if not folder.is_dir() or now - used < seconds or not lock.acquire():
                continue
            try:
                trees.delete(folder)
                removed += 1
            finally:
                lock.release()
        return removed

    def _free(self, name: str, build: str = "") -> tuple[FileLock, Path]:
        with self._lock:
            # Others must not read what is checked out.
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folders = [self._folder / name / str(number) for number in range(_MAX_SLOTS)]
            if build:
                folders.sort(key=lambda folder: not (folder / build).is_dir())
            for folder in folders:
                lock = FileLock(folder / "lock")
                if lock.acquire():
                    return lock, folder
        raise ToolError(f"{_MAX_SLOTS} builds of one repository at once: wait for one to end")


def build_name(project: str, target: str, configuration: str = "") -> str:
    """The name of a folder that a project is built in, for a chip and a configuration.

    Args:
        project: its id.
        target, configuration: untrusted; without a target it is how all of the project's begin.
    """
    start = f"build-{_plain(project)[:_ID_DIGITS]}-"
    if not configuration:
        return f"{start}{_plain(target) if target else ''}"
    # Names of environments may have any characters, and be of any length.
    told = re.sub(r"[^A-Za-z0-9_]+", "-", configuration)[:40]
    mark = hashlib.sha256(configuration.encode("utf-8", "replace")).hexdigest()[:6]
    return f"{start}{_plain(target)}-{told}-{mark}"


def _unheld(folder: Path) -> Slot:
    return Slot(folder, CancelToken())


def _plain(name: str) -> str:
    """A name that is a path of one part below where it is put."""
    if not _PLAIN_NAME.fullmatch(name):
        raise ToolError(f"{name!r} cannot be the name of a folder")
    return name


def _check_out(clone: Path, slot: Slot, sha: str) -> None:
    git = ["-C", str(slot.source)]
    entry = _entry(clone, slot)
    if entry is None:
        _add(clone, slot, sha)
    else:
        # What a killed process left; the slot is ours alone.
        for stale in entry.glob("*.lock"):
            stale.unlink(missing_ok=True)
        try:
            words = ["checkout", "--force", "--detach", sha, "--"]
            run_git([*_POINTERS, *git, *words], cancel=slot.cancel)
        except ToolError:
            # A damaged index, or a worktree that something else took for its own.
            _add(clone, slot, sha)
    run_git([*git, "clean", "-ffdxq"], cancel=slot.cancel)


def _entry(clone: Path, slot: Slot) -> Path | None:
    """The folder in which this clone keeps the worktree, None when it is not its worktree."""
    try:
        word, _, text = (slot.source / ".git").read_text("utf-8").partition(": ")
    except (OSError, UnicodeDecodeError):
        return None
    entry = Path(text.strip())
    known = word == "gitdir" and entry.parent.resolve() == (clone / "worktrees").resolve()
    return entry if known and entry.is_dir() else None


def _add(clone: Path, slot: Slot, sha: str) -> None:
    trees.delete(slot.source)
    git = ["-C", str(clone), "worktree"]
    with alone(clone, cancel=slot.cancel):  # worktrees share the clone's configuration
        run_git([*git, "prune"], cancel=slot.cancel)
        words = ["add", "--force", "--detach", "--", str(slot.source), sha]
        run_git([*_POINTERS, *git, *words], cancel=slot.cancel)


def check_links(source: Path) -> None:
    """A link in a repository may lead anywhere: a build must not read or write through it.

    Raises:
        ToolError: there is a link that leaves the tree.
    """
    root = source.resolve()
    for entry in trees.below(root):
        if not entry.is_symlink():
            continue
        link = Path(entry.path)
        try:
            inside = link.resolve().is_relative_to(root)
        except (OSError, RuntimeError):
            inside = False
        if not inside:
            name = explain(str(link.relative_to(root)))
            raise ToolError(f"{name}: a link that leaves the repository is refused")
