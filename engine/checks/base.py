"""What a check is: it takes a project and returns a result.

A check is a class with the attributes of :class:`Check`, registered as an entry point
``espdeck.checks`` or found as a file of the settings folder. It runs in a process of its own
(:mod:`engine.checks.child`) with a bound on time, memory and output, so it may be simple: it reads
what the context names, raises what it cannot help, and returns.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Protocol

from engine.cancel import CancelToken
from engine.enums import CheckStatus


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check came to.

    Args:
        status: how it is.
        message: one line for people, with numbers: what is wrong, where. Untrusted.
        details: what JSON can hold, at most 1 MiB of it: lists of what was found, in an order that
            a reader wants. Untrusted.
    """

    status: CheckStatus
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CheckContext:
    """What a check is given.

    Args:
        project: name of the project.
        tree: its source tree: the folder itself where the project's source is a folder of this
            machine (with what is not committed), else a worktree of the branch's tip. To be read
            only. Untrusted.
        app: the folder in it that the project builds, empty for its root.
        repository: Git repository of the project: the folder itself, or espdeck's bare clone.
        is_working_tree: whether ``tree`` is a folder in which people work.
        branch: the branch or tag that is followed, None where ``HEAD`` of the source is detached.
        commit: the tip, as far as it is known; empty before the first sync.
        since: commit of the last successful build, empty for none.
        target: the project's chip, empty where nobody said it.
        options: the check's own settings, ``[checks.NAME]`` of the settings file without what
            every check has; those of the project win.
        output: folder of this check and project, for files that it keeps between runs.
        previous: result of its last run that ended, None for the first.
        timeout: seconds that it may take as a whole.
        now: the time, in UTC.
        cancel: handed to :func:`engine.process.run`.
    """

    project: str
    tree: Path
    app: str
    repository: Path
    is_working_tree: bool
    branch: str | None
    commit: str
    since: str
    target: str
    options: Mapping[str, Any]
    output: Path
    previous: CheckResult | None
    timeout: float
    now: datetime
    cancel: CancelToken = field(default_factory=CancelToken)

    @property
    def app_folder(self) -> Path:
        """The folder that the project builds."""
        return self.tree / self.app


MAX_DETAILS_BYTES = 1 << 20
"""Bytes of details, as JSON, that a result may have."""

MAX_MESSAGE_CHARACTERS = 500
"""Characters of a result's message."""


def bounded(result: CheckResult) -> CheckResult:
    """A result with a message of one line and with details of a size that can be kept.

    Raises:
        TypeError, ValueError: its details cannot be JSON, or its status is none.
    """
    details = dict(result.details)
    size = len(json.dumps(details))
    if size > MAX_DETAILS_BYTES:
        details = {"left_out": f"{size} bytes of details, at most {MAX_DETAILS_BYTES} are kept"}
    message = " ".join(str(result.message).split())[:MAX_MESSAGE_CHARACTERS]
    return CheckResult(CheckStatus(result.status), message, details)


class Check(Protocol):
    """A periodic look at a project."""

    name: ClassVar[str]
    """Its name in settings, results and commands, such as ``doc_check``."""

    title: ClassVar[str]
    """What it looks at, in a few words."""

    interval: ClassVar[float]
    """Minutes between two runs where nobody said otherwise."""

    options: ClassVar[Mapping[str, Any]] = {}
    """Its own settings with their defaults; the type of a default is the type of the setting."""

    def state(self, context: CheckContext) -> str:
        """What its result depends on, in a short text that is cheap to make (some 10 ms of CPU).

        Where it is what it was at the last run, that result stands and :meth:`run` is not called.
        Empty: call it every time.
        """
        return ""

    def run(self, context: CheckContext) -> CheckResult:
        """Look. What it raises becomes a result of status ``error``."""
        ...
