"""Home: the projects, the builds of the chosen one, and what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from engine.enums import ProjectStatus, RunStatus, VerdictWord
from engine.errors import EspdeckError
from engine.events import Event, ProjectChanged, RunChanged, RunCompleted, RunProgress
from engine.text import clean, mask
from tui.keymap import Where
from tui.presentation.labels import chips, commit_of, followed, tells_apart, variant_of
from tui.presentation.units import ago
from tui.screens.start_build import NAMES, Building
from tui.screens.two_lists import RUN_COLOURS, TwoLists
from tui.widgets.row_list import Parts, RowList

if TYPE_CHECKING:
    from engine.store.projects import ProjectStats
    from engine.store.tables import Project, Run

PAGE = 200
"""Builds that are loaded at once."""

VARIANT = 20
"""Cells that chip and configuration of a build get in its row."""

_ACTIONS = ("open", *NAMES, "sync", "edit", "cancel", "retry", "remove", "menuconfig")

_UNPROVED = (VerdictWord.RAN, VerdictWord.SILENT, VerdictWord.UNTESTED)
"""Verdicts that say more than that the build succeeded."""

_NOTHING = " no projects yet: press a to add one, ? for help"


class HomeScreen(TwoLists):
    """Projects left, builds right, details below."""

    WHERE: ClassVar[Where] = Where.HOME

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
        self._details: dict[str, str] = {}
        self._more = True
        self._stale: set[str] = set()
        self._building = Building(self)
        self._variant_width = 0

    def opened(self) -> None:
        """The engine is open: show what it has."""
        self._load_projects()

    def select_project(self, project_id: UUID) -> None:
        """Put the cursor on a project: the one whose build is looked at."""
        self._projects.select(project_id)

    def on_screen_resume(self) -> None:
        """Coming back: things may have changed."""
        if self.deck.engine is not None and self.deck.is_open:
            self._stale |= {"projects", "builds"}

    def why_not(self, name: str) -> str | None:
        """Why an action does nothing now."""
        if name in ("help", "guide", "quit", "palette"):
            return None
        if not self.deck.is_open:
            return "the workspace is not open yet"
        project, build = self._projects.item, self._builds.item
        if name not in ("add", "filter") and name in _ACTIONS and project is None:
            return "no project: press a to add one"
        if name in (*NAMES, "menuconfig") and project is not None:
            why = self._building.why_not(name, project)
            if why is not None:
                return why
        if name == "edit" and project is not None and project.status == ProjectStatus.PENDING:
            return f"{project.name} is being cloned"
        if name == "open" and project is not None and self._is_broken(project):
            return None
        if name in ("open", "cancel", "retry") and build is None:
            return "no build yet: press b"
        if name == "cancel" and build is not None and build.status.is_final:
            return f"build {build.id} has ended already"
        if name == "retry" and build is not None and not build.status.is_final:
            return f"build {build.id} has not ended"
        return None

    def take(self, events: Sequence[Event]) -> None:
        """Note what changed, and load it once."""
        for event in events:
            match event:
                case ProjectChanged():
                    self._details[event.project_id] = event.detail
                    self._stale.add("projects")
                case RunProgress():
                    self._progress[event.run_id] = event.percent
                    self._builds.refresh()
                case RunChanged() | RunCompleted():
                    self._stale |= {"projects", "builds", "facts"}
                case _:
                    pass
        stale, self._stale = self._stale, set()
        if "projects" in stale:
            self._load_projects()
        if "builds" in stale:
            self._load_right()
        if "facts" in stale:
            self._load_facts()

    def on_row_list_moved(self, message: RowList.Moved) -> None:
        """Another project: its builds. Near the last build: more builds."""
        if message.rows is self._projects:
            self._builds.fill((), empty=" loading")
            self._load_right()
            self._load_facts()
        elif self._builds.at_end and self._more:
            self._load_right(more=True)
        self._bar.refresh()

    def on_row_list_opened(self, message: RowList.Opened) -> None:
        """A double click opens a build."""
        if message.rows is self._builds:
            self.action_do("open")
        else:
            self.set_focus(self._builds)

    def do_open(self) -> None:
        """Open the build; of a project that has an error, say all of it."""
        project = self._projects.item
        if project is not None and self._is_broken(project):
            from tui.screens.reader import Reader

            self.app.push_screen(Reader(project.name, self._story_of(project)))
            return
        build = self._builds.item
        assert build is not None
        self.deck.show_build(build.number)

    def do_build(self) -> None:
        """Build what the project follows."""
        assert self._projects.item is not None
        self._building.build(self._projects.item)

    def do_build_all(self) -> None:
        """Build every variant."""
        assert self._projects.item is not None
        self._building.build_all(self._projects.item)

    def do_build_dirty(self) -> None:
        """Build the project's folder as it is."""
        assert self._projects.item is not None
        self._building.build_dirty(self._projects.item)

    def do_variants(self) -> None:
        """Choose what to build."""
        assert self._projects.item is not None
        self._building.choose(self._projects.item)

    def do_edit(self) -> None:
        """Change the project."""
        from tui.screens.edit_project import EditProject

        project = self._projects.item
        assert project is not None
        self.app.push_screen(EditProject(project), lambda _changed: self._load_projects())

    def do_add(self) -> None:
        """Ask for a project."""
        from tui.screens.add_project import AddProject

        def added(project_id: UUID | None) -> None:
            if project_id is not None:
                self._load_projects(select=project_id)

        self.app.push_screen(AddProject(), added)

    def do_sync(self) -> None:
        """Fetch the project."""
        project = self._projects.item
        assert project is not None
        self.in_thread(lambda: self.engine.projects.sync(project.id))

    def do_menuconfig(self) -> None:
        """Change the project's options in ESP-IDF's own menu, then show what changed."""
        project = self._projects.item
        assert project is not None
        self.in_thread(
            lambda: self.engine.projects.check_menuconfig(project.id),
            lambda _none: self._menuconfig(project),
        )

    def _menuconfig(self, project: Project) -> None:
        from tui.menuconfig import edit
        from tui.screens.reader import Preview

        try:
            edited = edit(self.app, self.engine, project)
        except EspdeckError as error:
            self.complain(str(error))
            return
        if edited.diff:
            title = f"{project.name}: changed, not written (y copies)"
            self.app.push_screen(Preview(title, edited.diff, "menuconfig.diff"))
        else:
            self.notify("nothing changed", markup=False)

    def do_cancel(self) -> None:
        """Cancel the build."""
        build = self._builds.item
        assert build is not None
        self.in_thread(lambda: self.engine.builds.cancel(build.number))

    def do_retry(self) -> None:
        """Run the build again, and show it."""
        build = self._builds.item
        assert build is not None
        self.in_thread(
            lambda: self.engine.builds.retry(build.number),
            lambda _build: self.deck.show_build(build.number),
        )

    def do_remove(self) -> None:
        """Remove the project, after asking."""
        from tui.screens.confirm import Confirm

        project = self._projects.item
        assert project is not None

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

    def do_boards(self) -> None:
        """Show the boards."""
        from tui.screens.boards import BoardsScreen

        self.app.push_screen(BoardsScreen())

    def do_workflows(self) -> None:
        """Have models do something, on the project where that makes sense."""
        from tui.screens.workflows import WorkflowsScreen

        project = self._projects.item
        is_active = project is not None and project.status == ProjectStatus.ACTIVE
        self.app.push_screen(WorkflowsScreen(project.id if project and is_active else None))

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
                self._builds.fill((), empty=_NOTHING)
            self._load_facts()
            self._bar.refresh()

        self.in_thread(read, show)

    def _load_right(self, *, more: bool = False) -> None:
        project = self._projects.item
        if project is None:
            return
        text = self._filter.value.strip()
        before = self._builds.items[-1].id if more and self._builds.items else None
        shown = 0 if more else max(PAGE, len(self._builds.items))

        def show(builds: Sequence[Run]) -> None:
            now = self._projects.item
            if now is None or now.id != project.id or self._filter.value.strip() != text:
                return
            self._more = len(builds) >= PAGE
            items = [*self._builds.items, *builds] if more else list(builds)
            differ = tells_apart(now, items)
            widths = (len(variant_of(each)) for each in items)
            self._variant_width = min(VARIANT, max(widths, default=0)) if differ else 0
            nothing = f" no build has {text!r}" if text else " no build yet: press b to build"
            if not text and now.status == ProjectStatus.ERROR:
                nothing = " cannot be built: enter says why"
            self._builds.title = f" builds of {clean(project.name)}"
            self._builds.fill(items, empty=nothing)
            self._bar.refresh()

        self.in_thread(
            lambda: self.engine.builds.list(
                project_id=project.id, text=text, limit=shown or PAGE, before=before
            ),
            show,
        )

    def _is_broken(self, project: Project) -> bool:
        has_focus = self._projects.has_focus or not self._builds.items
        return project.status == ProjectStatus.ERROR and has_focus

    def _story_of(self, project: Project) -> str:
        return (
            f"{_source_of(project)}\nbranch {project.branch or 'of the repository'}\n\n"
            f"{project.status_detail}\n\n"
            "s tries again; e changes its branch; d removes it, to add it with another source."
        )

    def _load_facts(self) -> None:
        project = self._projects.item
        if project is None:
            self._facts.show([])
            return

        def show(stats: ProjectStats) -> None:
            now = self._projects.item
            if now is not None and now.id == project.id:
                self._facts.show(self._facts_of(now, stats))

        self.in_thread(lambda: self.engine.projects.stats(project.id), show)

    def _facts_of(self, project: Project, stats: ProjectStats) -> list[tuple[str, str]]:
        rate = f"{100 * stats.success_rate:.0f} %" if stats.success_rate is not None else "–"
        average = f"{stats.average_duration:.1f} s" if stats.average_duration is not None else "–"
        last = "".join(self.deck.glyphs.state(status) for status in stats.last)
        detail = self._details.get(str(project.id)) or project.status_detail
        synced = f", synced {ago(project.synced_at)}" if project.synced_at else ""
        app = f", app {project.app}" if project.app else ""
        way = f" {project.configuration}" if project.configuration else ""
        built_for = f"for {chips(project)}{way}" if project.target else "chip not known"
        return [
            ("source", f"{_source_of(project)}{app}"),
            ("branch", f"{followed(project)}, {built_for}{synced}"),
            ("status", f"{project.status}{': ' + detail if detail else ''}"),
            ("builds", f"{stats.builds}, {rate} succeed, {average} on average"),
            ("last", last or "–"),
        ]

    def _draw_project(self, project: Project, width: int) -> Parts:
        detail = self._details.get(str(project.id), "")
        pending = project.status == ProjectStatus.PENDING and detail
        # A project that works is as its newest build.
        is_active = project.status == ProjectStatus.ACTIVE
        state = self._last.get(project.id, "idle") if is_active else project.status
        return [
            (f" {self.deck.glyphs.state(state)} ", RUN_COLOURS.get(state, "dim")),
            (project.name, ""),
            (f"  {detail if pending else _chip_of(project)}", "dim"),
        ]

    def _draw_build(self, build: Run, width: int) -> Parts:
        first_line = build.commit_message.split("\n", 1)[0]
        status = RunStatus(build.status)
        word = build.verdict if build.verdict in _UNPROVED and not build.error else ""
        parts = self._run_parts(build.number, status, build.duration, width, word)
        if width >= 60:
            parts.append((f" {ago(build.created_at):<9}", "dim"))
        if self._variant_width:
            parts.append((f" {variant_of(build)[:VARIANT]:<{self._variant_width}}", ""))
        parts.append((f" {commit_of(build, 8)} ", "dim"))
        if width >= 84:
            parts.append((f" {build.branch[:12]:<12} {build.triggered_by:<8} ", "dim"))
        parts.append((first_line, ""))
        return parts


def _source_of(project: Project) -> str:
    return mask(project.source)


def _chip_of(project: Project) -> str:
    """The chip of a plain build, and how many others there are."""
    others = len(project.targets) - 1
    return f"{project.target or 'no chip'}{f' +{others}' if others > 0 else ''}"
