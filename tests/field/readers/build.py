"""What a build printed: its findings."""

from __future__ import annotations

from pathlib import Path

from engine.toolchains.diagnostics import parse
from tests.field.case import Case


def read(case: Case) -> dict[str, object]:
    """``findings`` of the output; ``headline`` is the message of the first error."""
    findings = parse(case.text, root=Path(str(case.options.get("root", "/w"))))
    errors = [each for each in findings if each.severity.value == "error"]
    return {"findings": findings, "headline": errors[0].message if errors else None}
