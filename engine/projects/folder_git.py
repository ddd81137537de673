"""Asking Git about a person's folder: nothing is written there, and no program that it names runs.

Git compares a file whose times have changed through the filters of its attributes
(gitattributes(5)), and ``.git/config`` says which programs those are: a folder that was copied from
elsewhere brings its own. Filters that the person's own settings name run, as with Git itself.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from engine.cancel import CancelToken
from engine.errors import ToolError
from engine.files import read_file
from engine.projects.git import explain, run_any
from engine.projects.lfs import FILTER as LFS_FILTER

NO_LOCKS_ENV = {"GIT_OPTIONAL_LOCKS": "0"}
"""Has Git refresh no index and take no lock (git(1))."""

_MAX_ERROR_BYTES = 1 << 16
_MAX_CONFIG_BYTES = 1 << 16
_MAX_SUBMODULES = 1000
_SUBMODULE_MODE = "160000 "
_OF_FILTERS = ("filter.", "lfs.extension.")
_SECTIONS = (b"filter", b"lfs", b"include")  # that a configuration needs to name a filter
_OFF = {"clean": "", "process": "", "required": "false"}
_OF_LFS = frozenset(value for _key, value in LFS_FILTER)


class _Setting(NamedTuple):
    """A line of Git's configuration; ``key`` is the last part of its name."""

    is_of_folder: bool
    section: str
    key: str
    value: str


def ask(
    folder: Path,
    *words: str,
    cancel: CancelToken,
    timeout: float,
    env: Mapping[str, str] | None = None,
) -> str:
    """What Git prints; bytes that are no UTF-8 are lone surrogates.

    Args:
        timeout: seconds that Git may take.
        env: variables that it has beside those of this process.

    Raises:
        ToolError: it failed, or took longer; one line.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    printed = bytearray()
    with tempfile.TemporaryFile() as said:  # warnings, which must not stand among the names
        done = run_any(
            ["-C", str(folder), *words],
            timeout=timeout,
            cancel=cancel,
            on_output=printed.extend,
            env={**NO_LOCKS_ENV, **(env or {})},
            errors=said,
            supervised=False,
        )
        said.seek(0)
        complaint = said.read(_MAX_ERROR_BYTES).decode("utf-8", "replace")
    if done.returncode != 0:
        raise ToolError(f"{folder}: {explain(complaint)}")
    return os.fsdecode(bytes(printed))


def status(folder: Path, *options: str, cancel: CancelToken, timeout: float) -> str:
    """What ``git status`` prints, in porcelain format 2 with NUL bytes (git-status(1)).

    A file that such a filter would leave as it was committed may count as changed. Without a
    ``.gitmodules`` nobody looks for changes in repositories within this one.

    Args:
        options: more of its options.
        timeout: seconds that each call of Git may take.

    Raises:
        ToolError: as :func:`ask`.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    folders, depth = [folder], ["--ignore-submodules=dirty"]
    if (folder / ".gitmodules").is_file():
        depth = []
        folders += _submodules(folder, cancel, timeout)
    off: dict[str, str] = {}
    for each in folders:
        if _may_name_filters(each):
            off |= _filters_off(each, cancel, timeout)
    words = ("status", "--porcelain=v2", "-z", *depth, *options)
    return ask(folder, *words, cancel=cancel, timeout=timeout, env=_as_env(off))


def _submodules(folder: Path, cancel: CancelToken, timeout: float) -> list[Path]:
    """Every repository in a folder into which ``git status`` looks, and those in them.

    Raises:
        ToolError: Git cannot say, or they are too many.
    """
    found, left = list[Path](), [folder]
    while left:
        at = left.pop()
        for entry in ask(at, "ls-files", "--stage", "-z", cancel=cancel, timeout=timeout).split(
            "\0"
        ):
            path = at / entry.partition("\t")[2]
            if entry.startswith(_SUBMODULE_MODE) and (path / ".git").exists():
                found.append(path)
                left.append(path)
        if len(found) > _MAX_SUBMODULES:
            raise ToolError(f"{folder}: more than {_MAX_SUBMODULES} submodules")
    return found


def _may_name_filters(folder: Path) -> bool:
    """Whether a repository's configuration has to be asked: it says nothing of filters else."""
    own = folder / ".git"
    if not own.is_dir() or (own / "commondir").exists():
        return True  # it lies elsewhere (gitrepository-layout(5))
    try:
        texts = [
            read_file(path, _MAX_CONFIG_BYTES).lower()
            for path in (own / "config", own / "config.worktree")
            if path.exists()
        ]
    except OSError:
        return True
    return any(section in text for text in texts for section in _SECTIONS)


def _filters_off(folder: Path, cancel: CancelToken, timeout: float) -> dict[str, str]:
    """Settings which have filters that a repository names run nothing, and the person's own stay.

    Raises:
        ToolError: Git cannot say.
    """
    settings = _settings(folder, cancel, timeout)
    extends_lfs = any(each.is_of_folder and each.section.startswith("lfs.") for each in settings)
    off: dict[str, str] = {}
    for name in dict.fromkeys(
        each.section
        for each in settings
        if each.section.startswith("filter.")
        and (each.is_of_folder or (extends_lfs and each.section == "filter.lfs"))
    ):
        of_filter = [each for each in settings if each.section == name and each.key in _OFF]
        theirs = {each.key: each.value for each in of_filter if each.is_of_folder}
        mine = {each.key: each.value for each in of_filter if not each.is_of_folder}
        if name == "filter.lfs" and extends_lfs:
            off |= {f"{name}.{key}": nothing for key, nothing in _OFF.items()}
        elif extends_lfs or not _OF_LFS.issuperset(theirs.values()):
            off |= {f"{name}.{key}": mine.get(key, _OFF[key]) for key in theirs}
    return off


def _settings(folder: Path, cancel: CancelToken, timeout: float) -> list[_Setting]:
    """Every setting about filters that holds in a repository (git-config(1)); the last one wins."""
    words = ("config", "--list", "--show-scope", "-z")
    printed = ask(folder, *words, cancel=cancel, timeout=timeout).split("\0")
    found = []
    for scope, line in zip(printed[::2], printed[1::2], strict=False):
        name, _newline, value = line.partition("\n")
        section, _dot, key = name.rpartition(".")
        if section.startswith(_OF_FILTERS):
            found.append(_Setting(scope in ("local", "worktree"), section, key, value))
    return found


def _as_env(settings: Mapping[str, str]) -> dict[str, str]:
    """Settings for Git and what it starts (git-config(1), ``GIT_CONFIG_COUNT``).

    A name of a filter may hold ``=``, which an argument ``-c`` could not tell.
    """
    given = os.environ.get("GIT_CONFIG_COUNT", "")
    first = int(given) if given.isascii() and given.isdigit() else 0
    env = {"GIT_CONFIG_COUNT": str(first + len(settings))} if settings else {}
    for number, (name, value) in enumerate(settings.items(), first):
        env[f"GIT_CONFIG_KEY_{number}"] = name
        env[f"GIT_CONFIG_VALUE_{number}"] = value
    return env
