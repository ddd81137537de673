"""What a task's run does, decided when it is asked for and kept, so that a retry does the same.

A workflow with its squad and a step pipeline come to the same thing: steps with who is asked, what,
and what each waits for. A step runs in a wave with all others that wait for as many steps in a row;
a wave begins when every step before it has succeeded, so a failing step stops the run. Steps that
change files never share a wave: each begins with what the one before it left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

from engine.llm.catalogue import kind_of
from engine.runs.pipeline import Pipeline, Stage, When
from engine.tasks.pipeline_file import PipelineStep, StepPipeline, key_of
from engine.tasks.roles import ModelRole, roles
from engine.tasks.workflow import Workflow, WorkflowStep
from engine.tasks.yaml_document import YamlModel

GATHER, ASSEMBLE, GATE, REVISE = "gather", "assemble", "gate", "revise"
"""Keys of the stages that are not steps."""

LIBRARIAN, ASSEMBLER, QA = "librarian", "assembler", "QA"
"""Who does them; ``revise`` is done by an engineering role."""

_REVISER = "firmware_engineer"
_WEIGHTS = {GATHER: 2.0, ASSEMBLE: 10.0, GATE: 8.0, REVISE: 2.0}
_ENGINEER = """\
You are an experienced engineer of a firmware lab, asked for {what}. You answer precisely, name what
you do not know, and leave nothing half done.
"""


class Form(StrEnum):
    """How a step is answered."""

    REPORT = "report"
    FILES = "files"
    EDITS = "edits"


class PlannedStep(YamlModel):
    """A step of a run.

    Args:
        key: of its stage.
        name: as people call it.
        role: who is asked: a role's id, or a kind of model.
        who: what the model is told that it is.
        models: names of the settings that it may be asked with, the first that is set counts.
        prompt: what is asked.
        context: what else this step has to know.
        form: how it is answered.
        temperature, max_tokens: how its model is asked; None: as the settings say.
        own_parameters: whether a person wrote these two for the step: they win over the settings.
        needs: keys of the steps that it depends on.
    """

    key: str
    name: str
    role: str
    who: str
    models: tuple[str, ...]
    prompt: str
    context: str = ""
    form: Form = Form.REPORT
    temperature: float | None = None
    max_tokens: int | None = None
    own_parameters: bool = False
    needs: tuple[str, ...] = ()


class Plan(YamlModel):
    """What a run does.

    Args:
        title: as people call it.
        steps: in the order of their file.
        global_context: what every step has to know.
        assembler: names of the settings that the Assembler may be asked with; empty for none.
        gathers: whether files are chosen first that the steps are shown.
        gate: whether the result is measured.
        reviser: who is asked to mend what the gate blocks; None where nothing can be mended.
        first_number: of the first step, as its ``step_N_output`` is called.
    """

    title: str
    steps: tuple[PlannedStep, ...]
    global_context: str = ""
    assembler: tuple[str, ...] = ()
    gathers: bool = False
    gate: bool = False
    reviser: PlannedStep | None = None
    first_number: int = 1

    def step(self, key: str) -> PlannedStep:
        """The step with this key.

        Raises:
            KeyError: there is none.
        """
        steps = {step.key: step for step in self.steps}
        if self.reviser:
            steps[self.reviser.key] = self.reviser
        return steps[key]

    def number(self, key: str) -> int:
        """Place of a step in its file, from :attr:`first_number`."""
        return self.first_number + [step.key for step in self.steps].index(key)

    def before(self, key: str) -> tuple[PlannedStep, ...]:
        """The steps that have ended when a stage begins, in the order in which they ran."""
        waves = _waves(self.steps)
        found: list[PlannedStep] = []
        for wave in waves:
            if any(step.key == key for step in wave):
                break
            found += wave
        return tuple(found)

    @property
    def asked(self) -> tuple[tuple[str, ...], ...]:
        """Names of the settings for everything that is asked of models."""
        reviser = (self.reviser.models,) if self.reviser else ()
        assembler = (self.assembler,) if self.assembler else ()
        return (*(step.models for step in self.steps), *assembler, *reviser)

    @property
    def pipeline(self) -> Pipeline:
        """The stages of the run."""
        stages: list[Stage] = []

        def add(key: str, role: str, phase: str, title: str) -> None:
            needs = tuple(each.key for each in stages if each.phase != phase)
            stages.append(Stage(key, role, phase, title, _WEIGHTS.get(key, 0.0), needs))

        if self.gathers:
            add(GATHER, LIBRARIAN, "context", "choose files")
        for number, wave in enumerate(_waves(self.steps), 1):
            for step in wave:
                add(step.key, step.role, f"step {number}", step.name)
        if self.assembler:
            add(ASSEMBLE, ASSEMBLER, "assembly", "assemble")
        if self.gate:
            add(GATE, QA, "gate", "measure")
        if self.reviser:
            revise = Stage(
                REVISE,
                self.reviser.role,
                phase="revise",
                title=self.reviser.name,
                weight=_WEIGHTS[REVISE],
                needs=(GATE,),
                when=When.SOMETHING_FAILED,
                back_to=GATE,
            )
            stages.append(revise)
        return Pipeline(name=self.title, stages=_weighed(stages, len(self.steps)))


def of_workflow(workflow: Workflow, squad: str, model: str, *, gate: bool, gathers: bool) -> Plan:
    """What a run of a workflow does.

    Args:
        squad: whose roles do it.
        model: name of the settings that every step is asked with; empty for each role's own.
        gate: whether the result is measured.
        gathers: whether there are files to be shown.

    Raises:
        UsageError: there is no such squad, or it can do no step.
    """
    steps: list[PlannedStep] = []
    changed = ""
    for step in workflow.with_squad(squad):
        planned = _of_workflow(step, model)
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


def title_of(role: str) -> str:
    """How people call who does a stage."""
    if role in roles():
        return roles()[role].title
    kind = kind_of(role)
    return kind.title if kind else role.replace("_", " ").capitalize() if role.islower() else role


def _of_workflow(step: WorkflowStep, model: str) -> PlannedStep:
    role = roles()[step.roles[0]]
    return PlannedStep(
        key=key_of(step.name),
        name=step.name,
        role=role.id,
        who=role.prompt,
        models=_models(role, "", model),
        prompt=step.prompt,
        form=Form.EDITS if step.changes else Form.REPORT,
        temperature=step.parameters.temperature,
        max_tokens=step.parameters.max_tokens,
        needs=tuple(map(key_of, step.needs)),
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


def _waves(steps: Sequence[PlannedStep]) -> list[list[PlannedStep]]:
    """Steps that run at once, wave after wave."""
    levels: dict[str, int] = {}
    waves: list[list[PlannedStep]] = []
    for step in steps:
        level = levels[step.key] = max((levels[need] + 1 for need in step.needs), default=0)
        waves.extend([] for _ in range(level + 1 - len(waves)))
        waves[level].append(step)
    return waves


def _weighed(stages: Sequence[Stage], steps: int) -> tuple[Stage, ...]:
    """Stages whose weights come to 100."""
    rest = 100.0 - sum(stage.weight for stage in stages)
    return tuple(stage if stage.weight else replace(stage, weight=rest / steps) for stage in stages)
