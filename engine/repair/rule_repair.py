"""Repairs by rule: from findings to a patch that a person can read.

A rule is a small entry in :data:`engine.repair.rules.RULES`. Nothing here changes a file: what
comes out is a unified diff, and whoever asked applies it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.enums import Severity
from engine.findings import Finding
from engine.repair.rules import RULES
from engine.repair.sources import Sources, TextEdit, patch_of

_MAX_SUGGESTIONS = 5
_MAX_ERRORS = 50


@dataclass(frozen=True, slots=True)
class RuleRepair:
    """A proposed change.

    Args:
        rule: name of the rule that made it.
        explanation: what it does, one line.
        patch: unified diff with ``a/`` and ``b/`` prefixes, as ``git apply`` takes it.
    """

    rule: str
    explanation: str
    patch: str


def propose(findings: Sequence[Finding], root: Path) -> RuleRepair | None:
    """The first rule's repair that fits, for every place that it fits.

    Args:
        findings: errors of a failed build, of which the first 50 are looked at: others are mostly
            their consequence. Untrusted, as the names of files in them are.
        root: root of the source tree; only C sources and CMake files inside it are read, and no
            link is followed.

    Returns:
        The repair, or None when no rule fits.
    """
    errors = [each for each in findings if each.severity is Severity.ERROR][:_MAX_ERRORS]
    sources = Sources(root)
    for finding in errors:
        if finding.file:
            sources.read(finding.file)  # First, as there is a bound to what is read in all.
    for rule in RULES:
        edits = list(dict.fromkeys(rule.edits(errors, sources)))
        patches = {
            file: patch
            for file in sorted({edit.file for edit in edits})
            if (patch := patch_of(file, sources, [edit for edit in edits if edit.file == file]))
        }
        if patches:
            return RuleRepair(
                rule=rule.name,
                explanation=_explain([edit for edit in edits if edit.file in patches]),
                patch="".join(patches.values()),
            )
    return None


def suggest(findings: Sequence[Finding]) -> tuple[str, ...]:
    """What a person might do about the first few errors, one line each."""
    lines = []
    for finding in findings:
        where = f"{finding.where}: " if finding.where else ""
        advice = f" - {finding.hint}" if finding.hint else ""
        lines.append(f"{where}{finding.message}{advice}".replace("\n", " "))
    return tuple(dict.fromkeys(lines))[:_MAX_SUGGESTIONS]


def _explain(edits: Sequence[TextEdit]) -> str:
    whys = list(dict.fromkeys(f"{edit.why} in {edit.file}" for edit in edits))
    more = f" and {len(whys) - 3} more" if len(whys) > 3 else ""
    return ", ".join(whys[:3]) + more
