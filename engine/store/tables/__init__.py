"""The tables, one file a capability. All times are UTC; enums are stored as users see them.

Rows that leave the store are detached and complete: no attribute of theirs loads lazily.

Each file is loaded when a name of it is first asked for (PEP 562): making a table costs some
milliseconds, and a command needs a few of them. A file loads those that its foreign keys name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.store.tables.access import AuditRow as AuditRow
    from engine.store.tables.access import LoginSessionRow as LoginSessionRow
    from engine.store.tables.access import TokenRow as TokenRow
    from engine.store.tables.artifacts import Artifact as Artifact
    from engine.store.tables.artifacts import StoredObject as StoredObject
    from engine.store.tables.boards import LONGEST_RESERVATION as LONGEST_RESERVATION
    from engine.store.tables.boards import BoardRow as BoardRow
    from engine.store.tables.boards import is_ahead as is_ahead
    from engine.store.tables.checks import CheckResultRow as CheckResultRow
    from engine.store.tables.checks import CheckTally as CheckTally
    from engine.store.tables.columns import UtcDateTime as UtcDateTime
    from engine.store.tables.columns import seconds_between as seconds_between
    from engine.store.tables.columns import utc_now as utc_now
    from engine.store.tables.events import EventRow as EventRow
    from engine.store.tables.events import LogChunk as LogChunk
    from engine.store.tables.events import StreamPosition as StreamPosition
    from engine.store.tables.measures import RunMeasure as RunMeasure
    from engine.store.tables.models import ModelFormatRow as ModelFormatRow
    from engine.store.tables.notifications import DeliveryRow as DeliveryRow
    from engine.store.tables.notifications import MuteRow as MuteRow
    from engine.store.tables.notifications import NotificationRow as NotificationRow
    from engine.store.tables.notifications import NotifyStateRow as NotifyStateRow
    from engine.store.tables.projects import Project as Project
    from engine.store.tables.runs import FindingRow as FindingRow
    from engine.store.tables.runs import Retry as Retry
    from engine.store.tables.runs import Run as Run
    from engine.store.tables.runs import StageRow as StageRow
    from engine.store.tables.tasks import Task as Task
    from engine.store.tables.watch import WatchRow as WatchRow
    from engine.store.tables.webhooks import HookDelivery as HookDelivery

_NAMES = {
    "access": "AuditRow LoginSessionRow TokenRow",
    "artifacts": "Artifact StoredObject",
    "boards": "LONGEST_RESERVATION BoardRow is_ahead",
    "checks": "CheckResultRow CheckTally",
    "columns": "UtcDateTime seconds_between utc_now",
    "events": "EventRow LogChunk StreamPosition",
    "measures": "RunMeasure",
    "models": "ModelFormatRow",
    "notifications": "DeliveryRow MuteRow NotificationRow NotifyStateRow",
    "projects": "Project",
    "runs": "FindingRow Retry Run StageRow",
    "tasks": "Task",
    "watch": "WatchRow",
    "webhooks": "HookDelivery",
}
"""The names of each file; type checkers read them above."""

_FILE_OF = {name: file for file, names in _NAMES.items() for name in names.split()}


def load_all() -> None:
    """Load every table, for what looks at all of them: migrations."""
    from importlib import import_module

    for file in _NAMES:
        import_module(f"{__name__}.{file}")


if not TYPE_CHECKING:  # else every name would be known to type checkers

    def __getattr__(name: str) -> object:
        file = _FILE_OF.get(name)
        if file is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        found = globals()[name] = getattr(import_module(f"{__name__}.{file}"), name)
        return found
