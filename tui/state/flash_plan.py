"""Which build of which project goes onto which board, when several are flashed at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID

    from engine import BoardOverview, ProjectOverview, Run


@dataclass(frozen=True, slots=True)
class FlashStep:
    """A build that goes onto a board.

    Args:
        project: its name.
        build: its number.
        board: as the settings name it.
        label: as people call it.
    """

    project: str
    build: int
    board: str
    label: str


@dataclass(frozen=True, slots=True)
class FlashPlan:
    """What is flashed, and a line for each project for which nothing is."""

    steps: tuple[FlashStep, ...]
    problems: tuple[str, ...]


def plan_flashing(
    projects: Sequence[ProjectOverview],
    builds: Mapping[UUID, Run],
    boards: Iterable[BoardOverview],
) -> FlashPlan:
    """Find a board for each project: the one that its newest build was on, else a free one.

    Boards that somebody uses or reserved are left alone, and no board is taken twice.

    Args:
        builds: the newest build of each project that succeeded and can be flashed.
    """
    free = [board for board in boards if board.state in ("free", "off")]
    steps: list[FlashStep] = []
    problems: list[str] = []
    # First those that have a board of theirs, so that no other project takes it.
    for each in sorted(projects, key=lambda each: not each.board):
        build = builds.get(each.project.id)
        if build is None:
            problems.append(f"{each.project.name}: no successful build kept its image")
            continue
        fitting = [board for board in free if board.info.chip == build.target]
        board = min(fitting, key=lambda board: not _is_own(board, each), default=None)
        if board is None:
            problems.append(f"{each.project.name}: no {build.target} board is free")
            continue
        free.remove(board)
        label = board.info.label or board.info.name
        steps.append(FlashStep(each.project.name, build.number, board.info.name, label))
    return FlashPlan(tuple(steps), tuple(problems))


def _is_own(board: BoardOverview, each: ProjectOverview) -> bool:
    return bool(each.board) and each.board in (board.info.name, board.info.label)
