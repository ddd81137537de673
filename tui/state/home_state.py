"""What home shows: projects, work and boards as they were read, and how a person wants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from engine.enums import RunStatus
from tui.presentation.home_layout import Panel
from tui.state.project_list import (
    Grouping,
    Order,
    ProjectGroup,
    ProjectLister,
    is_outdated,
    shown_projects,
)

if TYPE_CHECKING:
    from engine import BoardOverview, ProjectOverview, WorkItem
    from engine.events import RunProgress


@dataclass
class HomeState:
    """The data of home. The event loop alone reads and changes it."""

    projects: Sequence[ProjectOverview] = ()
    work: dict[int, WorkItem] = field(default_factory=dict)
    """What runs or waits, by its number."""

    work_read_at: datetime | None = None
    boards: Sequence[BoardOverview] = ()
    doing: dict[str, str] = field(default_factory=dict)
    """What is being done with a project, by its id."""

    order: Order = Order.ATTENTION
    grouping: Grouping = Grouping.NONE
    folded: set[str] = field(default_factory=set)
    texts: dict[Panel, str] = field(default_factory=dict)
    """What each panel is filtered by; a panel that is not has no entry."""

    marked_projects: set[UUID] = field(default_factory=set)
    marked_builds: set[int] = field(default_factory=set)
    _lister: ProjectLister = field(default_factory=ProjectLister)

    def project_rows(self) -> Sequence[ProjectOverview | ProjectGroup]:
        """Rows of the projects."""
        return self._lister.rows(
            self.projects,
            order=self.order,
            grouping=self.grouping,
            folded=self.folded,
            text=self.texts.get(Panel.PROJECTS, ""),
        )

    def work_rows(self) -> list[WorkItem]:
        """What is at work, as it is filtered."""
        words = self._words(Panel.WORK)
        return [
            item
            for item in self.work.values()
            if _has(words, item.project, item.phase, item.waits_for, item.board, f"#{item.run.id}")
        ]

    def board_rows(self) -> list[BoardOverview]:
        """Boards, as they are filtered."""
        words = self._words(Panel.BOARDS)
        return [
            board
            for board in self.boards
            if _has(words, board.info.label, board.info.name, board.info.chip, board.state,
                    board.project, board.problem, board.info.reserved, board.info.holder)
        ]  # fmt: skip

    @property
    def is_running(self) -> bool:
        """Whether anything runs, so that clocks and progress move."""
        return any(item.run.status == RunStatus.RUNNING for item in self.work.values())

    def show_projects(self, projects: Sequence[ProjectOverview]) -> None:
        """Take projects as they were read; marks of those that are gone go, too."""
        self.projects = projects
        if self.marked_projects:
            self.marked_projects &= {each.project.id for each in projects}

    def with_projects(
        self, found: Mapping[UUID, ProjectOverview | None]
    ) -> Sequence[ProjectOverview]:
        """The projects with some that were read anew; None stands for one that is gone."""
        known = {each.project.id: each for each in self.projects}
        for project_id, each in found.items():
            if each is not None:
                known[project_id] = each
            else:
                known.pop(project_id, None)
        return list(known.values())

    def show_work(self, items: Sequence[WorkItem], at: datetime) -> None:
        """Take what was read of the work at a time."""
        self.work = {item.run.number: item for item in items}
        self.work_read_at = at

    def progress(self, event: RunProgress) -> None:
        """Take how far a run is."""
        item = self.work.get(event.run_id)
        if item is not None:
            self.work[event.run_id] = replace(
                item, phase=event.phase, percent=event.percent, message=event.message
            )

    def next_grouping(self) -> None:
        """Group by the next that there is; by prefix only where names have one."""
        has_prefix = any("/" in each.project.name for each in self.projects)
        choices = [each for each in Grouping if each is not Grouping.PREFIX or has_prefix]
        at = choices.index(self.grouping) if self.grouping in choices else 0
        self.grouping = choices[(at + 1) % len(choices)]

    def fold(self, group: ProjectGroup) -> None:
        """Fold a group, or unfold it."""
        self.folded ^= {group.name}

    def mark(self, row: ProjectOverview | ProjectGroup) -> None:
        """Mark a project, or not; of a group all, none when all are."""
        if not isinstance(row, ProjectGroup):
            self.marked_projects ^= {row.project.id}
            return
        ids = {each.project.id for each in row.projects}
        if ids <= self.marked_projects:
            self.marked_projects -= ids
        else:
            self.marked_projects |= ids

    def mark_outdated(self) -> int:
        """Mark those whose tip was not built, of the projects as they are filtered, and no other.

        Returns:
            How many these are.
        """
        shown = shown_projects(self.project_rows())
        self.marked_projects = {each.project.id for each in shown if is_outdated(each)}
        return len(self.marked_projects)

    def marked(self) -> list[ProjectOverview]:
        """The marked projects, in the order of the list."""
        if not self.marked_projects:
            return []
        found = self._lister.sort(self.projects, self.order)
        return [each for each in found if each.project.id in self.marked_projects]

    def _words(self, panel: Panel) -> Sequence[str]:
        return self.texts.get(panel, "").casefold().split()


def _has(words: Sequence[str], *texts: str) -> bool:
    said = "\n".join(texts).casefold()
    return all(word in said for word in words)
