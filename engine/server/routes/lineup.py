"""Who and what there is for tasks, and the quality gate for files that are posted."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from engine import Finding
from engine.enums import RunKind, RunStatus
from engine.errors import UsageError
from engine.server.access import BuildUser, EngineOf, Reader
from engine.server.models.gate import (
    GateAnswer,
    GateFinding,
    GateMeasure,
    GateRequest,
    demands_of,
)
from engine.server.models.lineup import (
    AgentAnswer,
    SquadAnswer,
    TasksHealth,
    WorkflowAnswer,
    WorkflowStepAnswer,
)
from engine.server.parameters import require_json
from engine.server.responses import SafeJson

router = APIRouter(
    tags=["tasks"], default_response_class=SafeJson, dependencies=[Depends(require_json)]
)


@router.get("/orchestrate/workflows")
def list_workflows(engine: EngineOf, _: Reader) -> list[WorkflowAnswer]:
    """The workflows, with their steps."""
    return [
        WorkflowAnswer(
            name=each.id,
            title=each.title,
            description=each.about,
            wants_description=each.wants_description,
            agents=list(dict.fromkeys(role for step in each.steps for role in step.roles)),
            steps=[
                WorkflowStepAnswer(
                    name=step.name,
                    agents=list(step.roles),
                    needs=list(step.needs),
                    changes=step.changes,
                )
                for step in each.steps
            ],
        )
        for each in engine.tasks.workflows()
    ]


@router.get("/orchestrate/squads")
def list_squads(engine: EngineOf, _: Reader) -> list[SquadAnswer]:
    """The squads: who works together."""
    return [
        SquadAnswer(name=each.id, title=each.title, description=each.about, agents=list(each.roles))
        for each in engine.tasks.squads()
    ]


@router.get("/orchestrate/agents")
def list_agents(engine: EngineOf, _: Reader) -> list[AgentAnswer]:
    """The roles that models play, and the model that the settings give each."""
    return [
        AgentAnswer(
            name=each.id,
            title=each.title,
            description=each.about,
            squad=each.squad,
            model_type=each.kind,
            model=engine.tasks.model_of(each.id, each.kind),
        )
        for each in engine.tasks.roles()
    ]


@router.get("/orchestrate/health")
def get_health(engine: EngineOf, _: Reader) -> TasksHealth:
    """Whether tasks are executed; no model server is asked."""
    runs = [run.status for run in engine.unfinished_runs() if run.kind is RunKind.TASK]
    return TasksHealth(
        status="healthy" if engine.executor_pid is not None else "waiting",
        pending=runs.count(RunStatus.PENDING),
        running=runs.count(RunStatus.RUNNING),
        models=list(engine.tasks.models()),
        workflows=len(engine.tasks.workflows()),
    )


@router.post("/orchestrate/quality-gate")
def measure_files(asked: GateRequest, engine: EngineOf, _: BuildUser) -> GateAnswer:
    """Measure files with the tools of the quality gate.

    Nothing of them is executed, so tests among them are not run: coverage is that of a report
    among them, and unknown without one.
    """
    files = {each.path: each.content for each in asked.artifacts}
    if len(files) < len(asked.artifacts):
        raise UsageError("artifacts: a path comes twice")
    result = engine.gate.measure_files(files, demands_of(asked.requirements))
    return GateAnswer(
        passed=result.passed,
        verdict=result.verdict,
        summary=result.summary,
        score=result.score,
        measures=[
            GateMeasure(
                name=each.id,
                title=each.title,
                value=each.value,
                unit=each.unit,
                threshold=each.threshold,
                status=each.status,
                detail=each.detail,
                findings=list(map(_finding, each.findings)),
            )
            for each in result.measures
        ],
        blockers=[each.title for each in result.blockers],
    )


def _finding(found: Finding) -> GateFinding:
    return GateFinding(
        severity=found.severity,
        code=found.code,
        message=found.message,
        file=found.file,
        line=found.line,
        hint=found.hint,
    )
