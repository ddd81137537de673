"""What texts say of a project's framework: ``frameworks.yaml``, for people to read."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

from engine.tasks.roles import data
from engine.tasks.yaml_document import YamlModel

OTHER = "other"
"""What is told of projects that no toolchain is known to build."""

_PLACE = re.compile(r"\{\{([a-z_]+)\}\}")


class Framework(YamlModel):
    """Words for one framework; each field but ``title`` is a text that others name.

    Args:
        title: as people call it.
        platform: what code runs on.
        facilities: what is there to be used.
        errors: how errors are handled.
        contexts: what may run where.
        pins: what makes a build repeatable.
        configuration: files that say how it is built.
        build_files: where new sources are entered.
        tests: forms that tests have.
        measuring: what tells times and sizes.
        unknown: what a model may not invent.
    """

    title: str
    platform: str
    facilities: str
    errors: str
    contexts: str
    pins: str
    configuration: str
    build_files: str
    tests: str
    measuring: str
    unknown: str


class _Frameworks(YamlModel):
    frameworks: dict[str, Framework]


def frameworks() -> Mapping[str, Framework]:
    """Every framework by the name of its toolchain."""
    return _read().frameworks


def framework(toolchain: str) -> Framework:
    """The words for a toolchain, those of :data:`OTHER` for one that has none."""
    return frameworks().get(toolchain) or frameworks()[OTHER]


def with_framework(text: str, toolchain: str) -> str:
    """A text of a role or workflow with the words for a toolchain in their places."""
    words = framework(toolchain).model_dump()
    return _PLACE.sub(lambda match: words.get(match[1], match[0]), text)


@functools.cache
def _read() -> _Frameworks:
    return data("frameworks.yaml").as_model(_Frameworks)
