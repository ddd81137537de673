"""``espdeck size``: memory that each part of a build takes, and what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from engine import SizeGroup
from tui.cli import common
from tui.cli.command_line import Commands
from tui.cli.json_output import AsJson, print_json
from tui.presentation.units import change

if TYPE_CHECKING:
    from engine import RegionRow, SizeRow

cli = Commands()


@cli.command("size")
def size_command(
    context: typer.Context,
    build: Annotated[str, typer.Argument(help="Number of the build.")],
    against: Annotated[
        str | None,
        typer.Option(help="Build to compare with. [default: the last that succeeded before]"),
    ] = None,
    by: Annotated[SizeGroup, typer.Option(help="What the rows are.")] = SizeGroup.COMPONENT,
    as_json: AsJson = False,
) -> None:
    """Say what takes how much memory, as `idf.py size`, and what changed."""
    number = common.run_number(build)
    with common.open_engine(context) as engine:
        now = engine.builds.sizes(number)
        if against is None:
            earlier = engine.builds.before(number)
            other = earlier.id if earlier is not None else None
        else:
            chosen = engine.builds.get(common.run_number(against))
            other = chosen.number
            if chosen.project_id != engine.builds.get(number).project_id:
                common.print_error(f"build {other} is of another project than build {number}")
        before = engine.builds.sizes(other) if other is not None else None
        _print(now.region_table(before), now.table(by, before), other, by, as_json=as_json)


def _print(
    full: tuple[RegionRow, ...],
    rows: tuple[SizeRow, ...],
    other: int | None,
    by: SizeGroup,
    *,
    as_json: bool,
) -> None:
    if as_json:
        for region in full:
            print_json({"region": region.name, **_region_facts(region)})
        for row in rows:
            facts = {"size": row.size, "before": row.before, "memories": row.memories}
            print_json({str(by): row.name, **facts})
        return
    print_regions(full, other)
    common.print_line("")
    memories = tuple(dict.fromkeys(name for row in rows for name in row.memories))
    common.table(
        ("TOTAL", _versus(other), *(name.upper() for name in memories), by.upper()),
        [
            (
                f"{row.size:>9,}",
                f"{change(row.change):>8}",
                *(f"{row.memories[name]:>9,}" if name in row.memories else "" for name in memories),
                row.name,
            )
            for row in rows
        ],
    )


def print_regions(full: tuple[RegionRow, ...], other: int | None) -> None:
    """Print how full memories are.

    Args:
        other: the build that they are compared with.
    """
    common.table(
        ("REGION", "USED", "OF", "", _versus(other)),
        [
            (
                each.name,
                f"{each.used:>9,}",
                f"{each.total:>9,}" if each.total else "",
                _percent(each),
                change(each.change),
            )
            for each in full
        ],
    )


def _versus(other: int | None) -> str:
    return f"VS #{other}" if other is not None else ""


def _percent(region: RegionRow) -> str:
    return f"{100 * region.used / region.total:.1f} %" if region.total else ""


def _region_facts(region: RegionRow) -> dict[str, int | None]:
    return {"used": region.used, "total": region.total, "before": region.before}
