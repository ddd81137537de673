"""References of Git and addresses of archives: whether what they lead to stays the same."""

from __future__ import annotations

import re
from enum import StrEnum

_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_TAG = re.compile(
    r"(?:refs/tags/.*|.{0,60}?[vV]?\d+(?:\.\d+)+.{0,40}|[vV]?\d{1,8}(?:[-_.].{0,40})?)"
)
_BRANCH = re.compile(
    r"refs/heads/.*|(?:origin/)?(?:main|master|trunk|head|dev|devel|develop|development|next|latest"
    r"|stable|nightly|edge|release|production|(?:release|releases|feature|features|fix|bugfix"
    r"|hotfix|dev|branch|wip|user|users)/.*|.*-(?:branch|dev|develop))",
    re.I,
)
_HEADS = re.compile(
    r"/(?:archive|zipball|tarball)/(?:refs/heads/.+|(?:main|master|develop|dev)"
    r"(?:\.zip|\.tar\.gz|\.tgz)?)$|/raw/(?:main|master)/"
    r"|/releases/(?:download/)?(?:latest|stable|nightly|dev)/",
    re.I,
)


class Moves(StrEnum):
    """Whether what a reference leads to may be another thing tomorrow."""

    NO = "no"
    YES = "yes"
    UNKNOWN = "unknown"


def of_reference(reference: str) -> Moves:
    """What a reference of Git's says by its name; tags are meant to stay."""
    if not reference:
        return Moves.YES  # the default branch
    if _COMMIT.fullmatch(reference):
        return Moves.NO
    if _BRANCH.fullmatch(reference):
        return Moves.YES
    return Moves.NO if _TAG.fullmatch(reference) else Moves.UNKNOWN


def of_archive(url: str) -> Moves:
    """What the address of a file says."""
    return Moves.YES if _HEADS.search(url) else Moves.NO
