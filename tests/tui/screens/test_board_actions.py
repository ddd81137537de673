"""Boards on the screen."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.boards.board_files import DEFAULT_BAUD, Flashed
from engine.images.image import Image
from tests.tui.workspaces import fill, keep_image, running

VIRTUAL = "virtual:esp32c3"

pytestmark = [pytest.mark.xdist_group("bench-screens"), pytest.mark.slow]


async def test_a_board_is_reserved_and_given_back(tmp_path: Path) -> None:
    async with running(tmp_path, size=(120, 24), boards=("/dev/ttyUSB77",)) as story:
        await story.press("B")
        await story.sees("/dev/ttyUSB77")
        await story.press("u")
        await story.sees("is not reserved")
        await story.press("r")
        await story.sees("Builds wait until you give it back")
        await story.type("scope attached")
        await story.press("enter")
        await story.sees(f"{getpass.getuser()} until", "scope attached")
        await story.press("u")
        await story.until(lambda: f"{getpass.getuser()} until" not in story.text())
        await story.press("f")
        await story.sees("no build has kept an image: build one first")
        await story.press("enter")
        await story.sees("no such port")


async def test_a_board_is_named_and_found_by_its_name(tmp_path: Path) -> None:
    async with running(tmp_path, size=(120, 24), boards=("/dev/ttyUSB77",)) as story:
        await story.press("B")
        await story.sees("/dev/ttyUSB77")
        await story.press("n")
        await story.sees("Name /dev/ttyUSB77")
        await story.type("desk")
        await story.press("tab")
        await story.type("left of the scope")
        await story.press("enter")
        await story.sees("desk (/dev/ttyUSB77)", "left of the scope")
        await story.press("P")
        await story.sees("no power_command")


@pytest.mark.slow
async def test_a_board_is_flashed_with_a_build_looked_into_and_erased(
    tmp_path: Path, built_sample: Callable[[str], Image]
) -> None:
    fill(tmp_path, count=2)
    keep_image(tmp_path, 1, built_sample("hello"))
    async with running(tmp_path, size=(120, 24), boards=(VIRTUAL,)) as story:
        await story.press("B")
        await story.sees(VIRTUAL)
        await story.press("c")
        await story.sees("nothing is done with")
        await story.press("f")
        await story.sees(f"Flash which build on {VIRTUAL}?", "build 1  sensor-hub")
        assert "build 2" not in story.text()  # it kept no image
        await story.press("enter")
        await story.sees("build 1 flashed", timeout=30)
        assert story.app.engine is not None
        assert story.app.engine.boards.board_files(VIRTUAL).flashed == Flashed(
            build=1, baud=DEFAULT_BAUD
        )

        await story.press("i")
        await story.sees("is an esp32c3", "flash 4.0 MiB", timeout=30)
        await story.press("p")
        await story.sees("no partition table at 0x8000", timeout=30)
        await story.press("e")
        await story.sees("GROUP", "BLOCK_KEY0", timeout=30)
        await story.press("escape")

        await story.press("E")
        await story.sees("Erase all flash of virtual:esp32c3?")
        await story.type("virtual")
        await story.press("enter")
        await story.sees("nothing was erased")
        await story.press("E")
        await story.sees("Erase all flash of virtual:esp32c3?")
        await story.type(VIRTUAL)
        await story.press("enter")
        await story.sees(f"{VIRTUAL}: erased", timeout=30)

        await story.press("enter")
        await story.sees("invalid header: 0xffffffff", timeout=30)


async def test_a_build_that_kept_no_image_is_not_offered(tmp_path: Path) -> None:
    fill(tmp_path, count=2)
    async with running(tmp_path, boards=(VIRTUAL,)) as story:
        await story.press("B")
        await story.sees(VIRTUAL)
        await story.press("f")
        await story.sees("no build for esp32c3 has kept an image: build one first")


@pytest.mark.slow
async def test_the_marked_boards_are_flashed_at_once(
    tmp_path: Path, built_sample: Callable[[str], Image]
) -> None:
    fill(tmp_path, count=1)
    keep_image(tmp_path, 1, built_sample("hello"))
    others = (f"{VIRTUAL}-2", f"{VIRTUAL}-3")
    async with running(tmp_path, size=(120, 24), boards=(VIRTUAL, *others)) as story:
        await story.press("B")
        await story.sees(others[1])
        await story.press("j", "m", "m", "g")
        await story.press("f")
        await story.sees("Flash which build on 2 boards?")
        await story.press("enter")
        await story.sees(*(f"{name}: build 1 flashed" for name in others), timeout=60)
        assert story.app.engine is not None
        files_of = story.app.engine.boards.board_files
        assert [files_of(name).flashed for name in others] == [
            Flashed(build=1, baud=DEFAULT_BAUD)
        ] * 2
        assert files_of(VIRTUAL).flashed is None
