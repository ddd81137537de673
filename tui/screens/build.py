"""A build: its phases, a pane for each agent, what the firmware prints, findings, artifacts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from engine import FIRMWARE_PIPELINE
from engine.enums import Role, RunStatus, StageStatus
from tui.actions import Action
from tui.keymap import Where
from tui.presentation.labels import commit_of, stage_label, tells_apart, variant_of
from tui.presentation.pane_layout import Panes
from tui.screens.change_set import ChangeSetActions
from tui.screens.result_lists import ARTIFACTS, FINDINGS
from tui.screens.run import RunScreen
from tui.state.run_state import RunView, TailKey
from tui.widgets.live_pane import LivePane

if TYPE_CHECKING:
    from engine import Builds, ChangeSet, Run

CONSOLES = {stage_label(key): key for key in ("test.board", "test.simulator")}
"""The panes of what firmware printed, each with the stage that listened."""

PANES = Panes(tuple(role.value for role in Role), (*CONSOLES, FINDINGS, ARTIFACTS))
"""The panes of a build: one for each agent, with all that it does, the consoles, the results."""

_HEAD_NOTES = {
    "project.not_synced": "not synced",
    "project.uncommitted": "without uncommitted changes",
}
"""Notes of a build that its head shows, in short: what is not in it. Findings say all of it."""


class BuildScreen(RunScreen):
    """One build, live or from the store."""

    WHERE: ClassVar[Where] = Where.BUILD
    KIND = "build"
    WRAPPED = (Role.QA,)  # its lines are a table whose last columns are limits and why they hold

    def __init__(self, number: int) -> None:
        view = RunView(number, FIRMWARE_PIPELINE, pane_of=lambda _stage, role: role)
        super().__init__(view, PANES, Role.BUILDER.value)
        self._log_panes = {
            name: LivePane(id=name, empty=" nothing yet") for name in (*PANES.agents, *CONSOLES)
        }
        self._fix = ChangeSetActions(
            self, "fix", lambda: self.engine.fixes, "nothing was repaired", self._show_fix
        )
        self._build: Run | None = None

    @property
    def runs(self) -> Builds:
        """The builds."""
        return self.engine.builds

    def list_actions(self) -> Sequence[Action]:
        """Actions of a run, and those on the sizes and on the fix of a build."""
        return [
            *super().list_actions(),
            self.action("sizes", self._show_sizes, self._no_sizes),
            self.action("compare", self._compare),
            self.action("approve", self._approve, self._no_approval),
            *self._fix.list_actions(),
        ]

    def _no_sizes(self) -> str | None:
        kept = self._results.artifacts.items
        has_program = any(row.kind == "elf" and not row.superseded for row in kept)
        return None if has_program else "no sizes: this build kept no program"

    def _compare(self) -> None:
        """Compare with the last build before that succeeded."""
        from tui.screens.compare import CompareScreen

        def show(before: Run | None) -> None:
            if before is None:
                why = f"no build before {self.number} succeeded"
                self.notify(why, severity="warning", markup=False)
                return
            self.app.push_screen(CompareScreen(before.number, self.number))

        self.in_thread(lambda: self.runs.before(self.number), show, opens=True)

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
                approve = self.engine.builds.approve
                self.in_thread(lambda: approve(self.number), show, opens=True)

        question = f"Approve commit {build.commit_sha[:10]} of {build.proposed_by}?"
        consequence = "It is built again and flashed on a board. Look at what it changes first."
        self.app.push_screen(Confirm(question, consequence, "approve"), answered)

    def _show_sizes(self) -> None:
        from tui.screens.sizes import SizesScreen

        self.app.push_screen(SizesScreen(self.number))

    def _load_results(self) -> None:
        super()._load_results()
        self._fix.load(opens=self._is_opening)

    def _show_fix(self) -> None:
        self._view.facts = self._fix.summary(_fixed)
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
        view = self._view
        if view.status is RunStatus.FAILED:
            return FINDINGS
        consoles = [name for name in self._open_consoles() if self._log_keys(name)]
        if view.status.is_final and consoles:
            return consoles[0]
        running = [stage.role for _, stage in view.running()]
        if Role.TESTER in running and consoles:
            return consoles[0]
        return running[0] if running else self._focused

    def _worth_room(self) -> tuple[Sequence[str], Sequence[str]]:
        view, consoles = self._view, self._open_consoles()
        found = [FINDINGS] if self._results.findings.items else []
        if view.status.is_final:
            ran = [name for name in reversed(PANES.agents) if self._log_keys(name)]
            failed = [name for name in PANES.agents if view.state(name)[0] is StageStatus.FAILED]
            return [*found, *consoles, *(failed or ran)[:1]], [*failed, *ran, ARTIFACTS]
        running = [stage.role for _, stage in view.running()]
        # Between two stages nobody is at work for a moment: then the panes stay as they are.
        agents = running or [name for name in self._wants.worth if name in PANES.agents]
        return [*agents, *consoles, *found], [ARTIFACTS]

    def _open_consoles(self) -> list[str]:
        """The consoles whose stage runs, or has listened in its newest attempt."""
        states = {name: self._view.stage(stage) for name, stage in CONSOLES.items()}
        return [
            name
            for name, state in states.items()
            if state is StageStatus.RUNNING
            or (state is not StageStatus.PENDING and self._log_keys(name))
        ]

    def _log_title(self, name: str, key: TailKey | None, which: str) -> str:
        if name in CONSOLES:
            return f" {'  '.join(filter(None, (name.upper(), 'console', which)))}"
        status, task = self._view.state(name)
        # Two stages of the TESTER run at once: the text is of the one that is shown.
        stages = [each.key for each in self._view.pipeline.stages if each.role == name]
        stage = stages[0] if key is None else key.stage
        shown = self._view.stages.get(stage)
        if key is not None and shown is not None:
            status, task = shown.status, shown.task
        words = stage_label(stage) if key is not None or len(stages) == 1 else ""
        if task == self._view.pipeline.stage(stage).title:
            task = ""  # it says of the stage what its name does
        parts = (name, words, which, task)
        return f" {self.app.glyphs.state(status)} {'  '.join(filter(None, parts))}"

    def _agent_label(self, name: str) -> str:
        return name


def _fixed(fix: ChangeSet) -> str:
    return "fixed: d shows how" if fix.proved else "partly fixed: d shows how"
