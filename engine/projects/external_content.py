"""What a checkout of a commit alone does not have: submodules, and files of Git LFS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.cancel import CancelToken
from engine.errors import UsageError
from engine.findings import Finding
from engine.projects import lfs, submodules
from engine.projects.sources import Source, SourceKind, check_source
from engine.projects.worktrees import Slot, check_links
from engine.store.tables import Project


def fetch_content(
    slot: Slot,
    project: Project,
    *,
    local_submodules: bool,
    say: Callable[[str], None],
    cancel: CancelToken,
) -> tuple[Finding, ...]:
    """Fetch what a build needs beside the files of the commit; quick where all is there.

    Args:
        slot: with the worktree.
        local_submodules: as the settings have it.
        say: is told what is fetched, a line each.

    Returns:
        What could not be fetched.

    Raises:
        ToolError: Git cannot say, or a link leaves the worktree.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    clone = Path(project.clone_path)
    try:
        source = check_source(project.source)
    except UsageError:  # the folder is gone, which matters to what has to be fetched alone
        source = Source(project.source, SourceKind.FILE, project.name)
    found = submodules.update(slot, clone, source, local=local_submodules, say=say, cancel=cancel)
    found += lfs.fetch(slot, clone, source, say=say, cancel=cancel)
    check_links(slot.source)
    return found
