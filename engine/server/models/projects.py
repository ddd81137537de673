"""Projects, as the HTTP API takes and tells them."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from engine import App, Project, ProjectStats
from engine.enums import ProjectStatus, RunStatus
from engine.text import mask

_Line = Annotated[str, StringConstraints(max_length=400)]
_Chips = Annotated[list[_Line], Field(max_length=50)]


class _Asked(BaseModel):
    """What is asked for; a field that is not known is a mistake, and no build of something else."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class ProjectImport(_Asked):
    """A repository that becomes a project."""

    source: Annotated[str, StringConstraints(min_length=1, max_length=2000)] = Field(
        examples=["https://github.com/me/firmware"]
    )
    """Git URL (``https``, ``ssh``, ``user@host:path``), or the absolute path of a repository on
    the lab machine."""

    name: _Line | None = None
    """What the project is called; else its repository's name, made unique."""

    branch: _Line | None = Field(default=None, examples=["main"])
    """Branch or tag that is followed; else ``HEAD`` of the source."""

    target: _Line | None = Field(default=None, examples=["esp32c3"])
    """Chip that it is built for; else what the sources say."""

    targets: _Chips = Field(default_factory=list)
    """Several chips, the one of a plain build first."""

    app: _Line = ""
    """Folder of the repository that is built; empty for its root."""

    configuration: _Line = ""
    """``NAME`` of an ``sdkconfig.ci.NAME``, an environment of PlatformIO, a profile of a sketch."""


class ProjectChange(_Asked):
    """What changes of a project; what is left out, or null, stays."""

    name: _Line | None = None
    source: Annotated[str, StringConstraints(min_length=1, max_length=2000)] | None = None
    """Git URL, or the absolute path of a repository on the lab machine; it is cloned again, and
    builds stay."""

    branch: _Line | None = None
    """Empty follows ``HEAD`` of the source."""

    target: _Line | None = None
    targets: _Chips | None = None
    """None of them has the sources say it."""

    app: _Line | None = None
    configuration: _Line | None = None


class ProjectReplacement(_Asked):
    """A project as it is to be; what is left out is what a new project has."""

    name: _Line
    branch: _Line = ""
    target: _Line | None = None
    targets: _Chips = Field(default_factory=list)
    app: _Line = ""
    configuration: _Line = ""


class ProjectAnswer(BaseModel):
    """A project."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    id: uuid.UUID
    name: str = Field(examples=["hello"])
    source: str
    """Without user and password."""

    app: str
    configuration: str
    branch: str | None
    tip: str
    """The commit that it follows, as of ``synced_at``; empty before the first time."""

    target: str
    targets: list[str]
    status: ProjectStatus
    status_detail: str
    """Why it stands so, in a line."""

    syncing: bool
    """Whether it is cloned or synced now."""

    created_at: datetime
    updated_at: datetime
    synced_at: datetime | None

    @classmethod
    def of(cls, project: Project, *, syncing: bool) -> ProjectAnswer:
        """A project of the engine."""
        facts = project.model_dump(include=set(cls.model_fields) - {"source", "syncing"})
        return cls(**facts, source=mask(project.source), syncing=syncing)


class BuildRequest(_Asked):
    """What is to be built, and how; all of it may be left out."""

    commit_sha: _Line | None = Field(default=None, examples=["4f0c8e1"])
    """A commit, branch or tag; else the newest commit of what the project follows."""

    trigger: Literal["manual", "push", "webhook"] = "manual"
    """What started it."""

    target: _Line | None = None
    """Chip; else the project's."""

    configuration: _Line | None = None
    """Configuration; else the project's."""

    flash_device: bool | None = None
    """Whether it runs on a board; else it does where there is one and the token may use it."""

    run_qemu: bool | None = None
    """Whether it runs in a simulator, whichever there is; else it does where there is one."""

    board: _Line | None = Field(default=None, examples=["virtual:esp32c3"])
    """Which board: a port, a serial URL or a name; ``auto``, ``none``."""

    simulator: _Line | None = Field(default=None, examples=["qemu"])
    """Which simulator; ``auto``, ``none``."""


class BuildStarted(BaseModel):
    """A build that was asked for."""

    build_id: int = Field(examples=[42])
    status: RunStatus
    project_id: uuid.UUID
    commit_sha: str


class StatsAnswer(BaseModel):
    """How the builds of a project went."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    project_id: uuid.UUID
    total_builds: int
    successful: int
    failed: int
    pending: int
    running: int
    cancelled: int
    success_rate: float | None = Field(examples=[87.5])
    """Percent of those that succeeded or failed; null before the first."""

    average_duration: float | None
    """Seconds, of those that succeeded or failed; null before the first."""

    @classmethod
    def of(cls, stats: ProjectStats) -> StatsAnswer:
        """Statistics of the engine."""
        return cls(**stats.wire())


class VariantAnswer(BaseModel):
    """A way to build a project."""

    target: str = Field(examples=["esp32c3"])
    configuration: str


class AppAnswer(BaseModel):
    """A folder of a repository that becomes a firmware of its own."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    app: str = Field(examples=["examples/blink"])
    """The folder; empty for the root."""

    toolchain: str = Field(examples=["idf"])
    targets: list[str]
    """What the sources say it is for; none where they do not say."""

    configurations: list[str]

    @classmethod
    def of(cls, found: App) -> AppAnswer:
        """An app of the engine."""
        return cls(
            app=found.path,
            toolchain=found.toolchain,
            targets=list(found.targets),
            configurations=[each.name for each in found.configurations],
        )
