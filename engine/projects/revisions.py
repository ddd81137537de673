"""Revisions as people write them: hashes, branches, tags, ``HEAD~5``, ``origin/main``, ``A..B``.

Source of the forms: gitrevisions(7). Taken of them is what names commits by their place (``~N``,
``^N``), not what searches (``:/text``) or depends on one machine's history (``@{1}``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import UsageError
from engine.projects.git import BRANCH_REFS, REMOTE_REFS, TAG_REFS
from engine.projects.git_objects import sha_of
from engine.projects.sources import check_ref, is_commit, is_whole_commit
from engine.source.repository import open_repository
from engine.text import mask

if TYPE_CHECKING:
    from git import Repo

HEAD = "HEAD"

_STEPS = re.compile(r"(?:[~^]\d{0,6}|\^\{commit\}){0,40}")
_BASE = re.compile(r"[^~^]{1,200}")


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as builds remember it; ``author`` is the name alone. Untrusted text."""

    sha: str
    message: str
    author: str


@dataclass(frozen=True, slots=True)
class CommitRange:
    """What lies between two commits.

    Args:
        start, end: their hashes.
        from_merge_base: whether what is meant is what ``end`` has since both lines of work parted
            (``A...B``), and not all that differs (``A..B``).
    """

    start: str
    end: str
    from_merge_base: bool

    @property
    def hashes(self) -> str:
        """As ``git diff`` takes it."""
        return f"{self.start}{'...' if self.from_merge_base else '..'}{self.end}"


def is_range(text: str) -> bool:
    """Whether this is ``A..B`` or ``A...B``."""
    return ".." in text


def base_of(text: str) -> str:
    """What a revision begins at, without the steps from there.

    Raises:
        UsageError: it is no revision.
    """
    return _split_steps(text)[0]


def is_elsewhere(name: str) -> bool:
    """Whether this is the whole name of a ref that no sync fetches, as that of a merge request."""
    ours = (BRANCH_REFS, TAG_REFS, "refs/remotes/", "refs/espdeck/")
    return name.startswith("refs/") and not name.startswith(ours)


def resolve(path: Path, text: str, *, head: str = HEAD) -> Commit:
    """The commit that a revision names.

    A whole hash, else a branch of the source, a tag, a branch here, the first digits of a hash.

    Args:
        path: a clone or a worktree.
        text: the revision. Untrusted.
        head: the commit that ``HEAD`` and ``@`` stand for: of a project, what it follows.

    Raises:
        UsageError: there is none, or it is no revision.
        ToolError: the clone is gone.
    """
    base, steps = _split_steps(text)
    with open_repository(path) as repository:
        for name in _names(base, head):
            if sha_of(repository, name) is not None:
                sha = sha_of(repository, f"{name}{steps}") if steps else sha_of(repository, name)
                if sha is None:
                    raise UsageError(f"{mask(text)[:200]}: {base} has no such ancestor")
                return _commit(repository, sha)
    raise UsageError(f"no commit, branch or tag {mask(text)[:200]!r}")


def resolve_range(path: Path, text: str, *, head: str = HEAD) -> CommitRange:
    """The commits that a range names; an end that is left out is ``head``, as in Git.

    Args:
        path, head: as :func:`resolve` has them.
        text: ``A..B``, ``A...B``, or a revision A alone, which is ``A...head``.

    Raises:
        UsageError, ToolError: as :func:`resolve`.
    """
    dots = "..." if "..." in text or not is_range(text) else ".."
    start, _, end = text.partition(dots)
    return CommitRange(
        start=resolve(path, start or HEAD, head=head).sha,
        end=resolve(path, end or HEAD, head=head).sha,
        from_merge_base=dots == "...",
    )


def _split_steps(text: str) -> tuple[str, str]:
    """What a revision begins at, and the steps from there."""
    if is_range(text):
        raise UsageError(f"{mask(text)[:200]!r} names several commits: name one")
    base = _BASE.match(text)
    if base is None or not _STEPS.fullmatch(text, base.end()):
        raise UsageError(f"{mask(text)[:200]!r} is not a branch, tag or commit")
    return (base[0] if base[0] == "@" else check_ref(base[0])), text[base.end() :]


def _names(base: str, head: str) -> list[str]:
    if base in (HEAD, "@"):
        return [head]
    names = [
        *(f"{REMOTE_REFS}{base}", f"{TAG_REFS}{base}"),
        *(f"refs/remotes/{base}", f"{BRANCH_REFS}{base}"),
    ]
    if base.startswith("refs/"):
        names.insert(0, base)
    if base.startswith(BRANCH_REFS):  # as runners name it; here are only those that repairs made
        names.insert(0, f"{REMOTE_REFS}{base.removeprefix(BRANCH_REFS)}")
    if is_commit(base):
        # A branch may be called like the first digits of a commit: Git takes the branch, too.
        names.insert(0 if is_whole_commit(base) else len(names), base)
    return names


def _commit(repository: Repo, sha: str) -> Commit:
    form = ("--no-show-signature", "--no-color", "--encoding=UTF-8", "--format=%an%x00%B")
    text = str(repository.git.execute(["git", "log", "-1", *form, sha, "--"]))
    author, _, message = text.partition("\0")
    return Commit(sha, _storable(message.strip()), _storable(author))


def _storable(text: str) -> str:
    """What is no UTF-8 comes as lone surrogates, which no database takes."""
    return text.encode("utf-8", "replace").decode("utf-8")
