"""What a settings file may say: one model, whose fields carry their explanation and their default.

The commented file of ``espdeck config init``, ``config show`` and the Settings screen are made from
these docstrings.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from platformdirs import user_data_path
from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.fields import FieldInfo

from engine.artifact_settings import ArtifactStoreSettings, KeepSettings, check_place
from engine.errors import UsageError
from engine.llm_settings import LlmSettings
from engine.notification_settings import NotificationSettings
from engine.remote_settings import RemoteSettings
from engine.server_settings import ServerSettings
from engine.webhook_settings import WebhookSettings

AT_START = "at_start"
NEVER_SHOWN = "never_shown"

_MAX_DIGITS = 18  # digits of a build's number


def _note(*notes: str) -> dict[str, Any]:
    """What is to be known of a field beside its type: see the constants above."""
    return dict.fromkeys(notes, True)


def has_note(field: FieldInfo, note: str) -> bool:
    """Whether a field carries a note.

    Args:
        note: :data:`AT_START`: it takes effect at the next start only, others when the settings are
            read again; :data:`NEVER_SHOWN`: it is never shown.
    """
    extra = field.json_schema_extra
    return isinstance(extra, dict) and bool(extra.get(note))


class BoardSettings(BaseModel):
    """What a person can set for one board: programs for a board that has no DTR and RTS."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reset_command: tuple[str, ...] = ()
    """Program and arguments that reset the board; its last argument is ``bootloader`` or ``run``:
    what the chip is to start."""

    power_command: tuple[str, ...] = ()
    """Program and arguments that switch the board's power; its last argument is ``on`` or
    ``off``."""

    known_good: str = ""
    """Firmware that shows whether the board works: a project, its newest successful build
    (``blink``), or one build of it (``blink#12``); ``board_check`` flashes it while nobody uses the
    board. Empty for none."""

    @property
    def known_good_build(self) -> tuple[str, int | None]:
        """Project and build of that; None for the newest."""
        project, mark, number = self.known_good.rpartition("#")
        is_number = number.isascii() and number.isdigit() and len(number) <= _MAX_DIGITS
        if mark and project.strip() and is_number:
            return project.rstrip(), int(number)
        return self.known_good, None


class QualitySettings(BaseModel):
    """What the quality gate demands where a project's ``espdeck.toml`` does not say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    coverage: float = Field(default=80.0, ge=0, le=100)
    """Percent of lines that tests must run."""

    code: float = Field(default=85.0, ge=0, le=100)
    """Points of code quality, of 100."""

    security: float = Field(default=0.0, ge=0)
    """Blocking security findings that are let pass."""

    documentation: float = Field(default=60.0, ge=0, le=100)
    """Points of documentation, of 100."""

    size: float = Field(default=0.0, ge=0)
    """Bytes that an image may have; 0: what its partition or memory has room for."""

    growth: float = Field(default=10.0, ge=0)
    """Percent that an image, or a memory it uses, may grow from one build to the next."""

    memory: float = Field(default=100.0, ge=0, le=100)
    """Percent of the fullest memory or partition that may be in use."""

    build_time: float = Field(default=600.0, ge=0)
    """Seconds that compiling may take; 0: any."""


class RepairSettings(BaseModel):
    """What repairs may do, and what becomes of them, and of what tasks changed, once committed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    push: bool = False
    """Push the branch of a committed repair, or of what a task changed, to where the project came
    from."""

    may_change_tests: bool = False
    """Take repairs that change tests, assertions or what is expected; they are said to do so."""


class CheckSchedule(BaseModel):
    """When a check runs; what says nothing leaves it as it is."""

    model_config = ConfigDict(extra="allow", frozen=True)

    enabled: bool | None = None
    """Whether it runs by itself."""

    interval: float | None = Field(default=None, ge=0.1, le=525_600, examples=[10])
    """Minutes between two runs."""


class CheckSettings(CheckSchedule):
    """One check: ``[checks.NAME]``, with settings of its own beside these."""

    projects: dict[str, CheckSchedule] = Field(default_factory=dict)
    """What holds for one project only, by its name: ``[checks.NAME.projects.PROJECT]``."""


