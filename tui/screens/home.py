"""Home: the projects, the builds of the chosen one, and what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from textual.app import ComposeResult

from engine.enums import ProjectStatus, RunStatus, VerdictWord
from engine.errors import EspdeckError
from engine.events import (
    CheckCompleted,
    Event,
    NotificationsChanged,
    ProjectChanged,
    RunChanged,
    RunCompleted,
    RunProgress,
)
from engine.text import clean
from tui.actions import Action
from tui.keymap import Where
from tui.presentation.labels import (
    commit_of,
    ended_reason,
    not_ended_reason,
    tells_apart,
    variant_of,
)
from tui.presentation.project_rows import project_details, project_parts, project_problem
from tui.presentation.units import ago
from tui.screens.lab_watch import LabWatch
from tui.screens.start_build import BuildStarter
from tui.screens.two_lists import TwoListScreen
from tui.widgets.row_list import Parts, RowList

if TYPE_CHECKING:
    from engine import Project, ProjectStats, Run

_PAGE_BUILDS = 200
"""Builds that are loaded at once."""

_VARIANT_CELLS = 20
"""The most that chip and configuration of a build get in its row."""

_UNPROVED_VERDICTS = (VerdictWord.RAN, VerdictWord.SILENT, VerdictWord.UNTESTED)
"""Verdicts that say more than that the build succeeded."""

_NO_PROJECTS = " no projects yet: press a to add one, ? for help"


class HomeScreen(TwoListScreen):
    """Projects left, builds right, details below."""

    WHERE: ClassVar[Where] = Where.HOME
    RESTS: ClassVar[bool] = True

    def __init__(self) -> None:
        self._projects: RowList[Project] = RowList(
            draw=self._draw_project, key=lambda each: each.id, id="projects", empty=" opening"
        )
        self._builds: RowList[Run] = RowList(
            draw=self._draw_build, key=lambda each: each.id, id="builds"
        )
        self._projects.title, self._builds.title = " projects", " builds"
        super().__init__(self._projects, self._builds, "filter: commit, message, branch, status")
        self._last: dict[UUID, RunStatus] = {}
        self._status_details: dict[str, str] = {}
        self._more = True
        self._stale: set[str] = set()
        self._starter = BuildStarter(self)
        self._variant_width = 0
        self._lab = LabWatch(self, lambda: self._projects.refresh())

    def compose(self) -> ComposeResult:
        """As of two lists, and the line of state."""
        yield from super().compose()
        yield self._lab.line

    def on_mount(self) -> None:
        """Look at the lab from now on."""
        self._lab.start()

    def opened(self) -> None:
        """Show what the engine has: it is open."""
        self._load_projects()
        self._lab.load_checks()
        self._lab.load_executor()

    def select_project(self, project_id: UUID) -> None:
        """Put the cursor on a project."""
        self._projects.select(project_id)

    def on_screen_resume(self) -> None:
        """Load all anew: things may have changed meanwhile."""
        if self.app.engine is not None and self.app.is_open:
            self._stale |= {"projects", "builds", "checks", "state"}

    def list_actions(self) -> Sequence[Action]:
        """Actions on the chosen project, on its chosen build, and ways to other screens."""
        opened, project, build = self._not_open, self._no_project, self._no_build
        start = (opened, project, self._not_ready)
        return [
            *super().list_actions(),
            self.action("open", self._open_chosen, opened, project, self._nothing_to_open),
            self.action("build", self._build, *start),
            self.action("build_all", self._build_all, *start),
            self.action("build_dirty", self._build_dirty, *start, self._not_a_folder),
            self.action("variants", self._choose_variants, *start),
            self.action("menuconfig", self._check_menuconfig, *start),
            self.action("filter", self.open_filter, opened),
            self.action("add", self._add_project, opened),
            self.action("sync", self._sync_project, opened, project),
            self.action("edit", self._edit_project, opened, project, self._being_cloned),
            self.action("remove", self._remove_project, opened, project),
            self.action("cancel", self._cancel_build, opened, project, build, self._has_ended),
            self.action("retry", self._retry_build, opened, project, build, self._has_not_ended),
            self.action("boards", self._show_boards, opened),
            self.action("workflows", self._show_workflows, opened),
            self.action("settings", self._show_settings, opened),
            self.action("metrics", self._show_metrics, opened, project),
            self.action("notifications", self._show_notifications, opened),
            self.action("audit", self._show_audit, opened),
            self.action("checks", self._show_checks, opened),
        ]

    def handle_events(self, events: Sequence[Event]) -> None:
        """Load what changed, each once."""
        for event in events:
            match event:
                case ProjectChanged():
                    self._status_details[event.project_id] = event.detail
                    self._stale |= {"projects", "checks"}
                case RunProgress():
                    self._progress[event.run_id] = event.percent
                    self._builds.refresh()
                case RunChanged() | RunCompleted():
                    self._stale |= {"projects", "builds", "details", "state"}
                case CheckCompleted():
                    self._stale.add("checks")
                case NotificationsChanged():
                    self._stale.add("state")
                case _:
                    pass
        stale, self._stale = self._stale, set()
        if "projects" in stale:
            self._load_projects()
        if "builds" in stale:
            self._load_right()
        if "details" in stale:
            self._load_details()
        if "checks" in stale:
            self._lab.load_checks()
        if "state" in stale:
            self._lab.load_executor()

    def on_row_list_moved(self, message: RowList.Moved) -> None:
        """Show the builds of another project; load more near the last one."""
        if message.rows is self._projects:
            self._builds.fill((), empty=" loading")
            self._load_right()
            self._load_details()
        elif self._builds.at_end and self._more:
            self._load_right(more=True)
        self._bar.refresh()

    def on_row_list_opened(self, message: RowList.Opened) -> None:
        """Open a build on a double click."""
        if message.rows is self._builds:
            self.action_do("open")
        else:
            self.set_focus(self._builds)

    def _open_chosen(self) -> None:
        """Open the build; of a project that has an error, show the error."""
        project = self._projects.item
        if project is not None and self._is_broken(project):
            from tui.screens.reader import LineReader

            self.app.push_screen(LineReader(project.name, project_problem(project)))
            return
        self.app.show_build(self._chosen_build.number)

    def _build(self) -> None:
        """Build what the project follows."""
        self._starter.build(self._project)

    def _build_all(self) -> None:
        """Build every variant."""
        self._starter.build_all(self._project)

    def _build_dirty(self) -> None:
        """Build the project's folder as it is."""
        self._starter.build_dirty(self._project)

    def _choose_variants(self) -> None:
        """Choose what to build."""
        self._starter.choose(self._project)

    def _edit_project(self) -> None:
        """Change the project."""
        from tui.screens.edit_project import EditProject

        project = self._project
        self.app.push_screen(EditProject(project), lambda _changed: self._load_projects())

    def _add_project(self) -> None:
        """Ask for a project."""
        from tui.screens.add_project import AddProject

        def added(project_id: UUID | None) -> None:
            if project_id is not None:
                self._load_projects(select=project_id)

        self.app.push_screen(AddProject(), added)

    def _sync_project(self) -> None:
        """Fetch the project."""
        project = self._project
        self.in_thread(lambda: self.engine.projects.sync(project.id))

    def _check_menuconfig(self) -> None:
        """Change the project's options in ESP-IDF's own menu, then show what changed."""
        project = self._project
        self.in_thread(
            lambda: self.engine.projects.check_menuconfig(project.id),
            lambda _none: self._menuconfig(project),
        )

    def _menuconfig(self, project: Project) -> None:
        from tui.menuconfig import edit
        from tui.screens.reader import FilePreview

        try:
            edited = edit(self.app, self.engine, project)
        except EspdeckError as error:
            self.show_error(str(error))
            return
        if edited.diff:
            title = f"{project.name}: changed, not written (y copies)"
            self.app.push_screen(FilePreview(title, edited.diff, "menuconfig.diff"))
        else:
            self.notify("nothing changed", markup=False)

    def _cancel_build(self) -> None:
        """Cancel the build."""
        build = self._chosen_build
        self.in_thread(lambda: self.engine.builds.cancel(build.number))

    def _retry_build(self) -> None:
        """Run the build again, and show it."""
        build = self._chosen_build
        self.in_thread(
            lambda: self.engine.builds.retry(build.number),
            lambda _build: self.app.show_build(build.number),
        )

    def _remove_project(self) -> None:
        """Remove the project, after asking."""
        from tui.screens.confirm import Confirm

        project = self._project

        def answered(yes: bool | None) -> None:
            if yes:
                self.in_thread(lambda: self.engine.projects.remove(project.id))

        self.app.push_screen(
            Confirm(
                f"Remove {project.name}?",
                "Its clone, builds, logs and artifacts are deleted. Its source is not touched.",
                "remove",
            ),
            answered,
        )

    def _show_boards(self) -> None:
        """Show the boards."""
        from tui.screens.boards import BoardsScreen

        self.app.push_screen(BoardsScreen())

    def _show_notifications(self) -> None:
        """Show what happened."""
        from tui.screens.notifications import NotificationsScreen

        self.app.push_screen(NotificationsScreen())

    def _show_audit(self) -> None:
        """Show who did what through the HTTP API."""
        from tui.screens.audit import AuditScreen

        self.app.push_screen(AuditScreen())

    def _show_workflows(self) -> None:
        """Have models do something, on the project where that makes sense."""
        from tui.screens.workflows import WorkflowsScreen

        project = self._projects.item
        is_active = project is not None and project.status == ProjectStatus.ACTIVE
        self.app.push_screen(WorkflowsScreen(project.id if project and is_active else None))

    def _show_settings(self) -> None:
        """Show the settings."""
        from tui.screens.settings import SettingsScreen

        self.app.push_screen(SettingsScreen())

    def _show_metrics(self) -> None:
        """Draw how the builds of the project go."""
        from tui.screens.metrics import MetricsScreen

        project = self._projects.item
        assert project is not None
        self.app.push_screen(MetricsScreen(project.id))

    def _show_checks(self) -> None:
        """Show the checks."""
        from tui.screens.checks import ChecksScreen

        self.app.push_screen(ChecksScreen())

    def _load_projects(self, select: UUID | None = None) -> None:
        def read() -> tuple[Sequence[Project], dict[UUID, RunStatus]]:
            return self.engine.projects.list(), self.engine.projects.last_statuses()

        def show(found: tuple[Sequence[Project], dict[UUID, RunStatus]]) -> None:
            projects, self._last = found
            self._projects.title = f" projects {len(projects)}"
            self._projects.fill(projects, empty=" none yet")
            if select is not None:
                self._projects.select(select)
            if not projects:
                self._builds.title = " builds"
                self._builds.fill((), empty=_NO_PROJECTS)
            self._load_details()
            self._bar.refresh()

        self.in_thread(read, show)

    def _load_right(self, *, more: bool = False) -> None:
        project = self._projects.item
        if project is None:
            return
        text = self._filter.value.strip()
        before = self._builds.items[-1].id if more and self._builds.items else None
        shown = 0 if more else max(_PAGE_BUILDS, len(self._builds.items))

        def show(builds: Sequence[Run]) -> None:
            now = self._projects.item
            if now is None or now.id != project.id or self._filter.value.strip() != text:
                return
            self._more = len(builds) >= _PAGE_BUILDS
            items = [*self._builds.items, *builds] if more else list(builds)
            differ = tells_apart(now, items)
            widths = (len(variant_of(each)) for each in items)
            self._variant_width = min(_VARIANT_CELLS, max(widths, default=0)) if differ else 0
            nothing = f" no build has {text!r}" if text else " no build yet: press b to build"
            if not text and now.status == ProjectStatus.ERROR:
                nothing = " cannot be built: enter says why"
            self._builds.title = f" builds of {clean(project.name)}"
            self._builds.fill(items, empty=nothing)
            self._bar.refresh()

        self.in_thread(
            lambda: self.engine.builds.list(
                project_id=project.id, text=text, limit=shown or _PAGE_BUILDS, before=before
            ),
            show,
        )

    @property
    def _project(self) -> Project:
        """The chosen project: actions that need one are disabled without."""
        project = self._projects.item
        assert project is not None
        return project

    @property
    def _chosen_build(self) -> Run:
        """The chosen build: actions that need one are disabled without."""
        build = self._builds.item
        assert build is not None
        return build

    def _not_open(self) -> str | None:
        return None if self.app.is_open else "the workspace is not open yet"

    def _no_project(self) -> str | None:
        return None if self._projects.item is not None else "no project: press a to add one"

    def _no_build(self) -> str | None:
        return None if self._builds.item is not None else "no build yet: press b"

    def _nothing_to_open(self) -> str | None:
        return None if self._is_broken(self._project) else self._no_build()

    def _not_ready(self) -> str | None:
        return self._starter.disabled_reason(self._project)

    def _not_a_folder(self) -> str | None:
        project = self._project
        if project.source.startswith("/"):
            return None
        return f"{project.name} is not a folder of this machine: nothing is uncommitted there"

    def _being_cloned(self) -> str | None:
        project = self._project
        is_pending = project.status == ProjectStatus.PENDING
        return f"{project.name} is being cloned" if is_pending else None

    def _has_ended(self) -> str | None:
        build = self._chosen_build
        return ended_reason("build", build.number, build.status)

    def _has_not_ended(self) -> str | None:
        build = self._chosen_build
        return not_ended_reason("build", build.number, build.status)

    def _is_broken(self, project: Project) -> bool:
        has_focus = self._projects.has_focus or not self._builds.items
        return project.status == ProjectStatus.ERROR and has_focus

    def _load_details(self) -> None:
        project = self._projects.item
        if project is None:
            self._details.show([])
            return

        def show(stats: ProjectStats) -> None:
            now = self._projects.item
            if now is not None and now.id == project.id:
                detail = self._status_details.get(str(now.id)) or now.status_detail
                self._details.show(project_details(now, stats, self.app.glyphs, detail))

        self.in_thread(lambda: self.engine.projects.stats(project.id), show)

    def _draw_project(self, project: Project, width: int) -> Parts:
        detail = self._status_details.get(str(project.id), "")
        last, worst = self._last.get(project.id), self._lab.worst.get(project.id)
        return project_parts(project, self.app.glyphs, width, last, detail, worst)

    def _draw_build(self, build: Run, width: int) -> Parts:
        first_line = build.commit_message.split("\n", 1)[0]
        status = RunStatus(build.status)
        word = build.verdict if build.verdict in _UNPROVED_VERDICTS and not build.error else ""
        parts = self._run_parts(build.number, status, build.duration, width, word)
        if width >= 60:
            parts.append((f" {ago(build.created_at):<9}", "dim"))
        if self._variant_width:
            parts.append((f" {variant_of(build)[:_VARIANT_CELLS]:<{self._variant_width}}", ""))
        parts.append((f" {commit_of(build, 8)} ", "dim"))
        if width >= 84:
            parts.append((f" {build.branch[:12]:<12} {build.triggered_by:<8} ", "dim"))
        parts.append((first_line, ""))
        return parts
