"""A build as the runner sees it: a commit in a worktree, the firmware agents, the boards."""

from __future__ import annotations

import contextlib
import functools
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from engine.artifacts import run_files
from engine.boards.service import Boards
from engine.builds.context import Agent, BuildContext
from engine.builds.outputs import Compiled, Tested, Verdict
from engine.builds.pipeline import FIRMWARE_PIPELINE
from engine.cancel import CancelToken
from engine.enums import ArtifactKind, Role, RunStatus, StageStatus, VerdictWord
from engine.errors import ToolError, UsageError
from engine.events import RunStarted
from engine.files import read_file
from engine.findings import Finding
from engine.images import image_file
from engine.images.image import Image
from engine.plugins import registered
from engine.projects.slots import Slots
from engine.projects.worktrees import Slot, build_name
from engine.runs.pipeline import Outcome, StageContext, StageResult
from engine.runs.proposals import not_approved
from engine.settings import SettingsSource
from engine.store import logs, projects, runs
from engine.store.database import Store
from engine.store.tables import Run

_COMPILE = "build"
_NEED_WHAT_WAS_COMPILED = (Role.TESTER, Role.DOCTOR, Role.QA)

_MAX_MARK = 100
_OUTPUT_TAIL = 64 << 10
_OUTPUT_LINES = 2000


@functools.cache
def find_agent(role: str) -> Agent:
    """The agent of a firmware role (entry points ``espdeck.agents``), loaded when it is needed.

    What agents bring, such as parsers of compilers' output, is much of what an engine can load.
    """
    points = {point.name: point for point in registered("espdeck.agents")}
    agent: Agent = points[role].load()
    return agent


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
        self._compiling = threading.Lock()
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
        with self._deps.slots.take(
            Path(self._project.clone_path),
            self._build.commit_sha,
            build=self._build_name,
            run=self._build.number,
            cancel=cancel,
        ) as self._slot:
            yield self._slot.source

    def apply_patch(self, patch: str) -> None:
        """Make the worktree what DEVELOPER wants it to be."""
        self._held.become(patch)

    def do(self, context: StageContext) -> StageResult:
        """Let the role's agent do it, with what was compiled before in its place."""
        build = self._build
        firmware = BuildContext(
            stage=context,
            project=self._project,
            target=build.target,
            board="none" if build.is_held else build.board,
            held=build.is_held,
            simulator=build.simulator,
            build_dir=self._held.folder / self._build_name,
            configuration=build.configuration,
            notes=tuple(Finding.from_json(note) for note in build.notes),
            slot=self._held,
            boards=self._deps.boards,
            image_before=self._image_before,
            commit_before=self._commit_before,
            commit=build.commit_sha,
        )
        if build.is_held and context.definition.key == "test.board":
            # Whatever an earlier process planned.
            return StageResult(
                status=StageStatus.SKIPPED, summary=f"no board: {not_approved(build)}"
            )
        if context.definition.role == Role.BUILDER:
            return self._compile(firmware)
        if context.definition.role in _NEED_WHAT_WAS_COMPILED:
            self._find_compiled(firmware)
        return find_agent(context.definition.role)(firmware)

    def _compile(self, context: BuildContext) -> StageResult:
        """Let BUILDER compile, and write down whose the build folder is now."""
        mark = self._mark
        mark.unlink(missing_ok=True)
        result = find_agent(Role.BUILDER)(context)
        if result.status is StageStatus.SUCCESS:
            mark.write_text(self._marked(context), "ascii")
        return result

    def _find_compiled(self, context: BuildContext) -> None:
        """Compile again where what this attempt compiled is gone.

        A stage that goes on, or is done again, may find that another build had the folder, or that
        it or the artifacts were deleted.

        Raises:
            ToolError: it cannot be compiled any more.
        """
        result = context.stage.results.get(_COMPILE)
        if result is None or not isinstance(result.output, Compiled):
            return  # it did not compile
        image = result.output.image
        with self._compiling:  # stages that run at once
            files = [image.elf, *(part.path for part in image.parts)]
            if self._is_marked(context) and all(path.is_file() for path in files):
                return
            context.stage.report.log("what was compiled is gone: compiling it again")
            stage = replace(context.stage, definition=FIRMWARE_PIPELINE.stage(_COMPILE))
            again = self._compile(replace(context, stage=stage))
            if again.status is not StageStatus.SUCCESS:
                raise ToolError(f"what was compiled is gone and does not compile: {again.summary}")

    @property
    def _mark(self) -> Path:
        """The file that says which attempt of which build the build folder is of."""
        return self._held.folder / f"{self._build_name}.run"

    def _is_marked(self, context: BuildContext) -> bool:
        try:
            found = read_file(self._mark, _MAX_MARK)
        except OSError:
            return False
        return context.build_dir.is_dir() and found == self._marked(context).encode()

    def _marked(self, context: BuildContext) -> str:
        stage = context.stage
        return f"{self._build.number}#{stage.made_in.get(_COMPILE, stage.attempt)}"

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

    def close(self, results: Mapping[str, StageResult], made_in: Mapping[str, int]) -> None:
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
        with contextlib.suppress(OSError):  # nothing was repaired, or the record is gone
            record = (folder / name).read_text("utf-8")
            with tempfile.TemporaryDirectory(prefix="espdeck-") as aside:
                file = Path(aside) / name
                file.write_text(repair_report.told_success(record, attempt, results), "utf-8")
                run_files.keep(
                    *(self._deps.store, folder, file),
                    run_id=build.number,
                    stage=stage.key,
                    attempt=attempt - 1,
                    kind=ArtifactKind.REPORT,
                    path=name,
                )

    @property
    def _build_name(self) -> str:
        build = self._build
        return build_name(str(self._project.id), build.target, build.configuration)

    @property
    def _held(self) -> Slot:
        assert self._slot is not None
        return self._slot

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
