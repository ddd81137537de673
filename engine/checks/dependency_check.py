"""``dependency_check``: whether what a project needs is pinned, there, and as its locks say.

It reads manifests and locks of ESP-IDF's component manager, ``requirements*.txt``, the app's
``platformio.ini``, and submodules. Nothing is resolved or asked of a server: what the next build
would do with them is not known here, only what they say of each other.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import posixpath
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from engine.checks import git_status
from engine.checks.base import CheckContext, CheckResult
from engine.checks.dependencies.components import check_components
from engine.checks.dependencies.platformio import check_platformio
from engine.checks.dependencies.python_packages import check_python
from engine.checks.dependencies.submodules import check_submodules, recorded
from engine.checks.dependencies.tree import (
    DRIFT,
    INVALID,
    LOCK,
    MISSING,
    UNPINNED,
    SourceTree,
    name_of,
)
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
_MAX_MESSAGE_CHARACTERS = 300

_READ = re.compile(r"idf_component\.yml|dependencies\.lock|platformio\.ini|.*requirements.*\.txt")
_OTHER_MANIFESTS = frozenset(
    {
        *("Cargo.toml", "west.yml", "library.properties", "library.json", "sketch.yaml"),
        *("package.json", "package.lock", "pyproject.toml", "go.mod", "conanfile.txt"),
    }
)
"""Files of Cargo, west (Zephyr), Arduino, PlatformIO's libraries, npm, Toit, Python, Go, Conan."""


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
        return result_of(found, unread=None if commits or _is_read(tree) else _unread(tree))


def result_of(found: Sequence[Finding], *, unread: Sequence[str] | None = None) -> CheckResult:
    """What findings come to.

    Args:
        unread: files of dependencies that this check knows nothing of; None where it read others.
    """
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
    if unread is not None and not found:
        return CheckResult(status, _nothing(unread), details)
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
    if first:
        text += f": {first.title}"
    return text if len(text) <= _MAX_MESSAGE_CHARACTERS else f"{text[:_MAX_MESSAGE_CHARACTERS]}…"


def _is_read(tree: SourceTree) -> bool:
    """Whether there is any file that this check knows."""
    names = (posixpath.basename(each) for each in tree.own)
    return any(_READ.fullmatch(name) for name in names)


def _unread(tree: SourceTree) -> list[str]:
    """Manifests that this check does not know, the outermost first."""
    found = [each for each in tree.own if posixpath.basename(each) in _OTHER_MANIFESTS]
    return sorted(found, key=lambda name: (name.count("/"), name))


def _nothing(unread: Sequence[str]) -> str:
    if not unread:
        return "nothing to check: no manifest, lock, requirements or submodules"
    more = f" and {len(unread) - 1} more" if len(unread) > 1 else ""
    return f"nothing to check: {name_of(unread[0])}{more} not read, of another package manager"
