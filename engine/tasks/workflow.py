"""Workflows: pipelines over roles, ``workflows.yaml``, and what a squad makes of one.

A step names the roles that may do it, the fittest first. With a squad, a step is done by the first
of its roles that belongs to the squad; a step that has none there is left out, and who needed it
needs what it needed. A squad that can do no step of a workflow is refused.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from engine.errors import NotFoundError, UsageError
from engine.tasks.pipeline_file import Name, Parameters, key_of
from engine.tasks.roles import data, roles, squad
from engine.tasks.yaml_document import YamlModel
from engine.text import near, near_or_all

_FILE = "workflows.yaml"

REGRESSION = "regression"
"""What a step proves whose test fails without the fix."""


class WorkflowStep(YamlModel):
    """One question of a workflow.

    Args:
        name: as people call it.
        roles: who may do it, the fittest first.
        prompt: what is asked; empty for a step that addresses reviews.
        needs: names of steps above it that must have succeeded.
        changes: whether it changes files of the project.
        tests: whether these are tests, and nothing else; other steps change no tests.
        proves: ``regression`` where its test must fail without what the run changed before.
        reviews: whether it ends with a verdict (:mod:`engine.tasks.review_verdicts`).
        addresses: names of reviews above it whose findings it mends; it is passed over where they
            have none.
        parameters: how its model is asked.
    """

    name: Name
    roles: tuple[str, ...] = Field(min_length=1)
    prompt: str = ""
    needs: tuple[str, ...] = ()
    changes: bool = False
    tests: bool = False
    proves: Literal["", "regression"] = ""
    reviews: bool = False
    addresses: tuple[str, ...] = ()
    parameters: Parameters = Parameters()


class Workflow(YamlModel):
    """A pipeline over roles.

    Args:
        title: as people call it.
        about: what comes of it, in a line.
        wants_description: whether it makes no sense without one.
        steps: in order; those that wait for the same run at once.
    """

    id: str = ""
    title: str
    about: str
    wants_description: bool = True
    steps: tuple[WorkflowStep, ...]

    @property
    def changes(self) -> bool:
        """Whether it makes a patch, so that it is of use on a project only."""
        return any(step.changes for step in self.steps)

    def with_squad(self, name: str) -> tuple[WorkflowStep, ...]:
        """The steps as a squad does them: each with one role.

        Raises:
            UsageError: there is no such squad, or it can do none of them.
        """
        members = squad(name).roles
        kept: dict[str, WorkflowStep] = {}
        instead: dict[str, tuple[str, ...]] = {}
        for step in self.steps:
            needs = tuple(
                dict.fromkeys(each for need in step.needs for each in instead.get(need, (need,)))
            )
            # Reviews that nobody of the squad can do have no findings.
            addresses = tuple(name for name in step.addresses if name in kept)
            able = [role for role in step.roles if role in members]
            if step.addresses and not addresses:
                able = []
            if able:
                kept[step.name] = step.model_copy(
                    update={
                        "roles": (able[0],),
                        "needs": needs,
                        "prompt": step.prompt.strip(),
                        "addresses": addresses,
                    }
                )
            else:
                instead[step.name] = needs
        if not kept:
            raise UsageError(
                f"{self.title}: squad {name} has no agent that can do one of its steps"
            )
        return tuple(kept.values())


class _Workflows(YamlModel):
    workflows: dict[str, Workflow]


def workflows() -> Mapping[str, Workflow]:
    """Every workflow by its id, in the order of the file."""
    return _read().workflows


def workflow(name: str) -> Workflow:
    """A workflow by its id.

    Raises:
        UsageError: there is none.
    """
    found = workflows().get(name)
    if found is None:
        raise NotFoundError(f"no workflow {name[:60]!r}{near_or_all(name, workflows())}")
    return found


@functools.cache
def _read() -> _Workflows:
    document = data(_FILE)
    found = document.as_model(_Workflows)
    for name, each in found.workflows.items():
        seen: dict[str, str] = {}
        for number, step in enumerate(each.steps):
            place = ("workflows", name, "steps", number)
            for role in step.roles:
                if role not in roles():
                    raise document.wrong((*place, "roles"), f"no role {role}{near(role, roles())}")
            for need in (*step.needs, *step.addresses):
                if need not in seen:
                    raise document.wrong((*place, "needs"), f"no step {need} above this one")
            if not step.prompt and not step.addresses:
                raise document.wrong((*place, "prompt"), f"step {step.name} asks nothing")
            seen[step.name] = key_of(step.name)
    return _Workflows(
        workflows={
            name: each.model_copy(update={"id": name}) for name, each in found.workflows.items()
        }
    )
