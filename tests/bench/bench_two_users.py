"""Two users flash one board at the same time, 24 rounds: none fails, none hears the other's."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from engine.boards.virtual.board import VirtualBoard
from tests.engine.boards.two_users import play, two_images
from tests.firmware import build_firmware

ROUNDS = 24


def main() -> None:
    if os.geteuid() != 0:
        print("two users on one board: not run, only root can be two users")
        return
    with tempfile.TemporaryDirectory(prefix="espdeck-bench-") as name:
        folder = Path(name)
        images = two_images(build_firmware("hello", folder / "firmware"), folder)
        with VirtualBoard(folder=folder / "board") as board:
            started = time.monotonic()
            seen = play(folder, board, images, ROUNDS)
            seconds = time.monotonic() - started
    print(f"{ROUNDS} rounds of 2 users in {seconds:.0f} s")
    print(f"failed {len(seen.failed)}, another's firmware heard {len(seen.strange)}")
    print(f"waited for the other {len(seen.waits)} times")
    assert not seen.failed + seen.strange, [*seen.failed, *seen.strange]


if __name__ == "__main__":
    main()
