"""Tests whose source is gone.

A test that refers to nothing of the project may run it as a program: that alone makes no orphan.
It is one where it imports a module of one of the project's own packages that is not there, or where
Git knows a file, deleted since, that is called as the test's subject or as what it includes.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from engine.cancel import CancelToken
from engine.checks.tests_of_source import conventions
from engine.checks.tests_of_source.covering import Coverage
from engine.errors import EspdeckError
from engine.projects import git

_HISTORY_SECONDS = 15.0
_MAX_NAMES = 60
_MAX_LISTED_BYTES = 4 << 20
_PLAIN = re.compile(r"\w{2,80}", re.ASCII)
_CODE = conventions.C_SOURCES | conventions.C_HEADERS | conventions.PYTHON


def find(
    coverage: Coverage, repository: Path, app: str, *, cancel: CancelToken
) -> Mapping[str, str]:
    """What is gone of each orphan: a module, or the path of a file that was deleted.

    Args:
        coverage: of the project as it is.
        repository: of Git, in whose history deleted files are; others know of none.
        app: the folder of it that the project is, empty for all of it.
        cancel: ends it early.

    Raises:
        CancelledError, Interrupted: as ``cancel`` says.
    """
    found: dict[str, str] = {}
    wanted: dict[str, set[str]] = {}
    for path, subjects in coverage.alone.items():
        test = coverage.tests[path]
        if path.endswith(".py"):
            if test.gone:
                found[path] = min(test.gone)
                continue
            stems = set(subjects)
        else:
            stems = {*subjects, *(PurePosixPath(each).stem for each in test.gone)} - {"unity"}
        wanted[path] = {each.lower() for each in stems if _PLAIN.fullmatch(each)}
    names = sorted(set().union(*wanted.values()))[:_MAX_NAMES] if wanted else []
    deleted = _deleted(names, repository, app, cancel) if names else {}
    for path, stems in wanted.items():
        python = path.endswith(".py")
        for stem in sorted(stems):
            gone = [each for each in deleted.get(stem, ()) if each.endswith(".py") == python]
            if gone and _fits(gone[0], path) and not _was_moved(gone, path):
                found[path] = gone[0]
                break
    return found


def _was_moved(gone: Sequence[str], test: str) -> bool:
    """Whether what was deleted is the file itself, which tests have now."""
    return any(posixpath.basename(each) == posixpath.basename(test) for each in gone)


def _fits(gone: str, test: str) -> bool:
    """Whether a deleted file was one that the test's folder is for."""
    home = conventions.home_of(test)[0]
    return not home or gone.startswith(f"{home}/")


def _deleted(
    names: Sequence[str], repository: Path, app: str, cancel: CancelToken
) -> Mapping[str, list[str]]:
    """Code that was deleted, by its name without the ending, the newest first."""
    start = f"{app.strip('/')}/" if app.strip("/") else ""
    # What has a dash in one name may have an underscore in the other.
    patterns = [f":(glob,icase){start}**/{name.replace('_', '?')}.*" for name in names]
    listed = bytearray()

    def take(chunk: bytes) -> None:
        if len(listed) < _MAX_LISTED_BYTES:
            listed.extend(chunk)

    words = ["-C", os.fspath(repository), "log", "--diff-filter=D", "--no-renames", "--format="]
    try:
        done = git.run_any(
            [*words, "--name-only", "-z", "HEAD", "--", *patterns],
            timeout=_HISTORY_SECONDS,
            cancel=cancel,
            on_output=take,
            supervised=False,
        )
    except EspdeckError:
        cancel.check()
        return {}
    if done.returncode != 0:
        return {}
    return _by_stem(os.fsdecode(bytes(listed)).split("\0"), start)


def _by_stem(paths: Iterable[str], start: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in (each.strip("\n").removeprefix(start) for each in paths):
        pure = PurePosixPath(path)
        own = conventions.FOREIGN_FOLDERS.isdisjoint(pure.parts[:-1])
        tests = conventions.home_of(path)[1] or conventions.is_named_test(path)
        if path and pure.suffix.lower() in _CODE and own and not tests:
            stem = posixpath.basename(path).partition(".")[0].lower().replace("-", "_")
            found.setdefault(stem, []).append(path)
    return found
