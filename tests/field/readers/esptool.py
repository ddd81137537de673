"""What esptool prints of a board: what the board is."""

from __future__ import annotations

from engine.boards.identity import parse_identity
from tests.field.case import Case


def read(case: Case) -> dict[str, object]:
    """The board's identity by its fields, ``protected`` for people; ``chip`` is None for none."""
    found = parse_identity(case.text)
    if found is None:
        return {"chip": None}
    return {
        **{name: getattr(found, name) for name in found.__slots__},
        "protected": str(found.protection),
        "line": str(found),
    }
