"""A workspace with builds that kept files, and the store that these are copied to."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from engine.artifact_settings import ArtifactStoreSettings
from engine.artifacts import run_files
from engine.artifacts.mover import Mover
from engine.artifacts.service import Artifacts
from engine.cancel import CancelToken
from engine.enums import ArtifactKind, RunStatus
from engine.settings import Settings
from engine.store import runs
from engine.store.database import Store
from engine.store.tables import Artifact, Run

WORKSPACE_ID = "12ab" * 8
START = datetime(2026, 7, 1, tzinfo=UTC)
LARGE = 100_000
"""Bytes of a file that several builds share."""


class Shelf:
    """What there is of artifacts in a workspace; the test sets the clock.

    Args:
        place: the store, as settings name it.
        reached: how it is reached.
    """

    def __init__(
        self, folder: Path, place: str = "", reached: ArtifactStoreSettings | None = None
    ) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.store = Store(folder / "espdeck.db")
        self.now = START
        self.said: list[str] = []
        self.set(place, reached or ArtifactStoreSettings())
        self.artifacts = Artifacts(
            self.store, lambda: self.settings, folder, WORKSPACE_ID, lambda: self.now
        )
        self.mover = Mover(self.artifacts, self.store, self.said.append, lambda: self.now)

    def set(self, place: str, reached: ArtifactStoreSettings) -> None:
        self.settings = Settings(workspace=self.folder, artifacts=place, artifact_store=reached)

    def local_days(self, days: float) -> None:
        """Have files go from this machine that were kept longer ago."""
        reached = self.settings.artifact_store.model_copy(update={"local_days": days})
        self.set(self.settings.artifacts, reached)

    def build(self) -> int:
        """A build that ended at the start."""
        run = Run(status=RunStatus.SUCCESS, completed_at=START, created_at=START)
        number = runs.add_run(self.store, run).number
        runs.set_artifacts_path(self.store, number, str(self.folder_of(number)))
        return number

    def folder_of(self, number: int) -> Path:
        return self.folder / "artifacts" / str(number)

    def keep(
        self,
        data: bytes,
        number: int | None = None,
        attempt: int = 1,
        kind: ArtifactKind = ArtifactKind.ELF,
    ) -> Artifact:
        """What a stage kept, in a build of its own or in another."""
        number = number or self.build()
        source = self.folder / "made"
        source.write_bytes(data)
        kept = run_files.keep(
            *(self.store, self.folder_of(number), source),
            run_id=number, stage="build", attempt=attempt, kind=kind, path="app.elf",
        )  # fmt: skip
        os.utime(kept, (START.timestamp(), START.timestamp()))
        return runs.artifacts_of(self.store, number)[0]

    def path(self, artifact: Artifact) -> Path:
        return self.folder_of(artifact.run_id) / artifact.path

    def delete(self, artifact: Artifact) -> None:
        """Delete the build that kept it, as retention does."""
        with self.store.write() as session:
            session.delete(session.get_one(Run, artifact.run_id))
        self.path(artifact).unlink()

    def move(self) -> float | None:
        """Move what is due; seconds until the next time."""
        return self.mover.move_due(CancelToken())

    def waiting(self) -> int:
        return self.artifacts.state().waiting

    def later(self, **time: float) -> None:
        self.now += timedelta(**time)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
