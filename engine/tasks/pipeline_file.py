"""Step pipelines: files of steps, each a question to a model, as people write them.

A file in YAML::

    name: Sensor driver
    description: A driver from a datasheet.
    global_context: ESP-IDF 5.5, C11, no dynamic memory.
    metadata: {priority: high, deadline: 2026-12-31}
    steps:
      - step_name: design
        role: architect            # or model_type: codellama, or both
        prompt: Design the driver's interface.
        context: The datasheet's registers are in ...
        parameters: {temperature: 0.3, max_tokens: 2048}
      - step_name: code
        model_type: codegemma
        prompt: Write the header and the source of step_1_output.
        needs: [design]
      - step_name: review
        role: security_auditor
        prompt: Look for mistakes in step_2_artifacts.
        form: report               # its blocks are quotes, no files

``deadline`` is a day, which ends in UTC, or a time: no step begins after it.

A step begins when those that it ``needs`` have succeeded; without that key it needs the one above
it, and with ``needs: []`` none. Steps that wait for the same run at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, field_validator

from engine.enums import Priority
from engine.errors import UsageError
from engine.llm.catalogue import CATALOGUE
from engine.tasks.roles import roles
from engine.tasks.yaml_document import Place, YamlDocument, YamlModel, explain
from engine.text import near, near_or_all

MAX_STEPS = 32
"""Steps of one pipeline."""

OWN_STAGES = ("gather", "assemble", "assembled_code", "gate", "revise", "summary", "context")
"""Keys that a run uses itself, for its stages and for its artifacts."""

_NAME = re.compile(r"[^\W_][\w .:()&+/-]{0,79}", re.ASCII)


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(f"{text[:40]!r}: letters, digits and blanks, at most 80")
    return text


Name = Annotated[str, AfterValidator(_name)]


def key_of(name: str) -> str:
    """A name as the key of a stage, which is also a file's name."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _deadline(value: object) -> object:
    if value is None or isinstance(value, date):
        return value
    if not isinstance(value, str):
        raise ValueError("a day or a time is a text")
    try:
        kind = date if len(value) == len("2027-01-31") else datetime
        found = kind.fromisoformat(value)
    except ValueError:
        raise ValueError(
            f"{value[:40]!r} is not a day (2027-01-31) or time (…T18:00:00Z)"
        ) from None
    if found.year not in range(2000, 9999):
        raise ValueError(f"the year {found.year} is out of range")
    return found


Deadline = Annotated[date | datetime, BeforeValidator(_deadline)]
"""A day, whose end is meant, or a time; in UTC where it names no zone."""


class Parameters(YamlModel):
    """How a step's model is asked, where that is not as its kind is asked."""

    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: int | None = Field(default=None, ge=1, le=1_000_000)


class Metadata(YamlModel):
    """What is said of a whole run."""

    priority: Priority = Priority.MEDIUM
    deadline: Deadline | None = None

    @property
    def ends_at(self) -> datetime | None:
        """When the last step may begin, in UTC; None for any time."""
        at = self.deadline
        if at is None:
            return None
        if not isinstance(at, datetime):
            at = datetime.combine(at, time.max)
        return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)


class PipelineStep(YamlModel):
    """One question to a model.

    ``model_type`` is the kind of model, ``role`` who is asked; one of them may be empty. ``needs``
    are steps above it; None: the one above. ``form`` is how it answers: with files, or with a
    report whose blocks are no files.
    """

    step_name: Name
    model_type: str = ""
    role: str = ""
    prompt: str = Field(min_length=1)
    context: str = ""
    parameters: Parameters = Parameters()
    needs: tuple[str, ...] | None = None
    form: Literal["files", "report"] = "files"


class StepPipeline(YamlModel):
    """A pipeline of steps, as its file has it."""

    name: Name
    description: str = ""
    global_context: str = ""
    metadata: Metadata = Metadata()
    steps: tuple[PipelineStep, ...] = Field(min_length=1, max_length=MAX_STEPS)

    @field_validator("steps")
    @classmethod
    def _with_needs(cls, steps: tuple[PipelineStep, ...]) -> tuple[PipelineStep, ...]:
        """Say of every step what it needs."""
        before: str | None = None
        found = []
        for step in steps:
            needs = step.needs if step.needs is not None else (before,) if before else ()
            found.append(step.model_copy(update={"needs": needs}))
            before = step.step_name
        return tuple(found)


def load(text: str, file: str, models: Collection[str] = ()) -> StepPipeline:
    """Read a pipeline's file.

    Args:
        text: untrusted.
        file: how errors call it.
        models: names that the settings give models, beside the kinds of the catalogue.

    Raises:
        UsageError: it makes no sense: ``FILE:LINE: what``.
    """
    document = YamlDocument(text, file)
    pipeline = document.as_model(StepPipeline)
    _check(pipeline, models, document.wrong)
    return pipeline


def of_data(data: Mapping[str, Any], models: Collection[str] = ()) -> StepPipeline:
    """A pipeline from data in the form of its file.

    Args:
        data: untrusted.
        models: as :func:`load` has them.

    Raises:
        UsageError: it makes no sense: ``steps.0.prompt: what``.
    """

    def wrong(place: Place, what: str) -> UsageError:
        where = ".".join(map(str, place))
        return UsageError(f"{where}: {what}" if where else what)

    try:
        pipeline = StepPipeline.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        raise wrong(tuple(first["loc"][:-1]), explain(first, StepPipeline)) from None
    _check(pipeline, models, wrong)
    return pipeline


def _check(
    pipeline: StepPipeline, models: Collection[str], wrong: Callable[[Place, str], UsageError]
) -> None:
    """See that steps name what there is.

    Args:
        wrong: makes the error of a part of the pipeline.

    Raises:
        UsageError: one does not.
    """
    kinds = [*(kind.id for kind in CATALOGUE), *models]
    keys: dict[str, str] = {}
    for number, step in enumerate(pipeline.steps):
        place = ("steps", number)
        if not step.model_type and not step.role:
            raise wrong(place, "a step has a model_type, a role, or both")
        if step.model_type and step.model_type not in kinds:
            what = f"no model_type {step.model_type[:60]!r}{near_or_all(step.model_type, kinds)}"
            raise wrong((*place, "model_type"), what)
        if step.role and step.role not in roles():
            what = f"no role {step.role[:60]!r}{near_or_all(step.role, roles())}"
            raise wrong((*place, "role"), what)
        for index, name in enumerate(step.needs or ()):
            if name not in keys.values():
                what = f"no step {name[:60]!r} above this one{near(name, list(keys.values()))}"
                raise wrong((*place, "needs", index), what)
        key = key_of(step.step_name)
        if key in OWN_STAGES:
            what = f"{step.step_name} is a name that espdeck uses itself"
            raise wrong((*place, "step_name"), what)
        if key in keys:
            what = f"{step.step_name} is too much like {keys[key]}: names are told apart without"
            raise wrong((*place, "step_name"), f"{what} case and signs")
        keys[key] = step.step_name
