"""Which builds a person asks for, by names of chips and configurations or by asking for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.enums import TARGETS
from engine.errors import EspdeckError, UsageError
from engine.projects.variants import Variant

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.store.tables import Project, Run
    from engine.toolchains.base import App

SHOWN = 12
"""Names that are listed in a message at the most."""


@dataclass(frozen=True, slots=True)
class Started:
    """What came of asking for several builds.

    Args:
        builds: those that wait or run now.
        problems: why others do not, a line each.
    """

    builds: tuple[Run, ...]
    problems: tuple[str, ...] = ()


def app_of(engine: Engine, project: Project) -> App | None:
    """What the sources say of the app that a project is, None where they have none there.

    Raises:
        ToolError: it is not cloned.
    """
    apps = engine.projects.survey(project.id).apps
    return next((each for each in apps if each.path == project.app), None)


def chosen(
    engine: Engine,
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
        raise UsageError(engine.projects.lack_of_chip(project.id))
    if every:
        found = [
            each
            for each in engine.projects.variants(project.id)
            if (not targets or each.target in targets)
            and (not configurations or each.configuration in configurations)
        ]
        if not found:
            raise UsageError(f"{project.name} has no such variant: espdeck apps {project.name}")
        return tuple(found)
    if not configurations:
        chips = targets or [project.target]
        return tuple(Variant(chip, project.configuration) for chip in chips)
    app = app_of(engine, project)
    known = {each.name: each for each in app.configurations} if app else {}
    unknown = [each for each in configurations if each not in known]
    if unknown and app is not None and strict:
        raise UsageError(
            f"{project.name} has no configuration {unknown[0][:80]!r} (there are: "
            f"{listed([*known]) or 'none'})"
        )
    found = []
    for name in configurations:
        fits = [each for each in known[name].targets if each in TARGETS] if name in known else []
        usual = project.target if project.target in fits or not fits else fits[0]
        wanted = [each for each in targets or [usual] if each in fits or not fits]
        if not wanted:
            raise UsageError(f"configuration {name} is for {', '.join(fits)}")
        found += [Variant(chip, name) for chip in wanted]
    left_out = [each for each in targets if each not in [way.target for way in found]]
    if left_out:
        raise UsageError(f"none of these configurations is for {', '.join(left_out)}")
    return tuple(found)


def start_each(
    engine: Engine,
    project: Project,
    variants: Sequence[Variant],
    *,
    commit: str | None = None,
    dirty: bool = False,
    board: str = "auto",
    simulator: str = "auto",
) -> Started:
    """Ask for a build of each variant, all of the same commit.

    Args:
        variants: one or more.
        commit, dirty, board, simulator: as :meth:`engine.builds.Builds.start` takes them.

    Raises:
        EspdeckError: no build could be asked for; why the first could not.
    """
    located = engine.projects.commit(project.id, commit, dirty=dirty)
    builds: list[Run] = []
    problems: list[str] = []
    for variant in variants:
        try:
            build = engine.builds.start(
                project.id,
                variant=variant,
                located=located,
                board=board,
                simulator=simulator,
            )
        except EspdeckError as error:
            if len(variants) == 1:
                raise
            problems.append(f"{variant.label}: {error}")
        else:
            builds.append(build)
    if not builds:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise UsageError(f"{problems[0]}{more}")
    return Started(tuple(builds), tuple(problems))


def listed(names: Sequence[str]) -> str:
    """Names in a line, the first of many."""
    more = f", and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}"
