"""A build as the runner sees it: a commit in a worktree, the firmware agents, the boards."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.artifacts import run_files
from engine.boards.service import Boards
from engine.builds.firmware_stages import FirmwareOrder, FirmwareStages
from engine.builds.outputs import Tested, Verdict
from engine.builds.pipeline import FIRMWARE_PIPELINE
from engine.cancel import CancelToken
from engine.enums import ArtifactKind, Role, RunStatus, StageStatus, VerdictWord
from engine.errors import UsageError
from engine.events import RunStarted
from engine.findings import Finding
from engine.images import image_file
from engine.images.image import Image
from engine.projects.slots import Slots
from engine.projects.worktrees import Slot
from engine.runs.pipeline import Outcome, StageContext, StageResult
from engine.runs.proposals import not_approved
from engine.settings import SettingsSource
from engine.store import logs, projects, runs
from engine.store.database import Store
from engine.store.tables import Run

_COMPILE = "build"
_OUTPUT_TAIL = 64 << 10
_OUTPUT_LINES = 2000


@dataclass(frozen=True, slots=True)
class BuildDeps:
    """What builds are made with; one for each engine."""

    store: Store
    settings: SettingsSource
    boards: Boards
    slots: Slots


class BuildRun:
    """One build: see :class:`engine.runs.pipeline.Work`."""

    pipeline = FIRMWARE_PIPELINE

    def __init__(self, deps: BuildDeps, build: Run) -> None:
        assert build.project_id is not None
        self._deps = deps
        self._build = build
        self._project = projects.get_project(deps.store, build.project_id)
        self._slot: Slot | None = None
        self._stages: FirmwareStages | None = None
        self.max_repeats = deps.settings().max_iterations

    def started(self) -> RunStarted:
        """Which commit of which project, for which chip."""
        build = self._build
        return RunStarted(
            project=self._project.name,
            commit=build.commit_sha,
            target=build.target,
            project_path=self._project.clone_path,
        )

    @contextlib.contextmanager
    def workspace(self, cancel: CancelToken) -> Iterator[Path]:
        """A build slot with a worktree of the commit."""
        build, order = self._build, self._order
        with self._deps.slots.take(
            Path(self._project.clone_path),
            build.commit_sha,
            build=order.build_name,
            run=build.number,
            cancel=cancel,
        ) as slot:
            self._slot = slot
            self._stages = FirmwareStages(order, slot, self._deps.boards)
            yield slot.source

    def apply_patch(self, patch: str, attempt: int) -> None:
        """Make the worktree what DEVELOPER wants it to be."""
        assert self._slot is not None
        self._slot.become(patch)

    def do(self, context: StageContext) -> StageResult:
        """Let the role's agent do it."""
        if self._build.is_held and context.definition.key == "test.board":
            # Whatever an earlier process planned.
            return StageResult(
                status=StageStatus.SKIPPED, summary=f"no board: {not_approved(self._build)}"
            )
        assert self._stages is not None
        return self._stages.do(context)

    def outcome(
        self, results: Mapping[str, StageResult], own: Mapping[str, StageResult]
    ) -> Outcome:
        """Accepted, or what of the failures of its own commit says most.

        What repairs broke besides is told with their attempts.
        """
        if _failed(results):
            results = own
        failed = _failed(results)
        judged = results.get("judge")
        verdict = judged.output if judged is not None else None
        if not failed:
            assert isinstance(verdict, Verdict)
            return Outcome(RunStatus.SUCCESS, verdict.text, verdict.word)
        # A diagnosis says most, then what was judged last; that nothing could repair it, least.
        causes = [key for key in failed if FIRMWARE_PIPELINE.stage(key).role == Role.DOCTOR]
        why = failed[(causes or list(failed))[-1]].summary
        word = VerdictWord.BLOCKED if isinstance(verdict, Verdict) else ""
        return Outcome(RunStatus.FAILED, why, word, is_own=True)

    def close(
        self,
        outcome: Outcome,
        results: Mapping[str, StageResult],
        made_in: Mapping[str, int],
    ) -> None:
        """Keep what the tests came to, and the end of the compiler's output, with the build; of one
        that a repair made succeed, how that went with its record."""
        tested = {
            key: _for_people(result.output)
            for key, result in results.items()
            if isinstance(result.output, Tested)
        }
        runs.put_outcome(
            self._deps.store,
            self._build.number,
            test_results=tested or None,
            build_output=self._build_output(made_in.get(_COMPILE)),
        )
        if not _failed(results):
            self._tell_success(results, max(made_in.values(), default=1))

    def _tell_success(self, results: Mapping[str, StageResult], attempt: int) -> None:
        from engine.builds.agents import repair_report

        build = runs.get_run(self._deps.store, self._build.number)  # the row has its folder now
        folder, name = Path(build.artifacts_path), f"repair-{attempt - 1}.md"
        stage = next(stage for stage in self.pipeline.stages if stage.back_to)
        try:
            record = (folder / name).read_text("utf-8")
        except (OSError, ValueError):
            return  # nothing was repaired, or the record is gone
        run_files.try_keep_text(
            *(self._deps.store, folder, repair_report.told_success(record, attempt, results)),
            run_id=build.number,
            stage=stage.key,
            attempt=attempt - 1,
            kind=ArtifactKind.REPORT,
            path=name,
        )

    @property
    def _order(self) -> FirmwareOrder:
        build = self._build
        return FirmwareOrder(
            project=self._project,
            commit=build.commit_sha,
            target=build.target,
            configuration=build.configuration,
            board="none" if build.is_held else build.board,
            simulator=build.simulator,
            held=build.is_held,
            notes=tuple(Finding.from_json(note) for note in build.notes),
            image_before=self._image_before,
            commit_before=self._commit_before,
        )

    def _image_before(self) -> Image | None:
        before = runs.successful_before(self._deps.store, self._build)
        if before is None:
            return None
        try:
            return image_file.read(Path(before.artifacts_path) / image_file.FILE_NAME)
        except UsageError:
            return None  # its files were deleted

    def _commit_before(self) -> str:
        before = runs.successful_before(self._deps.store, self._build)
        return before.commit_sha if before is not None else ""

    def _build_output(self, attempt: int | None) -> str:
        """The end of what the compiler printed in an attempt; in the last where it did not end."""
        store = self._deps.store
        keys = [
            key
            for key in logs.logs_of(store, self._build.number)
            if key.stage == _COMPILE and attempt in (None, key.attempt)
        ]
        if not keys:
            return ""
        first = logs.line_count(store, keys[-1]) - _OUTPUT_LINES
        text = "\n".join(logs.read_lines(store, keys[-1], max(0, first)))
        return text[-_OUTPUT_TAIL:]


def _failed(results: Mapping[str, StageResult]) -> dict[str, StageResult]:
    """Stages that failed, but for those that repair."""
    return {
        key: result
        for key, result in results.items()
        if result.status is StageStatus.FAILED and not FIRMWARE_PIPELINE.stage(key).back_to
    }


def _for_people(tested: Tested) -> dict[str, Any]:
    results = asdict(tested)
    for name in ("transcript", "panics"):  # the serial log has all of it
        del results[name]
    return results
