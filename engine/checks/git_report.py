"""What ``git_check`` says of what it saw: its message, its details, and ``git_changes.json``."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from engine.checks import git_diffs, git_status
from engine.checks.base import CheckContext, CheckResult
from engine.checks.git_branches import StaleBranch
from engine.checks.git_diffs import FileDiff
from engine.checks.git_status import FileStatus, TreeStatus
from engine.checks.tokens import TokenCount
from engine.enums import CheckStatus
from engine.source.file_policy import GENERATED, NOT_OWN, exposure_refusal, is_secret
from engine.text import clean, count, listed

CHANGES_FILE = "git_changes.json"
"""What the check writes into its folder."""

FORMAT = 1
"""Version of the form of :data:`CHANGES_FILE`; in a new one, fields that were there may be gone."""

MAX_FILES = 20_000
"""Files that :data:`CHANGES_FILE` lists."""

_SHORT_HASH = 10
_MAX_LISTED = 500  # files, branches and submodules in a result
_MAX_NAME_CHARACTERS = 200
_MAX_BRANCHES_AHEAD = 50


@dataclass(frozen=True, slots=True)
class Since:
    """What changed since the last successful build.

    Args:
        commit: that was built, empty for none.
        is_known: whether the repository has it.
        files: that differ.
        is_whole: whether those are all.
    """

    commit: str = ""
    is_known: bool = False
    files: tuple[FileDiff, ...] = ()
    is_whole: bool = True


@dataclass(slots=True)
class Found:
    """What was seen, on its way to a result."""

    branch: str = ""
    upstream: str = ""
    ahead: int | None = None
    behind: int | None = None
    commit: str = ""
    tree: TreeStatus | None = None
    operation: str = ""
    files: list[FileDiff] = field(default_factory=list)
    is_whole: bool = True
    unpushed: int = 0
    unpushed_commits: list[str] = field(default_factory=list)
    branches_ahead: dict[str, int] = field(default_factory=dict)
    stashes: int = 0
    is_shallow: bool = False
    fetched: datetime | None = None
    since: Since = Since()
    stale: list[StaleBranch] = field(default_factory=list)


def shown(file: FileDiff, context: CheckContext) -> FileDiff:
    """A file as a model is shown it: without what may be a secret, and why it has no diff."""
    if is_secret(file.path) or is_secret(file.old_path or ""):
        return replace(file, text="", cut_bytes=0, note="may hold a secret")
    refusal = exposure_refusal(file.path)
    if refusal in (GENERATED, NOT_OWN) and not file.is_submodule:
        return replace(file, text="", cut_bytes=0, note=file.note or refusal)
    conflict = file.status is FileStatus.CONFLICTED
    if file.additions is None and not (file.note or file.is_submodule or conflict):
        note = git_diffs.BINARY
        if context.is_working_tree:
            full = os.fsencode(context.tree) + b"/" + os.fsencode(file.path)
            try:
                size = os.lstat(full).st_size
            except (OSError, ValueError):
                size = 0
            note = git_diffs.TOO_LARGE if size > git_diffs.MAX_COMPARED_BYTES else note
        return replace(file, note=note)
    if file.cut_bytes and not file.text:
        return replace(file, note=git_diffs.TOO_MANY)
    return file


def _text(value: str) -> str:
    """A name as JSON can hold it for every reader."""
    return value.encode("utf-8", "replace").decode("utf-8")


def _file_json(file: FileDiff, tree: Mapping[str, git_status.Entry]) -> dict[str, Any]:
    """A file without its diff."""
    made: dict[str, Any] = {
        "path": _text(file.path),
        "status": file.status.value,
        "additions": file.additions,
        "deletions": file.deletions,
    }
    if file.old_path is not None:
        made["old_path"] = _text(file.old_path)
    if file.note == git_diffs.BINARY:
        made["binary"] = True
    if file.is_submodule:
        made["submodule"] = True
    if file.is_link:
        made["link"] = True
    entry = tree.get(file.path)
    if entry is not None and entry.status is not FileStatus.UNTRACKED:
        made["staged"] = entry.staged.value if entry.staged else None
        made["unstaged"] = entry.unstaged.value if entry.unstaged else None
        if entry.conflict:
            made["conflict"] = entry.conflict
        if entry.submodule:
            state = entry.submodule
            made["submodule_state"] = [
                *(["another commit"] if state.commit else []),
                *(["changed files"] if state.modified else []),
                *(["untracked files"] if state.untracked else []),
            ]
    if file.note:
        made["note"] = file.note
    return made


def _entries(found: Found) -> dict[str, git_status.Entry]:
    return {each.path: each for each in found.tree.entries} if found.tree else {}


def _tokens_json(tokens: TokenCount, threshold: int) -> dict[str, Any]:
    return {
        "model": tokens.model,
        "encoding": tokens.encoding,
        "is_stand_in": tokens.is_stand_in,
        "count": tokens.count,
        "threshold": threshold,
    }


def write(
    context: CheckContext,
    found: Found,
    files: Sequence[FileDiff],
    tokens: TokenCount,
    threshold: int,
) -> None:
    """Write what changed, whole or not at all."""
    entries = _entries(found)
    listed_files = []
    for each in files:
        made = _file_json(each, entries) | {"diff": each.text}
        if each.cut_bytes:
            made["diff_cut_bytes"] = each.cut_bytes
        listed_files.append(made)
    document = {
        "format": FORMAT,
        "project": context.project,
        "time": context.now.isoformat(),
        "compared": ["commit", "working tree"] if context.is_working_tree else ["since", "commit"],
        "branch": _text(found.branch),
        "upstream": _text(found.upstream),
        "ahead": found.ahead,
        "behind": found.behind,
        "commit": found.commit,
        "since": found.since.commit,
        "tokens": _tokens_json(tokens, threshold),
        "is_whole": found.is_whole
        and not any(each.cut_bytes or each.note == git_diffs.TOO_MANY for each in files),
        "files_left_out": max(0, len(found.files) - len(files)),
        "files": listed_files,
        "changed_since": [
            _file_json(each, {}) for each in found.since.files[:MAX_FILES] if found.tree
        ],
    }
    context.output.mkdir(parents=True, exist_ok=True)
    path = context.output / CHANGES_FILE
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8") as file:
            json.dump(document, file, ensure_ascii=False, indent=1)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def result_of(
    context: CheckContext,
    found: Found,
    files: Sequence[FileDiff],
    tokens: TokenCount,
    threshold: int,
) -> CheckResult:
    """What the check came to.

    Args:
        files: as :func:`shown` made them.
    """
    counts = _counts(found)
    submodules = _submodules(found)
    alert = tokens.count > threshold
    status = CheckStatus.SUCCESS
    uncommitted = sum(counts[name] for name in ("staged", "unstaged", "untracked"))
    lacking = any(each.note.startswith(git_diffs.NOT_COMPARED) for each in files)
    if uncommitted or found.unpushed or found.behind or alert or found.operation or lacking:
        status = CheckStatus.WARNING
    if counts["conflicted"]:
        status = CheckStatus.ERROR
    details: dict[str, Any] = {
        "branch": clean(found.branch),
        "is_detached": bool(found.tree and not found.tree.branch),
        "commit": found.commit,
        "upstream": clean(found.upstream),
        "ahead": found.ahead,
        "behind": found.behind,
        "fetched": found.fetched.isoformat() if found.fetched else None,
        "is_shallow": found.is_shallow,
        "operation": found.operation,
        "counts": dict(counts),
        "files": _listed_files(found, files),
        "unpushed": found.unpushed,
        "unpushed_commits": found.unpushed_commits,
        "branches_ahead": {
            clean(name): number
            for name, number in list(found.branches_ahead.items())[:_MAX_BRANCHES_AHEAD]
        },
        "stashes": found.stashes,
        "submodules": submodules[:_MAX_LISTED],
        "since": found.since.commit,
        "since_is_known": found.since.is_known,
        "changed_since": len(found.since.files) if found.since.is_known else None,
        "stale_branches": [
            {"name": clean(each.name), "reasons": list(each.reasons), "days": each.days}
            for each in found.stale[:_MAX_LISTED]
        ],
        "tokens": _tokens_json(tokens, threshold),
        "is_whole": found.is_whole,
        "changes_file": str(context.output / CHANGES_FILE),
    }
    return CheckResult(status, _message(found, counts, tokens, threshold), details)


def _counts(found: Found) -> Counter[str]:
    """How many files are staged, changed, new and in conflict; one may be in two of them."""
    counts: Counter[str] = Counter()
    for each in found.tree.entries if found.tree else ():
        if each.is_untracked_only:
            continue
        counts["staged"] += each.staged is not None
        counts["unstaged"] += each.unstaged is not None
        counts["untracked"] += each.status is FileStatus.UNTRACKED
        counts["conflicted"] += each.status is FileStatus.CONFLICTED
    return counts


def _submodules(found: Found) -> list[dict[str, Any]]:
    return [
        {
            "path": clean(each.path),
            "commit": each.submodule.commit,
            "modified": each.submodule.modified,
            "untracked": each.submodule.untracked,
        }
        for each in (found.tree.entries if found.tree else ())
        if each.submodule is not None
    ]


def _listed_files(found: Found, files: Sequence[FileDiff]) -> list[dict[str, Any]]:
    """The files of the result: without diffs, those in conflict first."""
    entries = _entries(found)
    order = sorted(files, key=lambda each: each.status is not FileStatus.CONFLICTED)
    made = []
    for each in order[:_MAX_LISTED]:
        values = _file_json(each, entries)
        for name in ("path", "old_path"):
            if name in values:
                values[name] = clean(values[name])[:_MAX_NAME_CHARACTERS]
        made.append(values)
    return made


def _message(found: Found, counts: Counter[str], tokens: TokenCount, threshold: int) -> str:
    parts = []
    if counts["conflicted"]:
        names = [
            clean(each.path)
            for each in (found.tree.entries if found.tree else ())
            if each.status is FileStatus.CONFLICTED
        ]
        parts.append(f"{count(counts['conflicted'], 'conflict')} in {listed(names, 3)}")
    if found.operation:
        parts.append(f"{found.operation} in progress")
    if tokens.count > threshold:
        by = f", counted as {tokens.encoding}" if tokens.is_stand_in else ""
        model = clean(tokens.model)
        parts.append(
            f"TOKEN ALERT: {tokens.count} tokens of changes, more than {threshold} ({model}{by})"
        )
    kinds = [
        f"{counts[name]} {name}" for name in ("staged", "unstaged", "untracked") if counts[name]
    ]
    if kinds:
        parts.append(f"uncommitted files: {', '.join(kinds)}")
    lacking = [each.note for each in found.files if each.note.startswith(git_diffs.NOT_COMPARED)]
    if lacking:
        parts.append(f"{count(len(lacking), 'file')} {lacking[0]}")
    if found.unpushed:
        parts.append(f"{count(found.unpushed, 'commit')} not pushed")
    elif found.ahead:
        parts.append(f"{found.ahead} ahead of {clean(found.upstream)}")
    if found.behind:
        parts.append(f"{found.behind} behind {clean(found.upstream)}")
    if found.tree and found.upstream and found.behind is None:
        parts.append(f"upstream {clean(found.upstream)} is gone")
    if found.tree and not found.commit:
        parts.append("no commit yet")
    if found.since.is_known:
        changed = len(found.since.files)
        more = "" if found.since.is_whole else "more than "
        parts.append(f"{more}{count(changed, 'file')} changed since the last successful build")
    elif found.since.commit:
        short = found.since.commit[:_SHORT_HASH]
        parts.append(f"the last successful build's commit {short} is not in the repository")
    if found.stale:
        parts.append(
            f"{len(found.stale)} stale {'branch' if len(found.stale) == 1 else 'branches'}"
        )
    if found.stashes:
        parts.append(_several(found.stashes, "stash"))
    where = clean(found.branch) or (
        f"detached at {found.commit[:_SHORT_HASH]}" if found.commit else "HEAD"
    )
    return f"{where}: {'; '.join(parts) if parts else 'nothing to commit or push'}"


def _several(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 'es'}"
