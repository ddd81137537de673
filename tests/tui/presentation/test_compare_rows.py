"""Rows of a comparison of two builds."""

from __future__ import annotations

from engine import BuildComparison
from engine.enums import RunStatus
from engine.store.tables import Run
from engine.testing.tally import Tally
from tui.presentation.compare_rows import compare_rows


def builds_of(first: str, second: str) -> list[str]:
    other, build = (
        Run(
            id=number,
            status=RunStatus.FAILED,
            target=chip,
            commit_sha="0" * 40,
            commit_message="Blink",
        )
        for number, chip in ((1, first), (2, second))
    )
    found = BuildComparison(
        *(build, other, (), (), (), (), (), (), (Tally(), Tally()), (), (), None, ())
    )
    return [row.text for row in compare_rows(found, ()) if row.section == "BUILDS"][1:]


def test_builds_of_two_chips_say_for_which_each_is() -> None:
    assert [text.split("  for ")[1] for text in builds_of("esp32c3", "esp32s3")] == [
        "esp32c3  Blink",
        "esp32s3  Blink",
    ]
    assert not any("for" in text for text in builds_of("esp32c3", "esp32c3"))
