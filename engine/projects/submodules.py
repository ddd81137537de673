"""Submodules of a worktree: fetched for what needs them, each that fails named.

Their URLs come from the repository, so they never reach repositories of this machine; only where
the settings allow it may a relative URL do so, in a repository that is a folder of this machine
itself (gitmodules(5)).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.cancel import CancelToken
from engine.enums import Severity
from engine.errors import ToolError
from engine.findings import Finding
from engine.projects.git import (
    LOCAL_TIMEOUT_SECONDS,
    explain,
    lock_config,
    read_git,
    run_any,
    run_git,
)
from engine.projects.remote import TIMEOUT_SECONDS, credentials
from engine.projects.sources import Source, SourceKind
from engine.projects.worktrees import Slot
from engine.text import clean, mask

MODULES = ".gitmodules"

_KEY = re.compile(r"submodule\.(.+)\.(path|url|update)")
_NESTED = re.compile(r"into submodule path '([^'\n]{1,400})' failed|in submodule path '([^'\n]+)'")
_NOT_THERE = re.compile(r"did not contain ([0-9a-f]{7,64})|not our ref ([0-9a-f]{7,64})")
_HINTS = (
    (
        "transport file is not allowed",
        "a URL in .gitmodules names a repository of this machine: local_submodules = true in the "
        "settings allows relative ones",
    ),
    ("needs authentication", "give the submodule's host an SSH key or a credential helper too"),
    ("has no commit", "push the submodule's commit, or commit another one in the repository"),
)


@dataclass(frozen=True, slots=True)
class _Submodule:
    path: str
    url: str
    update: str

    @property
    def is_relative(self) -> bool:
        return self.url.startswith(("./", "../"))


def update(
    slot: Slot,
    clone: Path,
    source: Source,
    *,
    local: bool,
    say: Callable[[str], None],
    cancel: CancelToken,
) -> tuple[Finding, ...]:
    """Check out the submodules of a slot's worktree, and theirs; does nothing where all are there.

    One that says ``update = none`` is left out, as Git does.

    Args:
        slot: of the worktree.
        clone: whose worktree it is; its configuration is held meanwhile.
        source: of the clone; relative URLs begin there.
        local: whether relative URLs may lead to repositories of this machine.
        say: is told what is fetched, a line each.
        cancel: ends it early.

    Returns:
        An error for each that could not be checked out.

    Raises:
        ToolError: ``.gitmodules`` makes no sense to Git.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    if not (slot.source / MODULES).is_file() or (slot.source / MODULES).is_symlink():
        return ()
    wanted = [each for each in _listed(slot.source) if each.update != "none"]
    at = ["-C", str(slot.source)]
    with lock_config(clone, cancel=cancel):  # what is known of submodules is written down there
        if _all_there(slot.source, wanted):
            _clean(slot.source, wanted, cancel)
            return ()
        url, options, secrets = credentials(source)
        run_git([*at, "config", "remote.origin.url", url], cancel=cancel)
        paths = [each.path for each in wanted]
        run_git([*at, "submodule", "sync", "--recursive", "--quiet", "--", *paths], cancel=cancel)
        found = []
        for each in wanted:
            allowed = local and each.is_relative and source.kind is SourceKind.FILE
            never = [] if allowed else ["-c", "protocol.file.allow=never"]
            say(f"submodule {clean(each.path)} from {mask(clean(each.url))}")
            words = ["submodule", "update", "--init", "--recursive", "--force", "--checkout", "--"]
            done = run_any(
                [*options, *never, *at, *words, each.path],
                timeout=TIMEOUT_SECONDS,
                cancel=cancel,
                env=secrets,
            )
            if done.returncode != 0:
                found.append(_failed(each, done.tail, slot.source))
        _clean(slot.source, wanted, cancel)
    return tuple(found)


def _clean(worktree: Path, wanted: Sequence[_Submodule], cancel: CancelToken) -> None:
    """Delete what builds left in submodules.

    One after the other: ``git submodule foreach`` in the worktree fails where a commit has a
    submodule that ``.gitmodules`` does not name.
    """
    for each in wanted:
        inside = worktree / each.path
        if (inside / ".git").exists():
            at = ["-C", str(inside)]
            run_git([*at, "clean", "-ffdxq"], cancel=cancel)
            if (inside / MODULES).is_file():
                words = ("submodule", "foreach", "--recursive", "--quiet")
                run_any(
                    [*at, *words, "git", "clean", "-ffdxq"],
                    timeout=LOCAL_TIMEOUT_SECONDS,
                    cancel=cancel,
                )


def _listed(worktree: Path) -> list[_Submodule]:
    """What ``.gitmodules`` names, of what is a submodule in the commit."""
    words = ("config", "--file", str(worktree / MODULES), "--list", "-z")
    found: dict[str, dict[str, str]] = {}
    for entry in filter(None, read_git(worktree, *words).split("\0")):
        key, _, value = entry.partition("\n")
        match = _KEY.fullmatch(key)
        if match:
            found.setdefault(match[1], {})[match[2]] = value
    staged = read_git(worktree, "ls-files", "--stage", "-z").split("\0")
    links = {entry.partition("\t")[2] for entry in staged if entry.startswith("160000 ")}
    return [
        _Submodule(each["path"], each.get("url", ""), each.get("update", ""))
        for each in found.values()
        if each.get("path") in links
    ]


def _all_there(worktree: Path, wanted: Sequence[_Submodule]) -> bool:
    """Whether each is checked out at the commit that the repository names, and theirs too."""
    paths = [each.path for each in wanted]
    try:
        status = read_git(worktree, "submodule", "status", "--recursive", "--", *paths)
    except ToolError:
        return False  # as where one is in the midst of being cloned
    return all(line.startswith(" ") for line in status.splitlines())


def _failed(submodule: _Submodule, printed: str, worktree: Path) -> Finding:
    nested = _NESTED.search(printed)
    inner = (nested[1] or nested[2] or "").removeprefix(f"{worktree}/") if nested else ""
    path = inner if inner.startswith(f"{submodule.path}/") else submodule.path
    absent = _NOT_THERE.search(printed)
    reason = explain(printed)
    if absent:
        reason = f"its repository has no commit {(absent[1] or absent[2])[:10]}"
    hint = next((hint for words, hint in _HINTS if words in reason), None)
    url = f" ({mask(clean(submodule.url))})" if path == submodule.path else ""
    return Finding(
        severity=Severity.ERROR,
        code="project.submodule",
        message=f"submodule {clean(path)}{url} cannot be checked out: {reason}",
        file=MODULES,
        hint=hint or "check its URL in .gitmodules, and that this machine may reach it",
        evidence="\n".join(mask(clean(line)) for line in printed.splitlines()[-10:]) or None,
    )
