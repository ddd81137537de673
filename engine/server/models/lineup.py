"""Who and what there is for tasks: workflows, squads, roles, and whether tasks are executed."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class WorkflowStepAnswer(BaseModel):
    """A step of a workflow; `agents` are those who may do it, the fittest first."""

    name: str
    agents: list[str]
    needs: list[str]
    changes: bool = Field(description="Whether it changes files of the project.")


class WorkflowAnswer(BaseModel):
    """A workflow."""

    name: str
    title: str
    description: str
    wants_description: bool = Field(description="Whether it needs one.")
    agents: list[str]
    steps: list[WorkflowStepAnswer]


class SquadAnswer(BaseModel):
    """Roles that work together."""

    name: str
    title: str
    description: str
    agents: list[str]


class AgentAnswer(BaseModel):
    """A role that a model plays; `model` is the one of the settings, null where none is set."""

    name: str
    title: str
    description: str
    squad: str
    model_type: str = Field(description="The kind of model that it is best asked with.")
    model: str | None


class TasksHealth(BaseModel):
    """Whether tasks are executed, and how many there are."""

    status: Literal["healthy", "waiting"] = Field(
        description="`waiting`: no process executes tasks now; what is asked for is kept."
    )
    pending: int
    running: int
    models: list[str] = Field(description="What `model` can be.")
    workflows: int
