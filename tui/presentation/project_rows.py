"""A project as a row of a list, and as details."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from engine.enums import ProjectStatus
from engine.text import mask
from tui.presentation.check_rows import short_name
from tui.presentation.labels import chips, followed
from tui.presentation.strips import fit
from tui.presentation.units import ago
from tui.theme import RUN_COLOURS, STATE_COLOURS

if TYPE_CHECKING:
    from engine import CheckResultRow, Project, ProjectStats
    from engine.enums import RunStatus
    from tui.theme import Glyphs
    from tui.widgets.row_list import Parts

_MIN_NAME_CELLS = 14
"""What is left of a name beside the check that is worst."""


def project_parts(
    project: Project,
    glyphs: Glyphs,
    width: int,
    last: RunStatus | None,
    detail: str,
    worst: CheckResultRow | None,
) -> Parts:
    """A project as a row.

    Args:
        width: of the row, in cells.
        last: the status of its newest build; a project that works is shown as that.
        detail: what is being done with it.
        worst: result of the check that is worst, None where all are well.
    """
    is_active = project.status == ProjectStatus.ACTIVE
    state = (last or "idle") if is_active else project.status
    is_pending = project.status == ProjectStatus.PENDING and detail
    parts = [(f" {glyphs.state(state)} ", RUN_COLOURS.get(state, "dim")), (project.name, "")]
    if worst is not None:
        check = f"  {glyphs.state(worst.status)} {short_name(worst.check_name)}"
        room = max(_MIN_NAME_CELLS, width - len(parts[0][0]) - len(check))
        if cell_len(project.name) > room:
            parts[1] = (f"{fit(project.name, room - 1)}{glyphs.cut}", "")
        parts.append((check, STATE_COLOURS.get(worst.status, "dim")))
    return [*parts, (f"  {detail if is_pending else _chip_of(project)}", "dim")]


def project_details(
    project: Project, stats: ProjectStats, glyphs: Glyphs, detail: str
) -> list[tuple[str, str]]:
    """What is known of a project: names and values; ``detail`` says more of its status."""
    rate = f"{stats.success_rate:.0f} %" if stats.success_rate is not None else "–"
    average = f"{stats.average_duration:.1f} s" if stats.average_duration is not None else "–"
    last = "".join(glyphs.state(status) for status in stats.last)
    synced = f", synced {ago(project.synced_at)}" if project.synced_at else ""
    app = f", app {project.app}" if project.app else ""
    configuration = f" {project.configuration}" if project.configuration else ""
    variant = f"for {chips(project)}{configuration}" if project.target else "chip not known"
    return [
        ("source", f"{mask(project.source)}{app}"),
        ("branch", f"{followed(project)}, {variant}{synced}"),
        ("status", f"{project.status}{': ' + detail if detail else ''}"),
        ("builds", f"{stats.total_builds}, {rate} succeed, {average} on average"),
        ("last", last or "–"),
    ]


def project_problem(project: Project) -> str:
    """Why a project cannot be built, and which keys of home help."""
    return (
        f"{mask(project.source)}\nbranch {project.branch or 'of the repository'}\n\n"
        f"{project.status_detail}\n\n"
        "s tries again; e changes its branch; d removes it, to add it with another source."
    )


def _chip_of(project: Project) -> str:
    """The chip of a plain build, and how many others there are."""
    others = len(project.targets) - 1
    return f"{project.target or 'no chip'}{f' +{others}' if others > 0 else ''}"
