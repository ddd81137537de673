"""What came of a run, in two lists: its findings and its artifacts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from engine import count_findings
from engine.enums import Severity
from engine.text import count
from tui.presentation.result_rows import artifact_parts, finding_parts
from tui.screens import open_result
from tui.widgets.row_list import RowList

if TYPE_CHECKING:
    from engine import Artifact, RunService, ToldFinding
    from tui.screens.base import MainScreen
    from tui.state.run_state import RunView

FINDINGS, ARTIFACTS = "findings", "artifacts"
"""Names of the two lists."""


class ResultLists:
    """The lists of a screen of a run, and what can be done with the item under a cursor."""

    def __init__(self, screen: MainScreen, view: RunView) -> None:
        """Make empty lists.

        Args:
            screen: opens what is chosen.
            view: the state of the run.
        """
        self._screen = screen
        self.findings: RowList[ToldFinding] = RowList(
            draw=lambda each, _width: finding_parts(each, screen.app.glyphs, attempts=view.attempt),
            key=lambda each: each.row.id,
            empty="",
            id=FINDINGS,
        )
        self.artifacts: RowList[Artifact] = RowList(
            draw=lambda row, _width: artifact_parts(row),
            key=lambda row: row.id,
            empty="",
            id=ARTIFACTS,
        )
        self.by_name: dict[str, RowList[Any]] = {
            FINDINGS: self.findings,
            ARTIFACTS: self.artifacts,
        }

    def fill(self, findings: Sequence[ToldFinding], artifacts: Sequence[Artifact]) -> None:
        """Show these: what counts comes first, what other attempts found and kept is behind it."""
        others = sum(not each.counts for each in findings)
        older = sum(each.superseded for each in artifacts)
        more = f", {others} of other attempts" if others else ""
        self.findings.title = f" FINDINGS  {count_findings(findings)}{more}"
        more = f", {older} of earlier attempts" if older else ""
        self.findings.fill(findings, empty="nothing found")
        self.artifacts.fill(artifacts, empty="nothing kept")
        self.artifacts.title = f" ARTIFACTS  {count(self.count_of(ARTIFACTS), 'file')}{more}"

    def count_of(self, name: str) -> int:
        """How many items the title of a list counts: no infos, nothing of other attempts."""
        if name == FINDINGS:
            told = (each for each in self.findings.items if each.counts)
            return sum(each.row.severity is not Severity.INFO for each in told)
        return sum(not each.superseded for each in self.artifacts.items)

    def open(self, name: str, runs: RunService) -> bool:
        """Open what is chosen in a list; whether there was anything to open."""
        if name == FINDINGS and self.findings.item is not None:
            open_result.open_finding(self._screen, runs, self.findings.item.row)
        elif name == ARTIFACTS and self.artifacts.item is not None:
            open_result.open_artifact(self._screen, runs, self.artifacts.item)
        else:
            return False
        return True

    def text_of(self, name: str) -> str:
        """All items of a list, a line each."""
        if name == FINDINGS:
            found = (each.finding for each in self.findings.items)
            return "\n".join(f"{each.severity}: {each.title}" for each in found)
        rows = self.artifacts.items
        return "\n".join(f"{row.path} {row.size} {row.sha256}" for row in rows)
