"""Which records an event makes old, so that a front end reads only these again."""

from __future__ import annotations

from dataclasses import dataclass

from engine.enums import StageStatus
from engine.events import (
    BoardTaken,
    CheckCompleted,
    Event,
    NotificationsChanged,
    ProjectChanged,
    ProjectLooked,
    RunChanged,
    StageChanged,
)


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be read again.

    Args:
        project_id: of a project whose record is old; empty for none.
        work, boards: whether these are.
        state: whether the numbers of the lab are: what runs, boards in use, checks, news.
    """

    project_id: str = ""
    work: bool = False
    boards: bool = False
    state: bool = False

    def __bool__(self) -> bool:
        return bool(self.project_id) or self.work or self.boards or self.state


NO_CHANGES = Changes()

_BOARD_CHECK = "board_check"


def changed_by(event: Event) -> Changes:
    """What an event makes old; nothing for lines of logs and consoles.

    How far a run is (:class:`~engine.events.RunProgress`) changes its item of work by just what the
    event says: a front end need not read for that.
    """
    match event:
        case RunChanged(project_id=project, status=status):
            return Changes(project, work=True, boards=status.is_final, state=True)
        case ProjectChanged(project_id=project) | ProjectLooked(project_id=project):
            return Changes(project)
        case BoardTaken():
            return Changes(work=True, boards=True, state=True)
        case StageChanged(status=StageStatus.RUNNING):
            return Changes(work=True)
        case StageChanged(stage="test.board"):
            return Changes(work=True, boards=True, state=True)
        case CheckCompleted(project_id=project, check=check):
            is_of_boards = check == _BOARD_CHECK
            return Changes(project, boards=is_of_boards, state=True)
        case NotificationsChanged():
            return Changes(state=True)
        case _:
            return NO_CHANGES
