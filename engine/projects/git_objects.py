"""Reads commits, refs and trees of a clone or a worktree; nothing is checked out.

Names and texts of a repository are untrusted.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cancel import CancelToken
from engine.errors import ToolError, UsageError
from engine.projects.git import (
    KEPT_REFS,
    LOCAL_TIMEOUT_SECONDS,
    REMOTE_REFS,
    SOURCE_HEAD,
    TAG_REFS,
    explain,
    read_git,
    run_any,
    run_git,
)
from engine.source.repository import open_repository

if TYPE_CHECKING:
    from git import Repo

MAX_TEXT_BYTES = 4 << 20
"""Bytes of a file that is shown."""

_MAX_PATH_CHARACTERS = 4096  # characters of a path (PATH_MAX)


def read_text(path: Path, sha: str, name: str) -> str:
    """A text file as it is in a commit; no worktree is needed. Untrusted text.

    Args:
        name: its path in the repository.

    Raises:
        UsageError: there is no such file, or none that can be read as text; one line.
        ToolError: the clone is gone.
    """
    inside = posixpath.normpath(name)
    is_path = "\0" not in name and len(name) <= _MAX_PATH_CHARACTERS
    if not is_path or inside.startswith(("/", "../")) or inside in (".", ".."):
        raise UsageError(f"{name[:200]} is not in the repository")
    with open_repository(path) as repository:
        found = _entries(repository, sha, inside)
        if not found:
            raise UsageError(f"{name} is not in commit {sha[:10]}")
        if not found[0].is_file:
            raise UsageError(f"{name} is not a file in commit {sha[:10]}")
        if repository.git.get_object_header(found[0].sha)[2] > MAX_TEXT_BYTES:
            raise UsageError(f"{name} has more than {MAX_TEXT_BYTES >> 20} MiB")
        data = repository.git.get_object_data(found[0].sha)[3]
    if b"\0" in data:
        raise UsageError(f"{name} is a binary file")
    return str(data.decode("utf-8", "replace"))


def list_files(worktree: Path) -> Sequence[str]:
    """Files of a worktree, relative to it: those that Git tracks, and new ones it does not ignore.

    What is tracked may have been deleted; of submodules there is only the folder. Names may hold
    lone surrogates.

    Raises:
        ToolError: Git cannot say.
    """
    options = ("--cached", "--others", "--exclude-standard", "--full-name", "-z")
    return [name for name in read_git(worktree, "ls-files", *options).split("\0") if name]


def diff_between(
    worktree: Path, between: str, most: int, *, without: Sequence[str] = (), cancel: CancelToken
) -> tuple[str, tuple[str, ...], int]:
    """What differs between two commits.

    Args:
        worktree: or a clone.
        between: two hashes, as :attr:`engine.projects.revisions.CommitRange.hashes` has them.
        most: bytes of the diff that are given back; never more than that are held.
        without: patterns for names of files that the diff does not show, in any folder and case.
        cancel: ends it early.

    Returns:
        The diff, the files that it touches (those that it does not show among them), and how many
        bytes it has in all. Untrusted.

    Raises:
        ToolError: Git cannot say, such as that they have no common beginning.
    """
    command = ("-c", "core.quotePath=off", "diff", "--no-renames")
    files = read_git(worktree, *command, "--name-only", "-z", between, "--")
    plain = ("--no-color", "--no-ext-diff", "--no-textconv")
    hidden = [f":(exclude,icase,glob)**/{pattern}" for pattern in without]
    diff, size = bytearray(), 0

    def take(chunk: bytes) -> None:
        nonlocal size
        size += len(chunk)
        diff.extend(chunk[: most - len(diff)])

    arguments = ["-C", str(worktree), *command, *plain, between, "--", *hidden]
    done = run_any(
        arguments, timeout=LOCAL_TIMEOUT_SECONDS, cancel=cancel, on_output=take, supervised=False
    )
    if done.returncode != 0:
        raise ToolError(f"git: {explain(done.tail)}")
    return diff.decode("utf-8", "replace"), tuple(filter(None, files.split("\0"))), size


@dataclass(frozen=True, slots=True)
class CommitsBetween:
    """What a commit has that another has not, and how many the other has that it has not.

    Args:
        count: how many commits.
        behind: how many the other has: more than none where the one does not follow the other.
        commits: the newest of them, each a hash and its subject. Untrusted text.
    """

    count: int
    behind: int
    commits: tuple[tuple[str, str], ...]


def commits_between(path: Path, before: str, after: str, most: int = 50) -> CommitsBetween:
    """What lies between two commits.

    Args:
        path: a clone or a worktree.
        before, after: their hashes.
        most: commits that are named.

    Raises:
        ToolError: Git cannot say, such as that a commit is gone.
    """
    sides = read_git(path, "rev-list", "--left-right", "--count", f"{before}...{after}", "--")
    behind, count = map(int, sides.split())
    form = ("--encoding=UTF-8", "--no-show-signature", "--no-color", "--format=%H %s")
    text = read_git(path, "log", "-z", f"--max-count={most}", *form, f"{before}..{after}", "--")
    lines = text.encode("utf-8", "replace").decode("utf-8").split("\0")
    pairs = (line.partition(" ") for line in lines if line)
    return CommitsBetween(count, behind, tuple((sha, subject) for sha, _, subject in pairs))


def files_in(path: Path, sha: str, folder: str) -> tuple[str, ...]:
    """Names of the files that lie directly in a folder of a commit, sorted. Untrusted text.

    Args:
        folder: its path in the repository; one that is not there has no files.

    Raises:
        ToolError: the clone is gone.
    """
    with open_repository(path) as repository:
        found = _entries(repository, sha, f"{folder}/")
        names = (each.name.rpartition("/")[2] for each in found if each.type == "blob")
        return tuple(sorted(names))


def has_file(path: Path, sha: str, name: str) -> bool:
    """Whether a commit has a file of this name; no link.

    Args:
        name: its path in the repository.

    Raises:
        ToolError: the clone is gone.
    """
    with open_repository(path) as repository:
        found = _entries(repository, sha, name)
        return len(found) == 1 and found[0].is_file


def newest_tags(path: Path, names: Sequence[str]) -> Sequence[str]:
    """Tags of a clone, the newest first: by when they were made, else by their commits' dates.

    Args:
        names: of the tags; those that are not there are left out.

    Raises:
        ToolError: Git cannot say.
    """
    form = ("--format=%(refname)", "--sort=-creatordate", "--sort=-version:refname")
    wanted = {f"{TAG_REFS}{name}" for name in names}
    listed = read_git(path, "for-each-ref", *form, TAG_REFS).splitlines()
    return [name.removeprefix(TAG_REFS) for name in listed if name in wanted]


def has_ref(path: Path, name: str) -> bool:
    """Whether a clone has a ref, by its whole name.

    Raises:
        ToolError: the clone is gone.
    """
    with open_repository(path) as repository:
        return sha_of(repository, name) is not None


def is_on_a_ref(path: Path, sha: str) -> bool:
    """Whether a branch or a tag of the source, as it was fetched last, has a commit.

    Or a branch of the clone: a repair that a person committed.

    Raises:
        ToolError: the clone is gone.
    """
    # for-each-ref --contains takes minutes where there are thousands of refs, this half a second.
    with open_repository(path) as repository:
        words = ["git", "rev-list", "--max-count=1", sha, "--not"]
        globs = [f"--glob={SOURCE_HEAD[:-1]}[{SOURCE_HEAD[-1]}]", f"--glob={REMOTE_REFS}*"]
        return not str(repository.git.execute([*words, *globs, "--tags", "--branches"])).strip()


def is_ancestor(path: Path, before: str, after: str) -> bool:
    """Whether a commit is part of another's history; one that is not there is not.

    Raises:
        ToolError: the clone is gone.
    """
    from git import GitCommandError

    with open_repository(path) as repository:
        if sha_of(repository, before) is None:
            return False
        try:
            repository.git.execute(["git", "merge-base", "--is-ancestor", before, after])
        except GitCommandError as error:
            if error.status == 1:
                return False
            raise ToolError(f"git: {explain(str(error.stderr))}") from error
        return True


def keep_commit(path: Path, sha: str, *, cancel: CancelToken) -> None:
    """Keep a commit of a clone, whatever becomes of what had it at its source.

    Raises:
        ToolError: Git cannot write it down.
    """
    run_git(["-C", str(path), "update-ref", f"{KEPT_REFS}{sha}", sha], cancel=cancel)


@dataclass(frozen=True, slots=True)
class _Entry:
    mode: str
    type: str
    sha: str
    name: str

    @property
    def is_file(self) -> bool:
        """Whether it is a file, and no link."""
        return self.mode.startswith("100")


def _entries(repository: Repo, sha: str, path: str) -> list[_Entry]:
    """What a commit has at a path, or in a folder whose path ends with a slash.

    Git itself is asked: GitPython knows no hashes of SHA-256.
    """
    from git import GitCommandError

    words = ["git", "ls-tree", "-z", "--full-tree", sha, "--", path]
    try:
        listed = str(repository.git.execute(words, strip_newline_in_stdout=False))
    except GitCommandError:
        return []
    found = []
    for each in filter(None, listed.split("\0")):  # MODE SP TYPE SP OBJECT TAB NAME
        facts, _tab, name = each.partition("\t")
        mode, kind, thing = facts.split(" ", 2)
        found.append(_Entry(mode, kind, thing, name))
    return found


def sha_of(repository: Repo, name: str) -> str | None:
    """The commit that a whole name of a ref, or a hash, stands for; None for none.

    Git itself is asked: GitPython's own parser knows nothing of where a shallow clone ends.
    """
    from git import GitCommandError

    words = ["git", "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"]
    try:
        return str(repository.git.execute(words))
    except GitCommandError:
        return None
