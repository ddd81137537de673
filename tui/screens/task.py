"""A task: where it is, a pane for each of its steps, what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from engine import Pipeline
from engine.enums import RunStatus, StageStatus
from engine.text import clean, count
from tui.actions import Action
from tui.keymap import Where
from tui.presentation.gate_rows import gate_text, gate_title, measure_parts
from tui.presentation.labels import indented_parts, stage_label
from tui.presentation.pane_layout import Layout, Panes
from tui.presentation.units import tokens
from tui.screens.change_set import ChangeSetActions
from tui.screens.result_lists import ARTIFACTS, FINDINGS
from tui.screens.run import RunScreen
from tui.state.run_state import RunView, TailKey
from tui.widgets.base import RowWidget
from tui.widgets.live_pane import LivePane, prose_class
from tui.widgets.row_list import RowList
from tui.widgets.run_head import TaskHead
from tui.widgets.text_view import TextView

if TYPE_CHECKING:
    from engine import ChangeSet, GateResult, Measure, TaskMetrics, Tasks, TaskState

PLACEHOLDER = "PLACEHOLDER: no model was asked"
"""Shown wherever a run is that asked no model."""

_GATE = "gate"
"""Key of the stage that measures."""

RESULT = "result"
"""Name of the pane with the page that tells what came of a task."""

_RESULTS = (FINDINGS, ARTIFACTS)
_DONE = (StageStatus.SUCCESS, StageStatus.FAILED)
_Found = tuple["TaskState", dict[tuple[str, int], str], "GateResult | None", str]
"""State, answers, what the gate measured, and the page of the result."""


class TaskScreen(RunScreen):
    """One task, live or from the store: answers stream, and are laid out when they have ended."""

    WHERE: ClassVar[Where] = Where.TASK
    KIND = "task"
    HEAD = TaskHead

    def __init__(self, number: int) -> None:
        view = RunView(number, Pipeline("task", ()), pane_of=lambda stage, _role: stage)
        super().__init__(view, Panes((), _RESULTS), ARTIFACTS)
        self._answers: dict[str, TextView] = {}
        self._names: dict[str, str] = {}
        self._heads: dict[str, str] = {}
        self._texts: dict[tuple[str, int], str] = {}
        self._as_it_came: set[str] = set()
        self._placed: dict[str, RowWidget] = {}
        self._gate: GateResult | None = None
        self._page = TextView()
        self._metrics = ""
        self._changes = ChangeSetActions(
            self, "patch", lambda: self.engine.task_changes, "it changed nothing", self._show_facts
        )
        self._measures: RowList[Measure] = RowList(
            draw=lambda measure, width: measure_parts(measure, self.app.glyphs, width),
            key=lambda measure: measure.id,
            id="measures",
        )

    @property
    def runs(self) -> Tasks:
        """The tasks."""
        return self.engine.tasks

    def list_actions(self) -> Sequence[Action]:
        """Actions of a run, and that which lays an answer out."""
        return [
            *super().list_actions(),
            self.action("laid_out", self._toggle_layout, self._no_answer),
            self.action("follow", self._follow, self._is_laid_out, self._is_list),
            self.action("wrap", self._wrap, self._is_laid_out, self._is_list),
            *self._changes.list_actions(),
        ]

    def _no_answer(self) -> str | None:
        has_answer = self._answer_pane(self._focused) is not None
        return None if has_answer else "nothing to lay out here yet"

    def _is_laid_out(self) -> str | None:
        is_log = self._pane(self._focused) is self._log_panes.get(self._focused)
        return None if is_log else "what is laid out has ended: m shows it as it came"

    def on_text_view_chosen(self, message: TextView.Chosen) -> None:
        """Choose a pane by a click on its answer."""
        views = {RESULT: self._page, **self._answers}
        name = next((name for name, view in views.items() if view is message.view), None)
        if name is not None:
            self._choose_pane(name)

    def _wraps(self, name: str) -> bool:
        return self._chosen_wraps.get(name, True)

    def _toggle_layout(self) -> None:
        """Show the answer laid out, or as it came."""
        self._as_it_came ^= {self._focused}
        self._arrange()
        self._show_logs()
        self._bar.refresh()

    def _read(self) -> Callable[[], None]:
        state = self.runs.state(self.number)
        pipeline = self.runs.pipeline_of(state.run)
        stages = self.runs.stages(self.number)
        roles = [stage.role for stage in pipeline.stages]
        heads = {
            stage.key: self.runs.title(stage.role) if roles.count(stage.role) == 1 else stage.title
            for stage in pipeline.stages
        }

        def show() -> None:
            if state.run.project_id is not None:
                self.app.select_project(state.run.project_id)
            self._view.pipeline = pipeline
            self._heads = heads
            self._names = heads | indented_parts(pipeline)
            self._texts.clear()
            self._mount_panes(tuple(stage.key for stage in pipeline.stages))
            where = f" {state.run.commit_sha[:10]}" if state.run.commit_sha else ""
            project = f"  {state.project}{where}" if state.project else ""
            self._view.load(state.run, stages, f"{state.title}{project}")
            self._show_metrics(state)

        return show

    def _mount_panes(self, keys: tuple[str, ...]) -> None:
        """A stream and a view for each stage, and the console of each that runs firmware.

        The gate has a table for its view.
        """
        consoles = tuple(stage_label(key) for key in keys if stage_label(key) != key)
        for name in consoles:
            if name not in self._log_panes:
                self._log_panes[name] = LivePane(
                    id=f"log-{len(self._log_panes)}", empty=" nothing yet"
                )
                self._room.mount(self._log_panes[name])
        new = [key for key in keys if key not in self._log_panes]
        for key in new:
            self._log_panes[key] = LivePane(
                id=f"log-{len(self._log_panes)}",
                classify=prose_class,
                empty=" nothing yet",
                wraps=True,
            )
            self._room.mount(self._log_panes[key])
            if key == _GATE:
                self._room.mount(self._measures)
            else:
                self._answers[key] = TextView()
                self._room.mount(self._answers[key])
        if new:
            self._name_panes(keys, (*consoles, *_RESULTS))

    def _name_panes(self, keys: tuple[str, ...], others: tuple[str, ...]) -> None:
        self._panes = Panes(keys, others)
        self._pane_list.fill(self._panes.names)
        self._arrange()

    def _show_page(self, text: str) -> None:
        """Show the page that tells what came of the steps; one step's answer is that itself."""
        if len(self._view.pipeline.stages) < 2:
            return
        if text and not self._page.is_mounted:
            self._room.mount(self._page)
            self._name_panes(self._panes.agents, (RESULT, *self._panes.others))
        self._page.title = " RESULT"
        self._page.show(text, "result.md")
        if text and not self._person_chose:
            self._focus_pane(self._pane_to_show())

    def _show_metrics(self, state: TaskState) -> None:
        """Say in the head what is known besides."""
        self._metrics = describe_metrics(state.metrics)
        self._view.warning = PLACEHOLDER if state.metrics.placeholder else ""
        if state.result and self._view.status.is_final:
            self._view.result = state.result
        self._show_facts()

    def _show_facts(self) -> None:
        """Say in the head what models took, and what came of it."""
        facts = (self._changes.summary(_changed), self._metrics)
        self._view.facts = "  ".join(filter(None, facts))
        self._head.refresh()
        self._bar.refresh()

    def _load_results(self) -> None:
        super()._load_results()
        known = set(self._texts)
        ended = {
            (key, stage.attempt)
            for key, stage in self._view.stages.items()
            if stage.status in _DONE and key != _GATE
        }
        earlier = {
            (key.stage, key.attempt)
            for key in self._view.tails
            if key.stage in self._view.stages
            and key.attempt < self._view.stages[key.stage].attempt
            and key.stage != _GATE
        }

        def read() -> _Found:
            texts = {
                (key, attempt): self.runs.text(self.number, key, attempt)
                for key, attempt in (ended | earlier) - known
            }
            state = self.runs.state(self.number)
            page = self.runs.page(self.number) if state.run.status.is_final else ""
            return state, texts, self.runs.gate(self.number), page

        def show(found: _Found) -> None:
            state, texts, self._gate, page = found
            self._texts |= texts
            if self._gate is not None:
                self._measures.fill(self._gate.measures)
                self._measures.title = gate_title(self._gate)
            self._show_metrics(state)
            self._show_page(page)
            self._show_logs()
            self._bar.refresh()

        self.in_thread(read, show, opens=self._is_opening)
        self._changes.load(opens=self._is_opening)

    def _pane_to_show(self) -> str:
        running = [key for key, _ in self._view.running()]
        if running:
            return running[0]
        if not self._view.status.is_final:
            return self._focused
        if self._page.text and self._view.status is RunStatus.SUCCESS:
            return RESULT
        worth = StageStatus.FAILED if self._view.status is RunStatus.FAILED else StageStatus.SUCCESS
        ended = [
            stage.key
            for stage in self._view.pipeline.stages
            if stage.key in self._view.stages and self._view.stages[stage.key].status is worth
        ]
        if worth is StageStatus.FAILED and _GATE in ended:
            return _GATE  # what was revised then did not help
        return ended[-1] if ended else ARTIFACTS

    def _worth_room(self) -> tuple[Sequence[str], Sequence[str]]:
        found = [FINDINGS] if self._results.findings.items else []
        if self._view.status.is_final:
            return [self._pane_to_show(), *found], [ARTIFACTS]
        running = [key for key, _ in self._view.running()]
        consoles = [name for key in running if (name := stage_label(key)) != key]
        agents = [*running, *consoles] or [
            name for name in self._wants.worth if name in self._panes.agents
        ]
        return [*agents, *found], [ARTIFACTS]

    def _log_title(self, name: str, key: TailKey | None, which: str) -> str:
        if name not in self._panes.agents:
            return f" {'  '.join(filter(None, (name, 'console', which)))}"
        status, task = self._view.state(name)
        title = next((each.title for each in self._view.pipeline.stages if each.key == name), "")
        head = self._heads.get(name, name)
        step = f": {title}" if title and title != head else ""
        task = "" if task == title else task
        parts = (f"{head}{step}", which, task)
        return f" {self.app.glyphs.state(status)} {'  '.join(filter(None, parts))}"

    def _agent_label(self, name: str) -> str:
        return self._names.get(name, name)

    def _answer_pane(self, name: str) -> RowWidget | None:
        """The widget with the result of a stage that has ended, None while it has not."""
        if name == _GATE:
            return self._measures if self._gate is not None and self._gate.measures else None
        key = self._log_key(name) if name in self._answers else None
        if key is None or not self._texts.get((key.stage, key.attempt)):
            return None
        stage = self._view.stages[name]
        if stage.attempt == key.attempt and stage.status not in _DONE:
            del self._texts[key.stage, key.attempt]  # it is done again
            return None
        return self._answers[name]

    def _pane(self, name: str) -> RowWidget:
        if name == RESULT:
            return self._page
        view = None if name in self._as_it_came else self._answer_pane(name)
        return view or super()._pane(name)

    def _place(self, layout: Layout) -> None:
        super()._place(layout)
        self._placed = {name: self._pane(name) for name in self._panes.agents}

    def _show_logs(self) -> None:
        if any(self._pane(name) is not pane for name, pane in self._placed.items()):
            self._arrange()
        super()._show_logs()
        for name, view in self._answers.items():
            key = self._log_key(name)
            if key is None or not view.display:
                continue
            text = self._texts.get((key.stage, key.attempt))
            if text is not None:  # it is while the view of a stage that is done again still shows
                view.title = clean(self._log_title(name, key, self._which(name, key)))
                view.show(text, f"{name}.md")

    def _show_as_log(self, name: str) -> None:
        self._as_it_came.add(name)

    def _text_of(self, name: str) -> str:
        pane = self._pane(name)
        if isinstance(pane, TextView):
            return pane.text
        if pane is self._measures and self._gate is not None:
            return gate_text(self._gate)
        return super()._text_of(name)

    def _count_of(self, name: str) -> str:
        return "" if name == RESULT else super()._count_of(name)


def describe_metrics(metrics: TaskMetrics) -> str:
    """The models that were asked, their tokens and costs, in a line."""
    parts = list(metrics.models)
    if metrics.answers:
        parts.append(count(metrics.answers, "answer"))
        parts.append(tokens(metrics.tokens_in, metrics.tokens_out))
    if metrics.cost is not None:
        parts.append(f"cost {metrics.cost:.4f}")
    return "  ".join(parts)


def _changed(found: ChangeSet) -> str:
    return f"changes {count(len(found.files), 'file')}: d shows them"
