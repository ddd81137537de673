"""Patches as Git knows them: the tree that one comes to, and a commit of it, without a worktree."""

from __future__ import annotations

import tempfile
from pathlib import Path

from engine import process
from engine.cancel import CancelToken
from engine.errors import ToolError
from engine.projects.git import explain, lock_config, run_git
from engine.projects.git_objects import sha_of
from engine.projects.sources import check_ref, is_commit
from engine.source.repository import open_repository


def commit_patch(
    path: Path, parent: str, patch: str, branch: str, message: str, *, cancel: CancelToken
) -> None:
    """Commit a patch on a new branch of a clone, as the person whom Git's configuration names.

    No worktree is needed, and none is touched.

    Args:
        parent: the commit that the patch is against.
        patch: unified diff; may hold lone surrogates.
        branch: must not be there yet.
        message: of the commit.

    Raises:
        ToolError: the patch does not apply, the branch is there, or Git does not know who commits.
    """
    name = f"refs/heads/{check_ref(branch)}"
    with tempfile.TemporaryDirectory(prefix="espdeck-") as folder, lock_config(path, cancel=cancel):
        tree = tree_with(path, parent, patch, Path(folder), cancel=cancel)
        text = Path(folder) / "message"
        text.write_text(message, "utf-8", errors="replace")
        git = ["-C", str(path)]
        # Else Git makes an address up from the names of user and machine.
        words = ["-c", "user.useConfigOnly=true", "commit-tree", tree, "-p", parent]
        commit = hash_of(run_git([*git, *words, "-F", str(text)], cancel=cancel))
        run_git([*git, "update-ref", name, commit, "0" * len(commit)], cancel=cancel)


def has_patch(path: Path, parent: str, patch: str, branch: str, *, cancel: CancelToken) -> bool:
    """Whether a branch of a clone is there, and is a commit and a patch.

    Args:
        parent: the commit that the patch is against.
        patch: unified diff.

    Raises:
        ToolError: the clone is gone, or the patch does not apply.
    """
    with open_repository(path) as repository:
        sha = sha_of(repository, f"refs/heads/{check_ref(branch)}")
        if sha is None:
            return False
        theirs = str(repository.git.execute(["git", "rev-parse", f"{sha}^{{tree}}"]))
    with tempfile.TemporaryDirectory(prefix="espdeck-") as folder:
        return theirs == tree_with(path, parent, patch, Path(folder), cancel=cancel)


def tree_with(path: Path, commit: str, patch: str, folder: Path, *, cancel: CancelToken) -> str:
    """The tree that a commit and a patch come to, written into the repository as an object.

    Neither a worktree nor its index is touched.

    Args:
        path: a clone or a worktree.
        patch: unified diff; may hold lone surrogates.
        folder: for files that are gone afterwards; nobody else uses it meanwhile.

    Returns:
        The tree's hash.

    Raises:
        ToolError: the patch does not apply to the commit.
    """
    file, index = folder / "tree.patch", folder / "tree.index"
    git = ["-C", str(path)]
    own = {"GIT_INDEX_FILE": str(index)}
    try:
        file.write_bytes(patch.encode("utf-8", "surrogateescape"))
        run_git([*git, "read-tree", commit], cancel=cancel, env=own)
        if patch:
            words = ["apply", "--cached", "--whitespace=nowarn", "--", str(file)]
            run_git([*git, *words], cancel=cancel, env=own)
        return hash_of(run_git([*git, "write-tree"], cancel=cancel, env=own))
    finally:
        for each in (file, index):
            each.unlink(missing_ok=True)


def hash_of(done: process.Completed) -> str:
    """The hash that Git said last.

    Raises:
        ToolError: it said none.
    """
    last = done.tail.strip().rpartition("\n")[2]
    if not is_commit(last):
        raise ToolError(f"git: {explain(done.tail)}")
    return last
