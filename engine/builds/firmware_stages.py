"""Stages of the firmware pipeline, done in a slot by the firmware agents, for any run with them.

A build has them under their own keys; a task has them for each step that changes files, under the
key of that step (``fix.plan``, ``fix.build``, ...).
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from engine.boards.service import Boards
from engine.builds.context import Agent, BuildContext
from engine.builds.outputs import Compiled
from engine.builds.pipeline import FIRMWARE_PIPELINE
from engine.enums import Role, StageStatus
from engine.errors import ToolError
from engine.files import read_file
from engine.findings import Finding
from engine.images.image import Image
from engine.plugins import registered
from engine.projects.worktrees import Slot, build_name
from engine.runs.pipeline import StageContext, StageResult, step_name
from engine.store.tables import Project

_COMPILE = "build"
_NEED_WHAT_WAS_COMPILED = (Role.TESTER, Role.DOCTOR, Role.QA)
_MAX_MARK = 300

T = TypeVar("T")


@functools.cache
def find_agent(role: str) -> Agent:
    """The agent of a firmware role (entry points ``espdeck.agents``), loaded when it is needed.

    What agents bring, such as parsers of compilers' output, is much of what an engine can load.
    """
    points = {point.name: point for point in registered("espdeck.agents")}
    agent: Agent = points[role].load()
    return agent


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareOrder:
    """What is built, and where it is tried.

    Args:
        project: as it stands.
        commit: that is built.
        target, configuration, board, simulator, held, notes, image_before, commit_before: as
            :class:`BuildContext` has them.
    """

    project: Project
    commit: str
    target: str
    configuration: str
    board: str
    simulator: str
    held: bool = False
    notes: tuple[Finding, ...] = ()
    image_before: Callable[[], Image | None] = lambda: None
    commit_before: Callable[[], str] = lambda: ""

    @property
    def build_name(self) -> str:
        """Name of the folder that it is built in, in any slot."""
        return build_name(str(self.project.id), self.target, self.configuration)


class FirmwareStages:
    """Does stages of the firmware pipeline in one slot; stages may run at once."""

    def __init__(self, order: FirmwareOrder, slot: Slot, boards: Boards) -> None:
        """Know what is built, and where.

        Args:
            slot: whose worktree is built.
            boards: of this machine.
        """
        self._order = order
        self._slot = slot
        self._boards = boards
        self._compiling = threading.Lock()

    def do(self, context: StageContext, owner: str = "") -> StageResult:
        """Let the role's agent do a stage, with what was compiled before in its place.

        Args:
            owner: key of the step that the stages are of; empty where they have their own keys.

        Raises:
            EspdeckError: it cannot be done.
            CancelledError, Interrupted: as the context's token says.
        """
        own = _of(context, owner) if owner else context
        order = self._order
        firmware = BuildContext(
            stage=own,
            project=order.project,
            target=order.target,
            board=order.board,
            held=order.held,
            simulator=order.simulator,
            build_dir=self._slot.folder / order.build_name,
            configuration=order.configuration,
            notes=order.notes,
            slot=self._slot,
            boards=self._boards,
            image_before=order.image_before,
            commit_before=order.commit_before,
            commit=order.commit,
        )
        role = own.definition.role
        if role == Role.BUILDER:
            return self._compile(firmware, owner)
        if role in _NEED_WHAT_WAS_COMPILED:
            self._find_compiled(firmware, owner)
        return find_agent(role)(firmware)

    def _compile(self, context: BuildContext, owner: str) -> StageResult:
        """Let BUILDER compile, and write down whose the build folder is now."""
        mark = self._mark
        mark.unlink(missing_ok=True)
        result = find_agent(Role.BUILDER)(context)
        if result.status is StageStatus.SUCCESS:
            mark.write_text(_marked(context, owner), "utf-8")
        return result

    def _find_compiled(self, context: BuildContext, owner: str) -> None:
        """Compile again where what this attempt compiled is gone.

        A stage that goes on, or is done again, may find that another build had the folder, or that
        it or the artifacts were deleted.

        Raises:
            ToolError: it cannot be compiled any more.
        """
        result = context.stage.results.get(_COMPILE)
        if result is None or not isinstance(result.output, Compiled):
            return  # it did not compile
        image = result.output.image
        with self._compiling:  # stages that run at once
            files = [image.elf, *(part.path for part in image.parts)]
            if self._is_marked(context, owner) and all(path.is_file() for path in files):
                return
            context.stage.report.log("what was compiled is gone: compiling it again")
            stage = replace(context.stage, definition=FIRMWARE_PIPELINE.stage(_COMPILE))
            again = self._compile(replace(context, stage=stage), owner)
            if again.status is not StageStatus.SUCCESS:
                raise ToolError(f"what was compiled is gone and does not compile: {again.summary}")

    @property
    def _mark(self) -> Path:
        """The file that says which attempt of which run the build folder is of."""
        return self._slot.folder / f"{self._order.build_name}.run"

    def _is_marked(self, context: BuildContext, owner: str) -> bool:
        try:
            found = read_file(self._mark, _MAX_MARK)
        except OSError:
            return False
        return context.build_dir.is_dir() and found == _marked(context, owner).encode()


def _marked(context: BuildContext, owner: str) -> str:
    stage = context.stage
    attempt = stage.made_in.get(_COMPILE, stage.attempt)
    return f"{stage.run_id}#{step_name(owner, attempt) if owner else attempt}"


def _of(context: StageContext, owner: str) -> StageContext:
    """A context as firmware agents know it: stages of a step under the keys of a build's."""
    start = f"{owner}."

    def own(found: Mapping[str, T]) -> dict[str, T]:
        return {key[len(start) :]: each for key, each in found.items() if key.startswith(start)}

    keep = context.report.keep
    definition = context.definition
    return replace(
        context,
        definition=replace(definition, key=definition.key.removeprefix(start)),
        results=own(context.results),
        made_in=own(context.made_in),
        earlier_attempts={number: own(each) for number, each in context.earlier_attempts.items()},
        report=replace(context.report, keep=lambda stage, *file: keep(f"{start}{stage}", *file)),
    )
