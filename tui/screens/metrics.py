"""How the builds of a project go: a number of each, drawn over time, with the build a key away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from textual.app import ComposeResult
from textual.containers import Horizontal

from engine.events import Event, RunCompleted
from engine.text import clean
from tui.actions import Action
from tui.keymap import Where
from tui.presentation.labels import DIGITS
from tui.presentation.metric_tables import project_lines
from tui.presentation.units import ago, amount
from tui.screens.base import MainScreen
from tui.widgets.details import Details
from tui.widgets.row_list import Parts, RowList
from tui.widgets.trend_chart import TrendChart

if TYPE_CHECKING:
    from engine import Metric, Project, ProjectMetrics, Series


class MetricsScreen(MainScreen):
    """What can be drawn on the left, the chart on the right, the build under the cursor below."""

    WHERE: ClassVar[Where] = Where.METRICS
    RESTS: ClassVar[bool] = True

    def __init__(self, project_id: UUID) -> None:
        """Make the screen.

        Args:
            project_id: of the project that is shown first.
        """
        super().__init__()
        self._project_id = project_id
        self._projects: Sequence[Project] = ()
        self._metrics: RowList[Metric] = RowList(
            draw=self._draw_metric,
            key=lambda metric: (metric.name, metric.label),
            empty=" reading",
            id="metrics",
        )
        self._chart = TrendChart(self._write, id="chart")
        self._details = Details()

    def compose_body(self) -> ComposeResult:
        """Metrics, chart, details."""
        with Horizontal(id="lists"):
            yield self._metrics
            yield self._chart
        yield self._details

    def on_mount(self) -> None:
        """Load the project."""
        self._metrics.title = " metrics"
        self.set_focus(self._metrics)
        self._load()

    def list_actions(self) -> Sequence[Action]:
        """Actions on the build under the cursor, and on the project."""
        nothing, others = self._nothing_drawn, self._no_other_project
        return [
            *super().list_actions(),
            self.action("open", self._open_build, nothing),
            self.action("left", lambda: self._chart.move(-1), nothing),
            self.action("right", lambda: self._chart.move(1), nothing),
            self.action("page_down", lambda: self._chart.move_pages(1), nothing),
            self.action("page_up", lambda: self._chart.move_pages(-1), nothing),
            self.action("first", self._chart.to_first, nothing),
            self.action("last", self._chart.to_last, nothing),
            self.action("next_project", lambda: self._step_project(1), others),
            self.action("previous_project", lambda: self._step_project(-1), others),
            self.action("project", self._choose_project, others),
            self.action("figures", self._read_figures),
            self.action("copy", self._copy_numbers, nothing),
            self.action("back", self.app.pop_screen),
        ]

    @property
    def scroll_target(self) -> RowList[Metric]:
        """The list of metrics."""
        return self._metrics

    def handle_events(self, events: Sequence[Event]) -> None:
        """Draw a build that ended."""
        if any(isinstance(event, RunCompleted) for event in events):
            self._load()

    def escape(self) -> None:
        """Go back to the projects."""
        self.app.pop_screen()

    def on_row_list_moved(self, _message: RowList.Moved) -> None:
        """Draw the metric under the cursor."""
        self._load_series()

    def on_trend_chart_moved(self, _message: TrendChart.Moved) -> None:
        """Tell of the build under the cursor."""
        self._show_details()

    def on_trend_chart_opened(self, _message: TrendChart.Opened) -> None:
        """Open the build that was double-clicked."""
        self.action_do("open")

    def _load(self) -> None:
        """Read what there is to draw, measuring first what ended while nothing looked."""
        project_id = self._project_id

        def read() -> tuple[Sequence[Project], Sequence[Metric]]:
            self.engine.metrics.catch_up()
            return self.engine.projects.list(), self.engine.metrics.known_metrics(project_id)

        def show(found: tuple[Sequence[Project], Sequence[Metric]]) -> None:
            if project_id != self._project_id:
                return
            self._projects, metrics = found
            is_known = self._metrics.item in metrics
            self._metrics.fill(metrics)
            if not is_known:
                self._metrics.to_first()
            self._bar.refresh()
            self._load_series()

        self.in_thread(read, show)

    def _load_series(self) -> None:
        metric, project_id = self._metrics.item, self._project_id
        if metric is None:
            return

        def show(series: Series) -> None:
            if (self._metrics.item, self._project_id) != (metric, project_id):
                return  # another one was chosen meanwhile
            name = next((each.name for each in self._projects if each.id == project_id), "")
            self._chart.title = f" {clean(name)}: {clean(metric.title)}"
            self._chart.show(
                series.points,
                empty="no build has this measure yet: press b on the project to build it",
            )
            self._show_details()
            self._bar.refresh()

        self.in_thread(lambda: self.engine.metrics.series(project_id, metric), show)

    def _show_details(self) -> None:
        point, before = self._chart.point, self._chart.before
        if point is None:
            self._details.show([])
            return
        build = point.build
        change = ""
        if before is not None:
            change = f", #{before.build.number} had {self._write(before.value)}"
            if before.value:
                change += f" ({100 * (point.value - before.value) / abs(before.value):+.1f} %)"
        sign = self.app.glyphs.state(build.status)
        when = f", {ago(build.completed_at)}" if build.completed_at else ""
        message = build.commit_message.partition("\n")[0]
        dirty = "-dirty" if build.dirty else ""
        self._details.show(
            [
                ("build", f"#{build.number} {sign} {build.status}{when}"),
                ("value", f"{self._write(point.value)}{change}"),
                ("commit", f"{build.commit_sha[:DIGITS]}{dirty} {message}"),
                ("for", f"{build.target} {build.configuration}".rstrip()),
            ]
        )

    def _write(self, value: float) -> str:
        metric = self._metrics.item
        return amount(value, metric.unit if metric is not None else "")

    def _draw_metric(self, metric: Metric, _width: int) -> Parts:
        return [(f" {metric.title}", "")]

    def _open_build(self) -> None:
        point = self._chart.point
        assert point is not None
        self.app.show_build(point.build.number)

    def _step_project(self, step: int) -> None:
        ids = [each.id for each in self._projects]
        at = ids.index(self._project_id) if self._project_id in ids else 0
        self._show_project(ids[(at + step) % len(ids)])

    def _choose_project(self) -> None:
        """Ask for the project to show."""
        from tui.screens.confirm import Choose

        def chosen(id: str | None) -> None:
            if id is not None:
                self._show_project(UUID(id))

        choices = [(str(each.id), each.name) for each in self._projects]
        self.app.push_screen(Choose("Metrics of", choices), chosen)

    def _show_project(self, project_id: UUID) -> None:
        self._project_id = project_id
        self._load()

    def _read_figures(self) -> None:
        """Show what the chart cannot: failures, flaky tests, slowest files."""
        from tui.screens.reader import LineReader

        def show(found: Sequence[ProjectMetrics]) -> None:
            text = "\n".join(project_lines(found[0]))
            title = f"{clean(found[0].name)}, in figures"
            self.app.push_screen(LineReader(title, text, classify=lambda _line: "text"))

        projects = self.engine.metrics.projects
        self.in_thread(lambda: projects(self._project_id), show, opens=True)

    def _copy_numbers(self) -> None:
        self.copy_text(
            "\n".join(f"{each.build.number}\t{each.value:g}" for each in self._chart.points)
        )

    def _nothing_drawn(self) -> str | None:
        return (
            None
            if self._chart.point is not None
            else "no build has this measure yet: press b on the project to build it"
        )

    def _no_other_project(self) -> str | None:
        return None if len(self._projects) > 1 else "there is only one project"
