"""A known-good image on virtual boards, flashed by the real esptool: who passes, who is spared."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.boards.capabilities import FlashOptions
from engine.cancel import CancelToken
from engine.checks import known_good
from engine.checks.base import CheckResult
from engine.checks.board_check import BoardCheck
from engine.enums import ArtifactKind, CheckStatus, RunStatus
from engine.errors import UsageError
from engine.images import image_file
from engine.images.image import Image
from engine.settings import BoardSettings
from engine.store import boards as board_rows
from engine.store import runs
from engine.store.tables import Artifact, BoardRow, Project, Run
from tests.engine.checks.lab_yard import LabYard
from tests.engine.git_repos import commit

pytestmark = pytest.mark.slow  # a board is flashed

CHECK = BoardCheck()
BOARD = "virtual:esp32c3"
HELLO = {"espdeck.toml": 'expect = ["hello from espdeck"]\nbaud = 921600\ntimeout = 5\n'}


class Bench:
    """A lab with one virtual board, and a project with a build that is known to work."""

    def __init__(self, folder: Path, image: Image, board: str = BOARD) -> None:
        self.image = image
        self.board = board
        self.yard = LabYard(folder / "workspace", [board])
        commit(folder / "blink", HELLO)
        self.source = folder / "blink"
        self.project: Project = self.yard.add(self.source)
        self.means("blink")

    def means(self, text: str) -> None:
        self.yard.set(board={self.board: BoardSettings(known_good=text)})

    def build(self, image: Image | None = None, **how: Any) -> int:
        """A build that succeeded; what it made."""
        image = image or self.image
        run = runs.add_run(
            self.yard.store,
            Run(
                project_id=self.project.id,
                commit_sha=self.project.tip,
                target=image.target,
                status=RunStatus.SUCCESS,
                **how,
            ),
        )
        folder = self.yard.folder / "artifacts" / str(run.number)
        folder.mkdir(parents=True)
        for file in (image.elf, *(part.path for part in image.parts)):
            shutil.copy(file, folder)
        image_file.write(image, folder / image_file.FILE_NAME)
        kept = Artifact(
            run_id=run.number,
            kind=ArtifactKind.REPORT,
            path=image_file.FILE_NAME,
            size=1,
            sha256="ab" * 32,
        )
        runs.put_artifacts(self.yard.store, run.number, [kept])
        runs.set_artifacts_path(self.yard.store, run.number, str(folder))
        return run.number

    def look(self, **how: Any) -> CheckResult:
        self.yard.boards.start(CancelToken())
        return self.yard.look(CHECK, **how)

    def find(self, text: str) -> known_good.KnownGood:
        settings = BoardSettings(known_good=text)
        return known_good.find(self.yard.builds, self.yard.projects, settings, "esp32c3")

    def said(self, found: CheckResult) -> str:
        return str(found.details["boards"][0]["known_good"])

    @property
    def row(self) -> BoardRow:
        return board_rows.get_board(self.yard.store, self.board)

    def runs_on_it(self) -> str:
        return self.yard.boards.list()[0].runs


@pytest.fixture
def bench(tmp_path: Path, built_sample: Callable[[str], Image]) -> Iterator[Bench]:
    bench = Bench(tmp_path, built_sample("hello"))
    yield bench
    bench.yard.close()


def test_a_board_that_works_stays_in_the_pool_and_is_flashed_once_a_day(bench: Bench) -> None:
    number = bench.build()
    found = bench.look()
    assert (found.status, bench.said(found)) == (CheckStatus.SUCCESS, f"blink #{number} works")
    assert bench.runs_on_it().startswith(f"blink #{number}")
    first = bench.row.known_good_at
    assert first == bench.yard.now

    assert bench.said(bench.look()).startswith(f"blink #{number} was tried at")
    # One that left the pool is listened to again, and not written.
    bench.yard.boards.take_from_pool(BOARD, f"blink #{number} printed nothing", bench.yard.now)
    assert bench.look().status is CheckStatus.SUCCESS
    assert (bench.row.out_of_pool, bench.row.known_good_at) == ("", first)


def test_a_board_that_fails_leaves_the_pool_and_comes_back_when_it_passes(bench: Bench) -> None:
    number = bench.build()
    commit(bench.source, {"espdeck.toml": 'expect = ["ready for take-off"]\ntimeout = 1\n'})
    bench.yard.projects.sync(bench.project.id)
    bench.project = bench.yard.projects.wait(bench.project.id)
    failing = bench.build()

    found = bench.look()
    why = f"blink #{failing} never printed 'ready for take-off'; its last line was"
    assert found.status is CheckStatus.ERROR
    assert why in found.message
    assert bench.row.out_of_pool.startswith(why)
    assert bench.row.out_since == bench.yard.now
    assert bench.yard.boards.choose("auto", "esp32c3") == ()
    assert bench.yard.boards.choose(BOARD, "esp32c3") == (BOARD,)

    # What is on it is listened to again; nothing is written within a day.
    written = bench.row.known_good_at
    bench.look()
    assert bench.row.known_good_at == written
    assert bench.row.out_of_pool.startswith(why)
    bench.means(f"blink#{number}")
    found = bench.look(after=60 * 24)
    assert found.status is CheckStatus.SUCCESS
    assert bench.yard.boards.choose("auto", "esp32c3") == (BOARD,)


def test_what_a_person_flashed_stays_for_a_day(bench: Bench) -> None:
    bench.build()
    with bench.yard.boards.use(
        BOARD, cancel=CancelToken(), on_wait=print, purpose="ada", holder="ada"
    ) as board:
        board.flash.write(
            bench.image, FlashOptions(), on_output=print, on_progress=print, timeout=60
        )
    by_hand = bench.row.by_hand_at
    assert by_hand is not None
    bench.yard.now = by_hand

    assert bench.said(bench.look()).startswith("skipped: a person flashed it at")
    assert bench.row.known_good_at is None
    bench.look(after=60 * 24)
    assert bench.row.known_good_at is not None


def test_while_builds_wait_a_board_is_theirs(bench: Bench) -> None:
    bench.build()
    bench.yard.builds.start(bench.project.id)
    assert bench.said(bench.look()) == "waits for 1 build"
    assert bench.row.known_good_at is None


@pytest.mark.parametrize(
    ("means", "why"),
    [
        ("blink", "blink has no successful build for esp32c3"),
        ("blink#1", "build 1 is for esp32c6, not for esp32c3"),
        ("blink #1", "build 1 is for esp32c6, not for esp32c3"),
        ("blink#2", "build 2 kept no image"),
        ("blink#99", "no build 99"),
        ("other#1", "no project 'other'"),
        ("other", "no project 'other'"),
        ("spare#1", "build 1 is not a build of spare"),
        ("#1", "no project '#1'"),
    ],
)
def test_a_build_that_is_not_for_the_board_is_never_meant(
    bench: Bench, means: str, why: str
) -> None:
    bench.build(replace(bench.image, target="esp32c6"))
    runs.add_run(bench.yard.store, Run(project_id=bench.project.id, target="esp32c3"))
    bench.yard.add(bench.source, name="spare")
    with pytest.raises(UsageError, match=why):
        known_good.find(
            bench.yard.builds, bench.yard.projects, BoardSettings(known_good=means), "esp32c3"
        )


def test_the_newest_is_one_of_a_commit_that_succeeded(bench: Bench) -> None:
    number = bench.build()
    bench.build(dirty=True)
    runs.add_run(bench.yard.store, Run(project_id=bench.project.id, target="esp32c3"))
    found = known_good.find(
        bench.yard.builds, bench.yard.projects, BoardSettings(known_good="blink"), "esp32c3"
    )
    assert found.build.number == number
    assert found.manifest.expect == ("hello from espdeck",)


@pytest.mark.parametrize("security", ["encryption"])
def test_a_board_that_is_protected_for_good_is_left_alone(
    tmp_path: Path, built_sample: Callable[[str], Image], security: str
) -> None:
    board = f"virtual:esp32c3?security={security}"
    bench = Bench(tmp_path, built_sample("hello"), board)
    bench.build()
    found = bench.look()
    assert bench.said(found).startswith("skipped: permanently protected by ")
    assert bench.row.known_good_at is None
    bench.yard.close()
