"""The quality gate for files that are posted: what is demanded, and how it stands."""

from __future__ import annotations

from typing import Annotated

from pydantic import AliasChoices, BaseModel, BeforeValidator, Field

from engine import Aspect, Demands
from engine.enums import Severity

_MAX_FILES = 500


class PostedFile(BaseModel):
    """A file."""

    path: str = Field(
        min_length=1,
        max_length=300,
        validation_alias=AliasChoices("path", "name"),
        description="Relative; `name` is read, too.",
    )
    content: str = Field(max_length=4 << 20)


class Requirements(BaseModel):
    """What is demanded. What you name yourself and cannot be measured, blocks."""

    min_test_coverage: float = Field(
        default=80.0, ge=0, le=100, allow_inf_nan=False, description="Percent of lines."
    )
    code_quality_score: float = Field(
        default=85.0, ge=0, le=100, allow_inf_nan=False, description="Points."
    )
    security_scan: bool = Field(
        default=True, description="Whether secrets and dangerous calls are searched for."
    )


def _as_list(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return [{"path": path, "content": content} for path, content in value.items()]


class GateRequest(BaseModel):
    """Files and what is demanded of them."""

    artifacts: Annotated[list[PostedFile], BeforeValidator(_as_list)] = Field(
        min_length=1,
        max_length=_MAX_FILES,
        description="Files; an object with the text of each file by its path is read, too.",
        examples=[[{"path": "main/led.c", "content": "int led = 1;\n"}]],
    )
    requirements: Requirements | None = None


class GateFinding(BaseModel):
    """What a tool found."""

    severity: Severity
    code: str
    message: str
    file: str | None
    line: int | None
    hint: str | None


class GateMeasure(BaseModel):
    """One thing that was measured; `value` is null where it could not be, and `detail` says why."""

    name: str = Field(examples=["coverage"])
    title: str
    value: float | None
    unit: str
    threshold: float | None
    status: str = Field(description="`passed`, `failed` or `unknown`.")
    detail: str
    findings: list[GateFinding]


class GateAnswer(BaseModel):
    """How the files stand."""

    passed: bool = Field(description="Whether nothing blocks and at least half is judged.")
    verdict: str = Field(
        default="", description="`passed`, `failed` or `not judged`: too little could be measured."
    )
    summary: str = Field(default="", description="All of it in a line.")
    score: float = Field(description="0 to 100, of what could be measured.")
    measures: list[GateMeasure]
    blockers: list[str] = Field(description="Why they did not pass, a line each.")


def demands_of(requirements: Requirements | None) -> Demands:
    """Requirements as the engine has them."""
    asked = requirements or Requirements()
    named = {"min_test_coverage": Aspect.COVERAGE, "code_quality_score": Aspect.CODE}
    return Demands(
        coverage=asked.min_test_coverage,
        code=asked.code_quality_score,
        security=asked.security_scan,
        require=tuple(
            aspect
            for name, aspect in named.items()
            if name in asked.model_fields_set and getattr(asked, name) > 0
        ),
    )