class DocIndexSettings(BaseModel):
    """The documentation index that ``doc_check`` makes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = True
    """Whether there is one."""

    auto_generate: bool = True
    """Whether each run of the check makes it anew; off makes it with ``espdeck check doc_check``
    alone."""

    output_path: str = ""
    """File that it is written to, relative to the check's own folder of the project; empty for
    ``doc_index.json`` there."""


class WatchSettings(BaseModel):
    """When builds of a project start by themselves; ``[watch]`` of its ``espdeck.toml``, too."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    push: bool | None = None
    """Build each new tip of the branch that is followed."""

    tags: str | None = Field(default=None, examples=["v*"])
    """Build new tags whose name matches this pattern, such as ``v*``; empty for none."""

    schedule: str | None = Field(default=None, examples=["0 3 * * *"])
    """Times at which it is built, as in cron(8): ``0 3 * * *`` for every night at three, in the
    time zone of this machine; empty for none."""

    pull_requests: bool = False
    """Build pull requests that a webhook tells of, in the simulator only before somebody approves
    them. Their build files run as this user. A project's own file cannot say so."""

    @field_validator("schedule")
    @classmethod
    def _makes_sense(cls, value: str | None) -> str | None:
        if value:
            from engine.cron import Schedule  # what counts the times loads slowly

            try:
                Schedule(value)
            except UsageError as error:
                raise ValueError(str(error)) from error
        return value


class ProjectSettings(BaseModel):
    """What holds for one project, by its name: ``[projects.NAME]``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    watch: WatchSettings = Field(default_factory=WatchSettings)
    """What starts builds; wins over the project's own ``espdeck.toml``."""

    webhook: WebhookSettings = Field(default_factory=WebhookSettings)
    """The secret of the project's own webhook, which then takes no other."""

    badge: bool = False
    """Whether everybody may see the badge of its builds; else a token is needed."""

    keep: KeepSettings = Field(default_factory=KeepSettings)
    """Which of its builds and tasks are kept."""


