"""Findings on their way: what a line of a build's output becomes before all of it was read."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from engine.enums import Severity

MAX_EVIDENCE_LINES = 24
"""Lines of output that a finding shows at most."""

MAX_EVIDENCE_CHARACTERS = 300
"""Characters of such a line."""


@dataclass(slots=True)
class Diagnostic:
    """A finding whose evidence is still coming in; see :class:`engine.findings.Finding`."""

    severity: Severity
    code: str
    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    hint: str | None = None
    evidence: list[str] = field(default_factory=list)

    def add(self, line: str) -> None:
        """Take a line of output as evidence, unless there are enough."""
        if len(self.evidence) < MAX_EVIDENCE_LINES:
            self.evidence.append(line[:MAX_EVIDENCE_CHARACTERS])

    @property
    def key(self) -> tuple[object, ...]:
        """What makes two drafts the same problem."""
        return (self.severity, self.code, self.message, self.file, self.line, self.column)


class SourcePaths:
    """Makes paths relative to the source tree, by their text alone.

    Args:
        root: root of the source tree, absolute.
        project: folder of CMake's project in it, where its own messages begin their paths.
    """

    def __init__(self, root: Path, project: Path) -> None:
        self._project = project
        self._roots = {f"{root}{os.sep}", f"{os.path.realpath(root)}{os.sep}"}

    def shorten(self, path: str) -> str:
        """The path relative to the tree where it is absolute and inside, else as it is."""
        if not path.startswith(os.sep):
            return path
        path = os.path.normpath(path)
        for root in self._roots:
            if path.startswith(root):
                return path[len(root) :]
        return path

    def from_folder(self, folder: str | None, path: str) -> str:
        """A path as a program says it that runs in a folder."""
        return self.shorten(str(Path(folder, path)) if folder else path)

    def of_cmake(self, path: str) -> str:
        """A path as CMake says it, from the folder of its project."""
        return self.shorten(os.path.normpath(self._project / path))

    def inside(self, path: str) -> bool:
        """Whether a path of CMake's is in the source tree."""
        short = self.of_cmake(path)
        return not short.startswith((os.sep, ".."))
