"""The projects of home: in their order, in groups, as they are filtered."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from engine.enums import ProjectStatus
from tui.state.per_record import PerRecord

if TYPE_CHECKING:
    from engine import ProjectOverview

NO_CHIP, NO_PREFIX = "no chip", "others"
"""Groups of the projects that have none."""


class Order(StrEnum):
    """How projects are sorted, as the head of the list says it: see the engine's orders."""

    ATTENTION = "by attention"
    NAME = "by name"


class Grouping(StrEnum):
    """What projects are grouped by, as the head of the list says it."""

    NONE = ""
    CHIP = "by chip"
    PREFIX = "by prefix"
    """What comes before the first ``/`` of a name."""


@dataclass(frozen=True, slots=True)
class ProjectGroup:
    """The head of a group.

    Args:
        name: of the group.
        projects: those in it, as filtered.
        is_folded: whether they are hidden.
    """

    name: str
    projects: tuple[ProjectOverview, ...]
    is_folded: bool


def is_broken(each: ProjectOverview) -> bool:
    """Whether a project cannot be built, or what it follows failed."""
    return each.project.status == ProjectStatus.ERROR or each.broken is not None


def is_outdated(each: ProjectOverview) -> bool:
    """Whether its tip or its folder was not built yet, and can be."""
    is_new = each.build is None or each.is_outdated
    return each.project.status == ProjectStatus.ACTIVE and is_new


def key_of(item: ProjectOverview | ProjectGroup) -> object:
    """What tells a row from others."""
    return item.name if isinstance(item, ProjectGroup) else item.project.id


class ProjectLister:
    """Lists projects; what decides over place and filter of each is computed when it changed."""

    def __init__(self) -> None:
        self._texts = PerRecord(_text_of)
        self._order: Order | None = None
        self._keys: PerRecord[ProjectOverview, Any] = PerRecord(lambda each: each.project.name)

    def sort(self, projects: Sequence[ProjectOverview], order: Order) -> list[ProjectOverview]:
        """Projects in an order."""
        from engine import PROJECT_ORDERS

        if order is not self._order:
            self._order, self._keys = order, PerRecord(PROJECT_ORDERS[order])
        pairs = zip(self._keys(projects), projects, strict=True)
        return [each for _, each in sorted(pairs, key=itemgetter(0))]

    def rows(
        self,
        projects: Sequence[ProjectOverview],
        *,
        order: Order,
        grouping: Grouping = Grouping.NONE,
        folded: Collection[str] = (),
        text: str = "",
    ) -> Sequence[ProjectOverview | ProjectGroup]:
        """Projects, sorted; with heads of groups where they are grouped.

        Args:
            folded: names of the groups that are folded.
            text: words that a project has, all of them; empty for every project.
        """
        found = self.sort(projects, order)
        words = text.casefold().split()
        if words:
            texts = zip(found, self._texts(found), strict=True)
            found = [each for each, said in texts if all(word in said for word in words)]
        if grouping is Grouping.NONE:
            return found
        groups: dict[str, list[ProjectOverview]] = {}
        for each in found:
            groups.setdefault(_group_of(each, grouping), []).append(each)
        rows: list[ProjectOverview | ProjectGroup] = []
        last = (NO_CHIP, NO_PREFIX)
        for name in sorted(groups, key=lambda name: (name in last, name.casefold())):
            rows.append(ProjectGroup(name, tuple(groups[name]), name in folded))
            if name not in folded:
                rows += groups[name]
        return rows


def shown_projects(
    rows: Sequence[ProjectOverview | ProjectGroup],
) -> list[ProjectOverview]:
    """Every project of a list, those of folded groups too."""
    found = []
    for row in rows:
        if not isinstance(row, ProjectGroup):
            found.append(row)
        elif row.is_folded:
            found += row.projects
    return found


def _group_of(each: ProjectOverview, grouping: Grouping) -> str:
    if grouping is Grouping.CHIP:
        return each.project.target or NO_CHIP
    prefix, slash, _name = each.project.name.partition("/")
    return prefix.strip() if slash and prefix.strip() else NO_PREFIX


def _text_of(each: ProjectOverview) -> str:
    """What a filter looks for in: name, chip, state, reason, board."""
    project, build = each.project, each.build
    status = project.status if project.status != ProjectStatus.ACTIVE else ""
    texts = (
        project.name,
        project.target,
        *project.targets,
        project.branch or "",
        status,
        f"{build.status} #{build.id}" if build else "never built",
        each.reason,
        each.board,
        "dirty" if each.is_dirty else "",
        "ahead" if each.ahead != 0 else "",
        f"sync {each.sync_problem}" if each.sync_problem else "",
    )
    return "\n".join(texts).casefold()
