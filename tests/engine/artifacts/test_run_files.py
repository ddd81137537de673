"""Files of artifacts: what several stages keep under one path, and what a retry leaves of it."""

from __future__ import annotations

import errno
import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

from engine.artifacts import run_files
from engine.enums import ArtifactKind, Phase, RunStatus, StageStatus
from engine.errors import EspdeckError
from engine.source import tree
from engine.store import retention, runs
from engine.store.database import Store
from engine.store.tables import Artifact, Run, StageRow


class Lab:
    """A run that has ended, and what its stages kept."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder / "espdeck.db")
        self.folder = folder / "artifacts"
        self.number = runs.add_run(self.store, Run(status=RunStatus.FAILED)).number
        self._source = folder / "made"

    def keep(
        self,
        stage: str,
        attempt: int,
        path: str,
        text: str,
        kind: ArtifactKind = ArtifactKind.REPORT,
    ) -> Path:
        self._source.write_text(text)
        row = self.row(stage, attempt)
        row.status = StageStatus.SUCCESS
        runs.put_stage(self.store, row)
        return run_files.keep(
            *(self.store, self.folder, self._source),
            run_id=self.number, stage=stage, attempt=attempt, kind=kind, path=path,
        )  # fmt: skip

    def row(self, stage: str, attempt: int) -> StageRow:
        return StageRow(
            run_id=self.number, key=stage, agent="A", phase=Phase.BUILD, attempt=attempt,
            status=StageStatus.FAILED,
        )  # fmt: skip

    def retry(self, *repeated: tuple[str, int], over: bool = False) -> None:
        runs.requeue_run(
            *(self.store, self.number, "again"),
            repeated=[self.row(*each) for each in repeated],
            repeats=None if over else {"run": "before", "steps": []},
        )
        run_files.settle(self.store, self.number, self.folder)

    @property
    def kept(self) -> dict[str, str]:
        rows = runs.artifacts_of(self.store, self.number)
        return {each.path: (self.folder / each.path).read_text() for each in rows}

    @property
    def superseded(self) -> dict[str, str]:
        """Text of what does not count any more, by who made it."""
        rows = runs.artifacts_of(self.store, self.number, superseded=True)
        return {
            f"{each.path} of {each.stage}#{each.attempt}": run_files.path_of(
                self.folder, each
            ).read_text()
            for each in rows
            if each.superseded
        }

    @property
    def on_disk(self) -> set[str]:
        files = (each for each in self.folder.rglob("*") if each.is_file())
        return {each.relative_to(self.folder).as_posix() for each in files}


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def test_what_is_kept_again_takes_the_place_of_what_was_there(lab: Lab) -> None:
    lab.keep("repair", 1, "fix.patch", "one")
    lab.keep("repair", 2, "fix.patch", "two")
    lab.keep("repair", 2, "fix.patch", "three")  # done again after an interruption

    (row,) = runs.artifacts_of(lab.store, lab.number)
    assert (row.stage, row.attempt, row.size) == ("repair", 2, len("three"))
    assert lab.kept == {"fix.patch": "three"}


def test_a_retry_of_the_later_stage_brings_back_what_the_earlier_one_kept(lab: Lab) -> None:
    lab.keep("repair", 1, "fix.patch", "one")
    lab.keep("repair", 1, "repair-1.md", "to be built")
    lab.keep("repair", 2, "repair-1.md", "it was worse")
    lab.keep("repair", 2, "fix.patch", "two")
    lab.keep("repair", 2, "repair-2.md", "gave up")

    lab.retry(("repair", 2))

    assert lab.kept == {"fix.patch": "one", "repair-1.md": "to be built"}
    assert lab.superseded == {
        "fix.patch of repair#2": "two",
        "repair-1.md of repair#2": "it was worse",
        "repair-2.md of repair#2": "gave up",
    }
    (row, _) = runs.artifacts_of(lab.store, lab.number)
    assert (row.stage, row.attempt) == ("repair", 1)


def test_of_several_that_are_superseded_the_last_one_left_comes_back(lab: Lab) -> None:
    for attempt in (1, 2, 3):
        lab.keep("build", attempt, "final/fw.elf", f"{attempt}")
    lab.keep("plan", 1, "plan.md", "plan")

    lab.retry(("build", 2), ("build", 3))
    assert lab.kept == {"final/fw.elf": "1", "plan.md": "plan"}

    lab.retry(("build", 1))
    assert lab.kept == {"plan.md": "plan"}
    assert lab.superseded == {f"final/fw.elf of build#{each}": f"{each}" for each in (3, 2, 1)}

    lab.keep("build", 4, "final/fw.elf", "4")
    assert lab.kept == {"final/fw.elf": "4", "plan.md": "plan"}
    assert len(lab.superseded) == 3


def test_of_unknown_stages_goes_what_there_is_when_a_run_starts_over(lab: Lab) -> None:
    lab.keep("", 0, "fix.patch", "of an earlier version")
    lab.keep("judge", 1, "quality.json", "{}")

    lab.retry(("judge", 1))
    assert lab.kept == {"fix.patch": "of an earlier version"}

    lab.keep("repair", 1, "fix.patch", "one")
    lab.retry(("judge", 1), over=True)
    assert lab.kept == {}
    assert lab.superseded == {
        "fix.patch of #0": "of an earlier version",
        "fix.patch of repair#1": "one",
        "quality.json of judge#1": "{}",
    }


def test_a_process_that_dies_as_a_file_is_put_aside_loses_none(lab: Lab) -> None:
    kept = lab.keep("repair", 1, "fix.patch", "one")
    lab.keep("repair", 2, "fix.patch", "two")
    with lab.store.write() as session:  # the row of the second was not written yet
        first, second = runs.artifacts_of(lab.store, lab.number, superseded=True)[::-1]
        session.delete(second)
        first.superseded = False
        session.add(first)
    kept.unlink()

    run_files.settle(lab.store, lab.number, lab.folder)

    assert lab.kept == {"fix.patch": "one"}


def test_a_process_that_dies_in_a_retry_loses_no_file(lab: Lab) -> None:
    lab.keep("repair", 1, "fix.patch", "one")
    lab.keep("repair", 2, "fix.patch", "two")
    runs.requeue_run(  # and the process dies, before any file is moved
        *(lab.store, lab.number, "again"),
        repeated=[lab.row("repair", 1), lab.row("repair", 2)],
        repeats={"run": "before", "steps": []},
    )
    before = {"fix.patch of repair#1": "one", "fix.patch of repair#2": "two"}
    assert lab.superseded == before

    lab.keep("repair", 3, "fix.patch", "new")
    assert lab.superseded == before
    run_files.settle(lab.store, lab.number, lab.folder)

    assert lab.superseded == before
    assert lab.kept == {"fix.patch": "new"}


def test_of_a_superseded_file_that_is_gone_no_other_one_is_shown(lab: Lab) -> None:
    lab.keep("repair", 1, "fix.patch", "one")
    lab.keep("repair", 2, "fix.patch", "two")
    shutil.rmtree(lab.folder / ".superseded")

    old = runs.artifacts_of(lab.store, lab.number, superseded=True)[1]
    assert not run_files.path_of(lab.folder, old).exists()


def test_a_withdrawn_path_has_no_artifact_that_counts(lab: Lab) -> None:
    lab.keep("repair", 1, "fix.patch", "one")
    lab.keep("repair", 2, "fix.patch", "two")

    runs.withdraw_artifact(lab.store, lab.number, "fix.patch")
    run_files.settle(lab.store, lab.number, lab.folder)

    assert lab.kept == {}
    assert len(lab.superseded) == 2


def test_firmware_of_a_repair_that_was_taken_back_gives_way_to_that_of_the_commit(lab: Lab) -> None:
    lab.keep("build", 1, "fw.elf", "of the commit")
    lab.keep("repair", 1, "repair-1.md", "tried")
    lab.keep("build", 2, "fw.elf", "worse")
    lab.keep("repair", 2, "fix.patch", "partly")
    lab.keep("judge", 1, "withdrawn.md", "no more")
    runs.withdraw_artifact(lab.store, lab.number, "withdrawn.md")

    runs.supersede_attempts(lab.store, lab.number, after=1, but=["repair"])
    run_files.settle(lab.store, lab.number, lab.folder)

    assert lab.kept == {
        "fw.elf": "of the commit", "repair-1.md": "tried", "fix.patch": "partly",
    }  # fmt: skip
    assert lab.superseded == {
        "fw.elf of build#2": "worse", "withdrawn.md of judge#1": "no more",
    }  # fmt: skip


def test_a_program_is_found_as_it_was_made_last(lab: Lab) -> None:
    lab.keep("build", 1, "fw.elf", "one", ArtifactKind.ELF)
    (first,) = runs.artifacts_of(lab.store, lab.number)
    lab.keep("build", 2, "fw.elf", "two", ArtifactKind.ELF)
    (second,) = runs.artifacts_of(lab.store, lab.number)

    before = runs.program_with(lab.store, first.sha256[:7])
    assert before is not None  # a board may still run it
    assert before.attempt == 1
    found = runs.program_with(lab.store, second.sha256[:7])
    assert isinstance(found, Artifact)
    assert found.attempt == 2
    assert retention.programs(lab.store) == {lab.number: second.sha256}


def test_a_file_that_cannot_be_copied_leaves_what_was_there(lab: Lab, tmp_path: Path) -> None:
    lab.keep("repair", 1, "fix.patch", "one")

    with pytest.raises(EspdeckError, match=r"fix\.patch: No such file"):
        run_files.keep(
            *(lab.store, lab.folder, tmp_path / "absent"),
            run_id=lab.number, stage="repair", attempt=2, kind=ArtifactKind.PATCH,
            path="fix.patch",
        )  # fmt: skip

    assert lab.kept == {"fix.patch": "one"}
    assert lab.on_disk == {"fix.patch"}


LARGE = "x" * 100_000


class Builds:
    """Several runs of one workspace."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(folder / "espdeck.db")

    def keep(self, text: str, kind: ArtifactKind = ArtifactKind.APP) -> Path:
        """Keep a file in a run of its own."""
        number = runs.add_run(self.store, Run(status=RunStatus.SUCCESS)).number
        folder = self.folder / "artifacts" / str(number)
        runs.set_artifacts_path(self.store, number, str(folder))
        source = self.folder / "made"
        source.write_text(text)
        return run_files.keep(
            *(self.store, folder, source),
            run_id=number, stage="build", attempt=1, kind=kind, path="kept",
        )  # fmt: skip


