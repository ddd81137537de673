"""``espdeck.toml`` of a project as a commit has it; nothing is checked out."""

from __future__ import annotations

import functools
from pathlib import Path, PurePosixPath

from engine import manifest
from engine.errors import ToolError
from engine.manifest import Manifest
from engine.projects import git_objects


@functools.lru_cache(maxsize=256)
def manifest_at(clone: Path, app: str, sha: str) -> Manifest:
    """What a project says of itself in a commit; one without the file has the defaults.

    A commit does not change: what was read of it is remembered.

    Args:
        clone: of the project.
        app: folder of it that the project builds, empty for its root.
        sha: the commit.

    Raises:
        UsageError: the file makes no sense; one line, with its place in it.
        ToolError: the clone is gone, or has no such commit.
    """
    file = str(PurePosixPath(app, manifest.FILE_NAME))
    if git_objects.has_file(clone, sha, file):
        return manifest.parse(git_objects.read_text(clone, sha, file))
    if not git_objects.has_ref(clone, sha):
        raise ToolError(f"no commit {sha[:10]} in {clone}")
    return Manifest()
