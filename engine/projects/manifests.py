"""``espdeck.toml`` of a project as a commit has it; nothing is checked out."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from engine import manifest
from engine.manifest import Manifest
from engine.projects import git_objects
from engine.store.tables import Project


def manifest_at(project: Project, sha: str) -> Manifest:
    """What a project says of itself in a commit; one without the file has the defaults.

    Raises:
        UsageError: the file makes no sense; one line, with its place in it.
        ToolError: the clone is gone.
    """
    clone, file = Path(project.clone_path), str(PurePosixPath(project.app, manifest.FILE_NAME))
    if not git_objects.has_file(clone, sha, file):
        return Manifest()
    return manifest.parse(git_objects.read_text(clone, sha, file))
