"""Parses the output of compilers, linkers, CMake, ninja, make, PlatformIO and idf.py to findings.

Lines are read by :mod:`engine.toolchains.diagnostics.output_reader`, with the message blocks of
CMake's ``message()`` and the hints that ``idf.py`` adds at the end. A command that failed is told
even where nothing of what it printed is known (``failed_commands``). Everything in the text is
untrusted: a line costs linear time, and what is kept of it is bounded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.enums import Severity
from engine.findings import Finding
from engine.text import clean
from engine.toolchains.diagnostics.collector import MAX_FINDINGS
from engine.toolchains.diagnostics.diagnostic import Diagnostic, SourcePaths
from engine.toolchains.diagnostics.output_reader import OutputReader
from engine.toolchains.hints.catalogue import hint_for
from engine.toolchains.hints.hint import BuildSystem

_MAX_LINE_CHARACTERS = 2000
_LINE_END_CHARACTERS = 600  # of a longer line: the source of a command, the option of a warning


def parse(
    text: str,
    *,
    root: Path,
    project: Path | None = None,
    system: BuildSystem | None = None,
) -> tuple[Finding, ...]:
    """Read what the tools of a build printed.

    Args:
        text: their output, standard output and error merged in the order in which they came.
        root: root of the source tree, absolute; paths inside it become relative to it.
        project: folder of CMake's project in it, where its own messages begin their paths.
        system: what the build is done with, None where nobody knows; hints are for it.

    Returns:
        Errors first, then warnings, each in the order in which it came, duplicates folded, at most
        :data:`MAX_FINDINGS` and one more that says how many were left out.
    """
    reader = OutputReader(SourcePaths(root, project or root), system)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    reader.read([clean(_shortened(line)) for line in text.split("\n")])
    diagnostics = sorted(
        reader.found, key=lambda diagnostic: diagnostic.severity is not Severity.ERROR
    )
    findings = [_finish(diagnostic, system) for diagnostic in diagnostics[:MAX_FINDINGS]]
    left_out = len(diagnostics) - len(findings) + reader.found.left_out
    if reader.foreign:
        findings.append(_finish(reader.foreign, system))
    if left_out:
        more = f"{left_out} more errors and warnings in the log"
        findings.append(Finding(Severity.INFO, "diagnostics.more", more))
    return tuple(findings)


def _shortened(line: str) -> str:
    if len(line) <= _MAX_LINE_CHARACTERS:
        return line
    return (
        f"{line[: _MAX_LINE_CHARACTERS - _LINE_END_CHARACTERS]} ... {line[-_LINE_END_CHARACTERS:]}"
    )


def _finish(diagnostic: Diagnostic, system: BuildSystem | None) -> Finding:
    evidence = "\n".join(_trimmed(diagnostic.evidence)) or None
    return Finding(
        severity=diagnostic.severity,
        code=diagnostic.code,
        message=diagnostic.message or diagnostic.code,
        file=diagnostic.file,
        line=diagnostic.line,
        column=diagnostic.column,
        hint=diagnostic.hint or hint_for(f"{diagnostic.message}\n{evidence or ''}", system),
        evidence=evidence,
    )


def _trimmed(lines: Sequence[str]) -> Iterator[str]:
    last = max((index for index, line in enumerate(lines) if line.strip()), default=-1)
    yield from (line.rstrip() for line in lines[: last + 1])
