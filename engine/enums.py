"""The words of the field, spelled as users see them. Imports nothing heavy: every room uses it."""

from __future__ import annotations

from enum import StrEnum

CHIPS = (
    "esp32",
    "esp32s2",
    "esp32s3",
    "esp32c2",
    "esp32c3",
    "esp32c6",
    "esp32h2",
    "esp32p4",
    "esp32c5",
    "esp32c61",
    "esp32h21",
    "esp32h4",
    "esp32s31",
    "esp32e22",
)
"""Chips that espdeck knows, spelled as ``idf.py set-target`` spells them: those of esptool.

Written down here because importing esptool is slow; a test compares them.
"""

LINUX = "linux"
"""ESP-IDF's target for the machine that builds: a program of its own, on no board."""

TARGETS = (*CHIPS, LINUX)
"""What firmware is built for."""


class ProjectStatus(StrEnum):
    """Where a project stands: ``pending`` while it is cloned."""

    PENDING = "pending"
    ACTIVE = "active"
    ERROR = "error"


class RunStatus(StrEnum):
    """Where a run stands."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether the run has ended."""
        return self in (RunStatus.SUCCESS, RunStatus.FAILED, RunStatus.CANCELLED)


class RunKind(StrEnum):
    """What a run is: a build of firmware, or a task for models."""

    FIRMWARE = "firmware"
    TASK = "task"

    @property
    def label(self) -> str:
        """What people call such a run."""
        return "build" if self is RunKind.FIRMWARE else "task"

    @property
    def command(self) -> str:
        """The command line until the word for what is done with such a run."""
        return "espdeck" if self is RunKind.FIRMWARE else "espdeck task"


class Priority(StrEnum):
    """How urgent a task is: it decides which one waits for the other."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class StageStatus(StrEnum):
    """Where one stage of a run stands."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether the stage has ended."""
        return self not in (StageStatus.PENDING, StageStatus.RUNNING)


class Trigger(StrEnum):
    """What started a build."""

    MANUAL = "manual"
    PUSH = "push"
    WEBHOOK = "webhook"
    SCHEDULE = "schedule"


class Phase(StrEnum):
    """The five phases of the firmware pipeline, in order; other pipelines name theirs."""

    SETUP = "setup"
    BUILD = "build"
    TEST = "test"
    VALIDATION = "validation"
    FEEDBACK = "feedback"


class Role(StrEnum):
    """The six firmware agents; those of model tasks are named by what they play."""

    PROJECT_MANAGER = "PROJECT_MANAGER"
    BUILDER = "BUILDER"
    TESTER = "TESTER"
    DOCTOR = "DOCTOR"
    QA = "QA"
    DEVELOPER = "DEVELOPER"


class AgentStatus(StrEnum):
    """What an agent is doing, as programs outside know it (``agent.status``)."""

    IDLE = "idle"
    WORKING = "working"
    COMPLETED = "completed"
    ERROR = "error"


class Severity(StrEnum):
    """How much a finding matters."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class VerdictWord(StrEnum):
    """What QA says of a firmware: how far it was tried, and what came of it."""

    ACCEPTED = "accepted"
    """What was asked of it was checked, and holds."""

    RAN = "ran"
    """It ran and nothing wrong was seen; nothing was asked of it."""

    SILENT = "silent"
    """It was started, and printed nothing."""

    UNTESTED = "untested"
    """It was built, and not run."""

    BLOCKED = "blocked"
    """Something is wrong with it."""


class TaskVerdict(StrEnum):
    """What is said of a task that succeeded, beside that: how far what it changed holds."""

    PROVED = "proved"
    """What it changed was built and tested, and holds."""

    NOT_PROVED = "not proved"
    """It was built, and nothing was seen to hold, or not all that was to be shown."""

    NOT_BUILT = "not built"
    """What it changed was not built."""

    NO_CHANGE = "no change"
    """It was to change something, and did not."""

    CHANGES_REQUESTED = "changes requested"
    """A review requests changes that were not made."""

    INCOMPLETE = "incomplete"
    """A report is missing that the others did without."""


class CheckStatus(StrEnum):
    """What a check found."""

    SUCCESS = "success"
    WARNING = "warning"
    ERROR = "error"


class NotificationKind(StrEnum):
    """What a notification tells."""

    PROBLEM = "problem"
    RECOVERY = "recovery"
    FLAPPING = "flapping"
    """It fails and recovers again and again."""

    STEADY = "steady"
    """It does not flap any more."""

    NOTICE = "notice"
    """Something happened that has no end."""


class Scope(StrEnum):
    """What a token of the HTTP API allows; each scope includes those before it."""

    READ = "read"
    """Look at everything but secrets."""

    BUILD = "build"
    """Start, cancel and retry builds, tasks and checks; on no board."""

    FLASH = "flash"
    """Use boards: flash, reset, monitor, reserve; builds that do."""

    ADMIN = "admin"
    """Change projects, settings and tokens; the app in a browser."""

    def allows(self, wanted: Scope) -> bool:
        """Whether this scope includes another."""
        order = list(Scope)
        return order.index(self) >= order.index(wanted)


class TokenStatus(StrEnum):
    """What has become of a token of the HTTP API."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


class Forge(StrEnum):
    """Whose webhook it is."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"


class HookStatus(StrEnum):
    """Where the delivery of a webhook stands."""

    WAITING = "waiting"
    DONE = "done"
    """It started builds."""

    IGNORED = "ignored"
    FAILED = "failed"


class DeliveryStatus(StrEnum):
    """Where a delivery to a channel stands."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    UNKNOWN = "unknown"
    """It may have arrived: no answer came. It is not sent again."""

    FAILED = "failed"
    """Given up."""

    SUPERSEDED = "superseded"
    """Something newer says it."""


class ArtifactKind(StrEnum):
    """What a kept file is."""

    ELF = "elf"
    APP = "app"
    BOOTLOADER = "bootloader"
    PARTITION_TABLE = "partition-table"
    DATA = "data"
    MAP = "map"
    LOG = "log"
    SOURCE = "source"
    DOCUMENT = "document"
    PATCH = "patch"
    REPORT = "report"
