"""A Git repository, opened to read from it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import MissingToolError, ToolError

if TYPE_CHECKING:
    from git import Repo


def open_repository(path: Path) -> Repo:
    """Open a clone or a worktree to read from it.

    Raises:
        ToolError: it is gone, or no repository any more.
        MissingToolError: Git is not installed.
    """
    # GitPython looks for git as it is imported, and would raise an ImportError of many lines.
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    from git import GitError, Repo

    if shutil.which("git") is None:
        raise MissingToolError("git is not installed")
    try:
        repository = Repo(path, expand_vars=False)
    except (GitError, OSError, ValueError) as error:
        raise ToolError(f"{path}: no Git repository any more: sync the project") from error
    folder = Path(repository.git_dir)
    repository.git.update_environment(
        GIT_DIR=str(folder),
        GIT_INDEX_FILE=str(folder / "index"),
        **({} if repository.bare else {"GIT_WORK_TREE": str(path)}),
        GIT_OPTIONAL_LOCKS="0",
        LC_ALL="C",
    )
    return repository
