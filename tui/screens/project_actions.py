"""What the keys of home do with the chosen project, and with the marked ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from engine.enums import ProjectStatus
from tui.actions import Action
from tui.menuconfig import Menuconfig
from tui.screens.many_projects import ManyProjects
from tui.screens.start_build import BuildStarter

if TYPE_CHECKING:
    from engine import Project, ProjectOverview
    from tui.screens.base import MainScreen
    from tui.state.project_list import ProjectGroup


class ProjectActions:
    """Actions on projects for a screen that lists them."""

    def __init__(
        self,
        screen: MainScreen,
        chosen: Callable[[], ProjectOverview | None],
        group: Callable[[], ProjectGroup | None],
        marked: Callable[[], Sequence[ProjectOverview]],
        load: Callable[[UUID | None], object],
    ) -> None:
        """Know a screen.

        Args:
            chosen: gives the project under the cursor.
            group: gives the group whose head is under the cursor.
            marked: gives the marked ones; with any, keys that can do so act on all of them.
            load: reads the projects anew; puts the cursor on one.
        """
        self._screen = screen
        self._chosen = chosen
        self._group = group
        self._marked = marked
        self._load = load
        self._starter = BuildStarter(screen)
        self._many = ManyProjects(screen)
        self._menu = Menuconfig(screen)

    def list_actions(self) -> Sequence[Action]:
        """The actions, with why each is disabled."""
        action = self._screen.action
        opened, one, many = self.not_open, self.no_project, self._none
        start = (opened, one, self._not_ready)
        return [
            action("build", self._build, opened, many, self._one_not_ready),
            action("build_all", self._build_all, *start),
            action("build_dirty", self._build_dirty, *start, self._not_a_folder),
            action("variants", self._choose_variants, *start),
            action("menuconfig", self._configure, *start, self._no_menu),
            action("add", self._add, opened),
            action("sync", self._sync, opened, many),
            action("flash", self._flash, opened, many),
            action("edit", self._edit, opened, one, self._being_cloned),
            action("remove", self._remove, opened, one),
            action("metrics", self._show_metrics, opened, one),
        ]

    @property
    def project(self) -> Project:
        """The chosen project: actions that need one are disabled without."""
        chosen = self._chosen()
        assert chosen is not None
        return chosen.project

    def not_open(self) -> str | None:
        """Why nothing can be done yet."""
        return None if self._screen.app.is_open else "the workspace is not open yet"

    def no_project(self) -> str | None:
        """Why nothing can be done with the chosen project: there is none."""
        if self._chosen() is not None:
            return None
        group = self._group()
        if group is not None:
            return f"{group.name} is a group: j goes to a project"
        return "no project: press a to add one"

    def _none(self) -> str | None:
        return None if self._marked() else self.no_project()

    def _not_ready(self) -> str | None:
        return self._starter.disabled_reason(self.project)

    def _one_not_ready(self) -> str | None:
        return None if self._marked() else self._not_ready()

    def _not_a_folder(self) -> str | None:
        project = self.project
        if project.source.startswith("/"):
            return None
        return f"{project.name} is not a folder of this machine: nothing is uncommitted there"

    def _being_cloned(self) -> str | None:
        project = self.project
        is_pending = project.status == ProjectStatus.PENDING
        return f"{project.name} is being cloned" if is_pending else None

    def _build(self) -> None:
        """Build what the project follows, or the marked ones do."""
        marked = self._marked()
        if marked:
            self._many.build(marked)
        else:
            self._starter.build(self.project)

    def _build_all(self) -> None:
        """Build every variant."""
        self._starter.build_all(self.project)

    def _build_dirty(self) -> None:
        """Build the project's folder as it is."""
        self._starter.build_dirty(self.project)

    def _choose_variants(self) -> None:
        """Choose what to build."""
        self._starter.choose(self.project)

    def _edit(self) -> None:
        """Change the project."""
        from tui.screens.edit_project import EditProject

        def edited(_changed: Project | None) -> None:
            self._load(None)

        self._screen.app.push_screen(EditProject(self.project), edited)

    def _add(self) -> None:
        """Ask for a project."""
        from tui.screens.add_project import AddProject

        def added(project_id: UUID | None) -> None:
            if project_id is not None:
                self._load(project_id)

        self._screen.app.push_screen(AddProject(), added)

    def _sync(self) -> None:
        """Fetch the project, or the marked ones."""
        self._many.sync(self._marked() or [self._one])

    def _flash(self) -> None:
        """Flash the newest build of the project, or of the marked ones; asks."""
        self._many.flash(self._marked() or [self._one])

    @property
    def _one(self) -> ProjectOverview:
        chosen = self._chosen()
        assert chosen is not None
        return chosen

    def _configure(self) -> None:
        """Change the project's options in ESP-IDF's own menu, then show what changed."""
        self._menu.open(self.project)

    def _no_menu(self) -> str | None:
        return self._menu.disabled_reason(self.project)

    def _remove(self) -> None:
        """Remove the project, after asking."""
        from tui.screens.confirm import Confirm

        screen, project = self._screen, self.project

        def answered(yes: bool | None) -> None:
            if yes:
                screen.in_thread(lambda: screen.engine.projects.remove(project.id))

        screen.app.push_screen(
            Confirm(
                f"Remove {project.name}?",
                "Its clone, builds, logs and artifacts are deleted. Its source is not touched.",
                "remove",
            ),
            answered,
        )

    def _show_metrics(self) -> None:
        """Draw how the builds of the project go."""
        from tui.screens.metrics import MetricsScreen

        self._screen.app.push_screen(MetricsScreen(self.project.id))