@pytest.fixture
def builds(tmp_path: Path) -> Builds:
    return Builds(tmp_path)


def test_the_same_file_of_several_runs_lies_on_the_disk_once(builds: Builds) -> None:
    kept = [builds.keep(LARGE) for _ in range(10)]
    other = builds.keep(LARGE + "y")

    assert len({each.stat().st_ino for each in kept}) == 1
    assert not other.samefile(kept[0])
    assert tree.size(builds.folder / "artifacts") < 4 * len(LARGE)

    for each in kept[:-1]:
        each.unlink()
    assert kept[-1].read_text() == LARGE


def test_a_shared_file_that_is_kept_again_leaves_no_other_name(builds: Builds) -> None:
    kept = builds.keep(LARGE)
    number = int(kept.parent.name)
    again = run_files.keep(
        *(builds.store, kept.parent, builds.folder / "made"),
        run_id=number, stage="build", attempt=1, kind=ArtifactKind.APP, path="kept",
    )  # fmt: skip
    assert list(kept.parent.iterdir()) == [again]


def test_texts_have_a_file_each_which_may_be_changed(builds: Builds) -> None:
    first, second = (builds.keep(LARGE, ArtifactKind.REPORT) for _ in range(2))
    assert not first.samefile(second)
    assert first.stat().st_mode & 0o200


