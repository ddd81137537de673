"""Step pipelines: what is posted, and the record of a run."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, JsonValue

from engine.server.models.orchestrate import AnyPriority, OptionalKey, Text, Word

MAX_STEPS = 32
"""Steps of one pipeline."""

RunStatusWord = Literal["PENDING", "SUCCESS", "FAILED"]
"""Where a run or a step stands: ``PENDING`` until it has ended; a step that was not reached stays
so."""


class StepParameters(BaseModel):
    """How a step's model is asked; null is as the settings or the kind of model say."""

    max_tokens: int | None = Field(default=512, ge=1, le=1_000_000)
    temperature: float | None = Field(default=0.7, ge=0, le=2, allow_inf_nan=False)


class PostedStep(BaseModel):
    """One question to a model."""

    step_name: str = Field(min_length=1, max_length=80, examples=["design"])
    model_type: Word = Field(
        default=None,
        description="`CodeLlama`, `CodeGemma`, `T5Gemma`, or a model of the settings.",
        examples=["CodeLlama"],
    )
    role: Word = Field(default=None, description="Who is asked, instead or beside: `architect`.")
    prompt: str = Field(
        min_length=1,
        max_length=20_000,
        description="What is asked. It can speak of `step_0_output` and `step_0_artifacts`.",
    )
    context: JsonValue = Field(default=None, description="What this step has to know.")
    parameters: StepParameters | None = None
    needs: list[str] | None = Field(
        default=None,
        max_length=MAX_STEPS,
        description="Steps above it that it waits for; else the one above, `[]` for none.",
    )
    form: Literal["files", "report"] = Field(
        default="files", description="`report`: the blocks of its answer are no files."
    )


def _empty_is_none(value: object) -> object:
    return None if value == "" else value


class RunMetadata(BaseModel):
    """What is said of a whole run."""

    priority: AnyPriority = None
    deadline: Annotated[str | None, BeforeValidator(_empty_is_none)] = Field(
        default=None,
        max_length=60,
        description="A day, which ends in UTC, or a time: no step begins after it.",
        examples=["2035-12-31T18:00:00Z"],
    )


class PipelineExecute(BaseModel):
    """A pipeline to be run on a project."""

    name: str = Field(min_length=1, max_length=80, examples=["Sensor driver"])
    steps: list[PostedStep] = Field(min_length=1, max_length=MAX_STEPS)
    global_context: JsonValue = Field(default=None, description="What every step has to know.")
    metadata: RunMetadata | None = None
    description: Text = Field(default=None, description="The task, in your words.")
    model: Word = Field(default=None, description="One model for all steps, as for tasks.")
    api_key: OptionalKey = Field(default=None, description="As for tasks.")
    commit: Word = Field(default=None, description="A commit, tag or branch; else its tip.")


class StepArtifact(BaseModel):
    """A file that a step made."""

    type: str = Field(examples=["source"])
    name: str = Field(description="Its path.")
    content: str = Field(description="Untrusted.")


class StepRecord(BaseModel):
    """How a step went."""

    step_name: str
    status: RunStatusWord
    result: str | None = Field(description="What its model said, as Markdown. Untrusted.")
    artifacts: list[StepArtifact]
    execution_time: float | None = Field(description="Seconds.")
    error: str | None


class RunRecord(BaseModel):
    """How a run stands."""

    run_id: str = Field(examples=["14"])
    project_id: str | None
    name: str
    status: RunStatusWord
    steps: list[StepRecord]
    final_artifacts: list[StepArtifact]
    assembled_code: str | None = Field(description="All final files in one Markdown text.")
    started_at: datetime | None
    finished_at: datetime | None
    error: str | None
    total_steps: int
    successful_steps: int
    failed_steps: int
    total_execution_time: float | None = Field(description="Seconds.")


class ModelAnswer(BaseModel):
    """A kind of model; `model` is the one of the settings that stands for it."""

    name: str
    description: str
    capabilities: list[str]
    recommended_for: list[str]
    model: str | None


class ModelsAnswer(BaseModel):
    """The kinds of models."""

    models: list[ModelAnswer]


class TemplateAnswer(BaseModel):
    """A step pipeline that is there already; its steps can be posted."""

    name: str
    description: str
    global_context: str
    steps: list[dict[str, Any]]


class TemplatesAnswer(BaseModel):
    """Step pipelines that are there already."""

    templates: list[TemplateAnswer]
