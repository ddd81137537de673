"""``git_check``: what of a project's repository is not committed, pushed, pulled or needed.

It only looks. What is not committed (of a project whose source is a folder of this machine), or has
changed since the last successful build (of any other), goes into ``git_changes.json``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from engine.checks import git_branches, git_diffs, git_status
from engine.checks.base import CheckContext, CheckResult
from engine.checks.git_diffs import FileDiff
from engine.checks.git_reader import GitReader
from engine.checks.git_report import (
    CHANGES_FILE,
    MAX_FILES,
    Found,
    Since,
    result_of,
    shown,
    write,
)
from engine.checks.git_status import FileStatus, TreeStatus
from engine.checks.tokens import count_tokens
from engine.enums import CheckStatus
from engine.errors import MissingToolError, ToolError
from engine.projects.git import check_trusted
from engine.text import clean

_HASH = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_MAX_UNPUSHED = 20
_MAX_SUBJECT_CHARACTERS = 200
_TIME_SHARE = 0.9  # of the time that a check has: the rest is for counting and writing


class GitCheck:
    """What of a repository is not committed, pushed, pulled or needed."""

    name: ClassVar[str] = "git_check"
    title: ClassVar[str] = "Uncommitted and unpushed changes, conflicts, stale branches"
    interval: ClassVar[float] = 5.0
    options: ClassVar[Mapping[str, Any]] = {
        "token_model": "gpt-4",
        "token_threshold": 50_000,
        "stale_days": 90,
    }

    def state(self, context: CheckContext) -> str:
        """The commits and branches, and what is not committed, with sizes and times of files."""
        digest = hashlib.sha256()
        said = {name: self._option(context, name) for name in self.options}
        # Branches grow old without a change.
        for part in (context.commit, context.since, context.branch, said, context.now.date()):
            digest.update(f"{part}\0".encode())
        if context.previous is not None and not (context.output / CHANGES_FILE).exists():
            return ""  # somebody deleted it
        git = _reader(context)
        try:
            digest.update(git.read("for-each-ref", "--format=%(objectname) %(refname)"))
            if context.is_working_tree:
                seen = git_status.fingerprint(git, context.tree)
                if seen is None:
                    return ""
                digest.update(seen)
                folder = git.line("rev-parse", "--absolute-git-dir")
                digest.update(git_status.operation_in(Path(folder)).encode())
        except (ToolError, MissingToolError):
            return ""  # the run says why
        return digest.hexdigest()

    def run(self, context: CheckContext) -> CheckResult:
        """Look, write what changed, and count its tokens."""
        git = _reader(context)
        days = float(self._option(context, "stale_days"))
        found = Found()
        try:
            if context.is_working_tree:
                check_trusted(context.tree)
                _look_at_folder(git, context, found, days)
            else:
                _look_at_clone(git, context, found, days)
        except (ToolError, MissingToolError) as error:
            return CheckResult(CheckStatus.ERROR, str(error), {"problem": str(error)})
        files = [shown(each, context) for each in found.files[:MAX_FILES]]
        model = str(self._option(context, "token_model"))
        tokens = count_tokens((each.text for each in files), model)
        threshold = int(self._option(context, "token_threshold"))
        write(context, found, files, tokens, threshold)
        return result_of(context, found, files, tokens, threshold)

    def _option(self, context: CheckContext, name: str) -> Any:
        return context.options.get(name, self.options[name])


def _reader(context: CheckContext) -> GitReader:
    folder = context.tree if context.is_working_tree else context.repository
    return GitReader(folder, cancel=context.cancel, timeout=context.timeout * _TIME_SHARE)


def _look_at_folder(git: GitReader, context: CheckContext, found: Found, days: float) -> None:
    """Look at a repository in which a person works."""
    tree, _printed = git_status.read_status(git)
    found.tree, found.commit = tree, tree.commit
    folder = Path(git.line("rev-parse", "--absolute-git-dir"))
    found.operation = git_status.operation_in(folder)
    found.branch = tree.branch or (
        git_status.branch_of_operation(folder) if found.operation else ""
    )
    found.upstream, found.ahead, found.behind = tree.upstream, tree.ahead, tree.behind
    found.is_shallow = git.line("rev-parse", "--is-shallow-repository") == "true"
    common = git.line("rev-parse", "--path-format=absolute", "--git-common-dir")
    found.fetched = _time_of(Path(common or folder) / "FETCH_HEAD")
    found.files, found.is_whole = _uncommitted(git, context.tree, tree)
    if git.line("rev-parse", "--verify", "--quiet", "refs/stash"):
        found.stashes = git.count("rev-list", "--walk-reflogs", "--count", "refs/stash") or 0
    if tree.commit:
        _look_at_commits(git, tree, found)
        found.since = _changed_since(git, context.since, tree.commit, texts=False)
        base = git_branches.default_commit(git) or tree.commit
        branches = git_branches.local_branches(git, base)
        if git.line("remote"):
            found.branches_ahead = {
                each.name: each.ahead
                for each in branches
                if each.ahead and each.name != found.branch
            }
        tips = (base, tree.commit)
        found.stale = git_branches.stale(branches, tips=tips, now=context.now, days=days)


def _look_at_clone(git: GitReader, context: CheckContext, found: Found, days: float) -> None:
    """Look at espdeck's clone of a project's source."""
    found.branch, found.commit = context.branch or "", context.commit
    found.is_shallow = git.line("rev-parse", "--is-shallow-repository") == "true"
    found.fetched = _time_of(context.repository / "FETCH_HEAD")
    if not context.commit:
        return
    found.since = _changed_since(git, context.since, context.commit, texts=True)
    found.files, found.is_whole = list(found.since.files), found.since.is_whole
    base = git_branches.default_commit(git) or context.commit
    branches = git_branches.source_branches(git, base)
    followed = [each for each in branches if each.name != context.branch]
    tips = (base, context.commit)
    found.stale = git_branches.stale(followed, tips=tips, now=context.now, days=days)


def _time_of(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        return None


def _look_at_commits(git: GitReader, tree: TreeStatus, found: Found) -> None:
    """Which commits are on this machine alone."""
    if not git.line("remote"):
        return
    only_here = (tree.commit, "--not", "--remotes")
    found.unpushed = git.count("rev-list", "--count", *only_here) or 0
    if found.unpushed:
        words = ("rev-list", f"--max-count={_MAX_UNPUSHED}", "--encoding=UTF-8", "--format=%h %s")
        lines = git.read(*words, *only_here).decode("utf-8", "replace").split("\n")
        found.unpushed_commits = [
            clean(line)[:_MAX_SUBJECT_CHARACTERS] for line in lines[1::2] if line
        ]


def _changed_since(git: GitReader, since: str, commit: str, *, texts: bool) -> Since:
    if not _HASH.fullmatch(since):
        return Since()
    if not git.line("rev-parse", "--verify", "--quiet", f"{since}^{{commit}}"):
        return Since(since)  # rewritten, or a commit of what was not committed
    files, whole = git_diffs.diff(git, since, commit, texts=texts)
    return Since(since, True, tuple(files), whole)


def _uncommitted(git: GitReader, root: Path, tree: TreeStatus) -> tuple[list[FileDiff], bool]:
    """Every file that is not as in the commit, with its diff; and whether those are all."""
    base = tree.commit or git.line("hash-object", "-t", "tree", "/dev/null")
    tracked = [each for each in tree.entries if each.status is not FileStatus.UNTRACKED]
    diffs: dict[str, FileDiff] = {}
    whole = True
    if tracked:
        files, whole = git_diffs.diff(git, base, texts=True)
        diffs = {each.path: each for each in files}
    renamed = {each.old_path for each in diffs.values() if each.status is FileStatus.RENAMED}
    found: list[FileDiff] = []
    for entry in tracked:
        made = diffs.get(entry.path)
        if made is None:
            if entry.status is FileStatus.DELETED and entry.path in renamed:
                continue  # it is listed by its new name
            # Staged and taken back, or a submodule with changes of its own alone.
            is_submodule = entry.submodule is not None
            made = FileDiff(entry.path, entry.status, entry.old_path, 0, 0, is_submodule)
        if made.status is not FileStatus.RENAMED:
            made = replace(made, status=entry.status, old_path=entry.old_path)
        found.append(made)
    left = git_diffs.MAX_TOTAL_BYTES - sum(len(each.text) for each in found)
    new = (each.path for each in tree.entries if each.status is FileStatus.UNTRACKED)
    return found + git_diffs.untracked(root, new, left), whole
