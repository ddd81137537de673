"""Findings that another commit has as well: known, so that only new ones block.

A finding is the same when tool, file and the line that it is about are, wherever that line stands
now: blanks do not matter, nor do lines around it, and a file may have another name. Each finding of
the other commit makes one known: a second line of the same words is new.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from engine.enums import Severity
from engine.errors import ToolError
from engine.findings import Finding
from engine.quality import code, documentation, secrets, security
from engine.quality.result import Measure, MeasureStatus
from engine.quality.security import SecurityScan
from engine.quality.thresholds import Thresholds
from engine.quality.tools import ToolRunner
from engine.quality.tree_copy import TreeCopy
from engine.quality_requirements import Aspect

_T = TypeVar("_T")
_MAX_LINE_CHARACTERS = 4000

_Key = tuple[str, str, str]
"""Of a finding: how much it matters and its code, its file, and the words of its line."""


class Baseline:
    """Another commit of the project, measured where that is needed.

    Args:
        name: of the commit, for people.
        copy: its files.
        runner: with a folder and a progress of its own.
        thresholds: what scores are held against.
    """

    def __init__(
        self, name: str, copy: TreeCopy, runner: ToolRunner, thresholds: Thresholds
    ) -> None:
        self._name = name
        self._copy = copy
        self._runner = runner
        self._thresholds = thresholds

    def known(self, scanned: SecurityScan, copy: TreeCopy) -> tuple[SecurityScan, str]:
        """Findings of security, of which those only inform that the other commit has as well.

        Returns:
            The findings, and how many are known, for a detail.

        Raises:
            ToolError: the other commit cannot be looked at.
            CancelledError, Interrupted: it was told to stop.
        """
        before = security.scan(self._copy, self._runner)
        if before.problem:
            raise ToolError(f"baseline {self._name}: {before.problem}")
        findings = self._compared(scanned.findings, copy, before.findings)
        number = sum(each.severity is Severity.INFO for each in findings)
        return replace(scanned, findings=tuple(findings)), f"; {number} known at {self._name}"

    def _compared(
        self, found: Sequence[Finding], copy: TreeCopy, before: Sequence[Finding]
    ) -> list[Finding]:
        known = Counter(_keys(before, self._copy))
        keys = list(_keys(found, copy))
        same = [_remove_one(known, key) for key in keys]
        # Lines of files that are gone may be in files that have a new name.
        moved: Counter[tuple[str, str]] = Counter()
        for (kind, file, words), number in known.items():
            if file not in copy.names:
                moved[kind, words] += number
        for index, (kind, file, words) in enumerate(keys):
            if not same[index] and file not in self._copy.names:
                same[index] = _remove_one(moved, (kind, words))
        pairs = zip(found, same, strict=True)
        return [_as_known(finding) if is_known else finding for finding, is_known in pairs]

    def score(self, measure: Measure, chips: Sequence[str]) -> Measure:
        """A score that fails its threshold passes where it is no lower than the other commit's.

        Raises:
            CancelledError, Interrupted: it was told to stop.
        """
        if measure.status is not MeasureStatus.FAILED or measure.value is None:
            return measure
        if measure.id is Aspect.CODE:
            then = code.measure(self._copy, self._thresholds, self._runner).value
        else:
            then = documentation.measure(self._copy, chips, self._thresholds, self._runner).value
        if then is None:
            return measure
        said = f"{then:g} at {self._name}"
        if measure.value < then:
            return replace(measure, detail=f"{measure.detail}; {said}")
        detail = f"{measure.detail}; at least {said}"
        return replace(measure, status=MeasureStatus.PASSED, detail=detail)


def _remove_one(known: Counter[_T], key: _T) -> bool:
    """Remove one of a key from the counts; False when none is left."""
    if known[key] <= 0:
        return False
    known[key] -= 1
    return True


def _keys(findings: Sequence[Finding], copy: TreeCopy) -> Iterator[_Key]:
    """The key of each finding, in their order."""
    lines = _SourceLines(copy)
    for each in findings:
        yield f"{each.severity} {each.code}", each.file or "", lines.of(each)


def _as_known(finding: Finding) -> Finding:
    return replace(finding, severity=Severity.INFO, message=f"known: {finding.message}")


class _SourceLines:
    """Lines that findings are about, as they are compared."""

    def __init__(self, copy: TreeCopy) -> None:
        self._copy = copy
        self._file = ""
        self._lines: list[str] = []

    def of(self, finding: Finding) -> str:
        """What a finding's line says; of a key, its beginning."""
        file = finding.file or ""
        if file not in self._copy.hashes or finding.line is None:
            return finding.message
        if file != self._file:
            self._file, self._lines = file, self._copy.text(file).split("\n")
        if finding.line > len(self._lines):
            return finding.message
        words = _plain(self._lines[finding.line - 1])
        if "PRIVATEKEY" in words:
            words += secrets.key_body(self._lines, finding.line)
        return words


def _plain(line: str) -> str:
    """A line without its spaces, which a formatter sets; what is not ASCII depends on how the file
    was read."""
    return "".join(line[:_MAX_LINE_CHARACTERS].encode("ascii", "ignore").decode().split())
