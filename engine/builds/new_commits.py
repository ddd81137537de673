"""Builds of what is new at a source: each commit once, whoever hears of it first.

Both who is told of a push (a webhook) and who looks (``remote_check``) start them through this.
"""

from __future__ import annotations

import contextlib
import re
import threading

from engine.builds.service import Builds
from engine.enums import RunStatus, Trigger
from engine.errors import UsageError
from engine.projects.commit_locator import LocatedCommit
from engine.store import runs
from engine.store.database import Store
from engine.store.tables import Project, Run
from engine.text import clean

NEW_TAG = "watch.tag"
"""Code of the note that a build is of a new tag."""

_HASH_DIGITS = 7

# As GitHub Actions and GitLab know them; skip-checks is a trailer of GitHub's.
_SKIP = re.compile(r"\[(?:skip ci|ci skip|no ci|skip actions|actions skip)\]", re.IGNORECASE)

_STARTING = threading.Lock()
"""Held from the look whether a commit was built until its build is written down."""


def build_of(store: Store, project: Project, sha: str) -> Run | None:
    """The newest build of a commit, as a push of it would be built."""
    variant = (project.target, project.configuration)
    return runs.build_of_commit(store, project.id, sha, variant)


def start_once(
    store: Store,
    builds: Builds,
    located: LocatedCommit,
    *,
    triggered_by: Trigger,
    asked_by: str,
) -> tuple[Run, bool]:
    """Build a commit, unless it was built.

    Returns:
        Its build, and whether that was started now.

    Raises:
        EspdeckError: as :meth:`engine.builds.service.Builds.start`.
    """
    with _STARTING:
        built = build_of(store, located.project, located.commit.sha)
        if built is not None:
            return built, False
        started = builds.start(
            located.project.id, located=located, triggered_by=triggered_by, asked_by=asked_by
        )
        return started, True


def end_older(store: Store, builds: Builds, project: Project, tip: str) -> list[int]:
    """Cancel builds of a branch that still wait, of what is not its tip any more.

    Returns:
        Their numbers.
    """
    branch, ended = project.branch or "", []
    for build in runs.builds_started_by(store, project.id, *runs.PUSHES, unfinished=True):
        if (
            build.status is RunStatus.PENDING
            and not build.cancel_requested
            and build.commit_sha != tip
            # The branch that HEAD is on may have been renamed.
            and (build.branch == branch or not project.branch_chosen)
            and not any(note.get("code") == NEW_TAG for note in build.notes)
        ):
            with contextlib.suppress(UsageError):  # it has ended meanwhile
                builds.cancel(build.number, reason=superseded(branch, tip))
                ended.append(build.number)
    return ended


def superseded(branch: str, tip: str) -> str:
    """Why a commit of a branch is not built any more."""
    return f"superseded: {clean(branch) or 'HEAD'} is at {tip[:_HASH_DIGITS]} now"


def asks_for_no_build(message: str) -> str:
    """The words of a commit's message that ask that it is not built; empty for none."""
    found = _SKIP.search(message)
    return found[0].lower() if found else ""
