"""Functions of a source: name, first line, the line of its opening brace, last line."""

from __future__ import annotations

from engine.source.functions import functions_of
from tests.field.case import Case


def read(case: Case) -> dict[str, object]:
    """Each as ``name first head last``, in order."""
    found = functions_of(case.path.name, case.text)
    return {"functions": [f"{e.name} {e.first} {e.head} {e.last}" for e in found]}
