"""Eight boards at once, and cables that are pulled at any moment: nothing is lost or stuck.

``python -m tests.bench boards`` does the same two hundred times.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from engine.boards import reconnecting
from engine.boards.service import Boards
from engine.boards.virtual.board import VirtualBoard
from engine.monitor.sessions import sessions
from engine.store.database import Store
from tests.engine.boards.cable import Cable
from tests.engine.boards.unplugging import CHATTER, unplug_at_random
from tests.firmware import build_firmware

pytestmark = pytest.mark.slow


@pytest.fixture
def cables(tmp_path: Path) -> Iterator[list[Cable]]:
    with ExitStack() as stack:
        boards = [
            stack.enter_context(VirtualBoard(folder=tmp_path / f"board-{n}")) for n in range(8)
        ]
        cables = [Cable(board.url) for board in boards]
        yield cables
        for cable in cables:
            cable.unplug()


def test_eight_boards_are_flashed_and_watched_while_cables_are_pulled(
    cables: list[Cable], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconnecting, "REPLUG_POLL_SECONDS", 0.05)
    image = build_firmware("hello", tmp_path / "firmware", CHATTER)
    boards = Boards((), tmp_path / "boards", Store(tmp_path / "espdeck.db"))

    tallies = unplug_at_random(boards, image, cables, rounds=1, seed=1, folder=tmp_path)

    assert [tally.pulled for tally in tallies] == [2] * 8
    for cable, tally in zip(cables, tallies, strict=True):
        kept = sessions(boards.sessions_folder, board=cable.url)
        assert sum(session.raw.stat().st_size for session in kept) == tally.carried
    assert not any(board.state == "busy" for board in boards.list())
