"""What Git prints when a source gives nothing."""

from __future__ import annotations

from engine.projects.git import explain, is_refusal
from tests.field.case import Case


def read(case: Case) -> dict[str, object]:
    """``refused``: whether the server answered and will not soon answer otherwise; ``reason`` for
    people.
    """
    return {"refused": is_refusal(case.text), "reason": explain(case.text)}
