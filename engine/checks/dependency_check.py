"""``dependency_check``: whether what a project needs is pinned, there, and as its locks say.

It reads manifests and locks of ESP-IDF's component manager, ``requirements*.txt``, the app's
``platformio.ini``, and submodules. Nothing is resolved or asked of a server: what the next build
would do with them is not known here, only what they say of each other.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from engine.checks import git_status
from engine.checks.base import CheckContext, CheckResult
from engine.checks.dependencies.components import check_components
from engine.checks.dependencies.platformio import check_platformio
from engine.checks.dependencies.python_packages import check_python
from engine.checks.dependencies.submodules import check_submodules, recorded
from engine.checks.dependencies.tree import DRIFT, INVALID, LOCK, MISSING, UNPINNED, SourceTree
from engine.checks.git_reader import GitReader
from engine.enums import CheckStatus, Severity
from engine.errors import MissingToolError, ToolError
from engine.findings import Finding
from engine.projects.git import check_trusted

_TIME_SHARE = 0.9  # of the time that a check has
_MAX_FINDINGS = 500
_ORDER = (Severity.ERROR, Severity.WARNING, Severity.INFO)
_WORDS = {
    INVALID: "not valid",
    MISSING: "missing",
    DRIFT: "other than locked",
    LOCK: "lock to look at",
    UNPINNED: "not pinned",
}
_MAX_MESSAGE_CHARACTERS = 200


class DependencyCheck:
    """Whether dependencies are pinned, there, and as locks say."""

    name: ClassVar[str] = "dependency_check"
    title: ClassVar[str] = "Dependencies that are unpinned, missing or other than locked"
    interval: ClassVar[float] = 60.0
    options: ClassVar[Mapping[str, Any]] = {}

    def state(self, context: CheckContext) -> str:
        """The commit; of a folder in which people work, what is not committed, too."""
        digest = hashlib.sha256()
        for part in (context.commit, context.app, context.target):
            digest.update(f"{part}\0".encode())
        if context.is_working_tree:
            try:
                seen = git_status.fingerprint(_reader(context), context.tree)
            except (ToolError, MissingToolError):
                return ""  # the run says why
            if seen is None:
                return ""
            digest.update(seen)
            for name in ("managed_components", "dependencies.lock"):
                # Git may be told to leave them out.
                digest.update(git_status.stamp(context.tree, f"{context.app or '.'}/{name}"))
        return digest.hexdigest()

    def run(self, context: CheckContext) -> CheckResult:
        """Look."""
        git = _reader(context)
        try:
            if context.is_working_tree:
                check_trusted(context.tree)
            commits = recorded(git)
            tree = SourceTree(
                context.tree,
                context.app.strip("/"),
                context.target,
                context.is_working_tree,
                git,
                frozenset(commits),
            )
            found = [
                *check_components(tree),
                *check_platformio(tree),
                *check_python(tree),
                *check_submodules(tree, commits, context.cancel),
            ]
        except (ToolError, MissingToolError) as error:
            return CheckResult(CheckStatus.ERROR, str(error), {"problem": str(error)})
        return result_of(found)


def result_of(found: Sequence[Finding]) -> CheckResult:
    """What findings come to."""
    ordered = sorted(found, key=lambda each: _ORDER.index(each.severity))
    worst = ordered[0].severity if ordered else None
    status = {Severity.ERROR: CheckStatus.ERROR, Severity.WARNING: CheckStatus.WARNING}.get(
        worst or Severity.INFO, CheckStatus.SUCCESS
    )
    details = {
        "counts": dict(Counter(each.code for each in found)),
        "severities": dict(Counter(each.severity.value for each in found)),
        "findings": [_json(each) for each in ordered[:_MAX_FINDINGS]],
        "left_out": max(0, len(ordered) - _MAX_FINDINGS),
    }
    return CheckResult(status, _message(ordered), details)


def _reader(context: CheckContext) -> GitReader:
    return GitReader(context.tree, cancel=context.cancel, timeout=context.timeout * _TIME_SHARE)


def _json(finding: Finding) -> dict[str, Any]:
    made = {key: value for key, value in dataclasses.asdict(finding).items() if value is not None}
    return made | {"severity": finding.severity.value}


def _message(ordered: Sequence[Finding]) -> str:
    """How many of what, and the worst."""
    serious = [each for each in ordered if each.severity is not Severity.INFO]
    notes = len(ordered) - len(serious)
    counts = Counter(each.code for each in serious)
    parts = [f"{counts[code]} {words}" for code, words in _WORDS.items() if counts[code]]
    if notes:
        parts.append(f"{notes} to know" if parts else f"nothing wrong, {notes} to know")
    first = next(itertools.islice(serious, 1), None)
    text = ", ".join(parts) or "nothing wrong"
    return f"{text}: {first.title}"[:_MAX_MESSAGE_CHARACTERS] if first else text
