"""Opens results of a run: a finding in its source, an artifact."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import EspdeckError
from engine.text import clean
from tui.presentation.gate_rows import gate_text, gate_title, measure_parts
from tui.presentation.result_rows import finding_text
from tui.presentation.source_excerpt import excerpt
from tui.screens.reader import FilePreview, LineReader, ReaderScreen
from tui.widgets.live_pane import source_class
from tui.widgets.row_list import RowList

if TYPE_CHECKING:
    from engine import Artifact, Finding, FindingRow, GateResult, Measure, RunService
    from tui.screens.base import MainScreen
    from tui.theme import Glyphs

_MAX_TEXT_BYTES = 512 << 10
"""What is shown of an artifact at most."""

_TEXT_KINDS = ("patch", "log", "report", "map", "source", "document")


def open_finding(screen: MainScreen, runs: RunService, row: FindingRow) -> None:
    """Open a finding of a run."""

    def show(own: int | None) -> None:
        # What comes after a repair is of a tree that only the artifacts have.
        of = " as it was before the repair" if own is not None and row.attempt > own else ""
        text = finding_text(row)
        open_in_source(screen, runs, row.finding, number=row.run_id, text=text, of=of)

    screen.in_thread(lambda: runs.own_attempt(row.run_id), show, opens=True)


def open_in_source(
    screen: MainScreen,
    runs: RunService,
    finding: Finding,
    *,
    number: int | None,
    text: str,
    of: str = "",
) -> None:
    """Open a finding: where it names a line, that line in its source; else its text.

    Args:
        runs: where the run is asked about.
        number: of the run whose commit has the source; None when nobody knows.
        text: all of the finding.
        of: comes after the file's name in the title.
    """
    file = finding.file
    if number is None or not file or not finding.line:
        screen.app.push_screen(LineReader("FINDING", text))
        return

    def read() -> tuple[Sequence[str], str]:
        try:
            return runs.source(number, file), ""
        except EspdeckError as error:
            return (), str(error)

    def show(found: tuple[Sequence[str], str]) -> None:
        source, problem = found
        shown = excerpt(finding, source)
        if shown is None:
            why = problem or f"{file} has no line {finding.line} in this commit"
            reader = LineReader("FINDING", f"{text}\n\nno source: {why}")
        else:
            evidence = f"\n\n{finding.evidence}" if finding.evidence else ""
            reader = LineReader(
                f"{file}{of}", shown.text + evidence, classify=source_class, mark=shown.mark
            )
        screen.app.push_screen(reader)

    screen.in_thread(read, show, opens=True)


def open_artifact(screen: MainScreen, runs: RunService, artifact: Artifact) -> None:
    """Open an artifact: a text itself, the gate as a table, of anything else its path and hash."""

    def read() -> GateResult | tuple[str, str]:
        from engine import GATE_REPORT

        if artifact.path == GATE_REPORT and (result := runs.gate(artifact.run_id)) is not None:
            return result
        path = runs.artifact_file(artifact)
        facts = f"{path}\n{artifact.kind}, {artifact.size:,} bytes\nSHA-256\n{artifact.sha256}"
        if artifact.kind not in _TEXT_KINDS:
            return facts, "facts.txt"
        try:
            with path.open("rb") as file:
                return file.read(_MAX_TEXT_BYTES).decode("utf-8", "replace"), path.name
        except OSError as error:
            return f"{facts}\ncannot be read: {error.strerror}", "facts.txt"

    def show(found: GateResult | tuple[str, str]) -> None:
        if not isinstance(found, tuple):
            screen.app.push_screen(_gate_table(screen.app.glyphs, found))
            return
        text, name = found
        screen.app.push_screen(
            FilePreview(
                artifact.path, text, name, save=lambda: save_artifact(screen, runs, artifact)
            )
        )

    screen.in_thread(read, show, opens=True)


def _gate_table(glyphs: Glyphs, result: GateResult) -> ReaderScreen:
    rows: RowList[Measure] = RowList(
        draw=lambda measure, width: measure_parts(measure, glyphs, width),
        key=lambda measure: measure.id,
    )
    rows.fill(result.measures)
    return ReaderScreen(gate_title(result).strip(), gate_text(result), rows)


def save_artifact(screen: MainScreen, runs: RunService, artifact: Artifact) -> None:
    """Ask where to save an artifact, and save it."""
    from tui.screens.ask import Ask, Field

    def answered(typed: tuple[str, ...] | None) -> None:
        if typed is not None:
            screen.in_thread(lambda: runs.save(artifact, Path(typed[0])), saved)

    def saved(path: Path) -> None:
        screen.notify(clean(f"saved as {path}"), markup=False)

    name = Path.cwd() / Path(artifact.path).name
    screen.app.push_screen(
        Ask(f"Save {artifact.path}", "", [Field("path of a new file", str(name))], "save"), answered
    )
