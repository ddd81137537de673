"""Builds as a front end sees them: start, list, follow, cancel, retry."""

from __future__ import annotations

import contextlib
import string
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from engine.boards.board_files import Flashed, flashed
from engine.builds.pipeline import FIRMWARE_PIPELINE
from engine.cancel import CancelToken
from engine.enums import ArtifactKind, RunKind, RunStatus, Trigger
from engine.errors import (
    AccessError,
    ConflictError,
    EspdeckError,
    NotFoundError,
    ToolError,
    UsageError,
)
from engine.events import RunCompleted
from engine.projects import git_objects
from engine.projects.apps import check_configuration, find_app, touches
from engine.projects.commit_locator import LocatedCommit
from engine.projects.project_options import check_targets
from engine.projects.project_sync import lack_of_chip
from engine.projects.service import Projects
from engine.projects.variants import Variant
from engine.runs.pipeline import Pipeline
from engine.runs.proposals import Proposal, check_approved, proposal_of
from engine.runs.service import RunService, RunServices, who_asks
from engine.store import projects
from engine.store import runs as store_runs
from engine.store.artifacts import FIRMWARE
from engine.store.tables import Artifact, Project, Run, utc_now
from engine.text import near

if TYPE_CHECKING:
    from engine.builds.comparison import BuildComparison
    from engine.builds.log_changes import LogChange
    from engine.images.flash_layout import FlashLayout
    from engine.images.image import Image
    from engine.images.partitions import Partition
    from engine.sizes.tables import Sizes

SHA_DIGITS = 7
"""Hexadecimal digits of a SHA-256 that are enough to look for a program."""


@dataclass(frozen=True, slots=True)
class StartedBuilds:
    """What came of asking for several builds.

    Args:
        builds: those that wait or run now.
        problems: why others do not, a line each.
    """

    builds: tuple[Run, ...]
    problems: tuple[str, ...] = ()


