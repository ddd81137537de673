"""Source around a finding: numbered lines, the one it names marked, below that what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine import Finding
from engine.text import clean
from tui.widgets.live_pane import GUTTER_CELLS

AROUND = 200
"""Lines that are shown before and after the marked one."""

WIDEST = 400
"""Characters of a line that are shown."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Text to read; ``mark`` is the index of the line that the finding names."""

    text: str
    mark: int


def excerpt(finding: Finding, source: Sequence[str]) -> Excerpt | None:
    """A finding in its source.

    Args:
        finding: names a line.
        source: the lines of its file; untrusted.

    Returns:
        None when the file has no such line.
    """
    line = finding.line or 0
    if not 1 <= line <= len(source):
        return None
    first, last = max(1, line - AROUND), min(len(source), line + AROUND)
    before = [_numbered(number, source[number - 1]) for number in range(first, line)]
    after = [_numbered(number, source[number - 1]) for number in range(line + 1, last + 1)]
    marked = _numbered(line, source[line - 1], "> ")
    return Excerpt(
        "\n".join((*before, marked, *_said(finding, source[line - 1]), *after)), len(before)
    )


def _numbered(number: int, text: str, sign: str = "  ") -> str:
    return f"{number:>{GUTTER_CELLS - 4}} {sign} {clean(text[:WIDEST])}"


def _said(finding: Finding, line: str) -> list[str]:
    """What the finding says, with an arrow to its column."""
    column = min(max(1, finding.column or 1), WIDEST)
    # As many cells as the text before it takes on the screen; a column counts characters.
    at = " " * len(clean(line[: column - 1])) if finding.column else ""
    indent = " " * GUTTER_CELLS
    said = [f"{indent}{at}^ {finding.severity}: {finding.message}"]
    if finding.hint:
        said.append(f"{indent}{at}  hint: {finding.hint}")
    return said
