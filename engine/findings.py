"""Findings: structured problems. Compiler errors, panics, failed expectations: all findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.enums import Severity


@dataclass(frozen=True, slots=True)
class Finding:
    """One structured problem.

    Args:
        severity: how much it matters.
        code: what kind of problem, dotted and stable, such as ``compiler.error`` or
            ``panic.memory-protection``; a compiler's own flag where it gives one (``-Wformat``).
        message: one line, as the tool said it.
        file: path relative to the project where it lies inside it.
        line: line number from 1.
        column: column number from 1.
        hint: what a person might do, in our words.
        evidence: the lines of output that show it.
    """

    severity: Severity
    code: str
    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    hint: str | None = None
    evidence: str | None = None

    @property
    def where(self) -> str:
        """``file:line:column`` as far as it is known, else an empty string."""
        parts = [self.file] if self.file else []
        for number in (self.line, self.column):
            if parts and number is not None:
                parts.append(str(number))
        return ":".join(parts)

    @property
    def title(self) -> str:
        """The message behind its place, unless it names its place itself."""
        known = not self.where or self.where in self.message
        return self.message if known else f"{self.where}: {self.message}"

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Finding:
        """The finding of which :func:`dataclasses.asdict` was kept as JSON."""
        return cls(**{**values, "severity": Severity(values["severity"])})
