"""A build: its phases, a pane for each agent, what the firmware prints, findings, artifacts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from engine import FIRMWARE_PIPELINE
from engine.enums import Role, RunStatus
from tui.actions import Action
from tui.keymap import Where
from tui.presentation.labels import commit_of, tells_apart, variant_of
from tui.presentation.pane_layout import Panes
from tui.screens import fix as fixes
from tui.screens.result_lists import ARTIFACTS, FINDINGS
from tui.screens.run import RunScreen
from tui.state.run_state import SERIAL, RunView, TailKey
from tui.widgets.live_pane import LivePane

if TYPE_CHECKING:
    from engine import Builds, Fix, Run

PANES = Panes(tuple(role.value for role in Role), {SERIAL: 2, FINDINGS: 1, ARTIFACTS: 1})
"""The panes of a build: one for each agent, with all that it does, and those of results."""

_HEAD_NOTES = {
    "project.not_synced": "not synced",
    "project.uncommitted": "without uncommitted changes",
}
"""Notes of a build that its head shows, in short: what is not in it. Findings say all of it."""


class BuildScreen(RunScreen):
    """One build, live or from the store."""

    WHERE: ClassVar[Where] = Where.BUILD
    KIND = "build"

    def __init__(self, number: int) -> None:
        view = RunView(number, FIRMWARE_PIPELINE, pane_of=lambda _stage, role: role)
        super().__init__(view, PANES, Role.BUILDER.value)
        self._log_panes = {
            name: LivePane(id=name, empty=" nothing yet") for name in (*PANES.agents, SERIAL)
        }
        self._fix: Fix | None = None
        self._build: Run | None = None

    @property
    def runs(self) -> Builds:
        """The builds."""
        return self.engine.builds

    def list_actions(self) -> Sequence[Action]:
        """Actions of a run, and those on the sizes and on the fix of a build."""
        no_fix, decided = self._no_fix, self._is_decided
        return [
            *super().list_actions(),
            self.action("sizes", self._show_sizes, self._no_sizes),
            self.action("approve", self._approve, self._no_approval),
            self.action("fix", self._show_fix, no_fix),
            self.action("commit", self._commit_fix, no_fix, decided),
            self.action("export", lambda: fixes.export(self, self.number), no_fix),
            self.action("discard", self._discard_fix, no_fix, decided),
        ]

    def _no_sizes(self) -> str | None:
        has_program = any(row.kind == "elf" for row in self._results.artifacts.items)
        return None if has_program else "no sizes: this build kept no program"

    def _no_approval(self) -> str | None:
        build = self._build
        if build is None or not build.proposed_by:
            return "this is the project's own commit: it needs no approval"
        return f"{build.approved_by} approved it already" if build.approved_by else None

    def _approve(self) -> None:
        from tui.screens.confirm import Confirm

        build = self._build
        assert build is not None

        def show(again: Run) -> None:
            self.app.push_screen(BuildScreen(again.number))

        def answered(sure: bool | None) -> None:
            if sure:
                self.in_thread(lambda: self.engine.builds.approve(self.number), show)

        question = f"Approve commit {build.commit_sha[:10]} of {build.proposed_by}?"
        consequence = "It is built again and flashed on a board. Look at what it changes first."
        self.app.push_screen(Confirm(question, consequence, "approve"), answered)

    def _no_fix(self) -> str | None:
        if self._fix is not None:
            return None
        if self._view.status.is_final:
            return f"build {self.number} has no fix: nothing was repaired"
        return f"build {self.number} has not ended"

    def _is_decided(self) -> str | None:
        fix = self._fix
        return f"the fix is {fix.state} already" if fix and fix.state != "open" else None

    def _show_sizes(self) -> None:
        from tui.screens.sizes import SizesScreen

        self.app.push_screen(SizesScreen(self.number))

    def _show_fix(self) -> None:
        if self._fix is not None:
            shown = [self.actions[id] for id in fixes.ACTIONS]
            self.app.push_screen(fixes.FixScreen(self._fix, shown, self.action_do))

    def _commit_fix(self) -> None:
        fixes.commit(self, self.number, self._set_fix)

    def _discard_fix(self) -> None:
        fixes.discard(self, self.number, self._set_fix)

    def _load_results(self) -> None:
        super()._load_results()
        if self._view.status.is_final:
            self.in_thread(lambda: self.engine.fixes.of(self.number), self._set_fix)
        else:
            self._set_fix(None)

    def _set_fix(self, fix: Fix | None) -> None:
        self._fix = fix
        self._view.facts = fixes.summary(fix)
        self._head.refresh()
        self._bar.refresh()

    def _read(self) -> Callable[[], None]:
        build = self.runs.get(self.number)
        stages = self.runs.stages(self.number)
        project = self.engine.projects.get(str(build.project_id))
        message = build.commit_message.split("\n", 1)[0]
        variant = f"  {variant_of(build)}" if tells_apart(project, [build]) else ""
        title = f"{project.name}{variant}  {commit_of(build, 10)}  {message}"
        notes = [_HEAD_NOTES[note["code"]] for note in build.notes if note["code"] in _HEAD_NOTES]
        if build.is_held:
            notes.append(f"not approved: {build.proposed_by}")

        def show() -> None:
            self._build = build
            self.app.select_project(project.id)
            self._view.load(build, stages, title)
            self._view.warning = ", ".join(notes) if not build.dirty else ""

        return show

    def _pane_to_show(self) -> str:
        if self._view.status is RunStatus.FAILED:
            return FINDINGS
        if self._view.status.is_final and self._log_keys(SERIAL):
            return SERIAL
        running = [stage.role for _, stage in self._view.running()]
        if Role.TESTER in running and self._log_keys(SERIAL):
            return SERIAL
        return running[0] if running else self._focused

    def _log_title(self, name: str, key: TailKey | None, which: str) -> str:
        if name == SERIAL:
            where = f" {key.stage.removeprefix('test.')}" if key is not None else ""
            return f" SERIAL{where}{which}"
        status, task = self._view.state(name)
        stage = ""
        if key is not None and name == Role.TESTER:
            # Two of its stages run at once: the text is of the one that is shown.
            stage, task = f" {key.stage}", self._view.stages[key.stage].task
        return f" {self.app.glyphs.state(status)} {name}{stage}{which} {task}"

    def _agent_label(self, name: str) -> str:
        return name
