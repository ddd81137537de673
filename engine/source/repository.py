"""A Git repository, opened to read from it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import MissingToolError, ToolError

if TYPE_CHECKING:
    from git import Repo

_OF_A_CALLER = frozenset(
    {
        *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX"),
        *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE"),
        *("GIT_QUARANTINE_PATH", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE", "GIT_REPLACE_REF_BASE"),
        *("GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS"),
        *("GIT_ICASE_PATHSPECS", "GIT_EXTERNAL_DIFF", "GIT_DIFF_OPTS"),
        # It would allow transports that are forbidden here.
        *("GIT_ALLOW_PROTOCOL", "GIT_PROTOCOL_FROM_USER"),
    }
)
"""What Git sets around its hooks, and what changes the meaning of its arguments (git(1)): a build
that is started from a hook or a runner must not work on that repository."""

NO_FETCH = {"GIT_NO_LAZY_FETCH": "1"}
"""Reading a partial clone must not run what its configuration names to get what it lacks
(git(1); understood since Git 2.39.4)."""


def open_repository(path: Path) -> Repo:
    """Open a clone or a worktree to read from it.

    Raises:
        ToolError: it is gone, or no repository any more.
        MissingToolError: Git is not installed.
    """
    forget_caller()
    # GitPython looks for git as it is imported, and would raise an ImportError of many lines.
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    from git import GitError, Repo

    if shutil.which("git") is None:
        raise MissingToolError("git is not installed")
    try:
        repository = Repo(path, expand_vars=False)
    except (GitError, OSError, ValueError) as error:
        raise ToolError(f"{path}: no longer a Git repository: sync the project") from error
    folder = Path(repository.git_dir)
    repository.git.update_environment(
        GIT_DIR=str(folder),
        GIT_INDEX_FILE=str(folder / "index"),
        **({} if repository.bare else {"GIT_WORK_TREE": str(path)}),
        **NO_FETCH,
        # Reading needs no transport: older versions of Git are kept from it by this.
        GIT_ALLOW_PROTOCOL="none",
        GIT_OPTIONAL_LOCKS="0",
        LC_ALL="C",
    )
    return repository


def forget_caller() -> None:
    """Take from this process what a hook or a runner said of its own repository to Git.

    GitPython reads such variables in many places, so they cannot be kept from it one by one;
    nothing here needs them.
    """
    for name in list(os.environ):
        # What Git traces would stand among what it prints.
        if name in _OF_A_CALLER or name.startswith("GIT_TRACE") or name == "GIT_CURL_VERBOSE":
            os.environ.pop(name, None)
