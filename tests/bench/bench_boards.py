"""Many boards at once: flashing, against esptool by itself, and cables pulled at random."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from engine.boards import reconnecting
from engine.boards.capabilities import FlashOptions
from engine.boards.service import Boards
from engine.boards.virtual.board import VirtualBoard
from engine.cancel import CancelToken
from engine.enums import ArtifactKind
from engine.images.image import FlashPart, Image
from engine.monitor.sessions import sessions
from engine.store.database import Store
from tests.bench.table import show
from tests.engine.boards.cable import Cable
from tests.engine.boards.unplugging import CHATTER, unplug_at_random
from tests.firmware import build_firmware

BOARDS = 8
ROUNDS = 13
"""Each pulls every cable twice: 8 boards, 208 times."""

BYTES = 1 << 20


def main() -> None:
    """Print how long N boards take, and what two hundred pulled cables did."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        image = build_firmware("hello", folder / "firmware", CHATTER)
        virtual = [
            stack.enter_context(VirtualBoard(folder=folder / f"board-{n}")) for n in range(BOARDS)
        ]
        boards = Boards((), folder / "boards", Store(folder / "espdeck.db"))
        _flash(boards, image, [board.url for board in virtual], folder)
        _unplug(boards, image, [Cable(board.url) for board in virtual], folder)


def _flash(boards: Boards, image: Image, urls: Sequence[str], folder: Path) -> None:
    data = folder / "data.bin"
    data.write_bytes(os.urandom(BYTES))
    image = replace(image, parts=(*image.parts, FlashPart(0x20000, data, ArtifactKind.DATA)))
    by_itself = min(_seconds_of_esptool(urls[0], image) for _time in range(3))
    rows = [("esptool by itself, 1 board", f"{by_itself:.2f}", "1.00")]
    for number in (1, 2, 4, 8):
        seconds = min(_seconds_of(boards, image, urls[:number]) for _time in range(2))
        rows.append(
            (f"espdeck, {number} at once", f"{seconds:.2f}", f"{seconds / number / by_itself:.2f}")
        )
    show("1 MiB flashed and verified", ("", "seconds", "per board against esptool"), rows)


def _seconds_of_esptool(url: str, image: Image) -> float:
    files = [word for part in image.parts for word in (hex(part.offset), str(part.path))]
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "esptool", "--port", url, "--chip", "esp32c3", "--baud", "460800",
         "write-flash", *files],
        check=True, capture_output=True,
    )  # fmt: skip
    return time.perf_counter() - began


def _seconds_of(boards: Boards, image: Image, urls: Sequence[str]) -> float:
    def flash(url: str) -> None:
        with boards.use(url, cancel=CancelToken(), on_wait=print, purpose="bench") as board:
            board.flash.write(
                image,
                FlashOptions(),
                on_output=lambda _line: None,
                on_progress=lambda _percent, _what: None,
                timeout=120,
            )

    began = time.perf_counter()
    with ThreadPoolExecutor(len(urls)) as threads:
        list(threads.map(flash, urls))
    return time.perf_counter() - began


def _unplug(boards: Boards, image: Image, cables: Sequence[Cable], folder: Path) -> None:
    reconnecting.REPLUG_POLL_SECONDS = 0.05
    began = time.perf_counter()
    tallies = unplug_at_random(
        boards, image, cables, rounds=ROUNDS, seed=os.getpid(), folder=folder
    )
    kept = sum(
        session.raw.stat().st_size
        for cable in cables
        for session in sessions(boards.sessions_folder, board=cable.url)
    )
    carried = sum(tally.carried for tally in tallies)
    show(
        f"cables pulled at random, {BOARDS} boards at once",
        ("pulled", "flashed and verified", "console bytes", "of them lost", "seconds"),
        [
            (
                str(sum(tally.pulled for tally in tallies)),
                f"{sum(tally.verified for tally in tallies)} of {BOARDS * ROUNDS}",
                str(carried),
                str(carried - kept),
                f"{time.perf_counter() - began:.0f}",
            )
        ],
    )
