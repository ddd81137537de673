"""What a firmware agent may see and use, and what an agent is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.boards.service import Boards
from engine.findings import Finding
from engine.images.image import Image
from engine.projects.worktrees import Slot
from engine.runs.pipeline import StageContext, StageResult
from engine.store.tables import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildContext:
    """What a firmware agent may see and use.

    Args:
        stage: what every stage may see and use.
        project: the project as it stands.
        target: the chip.
        configuration: of the project, empty for none.
        board: what was asked for: ``auto``, ``none`` or a port.
        simulator: what was asked for: ``auto``, ``none`` or a name.
        build_dir: where to build, kept for the next build.
        slot: whose worktree ``source`` is.
        boards: the boards of this machine.
        image_before: reads the image of the project's last successful build before this one; None
            where there is none any more.
        commit_before: finds the commit of that build; empty where there is none.
        commit: that is built, empty where not known.
        notes: what there was to say when the build was asked for.
        held: whether it is of somebody's commit that nobody approved: no board, no network.
    """

    stage: StageContext
    project: Project
    target: str
    board: str
    simulator: str
    build_dir: Path
    slot: Slot
    boards: Boards
    image_before: Callable[[], Image | None]
    commit_before: Callable[[], str] = lambda: ""
    commit: str = ""
    configuration: str = ""
    notes: tuple[Finding, ...] = ()
    held: bool = False

    @property
    def app(self) -> Path:
        """The folder of the worktree that is built."""
        return self.stage.source / self.project.app


Agent = Callable[[BuildContext], StageResult]
"""A firmware agent reads its context, calls tools and returns a result.

It raises ``EspdeckError`` when it cannot do its work (the stage fails with that line), and lets
``CancelledError`` and ``Interrupted`` pass.
"""
