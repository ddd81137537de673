"""Kinds of models: what each is good for, and how it is best asked. Data, for people to read.

Which model of which server is meant by a kind is a setting: ``[llm.models.KIND]``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModelKind:
    """A kind of model.

    Args:
        id: how settings, roles and step pipelines call it.
        title: how people call it.
        capabilities: what it can do.
        recommended: what it is recommended for.
        temperature: how it is asked, unless told otherwise.
        max_tokens: how long an answer may get, unless told otherwise.
    """

    id: str
    title: str
    capabilities: tuple[str, ...]
    recommended: tuple[str, ...]
    temperature: float
    max_tokens: int


CATALOGUE = (
    ModelKind(
        id="codellama",
        title="CodeLlama",
        capabilities=("analysis", "code generation", "planning"),
        recommended=("analysis", "first generation", "planning"),
        temperature=0.7,
        max_tokens=512,
    ),
    ModelKind(
        id="codegemma",
        title="CodeGemma",
        capabilities=("refinement", "optimisation", "bug fixing"),
        recommended=("refinement", "optimisation", "bug fixing"),
        temperature=0.5,
        max_tokens=1024,
    ),
    ModelKind(
        id="t5gemma",
        title="T5Gemma",
        capabilities=("transformation", "refactoring", "documentation"),
        recommended=("transformation", "refactoring", "documentation"),
        temperature=0.3,
        max_tokens=512,
    ),
    ModelKind(
        id="assembler",
        title="Assembler",
        capabilities=("combining artifacts",),
        recommended=("final assembly",),
        temperature=0.3,
        max_tokens=2048,
    ),
)


def kind_of(name: str) -> ModelKind | None:
    """The kind of this id, None for none."""
    return next((kind for kind in CATALOGUE if kind.id == name), None)
