"""A build: its phases, a pane for each agent, what the firmware prints, findings, artifacts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from engine.builds.pipeline import FIRMWARE
from engine.enums import Role, RunStatus
from tui.keymap import Where
from tui.presentation.labels import commit_of, tells_apart, variant_of
from tui.presentation.pane_layout import Panes
from tui.screens import fix as screens_fix
from tui.screens.run import ARTIFACTS, FINDINGS, RunScreen
from tui.state.run_state import SERIAL, RunView, TailKey
from tui.widgets.live_pane import LivePane

if TYPE_CHECKING:
    from engine.builds.fixes import Fix
    from engine.builds.service import Builds

PANES = Panes(tuple(role.value for role in Role), {SERIAL: 2, FINDINGS: 1, ARTIFACTS: 1})
"""The panes of a build: of an agent, all that it does."""

_SAID = {
    "project.not_synced": "not synced",
    "project.uncommitted": "without uncommitted changes",
}
"""Notes of a build that its head has: what is not in it. Their findings say all."""


class BuildScreen(RunScreen):
    """One build, live or from the store."""

    WHERE: ClassVar[Where] = Where.BUILD
    WHAT = "build"

    def __init__(self, number: int) -> None:
        view = RunView(number, FIRMWARE, pane_of=lambda _stage, role: role)
        super().__init__(view, PANES, Role.BUILDER.value)
        self._logs = {name: LivePane(id=name, empty=" nothing yet") for name in _LOGS}
        self._fix: Fix | None = None

    @property
    def runs(self) -> Builds:
        """The builds."""
        return self.engine.builds

    def why_not(self, name: str) -> str | None:
        """Why an action does nothing now."""
        if name == "sizes" and not any(row.kind == "elf" for row in self._artifacts.items):
            return "no sizes: this build kept no program"
        if name in ("fix", "commit", "export", "discard"):
            return screens_fix.why_not(name, self._fix, self._view)
        return super().why_not(name)

    def do_sizes(self) -> None:
        """What takes how much memory."""
        from tui.screens.sizes import SizesScreen

        self.app.push_screen(SizesScreen(self.number))

    def do_fix(self) -> None:
        """What repairs changed."""
        if self._fix is not None:
            self.app.push_screen(screens_fix.FixScreen(self._fix, self.action_do))

    def do_commit(self) -> None:
        """Commit the fix on its branch."""
        screens_fix.commit(self, self.number, self._take_fix)

    def do_export(self) -> None:
        """Write the fix into a file."""
        screens_fix.export(self, self.number)

    def do_discard(self) -> None:
        """Put the fix aside."""
        screens_fix.discard(self, self.number, self._take_fix)

    def _load_results(self) -> None:
        super()._load_results()
        if self._view.status.is_final:
            self.in_thread(lambda: self.engine.fixes.of(self.number), self._take_fix)
        else:
            self._take_fix(None)

    def _take_fix(self, fix: Fix | None) -> None:
        self._fix = fix
        self._view.facts = screens_fix.fact(fix)
        self._head.refresh()
        self._bar.refresh()

    def _read(self) -> Callable[[], None]:
        build = self.runs.get(self.number)
        stages = self.runs.stages(self.number)
        project = self.engine.projects.get(str(build.project_id))
        message = build.commit_message.split("\n", 1)[0]
        way = f"  {variant_of(build)}" if tells_apart(project, [build]) else ""
        title = f"{project.name}{way}  {commit_of(build, 10)}  {message}"
        said = [_SAID[note["code"]] for note in build.notes if note["code"] in _SAID]

        def show() -> None:
            self.deck.select_project(project.id)
            self._view.load(build, stages, title)
            self._view.warning = ", ".join(said) if not build.dirty else ""

        return show

    def _where_work_is(self) -> str:
        if self._view.status is RunStatus.FAILED:
            return FINDINGS
        if self._view.status.is_final and self._keys(SERIAL):
            return SERIAL
        running = [stage.role for _, stage in self._view.running()]
        if Role.TESTER in running and self._keys(SERIAL):
            return SERIAL
        return running[0] if running else self._focused

    def _title_of(self, name: str, key: TailKey | None, which: str) -> str:
        if name == SERIAL:
            where = f" {key.stage.removeprefix('test.')}" if key is not None else ""
            return f" SERIAL{where}{which}"
        status, task = self._view.state(name)
        stage = ""
        if key is not None and name == Role.TESTER:
            # Of its two stages at once, what is said is of the one that is shown.
            stage, task = f" {key.stage}", self._view.stages[key.stage].task
        return f" {self.deck.glyphs.state(status)} {name}{stage}{which} {task}"

    def _name_of(self, name: str) -> str:
        return name


_LOGS = (*PANES.agents, SERIAL)
