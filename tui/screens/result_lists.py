"""What came of a run, in two lists: its findings and its artifacts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tui.presentation.result_rows import artifact_parts, finding_parts
from tui.screens import open_result
from tui.widgets.row_list import RowList

if TYPE_CHECKING:
    from engine import Artifact, FindingRow, RunService
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
        self.findings: RowList[FindingRow] = RowList(
            draw=lambda row, _width: finding_parts(row, screen.app.glyphs, attempts=view.attempt),
            key=lambda row: row.id,
            empty="nothing found",
            id=FINDINGS,
        )
        self.artifacts: RowList[Artifact] = RowList(
            draw=lambda row, _width: artifact_parts(row),
            key=lambda row: row.path,
            empty="nothing kept",
            id=ARTIFACTS,
        )
        self.by_name: dict[str, RowList[Any]] = {
            FINDINGS: self.findings,
            ARTIFACTS: self.artifacts,
        }

    def fill(self, findings: Sequence[FindingRow], artifacts: Sequence[Artifact]) -> None:
        """Show these; findings of the newest attempt come first."""
        ordered = sorted(findings, key=lambda row: (-row.attempt, row.rank))
        self.findings.title = f" FINDINGS {len(ordered)}"
        self.artifacts.title = f" ARTIFACTS {len(artifacts)}"
        self.findings.fill(ordered)
        self.artifacts.fill(artifacts)

    def open(self, name: str, runs: RunService) -> bool:
        """Open what is chosen in a list; whether there was anything to open."""
        if name == FINDINGS and self.findings.item is not None:
            open_result.open_finding(self._screen, runs, self.findings.item)
        elif name == ARTIFACTS and self.artifacts.item is not None:
            open_result.open_artifact(self._screen, runs, self.artifacts.item)
        else:
            return False
        return True

    def text_of(self, name: str) -> str:
        """All items of a list, a line each."""
        if name == FINDINGS:
            return "\n".join(f"{row.severity}: {row.finding.title}" for row in self.findings.items)
        rows = self.artifacts.items
        return "\n".join(f"{row.path} {row.size} {row.sha256}" for row in rows)
