"""The sizes of a build: how full its memories are, what takes most, and what changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult

from engine import RegionRow, SizeGroup, SizeRow, Sizes
from engine.events import Event
from tui.actions import Action
from tui.keymap import Where
from tui.presentation.units import change
from tui.screens.base import MainScreen
from tui.widgets.row_list import Parts, RowList

if TYPE_CHECKING:
    from engine import Run

_LISTED_BUILDS = 50
"""How many of the newest can be chosen for a comparison."""

_ALMOST_FULL_PERCENT = 90.0
_NAME_CELLS = 12
_MAX_BAR_CELLS = 60


class SizesScreen(MainScreen):
    """Regions as bars above a table of components, archives or files."""

    WHERE: ClassVar[Where] = Where.SIZES
    RESTS: ClassVar[bool] = True

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number
        self._sizes: Sizes | None = None
        self._before: Sizes | None = None
        self._other: int | None = None
        self._by = SizeGroup.COMPONENT
        self._by_change = False
        self._largest = 1
        self._regions: RowList[RegionRow] = RowList(
            draw=self._draw_region,
            key=lambda region: region.name,
            has_cursor=False,
            id="regions",
        )
        self._regions.can_focus = False
        self._table: RowList[SizeRow] = RowList(
            draw=self._draw_row,
            key=lambda row: row.name,
            empty=" measuring",
            head=self._head_of_rows,
            id="sizes",
        )

    def compose_body(self) -> ComposeResult:
        """Regions, the table."""
        yield self._regions
        yield self._table

    def on_mount(self) -> None:
        """Measure, and compare with the last build before that succeeded."""
        self._regions.title = f" SIZES of build #{self._number}"
        self.set_focus(self._table)

        def read() -> tuple[Sizes, int | None, Sizes | None]:
            builds = self.engine.builds
            now, earlier = builds.sizes(self._number), builds.before(self._number)
            if earlier is None or not any(
                each.kind == "elf" for each in builds.artifacts(earlier.number)
            ):
                return now, None, None
            return now, earlier.number, builds.sizes(earlier.number)

        def show(found: tuple[Sizes, int | None, Sizes | None]) -> None:
            self._sizes, self._other, self._before = found
            self._show()

        self.in_thread(read, show)

    def list_actions(self) -> Sequence[Action]:
        """Actions on the table of sizes."""
        measured = self._not_measured
        return [
            *super().list_actions(),
            self.action("table", self._next_table, measured),
            self.action("order", self._switch_order, measured, self._no_comparison),
            self.action("against", self._choose_comparison, measured),
            self.action("copy", self._copy_table, measured),
            self.action("back", self.app.pop_screen),
        ]

    def _not_measured(self) -> str | None:
        return "the sizes are not measured yet" if self._sizes is None else None

    def _no_comparison(self) -> str | None:
        return "no build to compare with: press a" if self._before is None else None

    def handle_events(self, events: Sequence[Event]) -> None:
        """Ignore them: what has been built does not change."""

    def escape(self) -> None:
        """Go back to the build."""
        self.app.pop_screen()

    @property
    def scroll_target(self) -> RowList[SizeRow]:
        """The table."""
        return self._table

    def _next_table(self) -> None:
        """Show components, archives or files."""
        kinds = list(SizeGroup)
        self._by = kinds[(kinds.index(self._by) + 1) % len(kinds)]
        self._show()

    def _switch_order(self) -> None:
        """Order by size, or by what changed."""
        self._by_change = not self._by_change
        self._show()

    def _choose_comparison(self) -> None:
        """Ask for the build to compare with."""
        from tui.screens.confirm import Choose

        def ask(builds: Sequence[Run]) -> None:
            choices = [
                (
                    str(each.number),
                    f"#{each.number} {each.status} {each.commit_message.split(chr(10))[0]}",
                )
                for each in builds
                if each.number != self._number
            ]
            self.app.push_screen(Choose("Compare with", choices), chosen)

        def chosen(number: str | None) -> None:
            if number is not None:
                other = int(number)
                self.in_thread(
                    lambda: self.engine.builds.sizes(other), lambda sizes: compare(other, sizes)
                )

        def compare(other: int, sizes: Sizes) -> None:
            self._other, self._before = other, sizes
            self._show()

        def read() -> Sequence[Run]:
            project = self.engine.builds.get(self._number).project_id
            return self.engine.builds.list(project, limit=_LISTED_BUILDS)

        self.in_thread(read, ask, opens=True)

    def _copy_table(self) -> None:
        rows = [f"{row.size}\t{row.change}\t{row.name}" for row in self._table.items]
        self.copy_text("\n".join(rows))

    def _show(self) -> None:
        if self._sizes is None:
            return
        versus = f" against #{self._other}" if self._other is not None else ""
        self._regions.title = f" SIZES of build #{self._number}{versus}"
        full = self._sizes.region_table(self._before)
        self._regions.fill(full)
        self._regions.styles.height = len(full) + 1
        rows = self._sizes.table(self._by, self._before)
        if self._by_change and self._before is not None:
            rows = tuple(sorted(rows, key=lambda row: -abs(row.change)))
        self._largest = max((row.size for row in rows), default=1) or 1
        order = "what changed first" if self._by_change else "largest first"
        self._table.title = f" {len(rows)} {self._by}s, {order}"
        self._table.fill(rows)
        self._bar.refresh()

    def _draw_region(self, region: RegionRow, width: int) -> Parts:
        name = f" {region.name:<{_NAME_CELLS}} "
        if region.total:
            percent = 100 * region.used / region.total
            colour = "bad" if percent >= _ALMOST_FULL_PERCENT and region.grows else "good"
            bar = self.app.glyphs.bar(percent, self._bar_width(width))
            fact = f" {percent:5.1f} %  {region.used:,} of {region.total:,} bytes"
        else:
            colour, bar = "dim", " " * self._bar_width(width)
            fact = f"          {region.used:,} bytes"
        return [(name, "note"), (bar, colour), (fact, ""), _change(region.change)]

    def _draw_row(self, row: SizeRow, width: int) -> Parts:
        bar = self.app.glyphs.bar(100 * row.size / self._largest, self._bar_width(width) // 2)
        memories = "  ".join(f"{name} {size:,}" for name, size in row.memories.items())
        return [
            (f" {bar} ", "note"),
            (f"{row.size:>9,} ", ""),
            (f"{change(row.change):>8}", "bad" if row.change > 0 else "good"),
            (f"  {row.name}", ""),
            (f"  {memories}" if memories else "  gone", "dim"),
        ]

    def _head_of_rows(self, width: int) -> Parts:
        bar = " " * (self._bar_width(width) // 2)
        return [(f" {bar} {'bytes':>9} {'change':>8}  {self._by}, and where it lies", "dim")]

    def _bar_width(self, width: int) -> int:
        return max(8, min(_MAX_BAR_CELLS, width * 3 // 10))


def _change(count: int) -> tuple[str, str]:
    return (f"  {change(count)}", "bad" if count > 0 else "good")
