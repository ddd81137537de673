"""Bringing a clone to where its source is, and finding the commit that a project follows there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.cancel import CancelToken
from engine.errors import ToolError, UsageError
from engine.projects import git, git_objects, remote
from engine.projects.git import BRANCH_REFS, REMOTE_REFS, SOURCE_HEAD, TAG_REFS
from engine.projects.remote import RemoteRefs
from engine.projects.revisions import resolve
from engine.projects.sources import Source
from engine.text import clean, mask

_MAX_SHOWN_REFS = 5
_HASH_DIGITS = 7


@dataclass(frozen=True, slots=True)
class Upstream:
    """What a project follows, as its source has it now.

    Args:
        branch: the branch or tag, empty for a detached ``HEAD``.
        tip: the commit.
        note: what a person should know of it, such as that history was rewritten; one line, empty
            for nothing.
    """

    branch: str
    tip: str
    note: str = ""


def synchronise(
    clone: Path,
    source: Source,
    *,
    branch: str,
    chosen: bool,
    tip: str,
    on_progress: Callable[[float, str], None],
    cancel: CancelToken,
    within: float = remote.ANSWER_TIMEOUT_SECONDS,
) -> Upstream:
    """Fetch what the source has that the clone has not, and find the commit to follow.

    Nobody else may do that with this clone meanwhile.

    Args:
        clone: made where there is none.
        branch: the branch or tag that the project followed until now, empty for none.
        chosen: whether a person chose it; else ``HEAD`` of the source is followed.
        tip: the commit that it followed until now, empty for none.
        on_progress: as :func:`engine.projects.remote.fetch` has it.
        within: seconds until the source must have answered.

    Raises:
        ToolError: the source cannot be reached, or has nothing to follow; one line.
        UsageError: the branch that was chosen was never there.
    """
    has = remote.list_refs(source, cancel=cancel, within=within)
    shown = mask(source.url)
    found = find_upstream(has, shown, branch if chosen else "", gone=bool(tip))
    if not _has_all(clone, has):
        remote.fetch(clone, source, has, on_progress=on_progress, cancel=cancel)
    sha = resolve(clone, found.tip).sha  # of an annotated tag, the commit
    notes = [found.note] if found.note else []
    # Without a tip, too: a workspace of before that was written down did not know who chose.
    if branch and found.branch != branch and not chosen:
        now = clean(found.branch) or f"no branch ({sha[:_HASH_DIGITS]})"
        notes.append(f"HEAD of its source is on {now}, and was on {clean(branch)}")
    elif tip and tip != sha and not git_objects.is_ancestor(clone, tip, sha):
        what = clean(found.branch) or "HEAD"
        if not git_objects.is_ancestor(clone, sha, tip):
            notes.append(
                f"{what} was rewritten at its source: "
                f"{tip[:_HASH_DIGITS]} -> {sha[:_HASH_DIGITS]}; "
                "builds of the old history stay"
            )
        else:
            notes.append(f"{what} went back: {tip[:_HASH_DIGITS]} -> {sha[:_HASH_DIGITS]}")
    return Upstream(found.branch, sha, "; ".join(notes))


def _has_all(clone: Path, has: RemoteRefs) -> bool:
    """Whether a clone has just the refs that the source has."""
    if not git.is_repository(clone) or remote.is_shallow(clone):
        return False  # its source may have more history by now
    words = ("for-each-ref", "--format=%(objectname) %(refname)")
    listed = git.read_git(clone, *words, REMOTE_REFS, TAG_REFS, SOURCE_HEAD)
    ours = {name: sha for sha, _, name in (line.partition(" ") for line in listed.splitlines())}
    mine = {
        f"{BRANCH_REFS}{name.removeprefix(REMOTE_REFS)}"
        if name.startswith(REMOTE_REFS)
        else name: sha
        for name, sha in ours.items()
        if name.startswith((REMOTE_REFS, TAG_REFS))
    }
    return mine == has.refs and (not has.head or ours.get(SOURCE_HEAD) == has.head)


def find_upstream(has: RemoteRefs, shown: str, wanted: str, *, gone: bool) -> Upstream:
    """The branch or tag that was chosen, else ``HEAD``, else the only branch.

    Args:
        has: what the source has.
        shown: how errors call the source.
        wanted: what was chosen; empty for nothing.
        gone: whether that was there once.

    Raises:
        ToolError: the source has nothing, the branch is gone, or ``HEAD`` names no commit.
        UsageError: it was never there.
    """
    if not has.refs and not has.head:
        raise ToolError(f"{shown}: no commits yet: commit something, then sync")
    branches = has.branches
    if wanted:
        tip = has.tip(wanted)
        if tip:
            return Upstream(wanted, tip)
        listed = clean(", ".join(branches[:_MAX_SHOWN_REFS])) + (
            ", ..." if branches[_MAX_SHOWN_REFS:] else ""
        )
        there = f" (there are: {listed})" if branches else ""
        if gone:
            raise ToolError(
                f"{shown}: branch {wanted!r} is gone{there}: espdeck edit PROJECT --branch NAME "
                "follows another one"
            )
        raise UsageError(f"{shown}: no branch or tag {wanted!r}{there}")
    if has.head:
        return Upstream(has.branch, has.head)
    usual = [name for name in ("main", "master") if name in branches]
    name = branches[0] if len(branches) == 1 else usual[0] if usual else ""
    if not name:
        listed = clean(", ".join(branches[:_MAX_SHOWN_REFS]))
        raise ToolError(f"{shown}: HEAD names no commit: name a branch ({listed})")
    note = f"HEAD of its source names no commit: {name} is followed"
    return Upstream(name, has.tip(name), note)
