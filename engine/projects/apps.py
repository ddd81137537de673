"""Apps of ESP-IDF in a repository: which there are, and which of them a commit touches.

Found as idf-build-apps finds them (its documentation, "Find Apps" and "Config Rules"): an app is a
folder whose ``CMakeLists.txt`` includes ``project.cmake``, folders below an app hold no others, and
each ``sdkconfig.ci.NAME`` beside it is a configuration. Read from Git: nothing is checked out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from engine.errors import ToolError, UsageError
from engine.projects.git import explain, open_repository
from engine.toolchains.idf import CONFIGURATION
from engine.words import CHIPS, LINUX

_INCLUDES = r"^[[:space:]]*include[[:space:]]*\([^)]*tools/cmake/project\.cmake"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}")
_MAX_PATH = 400
_FOREIGN = frozenset({"managed_components"})
_DOCUMENTS = frozenset({".md", ".rst", ".adoc"})


@dataclass(frozen=True, slots=True)
class App:
    """One app; ``path`` is its folder in the repository, empty for the root."""

    path: str
    configurations: tuple[str, ...]

    @property
    def label(self) -> str:
        """Its folder, for people."""
        return self.path or "."


def find_apps(repository: Path, commit: str) -> tuple[App, ...]:
    """Every app of a commit, by path.

    Args:
        repository: a clone or a worktree.
        commit: its hash, or ``HEAD``.

    Raises:
        ToolError: Git cannot say.
    """
    lists = _git(repository, "grep", "-lzE", _INCLUDES, commit, "--", "CMakeLists.txt", none=1)
    lists += _git(repository, "grep", "-lzE", _INCLUDES, commit, "--", "*/CMakeLists.txt", none=1)
    folders = {_folder(name.partition(":")[2]) for name in lists}
    tops = sorted(each for each in folders if not _is_below_another(each, folders))
    names = _git(repository, "ls-tree", "-rz", "--name-only", commit) if tops else ()
    return tuple(App(top, _configurations(top, names)) for top in tops)


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
        UsageError: no file can be named so.
    """
    if name and not _NAME.fullmatch(name):
        raise UsageError(f"configuration {name[:80]!r}: name what follows {CONFIGURATION}")
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


def _git(repository: Path, *arguments: str, none: int = 0) -> tuple[str, ...]:
    """Names that Git prints, ended by NUL; ``none`` is its exit code when there are none."""
    from git import GitCommandError

    with open_repository(repository) as opened:
        try:
            text = opened.git.execute(["git", *arguments], strip_newline_in_stdout=False)
        except GitCommandError as error:
            if none and error.status == none:
                return ()
            raise ToolError(f"git: {explain(str(error.stderr))}") from error
    return tuple(name for name in str(text).split("\0") if name)


def _folder(name: str) -> str:
    folder = str(PurePosixPath(name).parent)
    return "" if folder == "." else folder


def _is_below_another(folder: str, folders: Iterable[str]) -> bool:
    if _FOREIGN.intersection(PurePosixPath(folder).parts):
        return True
    return any(
        other != folder and (not other or folder.startswith(f"{other}/")) for other in folders
    )


def _configurations(app: str, names: Sequence[str]) -> tuple[str, ...]:
    start = f"{app}/{CONFIGURATION}" if app else CONFIGURATION
    found = (name.removeprefix(start) for name in names if name.startswith(start))
    # What ends with a target adds to the file without it.
    targets = tuple(f".{target}" for target in (*CHIPS, LINUX))
    return tuple(
        sorted(each for each in found if _NAME.fullmatch(each) and not f".{each}".endswith(targets))
    )
