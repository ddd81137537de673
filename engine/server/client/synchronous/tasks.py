"""Tasks for models, step pipelines, the quality gate."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from engine.enums import Priority
from engine.server.client.synchronous.transport import Transport
from engine.server.models.gate import GateAnswer
from engine.server.models.lineup import AgentAnswer, SquadAnswer, TasksHealth, WorkflowAnswer
from engine.server.models.orchestrate import TaskAccepted, TaskStatus
from engine.server.models.pipelines import (
    ModelAnswer,
    ModelsAnswer,
    RunRecord,
    TemplateAnswer,
    TemplatesAnswer,
)

_ENDS = ("completed", "failed")


class Tasks(Transport):
    """Calls about tasks."""

    def create_task(
        self,
        task_description: str,
        *,
        context: Any = None,
        model: str | None = None,
        api_key: str | None = None,
        priority: Priority | str | None = None,
        max_iterations: int | None = None,
        enable_quality_gate: bool | None = None,
        squad_type: str | None = None,
        **more: Any,
    ) -> TaskAccepted:
        """Ask for a task: one question to the squad.

        Args:
            context: what else is to be known, any JSON.
            more: ``project_id``, ``commit``, ``paths``, ``diff``, ``text``.
        """
        asked = {
            "task_description": task_description,
            "context": context,
            "model": model,
            "api_key": api_key,
            "priority": priority,
            "max_iterations": max_iterations,
            "enable_quality_gate": enable_quality_gate,
            "squad_type": squad_type,
        }
        return self._post(TaskAccepted, "orchestrate", asked | more)

    def run_workflow(self, workflow: str, task_description: str = "", **more: Any) -> TaskAccepted:
        """Ask for a run of a workflow.

        Args:
            workflow: its name, as ``workflows()`` has it.
            more: as for ``create_task``.
        """
        asked = {"task_description": task_description, **more}
        path = f"orchestrate/workflow/{quote(workflow, safe='')}"
        return self._post(TaskAccepted, path, asked)

    def task_status(self, task_id: str) -> TaskStatus:
        """How a task stands."""
        return self._get(TaskStatus, _status(task_id))

    def tasks(
        self, *, status: str | None = None, text: str | None = None
    ) -> Generator[TaskStatus, None]:
        """Tasks, all pages of them, the newest first, without their answers."""
        return self._pages(TaskStatus, "orchestrate/tasks", {"status": status, "text": text})

    def wait_for_task(self, task_id: str, timeout: float | None = None) -> TaskStatus:
        """Wait until a task has ended, also while the server is started again.

        Args:
            timeout: seconds; None waits as long as it takes.

        Raises:
            ApiError: time is over, the task is unknown, or the server was away for too long.
        """

        def is_final(task: TaskStatus) -> bool:
            return task.status in _ENDS

        what = f"task {task_id}"
        return self._until(TaskStatus, _status(task_id), is_final, timeout, what)

    def cancel_task(self, task_id: str) -> TaskStatus:
        """End a task."""
        path = f"orchestrate/tasks/{quote(task_id, safe='')}/cancel"
        return self._post(TaskStatus, path)

    def retry_task(
        self, task_id: str, *, step: str | None = None, api_key: str | None = None
    ) -> TaskStatus:
        """Run an ended task again, or from a step on."""
        path = f"orchestrate/tasks/{quote(task_id, safe='')}/retry"
        return self._post(TaskStatus, path, {"step": step, "api_key": api_key})

    def quality_gate(
        self,
        artifacts: Mapping[str, str],
        *,
        min_test_coverage: float | None = None,
        code_quality_score: float | None = None,
        security_scan: bool | None = None,
    ) -> GateAnswer:
        """Have files measured; nothing of them is executed.

        Args:
            artifacts: the text of each file, by its path.
        """
        wanted = {
            "min_test_coverage": min_test_coverage,
            "code_quality_score": code_quality_score,
            "security_scan": security_scan,
        }
        files = [{"path": path, "content": text} for path, text in artifacts.items()]
        requirements = {name: value for name, value in wanted.items() if value is not None}
        asked = {"artifacts": files, "requirements": requirements}
        return self._post(GateAnswer, "orchestrate/quality-gate", asked)

    def squads(self) -> list[SquadAnswer]:
        """Roles that work together."""
        return self._get(list[SquadAnswer], "orchestrate/squads")

    def agents(self) -> list[AgentAnswer]:
        """The roles that models play."""
        return self._get(list[AgentAnswer], "orchestrate/agents")

    def workflows(self) -> list[WorkflowAnswer]:
        """The workflows."""
        return self._get(list[WorkflowAnswer], "orchestrate/workflows")

    def tasks_health(self) -> TasksHealth:
        """Whether tasks are executed."""
        return self._get(TasksHealth, "orchestrate/health")

    def execute_pipeline(
        self,
        project: str,
        name: str,
        steps: Sequence[Mapping[str, Any]],
        *,
        global_context: Any = None,
        metadata: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> RunRecord:
        """Run a step pipeline on a project.

        Args:
            steps: each with ``step_name``, ``model_type``, ``prompt`` and what else it has.
            more: ``description``, ``model``, ``api_key``, ``commit``.
        """
        asked = {
            "name": name,
            "steps": list(steps),
            "global_context": global_context,
            "metadata": metadata,
        }
        path = f"orchestrator/projects/{quote(project, safe='')}/execute"
        return self._post(RunRecord, path, asked | more)

    def pipeline_run(self, run_id: str) -> RunRecord:
        """How a run of a step pipeline stands."""
        return self._get(RunRecord, _run(run_id))

    def wait_for_pipeline(self, run_id: str, timeout: float | None = None) -> RunRecord:
        """Wait until a run of a step pipeline has ended.

        Args:
            timeout: seconds; None waits as long as it takes.

        Raises:
            ApiError: time is over, the run is unknown, or the server was away for too long.
        """

        def is_final(run: RunRecord) -> bool:
            return run.status != "PENDING"

        return self._until(RunRecord, _run(run_id), is_final, timeout, f"run {run_id}")

    def pipeline_models(self) -> list[ModelAnswer]:
        """The kinds of models that a step can ask."""
        return (self._get(ModelsAnswer, "orchestrator/models")).models

    def pipeline_templates(self) -> list[TemplateAnswer]:
        """Step pipelines that are there already."""
        return (self._get(TemplatesAnswer, "orchestrator/templates")).templates


def _status(task_id: str) -> str:
    return f"orchestrate/status/{quote(task_id, safe='')}"


def _run(run_id: str) -> str:
    return f"orchestrator/runs/{quote(run_id, safe='')}"
