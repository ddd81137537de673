"""The quality gate as a front end asks for it: a project's commit, measured with what was built."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine import manifest
from engine.builds.service import Builds
from engine.cancel import CancelToken, cancel_after
from engine.enums import Role, RunStatus
from engine.errors import CancelledError, ConflictError, ToolError, UsageError
from engine.findings import Finding
from engine.images.image import Image
from engine.projects.revisions import Commit
from engine.projects.service import Projects
from engine.projects.slots import Slots
from engine.projects.variants import Variant, chips_of
from engine.quality.performance import facts_of
from engine.quality.result import BuildFacts, BuildReport, GateResult
from engine.quality_requirements import Demands
from engine.settings import SettingsSource
from engine.store import runs
from engine.store.database import Store
from engine.store.tables import Project, Run

MAX_AT_ONCE = 2
"""Sets of files that are measured at the same time."""

FILES_SECONDS = 120.0
"""Seconds that a set of files may take."""

_BECAME = {
    RunStatus.PENDING: "waits",
    RunStatus.RUNNING: "runs",
    RunStatus.SUCCESS: "succeeded",
    RunStatus.FAILED: "failed",
    RunStatus.CANCELLED: "was cancelled",
}


@dataclass(frozen=True, slots=True)
class GateMeasurement:
    """What was measured, and how it stands.

    Args:
        project: its name.
        commit: what was measured.
        build: number of the build that performance was measured of, None where there is none.
        built: which build that is, or why there is none, for people.
        result: the gate's word.
        notes: what is to be known of the commit: that the project could not be synced, that a
            folder has changes which are not committed.
        dirty: whether the commit is a snapshot of such changes.
    """

    project: str
    commit: Commit
    build: int | None
    built: str
    result: GateResult
    notes: tuple[Finding, ...] = ()
    dirty: bool = False


class Gates:
    """Measures projects. Its calls block, for seconds to minutes: keep them off an event loop."""

    def __init__(
        self,
        store: Store,
        commits: Projects,
        builds: Builds,
        slots: Slots,
        settings: SettingsSource,
    ) -> None:
        self._store = store
        self._projects = commits
        self._builds = builds
        self._slots = slots
        self._settings = settings
        self._measuring = threading.BoundedSemaphore(MAX_AT_ONCE)

    def measure(
        self,
        project_id: uuid.UUID,
        *,
        commit: str | None = None,
        dirty: bool = False,
        variant: Variant | None = None,
        baseline: str = "",
        jobs: int | None = None,
        cancel: CancelToken | None = None,
        on_output: Callable[[bytes], None] = lambda _: None,
        on_progress: Callable[[float, str], None] = lambda _percent, _what: None,
    ) -> GateMeasurement:
        """Measure a commit of a project, with the facts of its newest successful build.

        Args:
            project_id: whose commit.
            commit: a revision; None is what the project follows.
            dirty: measure the project's folder as it is, with what is not committed.
            variant: of which chip and configuration the build is; None for the project's.
            baseline: a revision: findings that it has as well do not block; empty for the one that
                the project names, if it does.
            jobs: how many tools run at the same time; None for one on each processor.
            cancel: ends it early.
            on_output: called with what tools print, as it comes; from one thread at a time.
            on_progress: called with percent and what is being done; from one thread at a time.

        Raises:
            UsageError: there is no such project, commit or baseline, or its ``espdeck.toml`` makes
                no sense.
            ToolError: the commit cannot be checked out or measured.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        from engine.quality.gate import measure_tree  # its readers are not for the first paint

        cancel = cancel or CancelToken()
        located = self._projects.commit(project_id, commit, dirty=dirty, cancel=cancel)
        project, found = located.project, located.commit
        built = self.built(project, found.sha, variant)
        with self._slots.take(Path(project.clone_path), found.sha, cancel=cancel) as slot:
            result = measure_tree(
                slot.source,
                settings=self._settings(),
                manifest=manifest.load(slot.source / project.app),
                built=built,
                cancel=cancel,
                on_output=on_output,
                on_progress=on_progress,
                app=project.app,
                chips=chips_of(project),
                baseline=baseline,
                jobs=jobs,
            )
        return GateMeasurement(
            project.name, found, built.number, built.words, result, located.notes, located.dirty
        )

    def measure_files(
        self, files: Mapping[str, str], demands: Demands, *, seconds: float = FILES_SECONDS
    ) -> GateResult:
        """Measure files that belong to no project, as :func:`measure_files` does.

        Args:
            files: what each says, by its path. Untrusted.
            demands: what they are held against.
            seconds: that it may take.

        Raises:
            UsageError: there are too many, they are too large, or a path is no plain one.
            ConflictError: others are measured.
            ToolError: they cannot be measured, or not in time.
        """
        from engine.quality.loose_files import measure_files  # its readers, too, are heavy

        if not self._measuring.acquire(blocking=False):
            raise ConflictError(f"{MAX_AT_ONCE} others are measured now: try again in a minute")
        try:
            with cancel_after(seconds, CancelToken()) as cancel:
                return measure_files(files, demands, settings=self._settings(), cancel=cancel)
        except CancelledError:
            raise ToolError(f"not measured within {seconds:g} s: post fewer files") from None
        finally:
            self._measuring.release()

    def built(self, project: Project, sha: str, variant: Variant | None = None) -> BuildReport:
        """What is known of a commit's build, from the newest successful one of its project.

        Of a commit whose own newest build failed, no other build says anything.

        Args:
            sha: the commit that is measured; facts of another one say so.
            variant: as :meth:`measure` takes it.
        """
        built_for = (
            (variant.target or project.target, variant.configuration)
            if variant
            else (project.target, project.configuration)
        )
        newest = self._builds.list(project.id, limit=1, variant=built_for)
        failed = bool(newest) and newest[0].status is RunStatus.FAILED
        successful = runs.last_successful(self._store, project.id, built_for)
        if successful is not None and not (failed and newest[0].commit_sha == sha):
            words = f"build {successful.number}"
            facts = self._facts(successful, sha)
            if facts is not None:
                return BuildReport(facts, words, number=successful.number)
            return _nothing(f"{words} kept no image")
        if newest:
            return _nothing(f"build {newest[0].number} {_BECAME[newest[0].status]}")
        others = self._builds.list(project.id, limit=1)
        if others:
            was = " ".join(filter(None, (others[0].target, others[0].configuration)))
            return _nothing(f"build {others[0].number} was for {was}")
        return BuildReport(None)

    def _facts(self, build: Run, sha: str) -> BuildFacts | None:
        image = self._image(build)
        if image is None:
            return None
        before = self._builds.before(build.number)
        other = f" of {build.commit_sha[:10]}" if build.commit_sha != sha else ""
        return facts_of(
            image,
            seconds=self._seconds(build),
            source=f"build {build.number}{other}",
            before=self._image(before) if before is not None else None,
        )

    def _image(self, build: Run) -> Image | None:
        try:
            return self._builds.image(build.number)
        except UsageError:
            return None  # it kept none, or its files were deleted

    def _seconds(self, build: Run) -> float | None:
        """How long the last compilation of a build took."""
        for row in reversed(self._builds.stages(build.number)):
            if row.agent == Role.BUILDER and row.seconds is not None:
                return row.seconds
        return None


def _nothing(words: str) -> BuildReport:
    """A build that gives nothing to measure."""
    return BuildReport(None, words, f"{words}: nothing to measure")
