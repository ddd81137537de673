"""Commits of forks and pull requests: they reach no board before somebody approves them.

What holds them is the build's row (:attr:`engine.store.tables.Run.is_held`): a stage that runs, a
retry and a process that goes on with a build ask it, and whoever flashes what a build made.
Approved is a commit, not a pull request: what is pushed to it later is held again.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import AccessError
from engine.projects.commit_locator import LocatedCommit
from engine.store import runs
from engine.store.database import Store
from engine.store.tables import Project, Run


@dataclass(frozen=True, slots=True)
class Proposal:
    """Whose commit it is.

    Args:
        by: whose pull request or fork; empty for the project's own.
        branch: that the build is said to be of.
        approved_by: who let it reach a board; empty for nobody.
        approved: the build of it that they approved just now; None for none.
    """

    by: str = ""
    branch: str = ""
    approved_by: str = ""
    approved: int | None = None


def proposal_of(store: Store, project: Project, found: LocatedCommit) -> Proposal:
    """Whose a commit is that somebody asks to build.

    One that no branch has is the project's own if it was built as such before: history that was
    rewritten since.
    """
    own = Proposal(branch=project.branch or "")
    if not found.foreign:
        return own
    known = runs.runs_of_commit(store, project.id, found.commit.sha)
    if any(not run.proposed_by for run in known):
        return own
    for run in sorted(known, key=lambda run: not run.approved_by):
        return Proposal(run.proposed_by, run.branch, run.approved_by)
    return Proposal(f"{found.foreign}, on no branch", found.foreign)


def not_approved(run: Run) -> str:
    """Why a build reaches no board, and what to do."""
    return (
        f"build {run.number} is of {run.proposed_by}, which nobody approved: look at it, then "
        f"espdeck approve {run.number}"
    )


def check_approved(run: Run) -> None:
    """See that what a build made may be put on a board.

    Raises:
        AccessError: it may not.
    """
    if run.is_held:
        raise AccessError(not_approved(run))
