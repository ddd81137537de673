"""Apps of a repository as projects have them, and which of them a commit touches."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from engine.errors import ToolError, UsageError
from engine.projects.git import explain
from engine.source.files import CommitFiles, FilesBelow
from engine.source.repository import open_repository

if TYPE_CHECKING:
    from engine.projects.survey import Survey
    from engine.toolchains.base import App

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}")
_MAX_PATH = 400
_DOCUMENTS = frozenset({".md", ".rst", ".adoc"})


def survey_commit(repository: Path, commit: str) -> Survey:
    """What there is to build in a commit. Read from Git: nothing is checked out.

    Args:
        repository: a clone or a worktree.
        commit: its hash, or ``HEAD``.

    Raises:
        ToolError: Git cannot say.
    """
    from engine.projects.survey import survey

    with CommitFiles(repository, commit) as files:
        return survey(files)


def find_apps(repository: Path, commit: str) -> tuple[App, ...]:
    """Every app of a commit, by path; the arguments of :func:`survey_commit`.

    Raises:
        ToolError: Git cannot say.
    """
    return survey_commit(repository, commit).apps


def find_app(repository: Path, commit: str, folder: str) -> App | str:
    """The app in a folder of a commit, or one line that says why there is none.

    What a survey passes over, as it lies below another app, is found when it is asked for.

    Args:
        repository: a clone or a worktree.
        commit: its hash, or ``HEAD``.
        folder: from its root, empty for the root.

    Raises:
        ToolError: Git cannot say.
    """
    from engine.projects.survey import survey

    with CommitFiles(repository, commit) as files:
        found = survey(files)
        inside = survey(FilesBelow(files, folder)).apps if folder else ()
    known = (
        *(each for each in found.apps if each.path == folder),
        *(replace(each, path=folder) for each in inside if not each.path),
    )
    return known[0] if known else found.explain_absence(folder)


def check_app(app: str) -> str:
    """The folder of an app as it is kept, empty for the root.

    Raises:
        UsageError: it leaves the repository, or is no path.
    """
    path = PurePosixPath(app or ".")
    if path.is_absolute() or ".." in path.parts or not app.isprintable() or len(app) > _MAX_PATH:
        raise UsageError(f"app {app[:80]!r} is not a folder of the repository")
    return "" if str(path) == "." else str(path)


def check_configuration(name: str) -> str:
    """The name of a configuration.

    Raises:
        UsageError: no configuration can be called so.
    """
    if name and not _NAME.fullmatch(name):
        raise UsageError(f"no configuration {name[:80]!r}: espdeck apps lists those of each app")
    return name


def touches(repository: Path, app: str, before: str, after: str) -> bool:
    """Whether anything that an app may be built from differs between two commits.

    What lies in the folder of another app, and documents, belong to nothing that it is built from;
    all else may be a component or a setting that apps share.

    Raises:
        ToolError: Git cannot say (a commit is gone).
    """
    changed = _git(repository, "diff", "--name-only", "-z", "--no-renames", before, after)
    others = [each.path for each in find_apps(repository, after) if each.path not in ("", app)]
    return any(
        PurePosixPath(name).suffix.lower() not in _DOCUMENTS
        and not any(name.startswith(f"{other}/") for other in others)
        for name in changed
    )


def _git(repository: Path, *arguments: str) -> tuple[str, ...]:
    """Names that Git prints, ended by NUL."""
    from git import GitCommandError

    with open_repository(repository) as opened:
        try:
            text = opened.git.execute(["git", *arguments], strip_newline_in_stdout=False)
        except GitCommandError as error:
            raise ToolError(f"git: {explain(str(error.stderr))}") from error
    return tuple(name for name in str(text).split("\0") if name)
