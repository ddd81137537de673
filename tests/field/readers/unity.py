"""What firmware says of its Unity tests on a console, as TESTER hears it."""

from __future__ import annotations

from engine.builds.agents.output_checker import OutputChecker
from engine.manifest import Manifest
from tests.field.case import Case


def read(case: Case) -> dict[str, object]:
    """Figures, ``cases``, and ``failed``, which are the names of those that failed."""
    listener = OutputChecker(Manifest(unity=bool(case.options.get("wanted", True))))
    listener.feed(case.data)
    listener.end("nothing more came")
    report = listener.report()
    if report is None:
        return {"report": None}
    return {
        "tests": report.tests,
        "failures": report.failures,
        "ignored": report.ignored,
        "passed": report.passed,
        "unseen": report.unseen,
        "complete": report.complete,
        "remarks": report.remarks,
        "cases": report.cases,
        "failed": [each.name for each in report.cases if each.failed],
    }
