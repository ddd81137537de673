"""Which program runs on a board: for decoding what it says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.boards import panic
from engine.boards.desk import BAUD
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.engine import Engine


@dataclass(frozen=True, slots=True)
class Program:
    """A program that a build kept.

    Args:
        build: its number.
        elf: the file.
        root: its sources are named relative to this.
    """

    build: int
    elf: Path
    root: Path


@dataclass(frozen=True, slots=True)
class Running:
    """What a board runs, as far as espdeck knows: a program, and its console's speed."""

    program: Program | None
    baud: int


def program_of(engine: Engine, build: int) -> Program:
    """The program of a build.

    Raises:
        UsageError: there is no such build, or it kept none.
    """
    project = engine.projects.get(str(engine.builds.get(build).project_id))
    for artifact in engine.builds.artifacts(build):
        if artifact.kind == "elf":
            elf = engine.builds.artifact_file(artifact)
            return Program(build, elf, engine.projects.source_folder(project, elf))
    raise UsageError(f"build {build} kept no program (espdeck show {build})")


def program_with(engine: Engine, sha256: str) -> panic.Program | None:
    """The program of any build by its ELF's SHA-256, of which a panic prints some digits."""
    artifact = engine.builds.with_program(sha256)
    if artifact is None:
        return None
    program = program_of(engine, artifact.build_id)
    return panic.Program(program.elf, program.root, f"build {program.build}")


def running_on(engine: Engine, board: str) -> Running:
    """What was flashed on a board last."""
    flashed = engine.boards.desk(board).flashed
    if flashed is None:
        return Running(None, BAUD)
    try:
        program = program_of(engine, flashed.build)
    except UsageError:
        program = None  # the build was deleted since
    return Running(program, flashed.baud)


def table_offset(engine: Engine, board: str) -> int | None:
    """Where the build that a board runs has its partition table; None where that is not known."""
    flashed = engine.boards.desk(board).flashed
    if flashed is None:
        return None
    try:
        return engine.builds.layout(flashed.build).table
    except UsageError:  # the build was deleted since
        return None
