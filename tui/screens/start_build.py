"""Starting builds of a project from a screen: what it follows, its folder as it is, variants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar
from uuid import UUID

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Resize
from textual.screen import ModalScreen
from textual.widgets import Static

from engine.enums import ProjectStatus
from engine.text import clean, count
from tui.widgets.key_bar import KeyBar
from tui.widgets.row_list import Parts, RowList

if TYPE_CHECKING:
    from engine import Project, StartedBuilds, Variant
    from tui.screens.base import MainScreen

T = TypeVar("T")

_MAX_NAMES = 24
"""The most that a question names."""

_LIST_ROWS = 12
_FRAME_ROWS = 7
"""Rows of a dialog that are not for its list."""

_SYNCING_SECONDS = 60.0
"""How long a note that a project is synced stays, unless that is over before."""

_SEVERITIES: dict[str, Literal["information", "warning", "error"]] = {
    "info": "information",
    "warning": "warning",
}


class BuildStarter:
    """Starts builds for a screen, off the event loop, and shows what came of it."""

    def __init__(self, screen: MainScreen) -> None:
        self._screen = screen
        self._busy: set[UUID] = set()

    def disabled_reason(self, project: Project) -> str | None:
        """Why no build of a project can be started now, None when one can."""
        if project.status == ProjectStatus.PENDING:
            return f"{project.name} is being cloned"
        if project.status != ProjectStatus.ACTIVE:
            return f"{project.name} cannot be built: e changes its source, s syncs it again"
        if project.id in self._busy:
            return f"{project.name} is being synced"
        return None

    def build(self, project: Project) -> None:
        """Build what a project follows; ask for its chip where nobody knows it."""
        from engine import Variant

        def go(project: Project) -> None:
            plain = Variant(project.target, project.configuration)
            self._start(project, [plain])

        self._with_chip(project, go)

    def build_dirty(self, project: Project) -> None:
        """Build a folder with what is not committed in it; where all is committed, say so."""
        from engine import UNCOMMITTED, Variant

        engine = self._screen.engine

        def look() -> bool:
            found = engine.projects.commit(project.id, None)
            return any(note.code == UNCOMMITTED for note in found.notes)

        def go(project: Project) -> None:
            def then(is_dirty: bool) -> None:
                if is_dirty:
                    plain = Variant(project.target, project.configuration)
                    self._start(project, [plain], dirty=True)
                else:
                    self._screen.show_error(
                        f"no uncommitted changes in {project.source}: b builds the commit"
                    )

            self._synced(project, look, then)

        self._with_chip(project, go)

    def build_all(self, project: Project) -> None:
        """Build every variant; asks when there are several."""
        from tui.screens.confirm import Confirm

        def ask(project: Project, found: Sequence[Variant]) -> None:
            if len(found) == 1:
                self._start(project, found)
                return
            unnamed = len(found) - _MAX_NAMES
            more = f", and {unnamed} more" if unnamed > 0 else ""
            names = ", ".join(each.label for each in found[:_MAX_NAMES])
            question = Confirm(
                f"Build all {len(found)} variants of {project.name}?", f"{names}{more}", "build"
            )

            def answered(yes: bool | None) -> None:
                if yes:
                    self._start(project, found)

            self._screen.app.push_screen(question, answered)

        self._with_variants(project, ask)

    def choose(self, project: Project) -> None:
        """Have a person choose variants from a list."""

        def ask(project: Project, found: Sequence[Variant]) -> None:
            def answered(wanted: Sequence[Variant] | None) -> None:
                if wanted:
                    self._start(project, wanted)

            self._screen.app.push_screen(ChooseVariants(project.name, found), answered)

        self._with_variants(project, ask)

    def _with_variants(
        self, project: Project, then: Callable[[Project, Sequence[Variant]], None]
    ) -> None:
        engine = self._screen.engine

        def read(project: Project) -> tuple[Project, Sequence[Variant]]:
            now = engine.projects.commit(project.id, None).project
            return now, engine.projects.variants(now.id)

        self._with_chip(
            project,
            lambda known: self._synced(
                known, lambda: read(known), lambda it: then(*it), opens=True
            ),
        )

    def _with_chip(self, project: Project, then: Callable[[Project], None]) -> None:
        """Go on with a project whose chip is known, when a person has said it."""
        from tui.screens.edit_project import EditProject

        if project.target:
            then(project)
            return

        def edited(changed: Project | None) -> None:
            if changed is not None and changed.target:
                then(changed)

        self._screen.app.push_screen(EditProject(project), edited)

    def _start(self, project: Project, variants: Sequence[Variant], *, dirty: bool = False) -> None:
        engine = self._screen.engine
        self._synced(
            project,
            lambda: engine.builds.start_each(project.id, variants, dirty=dirty),
            lambda started: self._show(project, started),
        )

    def _synced(
        self,
        project: Project,
        work: Callable[[], T],
        then: Callable[[T], None],
        *,
        opens: bool = False,
    ) -> None:
        """Do what syncs the project, which may take a while, and say that it does.

        Args:
            opens: as :meth:`tui.screens.base.MainScreen.in_thread` has it.
        """
        screen = self._screen
        self._busy.add(project.id)
        text = clean(f"{project.name}: syncing")
        screen.notify(text, markup=False, timeout=_SYNCING_SECONDS)

        def over() -> None:
            self._busy.discard(project.id)
            screen.app.clear_notifications()
            screen.query_one(KeyBar).refresh()

        def work_and_tell() -> Any:
            try:
                return work()
            finally:
                screen.app.call_from_thread(over)

        screen.in_thread(work_and_tell, then, opens=opens)

    def _show(self, project: Project, started: StartedBuilds) -> None:
        screen, builds = self._screen, started.builds
        if len(builds) == 1 and screen.app.screen is screen:
            screen.app.show_build(builds[0].number)
        else:
            last = f" to #{builds[-1].number}" if len(builds) > 1 else ""
            text = f"{project.name}: {count(len(builds), 'build')} queued, #{builds[0].number}"
            screen.notify(clean(f"{text}{last}"), markup=False)
        for note in builds[0].notes:
            severity = _SEVERITIES.get(note["severity"], "error")
            screen.notify(clean(note["message"]), markup=False, severity=severity)
        for problem in started.problems:
            screen.notify(clean(problem), markup=False, severity="error")


class ChooseVariants(ModalScreen["Sequence[Variant] | None"]):
    """A list of variants; space marks, enter gives the marked ones, else the one of the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "none", priority=True),
        Binding("enter", "take", "build", priority=True),
        Binding("space", "mark", "mark", priority=True),
        Binding("a", "mark_all", "all or none", priority=True),
        Binding("j,down", "move(1)", "down", priority=True),
        Binding("k,up", "move(-1)", "up", priority=True),
        Binding("pagedown,ctrl+d", f"move({_LIST_ROWS})", "page down", priority=True),
        Binding("pageup,ctrl+u", f"move(-{_LIST_ROWS})", "page up", priority=True),
    ]

    def __init__(self, name: str, variants: Sequence[Variant]) -> None:
        """Make a list.

        Args:
            name: of the project.
            variants: one or more.
        """
        super().__init__()
        self._project_name = name
        self._variants = variants
        self._marked: set[Variant] = set()
        self._rows: RowList[Variant] = RowList(draw=self._draw, key=lambda each: each)

    def compose(self) -> ComposeResult:
        """Title, variants, keys."""
        with Vertical(classes="dialog"):
            yield Static(Content(clean(f"Build {self._project_name} as")), classes="dialog--title")
            yield self._rows
            keys = "space mark   a all   enter build   esc leave"
            yield Static(Content(keys), classes="dialog--keys")

    def on_mount(self) -> None:
        """Show them."""
        self._rows.fill(self._variants)
        self._show_count()
        self.set_focus(self._rows)

    def on_resize(self, event: Resize) -> None:
        """As many rows as there is room for beside the frame, title and keys."""
        rows = min(_LIST_ROWS, len(self._variants), event.size.height - _FRAME_ROWS)
        self._rows.styles.height = 1 + max(1, rows)

    def on_row_list_opened(self) -> None:
        """A double click is enough."""
        self.action_take()

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        self._rows.move(rows)

    def action_mark(self) -> None:
        """Mark the variant of the cursor, or not, and go to the next."""
        if self._rows.item is not None:
            self._marked ^= {self._rows.item}
            self._rows.move(1)
            self._show_count()

    def action_mark_all(self) -> None:
        """Mark all; none when all are."""
        is_all = len(self._marked) == len(self._variants)
        self._marked = set() if is_all else set(self._variants)
        self._show_count()

    def action_take(self) -> None:
        """Give what is marked, else what the cursor is on."""
        marked = [each for each in self._variants if each in self._marked]
        item = self._rows.item
        self.dismiss(marked or ([item] if item is not None else None))

    def _show_count(self) -> None:
        total = count(len(self._variants), "variant")
        self._rows.title = f" {len(self._marked)} of {total} marked"
        self._rows.refresh()

    def _draw(self, variant: Variant, _width: int) -> Parts:
        mark = "x" if variant in self._marked else " "
        return [(f" [{mark}] ", ""), (f"{variant.target:<9} ", ""), (variant.configuration, "")]
