"""Submodules: what ``.gitmodules`` says, what the commit records, and what is checked out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.cancel import CancelToken
from engine.checks.dependencies.tree import (
    DRIFT,
    INVALID,
    MISSING,
    SourceTree,
    finding,
    is_absolute,
    name_of,
    names_of,
)
from engine.checks.git_reader import GitReader
from engine.enums import Severity
from engine.findings import Finding
from engine.projects.submodules import MODULES
from engine.text import mask

_KEY = re.compile(r"submodule\.(.+)\.(path|url|update|branch)", re.S)
_GITLINK = re.compile(r"160000 ([0-9a-f]{40,64}) \d\t(.+)", re.S)
_MAX_SUBMODULES = 200
_TIMEOUT_SECONDS = 20.0
_SHORT_HASH = 10
_INIT_HINT = "git submodule update --init --recursive gets them"


@dataclass(frozen=True, slots=True)
class Submodule:
    """What ``.gitmodules`` says of one."""

    path: str
    url: str
    update: str
    branch: str


def recorded(git: GitReader) -> dict[str, str]:
    """The commit of each submodule that the index has, by path.

    Raises:
        ToolError: Git cannot say; one line.
    """
    found = {}
    for entry in (
        git.read("ls-files", "--stage", "-z").decode("utf-8", "surrogateescape").split("\0")
    ):
        if match := _GITLINK.fullmatch(entry):
            found[match[2]] = match[1]
    return found


def check_submodules(
    tree: SourceTree, commits: Mapping[str, str], cancel: CancelToken
) -> Iterator[Finding]:
    """What is wrong with the submodules of a tree.

    Args:
        commits: as :func:`recorded` has them.
    """
    listed, is_readable = _listed(tree)
    if not is_readable:
        yield finding(Severity.ERROR, INVALID, "Git cannot read it", MODULES)
        return
    unknown = [path for path in commits if path not in listed]
    if unknown:
        words = f"a submodule that .gitmodules does not name: {names_of(unknown)}"
        hint = "git submodule add URL PATH makes one; git rm --cached PATH takes it out"
        yield finding(Severity.WARNING, MISSING, words, MODULES, hint=hint)
    left = [each.path for each in listed.values() if each.path not in commits]
    if left:
        words = f"no longer submodules of the commit: {names_of(left)}"
        yield finding(Severity.INFO, INVALID, words, MODULES)
    for each in listed.values():
        if each.path in left:
            continue
        if not each.url:
            words = f"{name_of(each.path)} has no URL"
            yield finding(Severity.WARNING, MISSING, words, MODULES)
        elif is_absolute(each.url) or each.url.startswith("file:"):
            words = f"{name_of(each.path)}: {name_of(mask(each.url))} is a folder of one machine"
            yield finding(Severity.WARNING, MISSING, words, MODULES)
    if tree.is_working_tree:
        yield from _check_checkouts(tree, listed, commits, cancel)


def _listed(tree: SourceTree) -> tuple[dict[str, Submodule], bool]:
    path = tree.root / MODULES
    if not path.is_file() or path.is_symlink():
        return {}, True
    words = ("config", "--file", str(path), "--list", "-z", "--no-includes")
    printed = tree.git.text(*words)
    if printed is None:
        return {}, False
    found: dict[str, dict[str, str]] = {}
    for entry in printed.split("\0"):
        key, _, value = entry.partition("\n")
        if match := _KEY.fullmatch(key):
            found.setdefault(match[1], {})[match[2]] = value
    made = [
        Submodule(
            each["path"].rstrip("/"),
            each.get("url", ""),
            each.get("update", ""),
            each.get("branch", ""),
        )
        for each in found.values()
        if each.get("path")
    ]
    return {each.path: each for each in made}, True


def _check_checkouts(
    tree: SourceTree,
    listed: Mapping[str, Submodule],
    commits: Mapping[str, str],
    cancel: CancelToken,
) -> Iterator[Finding]:
    absent = []
    for path, commit in list(commits.items())[:_MAX_SUBMODULES]:
        if path not in listed or listed[path].update == "none":
            continue
        folder = tree.root / path
        if tree.root.resolve() not in folder.resolve().parents:
            continue  # through a link
        if not (folder / ".git").exists():
            absent.append(path)
            continue
        git = GitReader(folder, cancel=cancel, timeout=_TIMEOUT_SECONDS)
        there = git.line("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        if there == commit or not there:
            continue
        known = git.line("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}")
        words = (
            f"{name_of(path)} is at {there[:_SHORT_HASH]}, the commit records "
            f"{commit[:_SHORT_HASH]}{'' if known else ', which is not fetched'}"
        )
        hint = "git submodule update checks it out; git add PATH records what is there"
        yield finding(Severity.WARNING, DRIFT, words, path, hint=hint)
    if absent:
        words = f"not checked out: {names_of(absent)}"
        yield finding(Severity.WARNING, MISSING, words, MODULES, hint=_INIT_HINT)
