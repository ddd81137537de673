"""What esptool prints of a board: what the board is, or what it complains of."""

from __future__ import annotations

from engine.boards.esptool_errors import problem
from engine.boards.identity import parse_identity
from tests.field.case import Case


def read(case: Case) -> dict[str, object]:
    """The board's identity by its fields, ``protected`` for people; ``chip`` is None for none.

    Where a ``port`` is told, esptool failed: ``problem`` is the line for people, ``error`` its
    class.
    """
    if "port" in case.options:
        wrong = problem("esptool", case.options["port"], case.text)
        return {"problem": str(wrong), "error": type(wrong).__name__}
    found = parse_identity(case.text)
    if found is None:
        return {"chip": None}
    return {
        **{name: getattr(found, name) for name in found.__slots__},
        "protected": str(found.protection),
        "line": str(found),
    }
