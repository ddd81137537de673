"""What a build slot holds: a worktree of one commit, and build folders beside it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.cancel import CancelToken
from engine.errors import ToolError
from engine.projects.future_builds import remove_future_builds
from engine.projects.git import explain, lock_config, read_git, run_git
from engine.projects.patches import tree_with
from engine.source import tree as source_tree
from engine.source.editable_tree import EditableTree

_BUILDS = "build-*"
_ID_DIGITS = 8  # of a project's id: among projects of one repository enough

_REGULAR_FILE_MODES = ("100644 ", "100755 ")
"""How Git begins to tell of a file that is no link and no submodule."""

_NO_LFS_OPTIONS = (
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
        opened: paths that patches may change whatever their names say.
    """

    folder: Path
    cancel: CancelToken
    opened: frozenset[str] = frozenset()

    @property
    def source(self) -> Path:
        """The worktree."""
        return self.folder / "src"

    def build_dir(self, project: str, target: str, configuration: str = "") -> Path:
        """Where to build; kept between builds."""
        return self.folder / build_name(project, target, configuration)

    @property
    def tree(self) -> EditableTree:
        """What of the worktree may be changed.

        Raises:
            ToolError: Git cannot say.
        """
        files, closed = set[str](), set[str]()
        for entry in filter(None, self._read("ls-files", "--stage", "-z").split("\0")):
            facts, _, name = entry.partition("\t")
            (files if facts.startswith(_REGULAR_FILE_MODES) else closed).add(name)
        return EditableTree(self.source, frozenset(files), frozenset(closed), self.opened)

    def apply(self, patch: str) -> None:
        """Apply a unified diff to the worktree as it is.

        It may change lines of tracked files and make files, whose names say nothing against it
        (:mod:`engine.source.file_policy`), and nothing else.

        Raises:
            ToolError: it does not apply, leaves the worktree, or does more than that. Nothing was
                changed then.
        """
        remove_future_builds(self.folder, _BUILDS, cancel=self.cancel)
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
        remove_future_builds(self.folder, _BUILDS, cancel=self.cancel)
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
        return self._diff("HEAD")

    def diff_between(self, before: str, after: str) -> str:
        """What differs between the commit with one patch and the commit with another.

        Args:
            before, after: unified diffs against the commit.

        Raises:
            ToolError: one does not apply.
        """
        trees = (
            tree_with(self.source, "HEAD", patch, self.folder, cancel=self.cancel)
            for patch in (before, after)
        )
        return self._diff(*trees)

    def _diff(self, *what: str) -> str:
        plain = ("--no-color", "--no-ext-diff", "--no-textconv", "--no-renames")
        prefixes = ("--src-prefix=a/", "--dst-prefix=b/", "--ignore-submodules=all")
        names = ("-c", "core.quotePath=off")
        return self._read(*names, "diff", *plain, *prefixes, *what, "--")

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
            reason = tree.write_refusal(name)
            if name not in tree.files:
                made.append(name)
                if os.path.lexists(self.source / name):
                    reason = reason or "exists, but Git does not track it"
            if reason:
                raise ToolError(f"the patch changes {explain(name)}, which {reason}")
        return made

    def _read(self, *arguments: str) -> str:
        return read_git(self.source, *arguments)


def build_name(project: str, target: str, configuration: str = "") -> str:
    """The name of a folder that a project is built in, for a chip and a configuration.

    Args:
        project: its id.
        target, configuration: untrusted; without a target it is how all of the project's begin.
    """
    start = f"build-{plain(project)[:_ID_DIGITS]}-"
    if not configuration:
        return f"{start}{plain(target) if target else ''}"
    # Names of environments may have any characters, and be of any length.
    told = re.sub(r"[^A-Za-z0-9_]+", "-", configuration)[:40]
    mark = hashlib.sha256(configuration.encode("utf-8", "replace")).hexdigest()[:6]
    return f"{start}{plain(target)}-{told}-{mark}"


def plain(name: str) -> str:
    """A name, if it is a path of one part below where it is put.

    Raises:
        ToolError: it is something else.
    """
    if not _PLAIN_NAME.fullmatch(name):
        raise ToolError(f"{name!r} cannot be the name of a folder")
    return name


def check_out(clone: Path, slot: Slot, sha: str) -> None:
    """Make a slot's worktree one of a clone's commits; a build's folders beside it stay.

    Raises:
        ToolError: the commit cannot be checked out, or a link leaves the worktree.
    """
    git = ["-C", str(slot.source)]
    if remove_future_builds(slot.folder, _BUILDS, cancel=slot.cancel):
        source_tree.delete(slot.source)
    entry = _entry(clone, slot)
    if entry is None:
        _add(clone, slot, sha)
    else:
        # What a killed process left; the slot is ours alone.
        for stale in entry.glob("*.lock"):
            stale.unlink(missing_ok=True)
        try:
            words = ["checkout", "--force", "--detach", sha, "--"]
            run_git([*_NO_LFS_OPTIONS, *git, *words], cancel=slot.cancel)
        except ToolError:
            # A damaged index, or a worktree that something else took for its own.
            _add(clone, slot, sha)
    run_git([*git, "clean", "-ffdxq"], cancel=slot.cancel)
    check_links(slot.source)


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
    source_tree.delete(slot.source)
    git = ["-C", str(clone), "worktree"]
    with lock_config(clone, cancel=slot.cancel):  # worktrees share the clone's configuration
        run_git([*git, "prune"], cancel=slot.cancel)
        words = ["add", "--force", "--detach", "--", str(slot.source), sha]
        run_git([*_NO_LFS_OPTIONS, *git, *words], cancel=slot.cancel)


def check_links(source: Path) -> None:
    """A link in a repository may lead anywhere: a build must not read or write through it.

    Raises:
        ToolError: there is a link that leaves the tree.
    """
    root = source.resolve()
    for entry in source_tree.below(root):
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
