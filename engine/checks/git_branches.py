"""Branches of a repository: which of them nobody needs any more, and which are not pushed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from engine.checks.git_reader import GitReader
from engine.projects.git import BRANCH_REFS, REMOTE_REFS

MAX_BRANCHES = 5000
"""Branches that are looked at, the newest first."""

_SECONDS_PER_DAY = 86_400
_DEFAULT_NAMES = ("main", "master", "trunk", "develop", "development", "dev")
_KEPT = (
    *_DEFAULT_NAMES,
    *("release", "release/*", "releases/*", "release-*", "stable", "stable/*", "*-stable"),
    *("lts", "lts/*", "*-lts", "maint", "maint/*", "hotfix/*", "support/*", "v[0-9]*", "[0-9]*.x"),
    *("gh-pages", "pages", "production", "staging", "archive/*", "wip/*", "backup/*"),
    "espdeck/*",
)
"""Branches that are kept on purpose, however old they are."""

_TRACK = re.compile(r"ahead (\d+)|behind (\d+)|(gone)")
_FIELDS = (
    "%(refname)",
    "%(objectname)",
    "%(committerdate:unix)",
    "%(upstream:short)",
    "%(upstream:track,nobracket)",
    "%(if)%(worktreepath)%(then)1%(end)",
    "%(symref)",
)


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch.

    Args:
        name: without ``refs/heads/`` or the remote. Untrusted.
        commit: its tip.
        committed: seconds since 1970 of the tip.
        upstream: what it follows, empty for none.
        is_gone: whether its upstream is not there any more.
        ahead: commits that its upstream does not have.
        behind: commits of its upstream that it does not have.
        is_checked_out: whether it is, in a worktree.
        is_merged: whether the default branch has all of it.
    """

    name: str
    commit: str
    committed: int
    upstream: str = ""
    is_gone: bool = False
    ahead: int = 0
    behind: int = 0
    is_checked_out: bool = False
    is_merged: bool = False


@dataclass(frozen=True, slots=True)
class StaleBranch:
    """A branch that may be deleted, and why: ``merged``, ``upstream gone``, ``no commit``."""

    name: str
    reasons: tuple[str, ...]
    days: int


def local_branches(git: GitReader, base: str) -> list[Branch]:
    """Those of a repository in which a person works.

    Args:
        base: commit of which they may be part, as of :func:`default_commit`; empty for none.

    Raises:
        ToolError: Git cannot say; one line.
    """
    return _branches(git, BRANCH_REFS, base, _FIELDS)


def source_branches(git: GitReader, base: str) -> list[Branch]:
    """Those of a project's source, as of espdeck's last fetch.

    Raises:
        ToolError: Git cannot say; one line.
    """
    # Worktrees of the clone are espdeck's, and nothing there follows anything.
    fields = (*_FIELDS[:3], "", "", "", _FIELDS[-1])
    return _branches(git, REMOTE_REFS, base, fields)


def default_commit(git: GitReader) -> str:
    """Tip of the branch that others come to be part of, empty where nobody can tell."""
    for name in ("refs/remotes/origin/HEAD", *map("refs/remotes/origin/{}".format, _DEFAULT_NAMES)):
        if commit := git.line("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"):
            return commit
    for name in _DEFAULT_NAMES:
        words = ("rev-parse", "--verify", "--quiet", f"{BRANCH_REFS}{name}^{{commit}}")
        if commit := git.line(*words):
            return commit
    return ""


def stale(
    branches: Iterable[Branch], *, tips: Sequence[str], now: datetime, days: float
) -> list[StaleBranch]:
    """Those that nobody seems to need, the oldest first.

    Args:
        tips: commits at which a branch may stand because it was just made there.
        now: the time.
        days: without a commit, after which a branch is old.
    """
    found = []
    for each in branches:
        if each.is_checked_out or any(fnmatchcase(each.name, kept) for kept in _KEPT):
            continue
        age = max(0, int(now.timestamp() - each.committed) // _SECONDS_PER_DAY)
        reasons = [
            *(["merged"] if each.is_merged and each.commit not in tips else []),
            *(["upstream gone"] if each.is_gone else []),
            *([f"no commit for {age} days"] if age >= days else []),
        ]
        if reasons:
            found.append(StaleBranch(each.name, tuple(reasons), age))
    return sorted(found, key=lambda each: (-each.days, each.name))


def _branches(git: GitReader, prefix: str, base: str, fields: Sequence[str]) -> list[Branch]:
    words = ("for-each-ref", f"--count={MAX_BRANCHES}", "--sort=-committerdate")
    printed = git.read(*words, f"--format={'%00'.join(fields)}", prefix)
    merged: frozenset[str] = frozenset()
    if base:
        names = git.read("for-each-ref", f"--merged={base}", "--format=%(refname)", prefix)
        merged = frozenset(names.decode("utf-8", "surrogateescape").split("\n"))
    found = []
    for line in printed.decode("utf-8", "surrogateescape").split("\n"):
        values = line.split("\0")
        if len(values) != len(fields) or values[-1]:  # a symbolic reference is another's name
            continue
        name, commit, committed, upstream, track, checked_out, _symbolic = values
        counts = {"ahead": 0, "behind": 0, "gone": 0}
        for ahead, behind, gone in _TRACK.findall(track):
            counts["ahead"] += int(ahead or 0)
            counts["behind"] += int(behind or 0)
            counts["gone"] += bool(gone)
        found.append(
            Branch(
                name.removeprefix(prefix),
                commit,
                int(committed) if committed.isdecimal() else 0,
                upstream,
                is_gone=bool(counts["gone"]),
                ahead=counts["ahead"],
                behind=counts["behind"],
                is_checked_out=bool(checked_out),
                is_merged=name in merged,
            )
        )
    return found
