"""Chooses the variants of a project that are built: by chip and configuration, or every one."""

from __future__ import annotations

from collections.abc import Sequence

from engine.enums import TARGETS
from engine.errors import UsageError
from engine.projects.service import Projects
from engine.projects.variants import Variant
from engine.store.tables import Project
from engine.text import listed


def choose_variants(
    projects: Projects,
    project: Project,
    *,
    targets: Sequence[str] = (),
    configurations: Sequence[str] = (),
    every: bool = False,
    strict: bool = True,
) -> tuple[Variant, ...]:
    """The variants of a project that a person names.

    Args:
        targets: chips; none takes the project's, or that of each configuration.
        configurations: their names; none takes the project's.
        every: every variant there is, of those chips and configurations where some are named.
        strict: whether the commit that the project follows is the one to build: then a
            configuration that it has not is a mistake.

    Returns:
        At least one.

    Raises:
        UsageError: there is no such variant, or the chip is not known.
        ToolError: the project is not cloned.
    """
    if not (targets or project.target):
        raise UsageError(projects.lack_of_chip(project.id))
    if every:
        return _every_one(projects, project, targets, configurations)
    if not configurations:
        chips = targets or [project.target]
        return tuple(Variant(chip, project.configuration) for chip in chips)
    app = projects.survey(project.id).app(project.app)
    known = {each.name: each for each in app.configurations} if app else {}
    unknown = [each for each in configurations if each not in known]
    if unknown and app is not None and strict:
        raise UsageError(
            f"{project.name} has no configuration {unknown[0][:80]!r} (there are: "
            f"{listed([*known]) or 'none'})"
        )
    found: list[Variant] = []
    for name in configurations:
        fits = [each for each in known[name].targets if each in TARGETS] if name in known else []
        usual = project.target if project.target in fits or not fits else fits[0]
        wanted = [each for each in targets or [usual] if each in fits or not fits]
        if not wanted:
            raise UsageError(f"configuration {name} is for {', '.join(fits)}")
        found += [Variant(chip, name) for chip in wanted]
    left_out = [each for each in targets if each not in [variant.target for variant in found]]
    if left_out:
        raise UsageError(f"none of these configurations is for {', '.join(left_out)}")
    return tuple(found)


def _every_one(
    projects: Projects, project: Project, targets: Sequence[str], configurations: Sequence[str]
) -> tuple[Variant, ...]:
    found = tuple(
        each
        for each in projects.variants(project.id)
        if (not targets or each.target in targets)
        and (not configurations or each.configuration in configurations)
    )
    if not found:
        raise UsageError(f"{project.name} has no such variant: espdeck apps {project.name}")
    return found
