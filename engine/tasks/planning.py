"""Makes the plan of a task's run of a workflow with its squad, or of a step pipeline."""

from __future__ import annotations

from collections.abc import Sequence

from engine.llm.catalogue import kind_of
from engine.tasks.pipeline_file import PipelineStep, StepPipeline, key_of
from engine.tasks.plan import (
    ASSEMBLER,
    REVISE,
    Form,
    Plan,
    PlannedStep,
    Scope,
)
from engine.tasks.proof_stages import NO_BOARD
from engine.tasks.review_verdicts import VERDICT_FORM
from engine.tasks.roles import ModelRole, roles
from engine.tasks.workflow import REGRESSION, Workflow, WorkflowStep

_REVISER = "firmware_engineer"
_ENGINEER = """\
You are an experienced engineer of a firmware lab, asked for {what}. You answer precisely, name what
you do not know, and leave nothing half done.
"""


_ADDRESS_PROMPT = """\
Mend what the reviews above found, the worst first, each with the smallest change. A finding that
the code refutes is not mended: say why, outside of the changes. Make no other change.
"""


def of_workflow(
    workflow: Workflow,
    squad: str,
    model: str,
    *,
    gate: bool,
    gathers: bool,
    board: str = NO_BOARD,
) -> Plan:
    """What a run of a workflow does.

    Args:
        squad: whose roles do it.
        model: name of the settings that every step is asked with; empty for each role's own.
        gate: whether the result is measured.
        gathers: whether there are files to be shown: a project's, which is built then.
        board: where what steps change is flashed, ``none`` for nowhere.

    Raises:
        UsageError: there is no such squad, or it can do no step.
    """
    steps: list[PlannedStep] = []
    changed = ""
    for step in workflow.with_squad(squad):
        planned = _of_workflow(step, model, proof=gathers)
        if step.changes:
            needs = (*planned.needs, changed) if changed else planned.needs
            planned = planned.model_copy(update={"needs": tuple(dict.fromkeys(needs))})
            changed = planned.key
        steps.append(planned)
    return Plan(
        title=workflow.title,
        steps=tuple(steps),
        gathers=gathers,
        gate=gate,
        reviser=_reviser(steps, model) if gate and changed else None,
        board=board,
    )


def of_pipeline(
    pipeline: StepPipeline,
    model: str,
    *,
    gate: bool,
    gathers: bool,
    own: bool = True,
    first_number: int = 1,
) -> Plan:
    """What a run of a step pipeline does; arguments as :func:`of_workflow` has them.

    Args:
        own: whether a person wrote it, and not espdeck.
        first_number: as :class:`Plan` has it.
    """
    steps = [_of_pipeline(step, model, own=own) for step in pipeline.steps]
    return Plan(
        title=pipeline.name,
        steps=tuple(steps),
        global_context=pipeline.global_context,
        assembler=(model,) if model else (ASSEMBLER,),
        gathers=gathers,
        gate=gate,
        reviser=_reviser(steps, model) if gate else None,
        first_number=first_number,
    )


def _of_workflow(step: WorkflowStep, model: str, *, proof: bool) -> PlannedStep:
    role = roles()[step.roles[0]]
    prompt = step.prompt or _ADDRESS_PROMPT
    scope = Scope.ANY if step.addresses else Scope.TESTS if step.tests else Scope.CODE
    return PlannedStep(
        key=key_of(step.name),
        name=step.name,
        role=role.id,
        who=role.prompt,
        models=_models(role, "", model),
        prompt=f"{prompt}\n\n{VERDICT_FORM}" if step.reviews else prompt,
        form=Form.EDITS if step.changes else Form.REPORT,
        temperature=step.parameters.temperature,
        max_tokens=step.parameters.max_tokens,
        needs=tuple(map(key_of, step.needs)),
        scope=scope if step.changes else Scope.ANY,
        proof=step.changes and proof,
        regression=step.proves == REGRESSION,
        reviews=step.reviews,
        addresses=tuple(map(key_of, step.addresses)),
    )


def _of_pipeline(step: PipelineStep, model: str, *, own: bool) -> PlannedStep:
    role = roles().get(step.role)
    kind = kind_of(step.model_type)
    what = ", ".join(kind.recommended) if kind else "advice"
    return PlannedStep(
        key=key_of(step.step_name),
        name=step.step_name,
        role=step.role or step.model_type,
        who=role.prompt if role else _ENGINEER.format(what=what),
        models=_models(role, step.model_type, model),
        prompt=step.prompt,
        context=step.context,
        form=Form(step.form),
        temperature=step.parameters.temperature,
        max_tokens=step.parameters.max_tokens,
        own_parameters=own,
        needs=tuple(map(key_of, step.needs or ())),
    )


def _reviser(steps: Sequence[PlannedStep], model: str) -> PlannedStep:
    """Who mends what the gate blocks: who changed files last, else an engineer."""
    editors = [roles()[step.role] for step in steps if step.form is Form.EDITS]
    role = editors[0] if editors else roles()[_REVISER]
    return PlannedStep(
        key=REVISE,
        name="revise",
        role=role.id,
        who=role.prompt,
        models=_models(role, "", model),
        prompt=(
            "The quality gate has measured the work with tools and does not let it pass. Mend what "
            "it blocks, at its cause, with the smallest change. Do not silence a tool, weaken a "
            "test or delete what is measured. If a measure cannot be mended by changing these "
            "files, leave it."
        ),
        form=Form.EDITS,
        temperature=0.2,
        max_tokens=1536,
    )


def _models(role: ModelRole | None, kind: str, model: str) -> tuple[str, ...]:
    if model:
        return (model,)
    return (kind,) if kind else (role.id, role.kind) if role else ()