class LogSettings(BaseModel):
    """The log of espdeck's processes, ``espdeck.log`` in the workspace."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["text", "json"] = "text"
    """``json`` writes one object a line, for programs."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """What is written at least; of libraries only warnings and errors are."""

    max_megabytes: int = Field(default=5, ge=1, le=1024)
    """Megabytes (2^20 bytes) of a file before the next one is begun."""

    files: int = Field(default=4, ge=2, le=100)
    """How many files are kept, with the newest."""


class SettingsFile(BaseModel):
    """What a person can set. Every field is a key of the file and an ``ESPDECK_*`` variable."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    profile: str = Field(default="", json_schema_extra=_note(AT_START))
    """Profile in force: its tables ``[profile.NAME]`` override the rest of the file. Chosen by
    ``--profile`` or ``ESPDECK_PROFILE``; empty for none."""

    workspace: Path = Field(
        default_factory=lambda: user_data_path("espdeck"), json_schema_extra=_note(AT_START)
    )
    """Folder of the database, clones, worktrees and artifacts."""

    boards: tuple[str, ...] = ()
    """Boards that builds may flash: a serial port (``/dev/ttyUSB0``), a serial URL
    (``socket://host:port``, ``rfc2217://host:port``), or ``virtual:esp32c3``."""

    board: dict[str, BoardSettings] = Field(default_factory=dict)
    """What holds for one board only, by its name: ``[board."/dev/ttyUSB0"]``."""

    lock_folder: Path | None = Field(
        default=None, examples=["/srv/lab/locks"], json_schema_extra=_note(AT_START)
    )
    """Folder of the locks and reservations of boards, instead of the machine's
    (``/run/lock/espdeck``): the same for all who share boards, as containers do."""

    max_concurrent_builds: int = Field(default=2, ge=1, le=32)
    """How many builds run at the same time on this machine."""

    max_concurrent_tasks: int = Field(default=2, ge=1, le=32)
    """How many tasks for models run at the same time on this machine."""

    max_iterations: int = Field(default=3, ge=0, le=10)
    """How often DEVELOPER may repair and send a build back."""

    compile_timeout: float = Field(default=1800.0, gt=0)
    """Seconds that configuring or compiling may take."""

    flash_timeout: float = Field(default=180.0, gt=0)
    """Seconds that flashing may take."""

    flash_baud: int = Field(default=460800, ge=9600, le=5_000_000)
    """Speed of flashing; the console's own speed is a project's ``baud``."""

    flash_secure: bool = False
    """Flash images that are signed for Secure Boot or encrypted: their first start may burn eFuses
    for good."""

    session_days: float = Field(default=90.0, ge=0)
    """How long sessions of the monitor and of simulated runs are kept; 0: for ever."""

    session_megabytes: int = Field(default=4096, ge=0)
    """How much all sessions may take on disk before the oldest go; 0: any."""

    run_days: float = Field(default=180.0, ge=0)
    """How long builds and tasks are kept after they ended, with logs and artifacts; 0: for ever.
    Those that something kept needs stay longer."""

    run_count: int = Field(default=2000, ge=0)
    """How many builds and tasks are kept before the oldest go; 0: any."""

    run_megabytes: int = Field(default=0, ge=0)
    """Megabytes (2^20 bytes) of artifacts that are kept before the oldest builds and tasks go; what
    several have in common counts once. 0: any."""

    artifacts: str = ""
    """Store that artifacts are copied to: ``s3://bucket/prefix``, ``gs://bucket/prefix``,
    ``az://container/prefix`` or ``file:///folder``; empty: they lie in the workspace alone."""

    artifact_store: ArtifactStoreSettings = Field(default_factory=ArtifactStoreSettings)
    """How that store is reached: ``[artifact_store]``."""

    local_submodules: bool = False
    """Whether a submodule with a relative URL, in a repository that is a folder of this machine,
    may be fetched from another folder of this machine."""

    idf_paths: tuple[Path, ...] = ()
    """Folders of ESP-IDF that are preferred to those that installers wrote down."""

    max_concurrent_checks: int = Field(default=2, ge=1, le=32)
    """How many checks run at the same time on this machine."""

    check_timeout_seconds: float = Field(default=300.0, gt=0)
    """Seconds that a check may take before it is ended."""

    max_memory_usage_mb: int = Field(default=512, ge=64)
    """Megabytes (2^20 bytes) that a check may use, with all processes that it starts, before it is
    ended."""

    checks: dict[str, CheckSettings] = Field(default_factory=dict)
    """When each check runs, and its own settings: ``[checks.NAME]``."""

    doc_index: DocIndexSettings = Field(default_factory=DocIndexSettings)
    """The documentation index: ``[doc_index]``."""

    projects: dict[str, ProjectSettings] = Field(default_factory=dict)
    """What holds for one project: ``[projects.NAME]``."""

    log: LogSettings = Field(default_factory=LogSettings)
    """The log of espdeck's processes: ``[log]``."""

    notifications: NotificationSettings = Field(default_factory=NotificationSettings)
    """Who is told what: ``[notifications]``."""

    server: ServerSettings = Field(default_factory=ServerSettings)
    """The HTTP API: ``[server]``."""

    remotes: dict[str, RemoteSettings] = Field(default_factory=dict)
    """Labs on other machines, by the name that ``espdeck --remote NAME`` takes:
    ``[remotes.NAME]``."""

    webhooks: WebhookSettings = Field(default_factory=WebhookSettings)
    """Webhooks of projects that have no secret of their own: ``[webhooks]``."""

    repair: RepairSettings = Field(default_factory=RepairSettings)
    """What becomes of repairs: ``[repair]``."""

    llm: LlmSettings = Field(default_factory=LlmSettings)
    """Model servers, and which model is meant by what."""

    quality: QualitySettings = Field(default_factory=QualitySettings)
    """Thresholds of the quality gate; a project's ``espdeck.toml`` wins."""

    mouse: bool = Field(default=True, json_schema_extra=_note(AT_START))
    """Whether the app takes the mouse; off leaves it to the terminal, for selecting text."""

    ascii: bool = Field(default=False, json_schema_extra=_note(AT_START))
    """Plain ASCII instead of box drawing and symbols."""

    utc: bool = Field(default=False, json_schema_extra=_note(AT_START))
    """Show times in UTC, marked ``Z``, instead of this machine's time zone."""

    theme: Literal["dark", "light"] = Field(default="dark", json_schema_extra=_note(AT_START))
    """Colours."""

    keys: dict[str, str] = Field(default_factory=dict, json_schema_extra=_note(AT_START))
    """Keys by the id of their action, such as ``build = "ctrl+b"`` (the help screen shows ids)."""

    @field_validator("artifacts")
    @classmethod
    def _is_store(cls, value: str) -> str:
        return check_place(value)

    @field_validator("workspace", "lock_folder")
    @classmethod
    def _whole_path(cls, value: Path | None) -> Path | None:
        # Git and the programs of a build run in folders of their own.
        return value.expanduser().resolve() if value is not None else None
