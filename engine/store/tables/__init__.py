"""The tables, one file a capability. All times are UTC; enums are stored as users see them.

Rows that leave the store are detached and complete: no attribute of theirs loads lazily.
"""

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
from engine.store.tables.notifications import DeliveryRow as DeliveryRow
from engine.store.tables.notifications import MuteRow as MuteRow
from engine.store.tables.notifications import NotificationRow as NotificationRow
from engine.store.tables.notifications import NotifyStateRow as NotifyStateRow
from engine.store.tables.projects import Project as Project
from engine.store.tables.runs import FindingRow as FindingRow
from engine.store.tables.runs import Run as Run
from engine.store.tables.runs import StageRow as StageRow
from engine.store.tables.tasks import Task as Task
from engine.store.tables.watch import WatchRow as WatchRow
from engine.store.tables.webhooks import HookDelivery as HookDelivery
