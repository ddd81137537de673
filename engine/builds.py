"""Builds as a front end sees them: start, list, follow, cancel, retry."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine import events, image_file
from engine.boards.service import Boards
from engine.errors import ToolError, UsageError
from engine.image import Image
from engine.pipelines.firmware import FIRMWARE
from engine.pipelines.journal import Journal, wait_until
from engine.pipelines.model import steps_of_phase
from engine.pipelines.runs import Runs
from engine.projects import git
from engine.projects.apps import touches
from engine.simulators.base import find_simulators
from engine.sizes.measure import measure
from engine.sizes.model import Sizes
from engine.store import builds as store_builds
from engine.store import logs, projects
from engine.store.database import Store, StoreError
from engine.store.logs import LogKey, LogMatch
from engine.store.tables import Artifact, Build, FindingRow, StageRow
from engine.toolchains import partitions
from engine.toolchains.partitions import Partition
from engine.words import ArtifactKind, BuildStatus, Phase, ProjectStatus, StageStatus, Trigger

if TYPE_CHECKING:
    from engine.pipelines.runner import Runner

_PHASES = list(Phase)


@dataclass(frozen=True, slots=True)
class BuildServices:
    """What :class:`Builds` works with; ``wait_ready`` waits until runs can be asked for."""

    store: Store
    bus: events.Bus
    journal: Journal
    runs: Runs
    boards: Boards
    wait_ready: Callable[[], None]


class Builds:
    """Every build of a workspace. All calls may block: keep them off an event loop."""

    def __init__(self, services: BuildServices) -> None:
        self._store = services.store
        self._bus = services.bus
        self._journal = services.journal
        self._runs = services.runs
        self._boards = services.boards
        self._wait_ready = services.wait_ready
        self.runner: Runner | None = None
        """Set while this process is the one that runs builds."""

    def start(
        self,
        project_id: uuid.UUID,
        *,
        commit: str | None = None,
        board: str = "auto",
        simulator: str = "auto",
        triggered_by: Trigger = Trigger.MANUAL,
    ) -> Build:
        """Ask for a build; it waits in the queue of this host.

        Args:
            commit: a commit or a ref; None is the tip of the project's branch.
            board: ``auto``, ``none``, a port, a serial URL or ``virtual:CHIP``.
            simulator: ``auto``, ``none`` or a simulator's name.

        Raises:
            UsageError: the project is not active, there is no such commit, or a choice makes no
                sense.
            BoardError: the board that was asked for is not there.
            StoreError: it cannot be written down (the disk is full).
        """
        project = projects.get_project(self._store, project_id)
        if project.status is not ProjectStatus.ACTIVE:
            detail = f": {project.status_detail}" if project.status_detail else ""
            raise UsageError(f"{project.name} is {project.status}, not active{detail}")
        known = ("auto", "none", *(each.name for each in find_simulators()))
        if simulator not in known:
            raise UsageError(f"simulator {simulator!r}: one of {', '.join(known)}")
        self._boards.choose(board, project.target)
        found = git.resolve(Path(project.clone_path), commit or project.branch or "HEAD")
        run_id = str(uuid.uuid4())
        self._wait_ready()
        build = store_builds.add_build(
            self._store,
            Build(
                project_id=project.id,
                commit_sha=found.sha,
                commit_message=found.message,
                commit_author=found.author,
                branch=project.branch or "",
                target=project.target,
                triggered_by=triggered_by,
                board=board,
                simulator=simulator,
                run_id=run_id,
            ),
        )
        return self._ask_for_run(build.number, lambda: self._runs.enqueue(run_id, build.number))

    def unchanged_since(self, project_id: uuid.UUID, commit: str | None = None) -> Build | None:
        """The last successful build, when nothing that it was made from has changed since.

        Args:
            commit: a commit or a ref; None is the tip of the project's branch.

        Returns:
            That build, None when there is something to build.

        Raises:
            UsageError: there is no such commit.
        """
        project = projects.get_project(self._store, project_id)
        last = self.list(project_id=project.id, status=BuildStatus.SUCCESS, limit=1)
        clone = Path(project.clone_path)
        found = git.resolve(clone, commit or project.branch or "HEAD")
        if not last or last[0].target != project.target:
            return None
        try:
            changed = touches(clone, project.app, last[0].commit_sha, found.sha)
        except ToolError:  # its commit is gone: history was rewritten
            changed = True
        return None if changed else last[0]

    def list(
        self,
        project_id: uuid.UUID | None = None,
        status: BuildStatus | None = None,
        text: str = "",
        limit: int = 200,
        before: int | None = None,
    ) -> Sequence[Build]:
        """Builds, newest first, a page at a time (see :func:`engine.store.builds.list_builds`)."""
        return store_builds.list_builds(
            self._store,
            project_id=project_id,
            status=status,
            text=text,
            limit=limit,
            before=before,
        )

    def get(self, number: int) -> Build:
        """A build by its number.

        Raises:
            UsageError: there is none.
        """
        return store_builds.get_build(self._store, number)

    def stages(self, number: int) -> Sequence[StageRow]:
        """Stages of a build in the order in which they came."""
        return store_builds.stages_of(self._store, number)

    def findings(self, number: int) -> Sequence[FindingRow]:
        """Findings of a build in the order in which they came."""
        return store_builds.findings_of(self._store, number)

    def source(self, number: int, file: str) -> Sequence[str]:
        """Lines of a source file as the build's commit has it. Untrusted text.

        Args:
            file: path in the repository, as findings name it.

        Raises:
            UsageError: no such build or file, or none that can be read as text.
            ToolError: the project's clone is gone.
        """
        build = self.get(number)
        project = projects.get_project(self._store, build.project_id)
        text = git.read_text(Path(project.clone_path), build.commit_sha, file)
        return text.splitlines()

    def artifacts(self, number: int) -> Sequence[Artifact]:
        """Artifacts of a build, by path."""
        return store_builds.artifacts_of(self._store, number)

    def artifact_file(self, artifact: Artifact) -> Path:
        """Where an artifact lies."""
        return Path(self.get(artifact.build_id).artifacts_path) / artifact.path

    def image(self, number: int) -> Image:
        """What a build is to be flashed with.

        Raises:
            UsageError: there is no such build, or it kept no image.
        """
        self.get(number)
        for artifact in self.artifacts(number):
            if artifact.path == image_file.NAME:
                return image_file.read(self.artifact_file(artifact))
        raise UsageError(f"build {number} kept no image (espdeck show {number})")

    def partitions(self, number: int) -> tuple[Partition, ...]:
        """The partition table of a build; empty where its image has none.

        Raises:
            UsageError: there is no such build, or it kept no image.
        """
        for part in self.image(number).parts:
            if part.kind is ArtifactKind.PARTITION_TABLE:
                return partitions.parse(part.path.read_bytes()[: partitions.MAX_BYTES])
        return ()

    def sizes(self, number: int) -> Sizes:
        """Where the bytes of a build's firmware are. Takes some 0.1 s, seconds for a large one.

        Raises:
            UsageError: there is no such build, or it kept nothing that tells.
        """
        build = self.get(number)
        folder = Path(build.artifacts_path)
        files = {each.kind: folder / each.path for each in self.artifacts(number)}
        if not files:
            raise UsageError(f"build {number} has no sizes: it kept no files")
        return measure(files, build.target)

    def before(self, number: int) -> Build | None:
        """The last build of the same project before this one that succeeded.

        Raises:
            UsageError: there is no such build.
        """
        build = self.get(number)
        found = self.list(build.project_id, BuildStatus.SUCCESS, limit=1, before=number)
        return found[0] if found else None

    def logs(self, number: int) -> Sequence[LogKey]:
        """Logs of a build in the order in which they began."""
        self._settle()
        return logs.logs_of(self._store, number)

    def lines(self, key: LogKey, first: int = 0, count: int | None = None) -> Sequence[str]:
        """Lines of a log by range, from line 0. Untrusted text."""
        self._settle()
        return logs.read_lines(self._store, key, first, count)

    def line_count(self, key: LogKey) -> int:
        """How many lines a log has."""
        self._settle()
        return logs.line_count(self._store, key)

    def search(self, number: int, text: str) -> Sequence[LogMatch]:
        """Lines of any log of a build that contain ``text``, whatever its case."""
        self._settle()
        return logs.search(self._store, number, text)

    def cancel(self, number: int) -> Build:
        """End a build: its running programs are gone within a second.

        Raises:
            UsageError: it has ended already.
        """
        build = self.get(number)
        if build.status.is_final:
            raise UsageError(f"build {number} has ended already ({build.status})")
        self._wait_ready()
        build = store_builds.request_cancel(self._store, number)
        if self.runner is None or not self.runner.cancel(number):
            self._runs.cancel(build.run_id)
            if build.status is BuildStatus.PENDING:
                build = self._end(build, BuildStatus.CANCELLED, "cancelled before it began")
        return build

    def retry(self, number: int, stage: str | None = None) -> Build:
        """Run an ended build again, from its start or from the phase of a stage.

        Args:
            stage: key of a stage that ran; None starts over.

        Raises:
            UsageError: it has not ended, or that stage never ran.
            StoreError: it cannot be written down.
        """
        build = self.get(number)
        if not build.status.is_final:
            raise UsageError(f"build {number} has not ended ({build.status}): cancel it first")
        self._wait_ready()
        run_id = str(uuid.uuid4())
        ran = self.stages(number)
        if stage is None:
            store_builds.requeue_build(self._store, number, run_id, dropped=ran)
            return self._ask_for_run(number, lambda: self._runs.enqueue(run_id, number))
        rounds = [
            row.attempt for row in ran if row.key == stage and row.status is not StageStatus.SKIPPED
        ]
        if not rounds:
            known = ", ".join(each.key for each in FIRMWARE.stages)
            raise UsageError(f"stage {stage!r} did not run in build {number} (stages: {known})")
        steps = steps_of_phase(FIRMWARE, stage, max(rounds))
        begin = (max(rounds), _PHASES.index(FIRMWARE.stage(stage).phase))
        behind = [row for row in ran if (row.attempt, _PHASES.index(row.phase)) >= begin]
        store_builds.requeue_build(self._store, number, run_id, dropped=behind)
        return self._ask_for_run(number, lambda: self._runs.again(build.run_id, run_id, steps))

    def wait(self, number: int, timeout: float | None = None) -> Build:
        """Wait for a build to end, or ``timeout`` seconds; returns it as it then stands.

        Raises:
            StoreError: it ended, which cannot be written now.
        """
        unwritten = self.runner.unwritten if self.runner is not None else {}
        wait_until(
            lambda: self.get(number).status.is_final or number in unwritten, self._bus, timeout
        )
        if (reason := unwritten.get(number)) is not None:
            raise StoreError(reason)
        return self.get(number)

    def give_up(self, build: Build, reason: str) -> Build:
        """End a build that nothing carries any more: as failed, or cancelled if that was asked."""
        status = BuildStatus.CANCELLED if build.cancel_requested else BuildStatus.FAILED
        return self._end(build, status, reason)

    def _ask_for_run(self, number: int, ask: Callable[[], None]) -> Build:
        """Ask for the run of a pending build, which ends when it cannot be asked for."""
        build = self.get(number)
        self._changed(build)
        try:
            ask()
        except StoreError as error:
            with contextlib.suppress(StoreError):  # or it is given up when there is room again
                self.give_up(build, str(error))
            raise
        return build

    def _end(self, build: Build, status: BuildStatus, reason: str) -> Build:
        build = store_builds.finish_build(self._store, build.number, status=status, error=reason)
        self._bus.publish(
            events.WorkflowCompleted(
                build_id=build.number,
                success=False,
                status=status,
                duration=build.duration or 0.0,
                result=reason,
            )
        )
        self._changed(build)
        return build

    def _changed(self, build: Build) -> None:
        self._bus.publish(
            events.BuildChanged(
                build_id=build.number, project_id=str(build.project_id), status=build.status
            )
        )
        self._settle()

    def _settle(self) -> None:
        # Nothing to say here when it cannot be written: the journal's thread says it once.
        with contextlib.suppress(StoreError):
            self._journal.flush()
