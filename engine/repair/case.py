"""What is to be repaired: what failed, what was tried, and the worktree as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.findings import Finding
from engine.source.editable_tree import EditableTree

_LINES_LAST = 2


def said_then(finding: Finding) -> str:
    """An error of an earlier attempt, with what was printed instead where it does not say so."""
    if finding.code != "test.expectation" or not finding.evidence:
        return finding.title
    last = " | ".join(finding.evidence.split("\n")[-_LINES_LAST:])
    return f"{finding.title}; printed last: {last}"


@dataclass(frozen=True, slots=True)
class StageFailure:
    """What a stage that failed says: its name, its one line, its errors. Untrusted."""

    stage: str
    summary: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class EarlierRepair:
    """An earlier repair.

    Args:
        by: whose it was, in words of ours.
        outcome: how it went, in words of ours.
        patch: what it changed. Untrusted.
        errors: what the build said then, a line each. Untrusted.
    """

    by: str
    outcome: str
    patch: str
    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairCase:
    """What is to be repaired.

    Args:
        target: the chip, or ``linux``.
        app: folder of the tree that is built, empty for its root.
        failures: the stages that failed, in order.
        tried: earlier repairs, the oldest first.
        tree: the worktree as the model's blocks will find it, as far as the model is shown it.
        toolchain: what compiles it, with version and flags, a line each. Untrusted.
        expected: the text of what the project's own tests expect and did not see. Untrusted.
        awaited: the patterns in that.
        console: the last lines before the failure. Untrusted.
        diff: unified diff since the last build that succeeded. Untrusted.
        may_change_tests: whether a person allows that tests are changed.
        requested: what the model asked to see, each file with the lines that are meant.
        not_shown: why it is not shown other things that it asked for, one line each.
    """

    target: str
    app: str
    failures: tuple[StageFailure, ...]
    tried: tuple[EarlierRepair, ...]
    tree: EditableTree
    toolchain: tuple[str, ...] = ()
    expected: str = ""
    awaited: tuple[str, ...] = ()
    console: tuple[str, ...] = ()
    diff: str = ""
    may_change_tests: bool = False
    requested: Mapping[str, Sequence[int]] = field(default_factory=dict)
    not_shown: tuple[str, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What all failures say, in order."""
        return tuple(finding for failure in self.failures for finding in failure.findings)
