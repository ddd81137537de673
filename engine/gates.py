"""The quality gate as a front end asks for it: a project's commit, measured with what was built."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine import manifest
from engine.builds import Builds
from engine.cancel import CancelToken
from engine.errors import UsageError
from engine.image import Image
from engine.projects.revisions import Commit
from engine.projects.service import Projects
from engine.projects.worktrees import Slots
from engine.quality.model import BuildFacts, GateResult
from engine.quality.performance import facts_of
from engine.settings import Settings
from engine.store.database import Store
from engine.store.tables import Build, Project
from engine.words import BuildStatus, Role


@dataclass(frozen=True, slots=True)
class Gated:
    """What was measured, and how it stands.

    Args:
        project: its name.
        commit: what was measured.
        build: number of the build that performance was measured of, None where there is none.
        result: the gate's word.
    """

    project: str
    commit: Commit
    build: int | None
    result: GateResult


class Gates:
    """Measures projects. Its calls block, for seconds to minutes: keep them off an event loop."""

    def __init__(
        self, store: Store, commits: Projects, builds: Builds, slots: Slots, settings: Settings
    ) -> None:
        self._store = store
        self._projects = commits
        self._builds = builds
        self._slots = slots
        self._settings = settings

    def measure(
        self,
        project_id: uuid.UUID,
        *,
        commit: str | None = None,
        cancel: CancelToken | None = None,
        on_output: Callable[[bytes], None] = lambda _: None,
    ) -> Gated:
        """Measure a commit of a project, with the facts of its newest successful build.

        Args:
            project_id: whose commit.
            commit: a revision; None is what the project follows.
            cancel: ends it early.
            on_output: called with what tools print, as it comes.

        Raises:
            UsageError: there is no such project or commit, or its ``espdeck.toml`` makes no sense.
            ToolError: the commit cannot be checked out or measured.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        from engine.quality.gate import measure_tree  # its readers are not for the first paint

        cancel = cancel or CancelToken()
        located = self._projects.commit(project_id, commit, cancel=cancel)
        project, found = located.project, located.commit
        build = self._last_build(project)
        facts = self._facts(build, found.sha) if build is not None else None
        with self._slots.take(Path(project.clone_path), found.sha, cancel=cancel) as slot:
            result = measure_tree(
                slot.source,
                settings=self._settings,
                manifest=manifest.load(slot.source / project.app),
                facts=facts,
                cancel=cancel,
                on_output=on_output,
                app=project.app,
            )
        number = build.number if build is not None else None
        return Gated(project.name, found, number, result)

    def facts(self, project: Project, sha: str) -> BuildFacts | None:
        """What is known of a commit's build, from the newest successful one of its project.

        Args:
            sha: the commit that is measured; facts of another one say so.
        """
        build = self._last_build(project)
        return self._facts(build, sha) if build is not None else None

    def _last_build(self, project: Project) -> Build | None:
        variant = (project.target, project.configuration)
        found = self._builds.list(project.id, BuildStatus.SUCCESS, limit=1, variant=variant)
        return found[0] if found else None

    def _facts(self, build: Build, sha: str) -> BuildFacts | None:
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

    def _image(self, build: Build) -> Image | None:
        try:
            return self._builds.image(build.number)
        except UsageError:
            return None  # it kept none, or its files were deleted

    def _seconds(self, build: Build) -> float | None:
        """How long the last compilation of a build took."""
        for row in reversed(self._builds.stages(build.number)):
            if row.agent == Role.BUILDER and row.started_at and row.completed_at:
                return (row.completed_at - row.started_at).total_seconds()
        return None
