"""Two users of one machine, each with a workspace, and one board; the long form is a benchmark."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.boards.virtual.board import VirtualBoard
from engine.images.image import Image
from tests.engine.boards.two_users import play, two_images
from tests.users import ADA, BOB, needs_root

pytestmark = pytest.mark.slow


@needs_root
def test_two_users_flash_one_board_at_once_and_each_hears_its_own_firmware(
    tmp_path: Path, virtual_board: VirtualBoard, built_sample: Callable[[str], Image]
) -> None:
    seen = play(tmp_path, virtual_board, two_images(built_sample("hello"), tmp_path), 2)

    assert (seen.failed, seen.strange) == ([], [])
    assert seen.waits
    for line in seen.waits:
        assert re.fullmatch(
            rf"waiting for /dev/pts/\d+: build 12 of user ({ADA}|{BOB}) \(process \d+\) holds it",
            line,
        )
