"""Which program runs on a board, and which one a panic names: for decoding what a console says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.boards.board_files import DEFAULT_BAUD
from engine.boards.service import Boards
from engine.builds.service import Builds
from engine.errors import EspdeckError, UsageError
from engine.monitor import panic
from engine.projects.service import Projects


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
class BoardProgram:
    """What a board runs, as far as espdeck knows: a program, and its console's speed."""

    program: Program | None
    baud: int


class BoardPrograms:
    """Finds programs of builds by board and by hash. All calls may block."""

    def __init__(self, projects: Projects, builds: Builds, boards: Boards) -> None:
        self._projects = projects
        self._builds = builds
        self._boards = boards

    def of_build(self, number: int) -> Program:
        """The program of a build.

        Raises:
            UsageError: there is no such build, or it kept none.
        """
        project = self._projects.get(str(self._builds.get(number).project_id))
        for artifact in self._builds.artifacts(number):
            if artifact.kind == "elf":
                elf = self._builds.artifact_file(artifact)
                return Program(number, elf, self._projects.source_folder(project, elf))
        raise UsageError(f"build {number} kept no program (espdeck show {number})")

    def with_hash(self, sha256: str) -> panic.CrashedProgram | None:
        """The program of any build by its ELF's SHA-256, of which a panic prints some digits."""
        artifact = self._builds.with_program(sha256)
        if artifact is None:
            return None
        try:
            program = self.of_build(artifact.run_id)
        except EspdeckError:
            return None
        return panic.CrashedProgram(program.elf, program.root, f"build {program.build}")

    def running_on(self, board: str) -> BoardProgram:
        """What was flashed on a board last."""
        flashed = self._boards.board_files(board).flashed
        if flashed is None:
            return BoardProgram(None, DEFAULT_BAUD)
        try:
            program = self.of_build(flashed.build)
        except EspdeckError:
            program = None  # the build or its project's clone is gone, or only a store has it
        return BoardProgram(program, flashed.baud)

    def table_offset(self, board: str) -> int | None:
        """Where the build that a board runs has its partition table; None where not known."""
        flashed = self._boards.board_files(board).flashed
        if flashed is None:
            return None
        try:
            return self._builds.layout(flashed.build).table
        except EspdeckError:  # the build was deleted since, or only a store has it
            return None
