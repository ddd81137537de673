"""Suppression comments in a source: a person may write them, a model never.

Those of flawfinder, bandit and detect-secrets (security), lizard (code), gcov, lcov and coverage.py
(coverage), as their documentation has them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from engine.enums import Severity
from engine.findings import Finding
from engine.quality_requirements import Aspect
from engine.source.diffs import rows_of

SECURITY = re.compile(
    r"(?i:flawfinder|its4|rats):\s*ignore|#\s*nosec\b|allowlist\s+secret|nextline\s+secret"
)
"""What a line is marked with for the tools of security."""

_SUPPRESSIONS: Mapping[Aspect, re.Pattern[str]] = {
    Aspect.SECURITY: SECURITY,
    Aspect.CODE: re.compile(r"#\s*lizard\s+forgive|GENERATED CODE"),
    Aspect.COVERAGE: re.compile(r"[A-Z]+_EXCL_|pragma:\s*no\s*(?:cover|branch)"),
}


def added(patch: str) -> Mapping[Aspect, tuple[Finding, ...]]:
    """Errors for the marks that a patch adds; one that it only moves or keeps is none.

    Args:
        patch: unified diff of what a model changed. Untrusted.
    """
    balance: dict[tuple[Aspect, str], int] = {}
    found: dict[tuple[Aspect, str], list[Finding]] = {}
    for row in rows_of(patch):
        for aspect, mark in _SUPPRESSIONS.items():
            if not mark.search(row.text):
                continue
            key = aspect, row.file
            balance[key] = balance.get(key, 0) + (1 if row.added else -1)
            if row.added:
                found.setdefault(key, []).append(_finding(row.file, row.line))
    errors: dict[Aspect, tuple[Finding, ...]] = {}
    for (aspect, file), findings in found.items():
        if balance[aspect, file] > 0:
            errors[aspect] = (*errors.get(aspect, ()), *findings)
    return errors


def _finding(file: str, line: int) -> Finding:
    return Finding(
        severity=Severity.ERROR,
        code="quality.mark",
        message="a model marked this line so that a tool ignores it",
        file=file,
        line=line,
        hint="remove the mark and fix what the tool finds: only a person may set one",
    )
