"""Stores with a past: builds as the runner leaves them when they end."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from engine.builds import compile_times
from engine.builds.compile_times import CompileTimes
from engine.builds.outputs import Tested
from engine.builds.pipeline import FIRMWARE_PIPELINE
from engine.enums import ArtifactKind, CheckStatus, RunStatus, Severity, StageStatus
from engine.findings import Finding
from engine.images import image_file
from engine.images.image import FlashPart, Image, MemoryRegion
from engine.store import checks, projects, runs
from engine.store.database import Store
from engine.store.tables import Artifact, CheckResultRow, Project, Run, StageRow
from engine.testing.results import Outcome, TestCase, report_of

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
"""When the first build ended; each later one ended a minute after the one before."""

PASS, FAIL, IGNORE = Outcome.PASS, Outcome.FAIL, Outcome.IGNORE


class Past:
    """A store that is filled with builds of a project."""

    def __init__(self, folder: Path, name: str = "hub", began: datetime = NOON) -> None:
        self.folder = folder
        self._began = began
        self.store = Store(folder / "espdeck.db")
        self.project = projects.add_project(
            self.store, Project(name=name, source=f"/{name}", target="esp32c3")
        )

    @property
    def project_id(self) -> uuid.UUID:
        return self.project.id

    def build(
        self,
        status: RunStatus = RunStatus.SUCCESS,
        *,
        took: float | None = 10.0,
        commit: str = "a" * 40,
        target: str = "esp32c3",
        failed: Sequence[str] = (),
        errors: Sequence[tuple[str, str]] = (),
        attempt: int = 1,
        tests: Sequence[TestCase] | None = None,
        project: Project | None = None,
        message: str = "Read the humidity",
    ) -> int:
        """A build with its stages and findings.

        Args:
            failed: stages of the last attempt that failed; the others succeeded.
            errors: stage and code of each error.
        """
        number = runs.add_run(
            self.store,
            Run(
                project_id=(project or self.project).id,
                commit_sha=commit,
                commit_message=message,
                target=target,
                started_at=self._began,
            ),
        ).number
        for stage in FIRMWARE_PIPELINE.stages:
            row = StageRow(
                run_id=number, key=stage.key, agent=stage.role, phase=stage.phase, attempt=attempt,
                status=StageStatus.FAILED if stage.key in failed else StageStatus.SUCCESS,
            )  # fmt: skip
            runs.put_stage(self.store, row)
        for stage_key, code in errors:
            finding = Finding(severity=Severity.ERROR, code=code, message="it is wrong")
            runs.put_findings(self.store, number, stage_key, attempt, [finding])
        if tests is not None:
            self.keep_tests(number, tests)
        if status.is_final:
            runs.finish_run(self.store, number, status=status, took=took)
            self.end_at(number, self._began + timedelta(minutes=number))
        return number

    def end_at(self, number: int, at: datetime) -> None:
        with self.store.write() as session:
            session.get_one(Run, number).completed_at = at

    def check(
        self,
        status: CheckStatus,
        seconds: float,
        *,
        name: str = "doc_check",
        lab: bool = False,
        at: datetime = NOON,
    ) -> CheckResultRow:
        """A result of a check of the project, or of the lab as a whole."""
        row = CheckResultRow(
            check_name=name, project_id=None if lab else self.project_id, status=status, message="",
            timestamp=at, confirmed_at=at, duration_seconds=seconds,
        )  # fmt: skip
        return checks.add_result(self.store, row)

    def keep_tests(self, number: int, cases: Sequence[TestCase]) -> None:
        tested = Tested(
            ran_on="labwired", chip="", flash_size=None, expectations=(),
            report=report_of(cases, complete=True), lines=1, fault="", transcript="",
        )  # fmt: skip
        results: dict[str, Any] = {"test.simulator": asdict(tested)}
        runs.put_outcome(self.store, number, test_results=results, build_output="")

    def keep_image(self, number: int, size: int, *regions: MemoryRegion) -> None:
        folder = self._folder(number)
        (folder / "hub.elf").write_bytes(b"\x7fELF")
        (folder / "hub.bin").write_bytes(bytes(size))
        image = Image(
            target="esp32c3",
            elf=folder / "hub.elf",
            parts=(FlashPart(0x10000, folder / "hub.bin", ArtifactKind.APP),),
            regions=regions,
        )
        image_file.write(image, folder / image_file.FILE_NAME)
        self._keep(number, image_file.FILE_NAME)

    def keep_times(self, number: int, times: CompileTimes, attempt: int = 1) -> None:
        name = compile_times.file_name(attempt)
        compile_times.write(times, self._folder(number) / name)
        self._keep(number, name)

    def _folder(self, number: int) -> Path:
        folder = self.folder / "artifacts" / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        runs.set_artifacts_path(self.store, number, str(folder))
        return folder

    def _keep(self, number: int, name: str) -> None:
        row = Artifact(
            run_id=number, kind=ArtifactKind.REPORT, path=name, size=1, sha256="ab" * 32,
            stage="build", attempt=1,
        )  # fmt: skip
        runs.put_artifacts(self.store, number, [row])


def case(
    name: str, outcome: Outcome = PASS, seconds: float | None = None, file: str = ""
) -> TestCase:
    """A test as a report has it."""
    return TestCase(name, outcome, file, 0, seconds=seconds)


def fill_metrics(past: Past, text: Callable[[str], str] = str) -> None:
    """Twelve builds for two chips that take longer and grow, of which some failed.

    Args:
        text: what becomes of every text that comes from outside.
    """
    for number in range(1, 13):
        failed = number in (4, 9)
        build = past.build(
            RunStatus.FAILED if failed else RunStatus.SUCCESS,
            took=20.0 + 3 * number - (15 if number > 8 else 0),
            target="esp32c6" if number % 3 == 0 else "esp32c3",
            failed=["build"] if failed else (),
            errors=[("build", "compiler.error")] if failed else (),
            commit=f"{number:08x}" * 5,
            message=text(f"Read the humidity, take {number}"),
            tests=None if failed else [case("test_add", PASS, 0.5), case("test_sub", PASS, 0.25)],
        )
        if not failed:
            past.keep_image(
                build,
                150_000 + 1_000 * number,
                MemoryRegion(text("DRAM"), 9_000 + 100 * number, 327_680),
            )
            past.keep_times(build, CompileTimes({"main/main.c": number / 4}, number / 4, 0.5))