def test_shared_files_cannot_be_written_to(builds: Builds) -> None:
    assert builds.keep(LARGE).stat().st_mode & 0o777 == 0o400


def test_a_damaged_file_is_shared_with_nobody(builds: Builds) -> None:
    first = builds.keep(LARGE)
    first.chmod(0o600)
    first.write_text("damaged")
    second = builds.keep(LARGE)
    third = builds.keep(LARGE)
    assert second.read_text() == LARGE
    assert third.samefile(second)


def test_a_file_that_goes_meanwhile_is_copied(builds: Builds) -> None:
    builds.keep(LARGE).unlink()
    assert builds.keep(LARGE).read_text() == LARGE


def test_without_links_files_are_copied(builds: Builds, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_names: Path) -> None:
        raise OSError(errno.EMLINK, "Too many links")

    monkeypatch.setattr(os, "link", refuse)
    first, second = builds.keep(LARGE), builds.keep(LARGE)
    assert not first.samefile(second)
    assert second.read_text() == LARGE


def test_what_is_freed_is_what_has_no_other_name(builds: Builds) -> None:
    first, second = builds.keep(LARGE), builds.keep(LARGE)
    gone: Counter[tuple[int, int]] = Counter()
    assert tree.size_freed(first.parent, gone) < len(LARGE)
    assert tree.size_freed(second.parent, gone) >= len(LARGE)