class Builds(RunService):
    """Every build of a workspace. All calls may block: keep them off an event loop."""

    KIND = RunKind.FIRMWARE

    def __init__(self, services: RunServices, commits: Projects) -> None:
        """Know the builds.

        Args:
            commits: finds what is to be built.
        """
        super().__init__(services)
        self._projects = commits

    def start(
        self,
        project_id: uuid.UUID,
        *,
        commit: str | None = None,
        variant: Variant | None = None,
        dirty: bool = False,
        located: LocatedCommit | None = None,
        board: str = "auto",
        simulator: str = "auto",
        triggered_by: Trigger = Trigger.MANUAL,
        asked_by: str = "",
        proposal: Proposal | None = None,
    ) -> Run:
        """Ask for a build; it waits in the queue of this host.

        The project is synced first; where that cannot be, the build says so.

        Args:
            commit: a revision; None is what the project follows.
            variant: chip and configuration; None, or an empty chip, is the project's. The chip
                becomes the project's if that had none.
            dirty: build the project's folder as it is, with what is not committed.
            located: the commit as :meth:`Projects.commit` found it for several builds; then neither
                commit nor dirty is looked at.
            board: ``auto``, ``none``, a port, a serial URL or ``virtual:CHIP``.
            simulator: ``auto``, ``none`` or a simulator's name.
            triggered_by: what started it.
            asked_by: who asks: the check that does; empty for the user of this process.
            proposal: whose the commit is; None finds out.

        Raises:
            UsageError: the project is not active, its chip is not known, there is no such commit,
                or a choice makes no sense.
            ToolError: a snapshot of the folder cannot be made.
            AccessError: a board was asked for, for a commit that nobody approved.
            BoardError: the board that was asked for is not there.
            ConflictError: the project's source was changed meanwhile.
            StoreError: it cannot be written down (the disk is full).
        """
        from engine.simulators.base import find_simulators

        known = ("auto", "none", *(each.name for each in find_simulators()))
        if simulator not in known:
            meant = near(simulator, known)
            raise UsageError(
                f"simulator {simulator[:80]!r} is not one of {', '.join(known)}{meant}"
            )
        if variant is not None and variant.target:
            check_targets([variant.target])
        found = located or self._projects.commit(project_id, commit, dirty=dirty)
        project = projects.get_project(self._store, project_id)
        chip = (variant.target if variant else "") or project.target
        if not chip:
            lack = lack_of_chip(Path(project.clone_path), found.commit.sha, project.app)
            raise UsageError(f"{project.name}: {lack}")
        if not project.target:
            project = self._projects.edit(project_id, targets=[chip])
        whose = proposal or proposal_of(self._store, project, found)
        if whose.by and not whose.approved_by:
            if board not in ("auto", "none"):
                raise AccessError(
                    f"commit {found.commit.sha[:10]} is of {whose.by}: it reaches no board before "
                    "somebody approves it: build it with --board none, then espdeck approve BUILD"
                )
            board = "none"
        self._services.boards().choose(board, chip)
        self._services.wait_ready()
        git_objects.keep_commit(Path(project.clone_path), found.commit.sha, cancel=CancelToken())
        build = self._write_down(
            found,
            whose,
            Run(
                project_id=project.id,
                commit_sha=found.commit.sha,
                commit_message=found.commit.message,
                commit_author=found.commit.author,
                branch=whose.branch,
                proposed_by=whose.by,
                approved_by=whose.approved_by,
                target=chip,
                configuration=(
                    check_configuration(variant.configuration) if variant else project.configuration
                ),
                dirty=found.dirty,
                notes=[asdict(note) for note in found.notes],
                triggered_by=triggered_by,
                asked_by=asked_by or who_asks(),
                board=board,
                simulator=simulator,
                workflow_id=str(uuid.uuid4()),
            ),
        )
        return self._ask_for_run(build.number)

    def approve(self, number: int, by: str = "") -> Run:
        """Let the commit of a build reach boards, and build it again with one.

        Args:
            number: of a build of a pull request, of its newest commit.
            by: who approves it; empty for the user of this process.

        Returns:
            The new build.

        Raises:
            UsageError: there is no such build, or it is of the project's own commit.
            ConflictError: somebody approved it already, or there is a newer commit.
            EspdeckError: as :meth:`start`.
        """
        build = self.get(number)
        assert build.project_id is not None
        if not build.proposed_by:
            raise UsageError(f"build {number} is of the project's own commit: it needs no approval")
        if build.approved_by:
            raise ConflictError(f"{build.approved_by} approved build {number} already")
        if (newer := store_runs.proposed_since(self._store, build)) is not None:
            raise ConflictError(
                f"build {newer.number} is of a newer commit of {build.proposed_by}: approve that"
            )
        by = by or who_asks()
        whose = Proposal(build.proposed_by, build.branch, by, approved=number)
        found = self._projects.commit(build.project_id, build.commit_sha, fresh=False)
        variant = Variant(build.target, build.configuration)
        again = self.start(
            build.project_id,
            located=found,
            variant=variant,
            simulator=build.simulator,
            triggered_by=build.triggered_by,
            asked_by=by,
            proposal=whose,
        )
        if build.status is RunStatus.PENDING:
            with contextlib.suppress(UsageError):  # it began meanwhile
                self.cancel(number, reason=f"approved by {by}: built again with a board")
        return again

    def _write_down(self, found: LocatedCommit, whose: Proposal, build: Run) -> Run:
        """Write a new build of a commit down, and the approval that it comes of.

        Raises:
            ConflictError: somebody approved it already, or the source was changed meanwhile.
        """
        clone = found.project.clone_path
        if whose.approved is None:
            return store_runs.add_run(self._store, build, clone=clone)
        added = store_runs.add_approved_run(self._store, build, whose.approved, clone=clone)
        if added is None:
            raise ConflictError(f"build {whose.approved} is approved already")
        return added

    def skip(
        self, located: LocatedCommit, reason: str, *, triggered_by: Trigger, asked_by: str
    ) -> Run | None:
        """Note that a commit is not built, so that its status says so; None where it has a build.

        Raises:
            StoreError: it cannot be written down.
        """
        project, commit = located.project, located.commit
        if store_runs.runs_of_commit(self._store, project.id, commit.sha):
            return None
        now = utc_now()
        build = store_runs.add_run(
            self._store,
            Run(
                project_id=project.id,
                commit_sha=commit.sha,
                commit_message=commit.message,
                commit_author=commit.author,
                branch=project.branch or "",
                target=project.target,
                configuration=project.configuration,
                triggered_by=triggered_by,
                asked_by=asked_by,
                status=RunStatus.CANCELLED,
                error=reason,
                workflow_id=str(uuid.uuid4()),
                created_at=now,
                completed_at=now,
            ),
        )
        completed = RunCompleted(
            run_id=build.number,
            success=False,
            status=build.status,
            duration=0.0,
            result=reason,
            run=build.kind,
        )
        self._services.bus.publish(completed)
        self._changed(build)
        return build

    def check(self, project_id: uuid.UUID, commit: str | None = None) -> LocatedCommit:
        """See that a project can be built, for who wants no build that cannot come to anything.

        The project is synced first.

        Args:
            commit: as :meth:`start` takes it.

        Returns:
            What :meth:`start` takes as ``located``.

        Raises:
            ConflictError: it cannot be: it is not active, its clone or branch is not there, or
                the commit has nothing there that can be built.
            UsageError: there is no such project or commit.
            ToolError: the sources cannot be read.
        """
        from engine.projects.validation import lack_of_project
        from engine.toolchains import cmake_project_kind

        located = self._projects.commit(project_id, commit)
        project, sha = located.project, located.commit.sha
        lack = lack_of_project(project)
        clone = Path(project.clone_path)
        lists = str(PurePosixPath(project.app, cmake_project_kind.LISTS))
        if not lack and not git_objects.has_file(clone, sha, lists):
            found = find_app(clone, sha, project.app)
            lack = found if isinstance(found, str) else ""
        if lack:
            raise ConflictError(lack)
        return located

    def start_each(
        self,
        project_id: uuid.UUID,
        variants: Sequence[Variant],
        *,
        commit: str | None = None,
        dirty: bool = False,
        board: str = "auto",
        simulator: str = "auto",
    ) -> StartedBuilds:
        """Ask for a build of each variant, all of the same commit.

        Args:
            variants: one or more.
            commit, dirty, board, simulator: as :meth:`start` takes them.

        Raises:
            EspdeckError: no build could be asked for; why the first could not.
        """
        located = self._projects.commit(project_id, commit, dirty=dirty)
        builds: list[Run] = []
        problems: list[str] = []
        for variant in variants:
            try:
                build = self.start(
                    project_id,
                    variant=variant,
                    located=located,
                    board=board,
                    simulator=simulator,
                )
            except EspdeckError as error:
                if len(variants) == 1:
                    raise
                problems.append(f"{variant.label}: {error}")
            else:
                builds.append(build)
        if not builds:
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            raise UsageError(f"{problems[0]}{more}")
        return StartedBuilds(tuple(builds), tuple(problems))

    def choose_variants(
        self,
        project: Project,
        *,
        targets: Sequence[str] = (),
        configurations: Sequence[str] = (),
        every: bool = False,
        commit: str | None = None,
        dirty: bool = False,
    ) -> tuple[Variant, ...]:
        """The variants of a project that a person names, of its sources as they are now.

        Args:
            targets, configurations, every: as
                :func:`engine.builds.variant_choice.choose_variants` takes them.
            commit, dirty: as :meth:`start` takes them.

        Raises:
            UsageError: there is no such variant, or the chip is not known.
            ToolError: the project is not cloned.
        """
        from engine.builds.variant_choice import choose_variants

        if every or configurations or not (targets or project.target):
            project = self._projects.commit(project.id, None).project
        return choose_variants(
            self._projects,
            project,
            targets=targets,
            configurations=configurations,
            every=every,
            strict=commit is None and not dirty,
        )

    def unchanged_since(
        self,
        project_id: uuid.UUID,
        commit: str | None = None,
        *,
        variant: Variant | None = None,
    ) -> Run | None:
        """The last successful build, when nothing that it was made from has changed since.

        Args:
            commit, variant: as :meth:`start` has them.

        Returns:
            That build, None when there is something to build.

        Raises:
            UsageError: there is no such commit.
        """
        found = self._projects.commit(project_id, commit)
        project = found.project
        way = variant or Variant(project.target, project.configuration)
        wanted = (way.target or project.target, way.configuration)
        last = store_runs.last_successful(self._store, project.id, wanted, dirty=False)
        if last is None:
            return None
        clone = Path(project.clone_path)
        try:
            changed = touches(clone, project.app, last.commit_sha, found.commit.sha)
        except ToolError:  # its commit is gone: the project was cloned anew
            changed = True
        return None if changed else last

    def list(
        self,
        project_id: uuid.UUID | None = None,
        status: RunStatus | None = None,
        text: str = "",
        limit: int = 200,
        before: int | None = None,
        variant: tuple[str, str] | None = None,
        own: bool = False,
        *,
        branch: str | None = None,
        target: str | None = None,
        commit: str | None = None,
        after: int | None = None,
        oldest_first: bool = False,
        brief: bool = False,
    ) -> Sequence[Run]:
        """Builds, newest first, a page at a time (see :func:`engine.store.runs.list_runs`)."""
        return store_runs.list_runs(
            self._store,
            project_id=project_id,
            status=status,
            text=text,
            limit=limit,
            before=before,
            variant=variant,
            own=own,
            branch=branch,
            target=target,
            commit=commit,
            after=after,
            oldest_first=oldest_first,
            brief=brief,
        )

    def pipeline_of(self, build: Run) -> Pipeline:
        """The firmware's, for every build."""
        return FIRMWARE_PIPELINE

    def flashable(
        self,
        project_id: uuid.UUID | None = None,
        *,
        target: str | None = None,
        status: RunStatus | None = None,
        limit: int,
    ) -> Sequence[Run]:
        """Builds whose images may be flashed, newest first; their rows are brief.

        Args:
            target: only those for this chip.
        """
        from engine.images import image_file

        found = store_runs.list_runs(
            self._store,
            project_id=project_id,
            target=target,
            status=status,
            limit=limit,
            kept=image_file.FILE_NAME,
            brief=True,
        )
        return [each for each in found if each.approved_by or not each.proposed_by]

    def image(self, number: int) -> Image:
        """What a build is to be flashed with.

        What goes onto a board is read: it is what was built.

        Raises:
            NotFoundError: there is no such build.
            ConflictError: it kept no image.
            UsageError: that is gone or damaged.
            ToolError: only a store has it, which cannot be reached.
        """
        from engine.images import image_file

        self.get(number)
        artifact = self.artifact(number, image_file.FILE_NAME)
        if artifact is None:
            raise NotFoundError(f"build {number} kept no image (espdeck show {number})")
        for each in self.artifacts(number):
            if each.kind in FIRMWARE and each.kind not in (ArtifactKind.ELF, ArtifactKind.MAP):
                self._services.artifacts().whole(each)
        image = image_file.read(self.artifact_file(artifact))
        image_file.check_files(image)
        return image

    def flashed(self, number: int, image: Image, *, app_only: bool = False) -> Flashed:
        """What a board runs on which a build's image was flashed.

        Args:
            number: of the build.
            image: that it made.
            app_only: whether only its program is written.

        Raises:
            UsageError: there is no such build.
            AccessError: it is of a pull request that nobody approved.
            OSError: a part of the image cannot be read.
        """
        build = self.get(number)
        check_approved(build)
        project = projects.get_project(self._store, build.project_id) if build.project_id else None
        name = project.name if project else ""
        return flashed(image, number, project=name, commit=build.commit_sha, app_only=app_only)

    def partitions(self, number: int) -> tuple[Partition, ...]:
        """The partition table of a build; empty where its image has none.

        Raises:
            UsageError: there is no such build, or it kept no image.
            PartitionTableError: the table is one that ESP-IDF refuses.
        """
        from engine.images import partitions

        for part in self.image(number).parts:
            if part.kind is ArtifactKind.PARTITION_TABLE:
                return partitions.read(part.path)
        return ()

    def layout(self, number: int) -> FlashLayout:
        """Where a build has its partition table, and the flash that it is for.

        Raises:
            UsageError: there is no such build, or it kept no image.
        """
        from engine.images.flash_layout import FlashLayout
        from engine.images.partitions import PARTITION_TABLE_OFFSET

        image = self.image(number)
        tables = [each for each in image.parts if each.kind is ArtifactKind.PARTITION_TABLE]
        at = tables[0].offset if tables else PARTITION_TABLE_OFFSET
        return FlashLayout(table=at, flash_size=image.flash_size)

    def sizes(self, number: int) -> Sizes:
        """Where the bytes of a build's firmware are. Takes some 0.1 s, seconds for a large one.

        Raises:
            UsageError: there is no such build, or it kept nothing that tells.
            ToolError: only a store has it, which cannot be reached.
        """
        from engine.sizes.measure import measure

        build = self.get(number)
        kept = self.artifacts(number)
        if not kept:
            raise NotFoundError(f"build {number} has no sizes: it kept no files")
        files = {each.kind: self.artifact_file(each) for each in kept if each.kind in FIRMWARE}
        return measure(files, build.target)

    def compare(self, number: int, other: int) -> BuildComparison:
        """What differs between a build and another one of its project, which comes before it.

        Raises:
            UsageError: there is no such build, or they are of different projects.
        """
        from engine.builds.comparison import compare

        return compare(self._store, self.get(number), self.get(other), self.sizes)

    def compare_logs(self, number: int, other: int) -> Sequence[LogChange]:
        """What differs in the logs of a build and of one before it, stage by stage, bounded.

        Raises:
            UsageError: there is no such build.
        """
        from engine.builds.comparison import compare_logs

        return compare_logs(self._store, self.get(number), self.get(other))

    def with_program(self, sha256: str) -> Artifact | None:
        """The program that a build kept and whose ELF's SHA-256 begins with some digits.

        Args:
            sha256: as a panic prints it. Untrusted: fewer than :data:`SHA_DIGITS` hexadecimal
                digits name no program.

        Returns:
            The newest, None where there is none.
        """
        if len(sha256) < SHA_DIGITS or not set(sha256) <= set(string.hexdigits):
            return None
        return store_runs.program_with(self._store, sha256.lower())

    def newest_result(self, project: Project, branch: str | None = None) -> Run | None:
        """The newest build of a project, as it is built plainly, that succeeded or failed.

        Args:
            branch: that it is of; None for the one that the project follows.

        Returns:
            None where there is none.
        """
        wanted = (project.branch or "") if branch is None else branch
        variant = (project.target, project.configuration)
        return store_runs.newest_result(self._store, project.id, wanted, variant)

    def before(self, number: int) -> Run | None:
        """The last build of the same project, chip and configuration before this that succeeded.

        Raises:
            UsageError: there is no such build.
        """
        return store_runs.successful_before(self._store, self.get(number))
