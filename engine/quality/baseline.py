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
from engine.quality.requirements import Limits
from engine.quality.result import Measure, MeasureStatus
from engine.quality.security import Looked
from engine.quality.tools import Bench
from engine.quality.tree_copy import Counted
from engine.thresholds import Aspect

_T = TypeVar("_T")
_MAX_LINE = 4000

_Key = tuple[str, str, str]
"""Of a finding: how much it matters and its code, its file, and the words of its line."""


class Baseline:
    """Another commit of the project, measured where that is needed.

    Args:
        name: of the commit, for people.
        counted: its files.
        bench: with a folder and a progress of its own.
        limits: what scores are held against.
    """

    def __init__(self, name: str, counted: Counted, bench: Bench, limits: Limits) -> None:
        self._name = name
        self._counted = counted
        self._bench = bench
        self._limits = limits

    def known(self, looked: Looked, counted: Counted) -> tuple[Looked, str]:
        """Findings of security, of which those only inform that the other commit has as well.

        Returns:
            The findings, and how many are known, for a detail.

        Raises:
            ToolError: the other commit cannot be looked at.
            CancelledError, Interrupted: it was told to stop.
        """
        before = security.look(self._counted, self._bench)
        if before.problem:
            raise ToolError(f"baseline {self._name}: {before.problem}")
        findings = self._compared(looked.findings, counted, before.findings)
        number = sum(each.severity is Severity.INFO for each in findings)
        return replace(looked, findings=tuple(findings)), f"; {number} known at {self._name}"

    def _compared(
        self, found: Sequence[Finding], counted: Counted, before: Sequence[Finding]
    ) -> list[Finding]:
        known = Counter(_keys(before, self._counted))
        keys = list(_keys(found, counted))
        same = [_take(known, key) for key in keys]
        # Lines of files that are gone may be in files that have a new name.
        moved: Counter[tuple[str, str]] = Counter()
        for (kind, file, words), number in known.items():
            if file not in counted.names:
                moved[kind, words] += number
        for index, (kind, file, words) in enumerate(keys):
            if not same[index] and file not in self._counted.names:
                same[index] = _take(moved, (kind, words))
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
            then = code.measure(self._counted, self._limits, self._bench).value
        else:
            then = documentation.measure(self._counted, chips, self._limits, self._bench).value
        if then is None:
            return measure
        said = f"{then:g} at {self._name}"
        if measure.value < then:
            return replace(measure, detail=f"{measure.detail}; {said}")
        detail = f"{measure.detail}; no lower than {said}"
        return replace(measure, status=MeasureStatus.PASSED, detail=detail)


def _take(known: Counter[_T], key: _T) -> bool:
    """Whether there is one more of a key; takes it away."""
    if known[key] <= 0:
        return False
    known[key] -= 1
    return True


def _keys(findings: Sequence[Finding], counted: Counted) -> Iterator[_Key]:
    """The key of each finding, in their order."""
    lines = _Lines(counted)
    for each in findings:
        yield f"{each.severity} {each.code}", each.file or "", lines.of(each)


def _as_known(finding: Finding) -> Finding:
    return replace(finding, severity=Severity.INFO, message=f"known: {finding.message}")


class _Lines:
    """Lines that findings are about, as they are compared."""

    def __init__(self, counted: Counted) -> None:
        self._counted = counted
        self._file = ""
        self._lines: list[str] = []

    def of(self, finding: Finding) -> str:
        """What a finding's line says; of a key, its beginning."""
        file = finding.file or ""
        if file not in self._counted.hashes or finding.line is None:
            return finding.message
        if file != self._file:
            self._file, self._lines = file, self._counted.text(file).split("\n")
        if finding.line > len(self._lines):
            return finding.message
        words = _plain(self._lines[finding.line - 1])
        if "PRIVATEKEY" in words:
            words += secrets.key_body(self._lines, finding.line)
        return words


def _plain(line: str) -> str:
    """A line without its spaces, which a formatter sets; what is not ASCII depends on how the file
    was read."""
    return "".join(line[:_MAX_LINE].encode("ascii", "ignore").decode().split())
