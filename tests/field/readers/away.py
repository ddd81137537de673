"""A console during which its board vanished: a line ``<away SECONDS>`` stands where it did."""

from __future__ import annotations

import re

from engine.boards.disconnections import Absences
from tests.field.case import Case


def read(case: Case) -> dict[str, object]:
    """``absences`` as findings of a test that failed, or with ``failed: false`` of one that passed;
    ``interruption`` is the first reason why what was done does not go on.
    """
    absences, reasons = Absences(), list[str | None]()
    pieces = re.split(rb"<away ([0-9.]+)>\n", case.data)
    for index, piece in enumerate(pieces):
        if index % 2:
            absences.returned(float(piece))
            continue
        absences.feed(piece)
        reasons += [absences.interruption(line) for line in piece.decode().splitlines()]
    return {
        "absences": absences.findings(failed=bool(case.options.get("failed", True))),
        "interruption": next((reason for reason in reasons if reason), None),
    }
