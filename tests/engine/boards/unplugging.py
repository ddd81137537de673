"""Boards whose cables are pulled at random moments, while they are flashed and while they talk."""

from __future__ import annotations

import contextlib
import os
import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.boards.capabilities import FlashOptions
from engine.boards.service import Boards
from engine.cancel import CancelToken
from engine.enums import ArtifactKind
from engine.errors import CancelledError
from engine.images.image import FlashPart, Image
from tests.engine.boards.cable import Cable

CHATTER = """
#include "console.h"
int main(void) {
    for (uint32_t line = 1;; line++) {
        LOGI("main", "line %u of a program that never stops", (unsigned)line);
    }
}
"""
"""A program that has a lot to say."""

DATA = 300_000
"""Bytes that are flashed with the program, so that there is time to pull a cable."""


@dataclass
class Tally:
    """What happened to one board; ``carried`` are bytes that its cable brought to the monitor."""

    pulled: int = 0
    verified: int = 0
    carried: int = 0


def unplug_at_random(
    boards: Boards, image: Image, cables: Sequence[Cable], *, rounds: int, seed: int, folder: Path
) -> list[Tally]:
    """Flash and watch every board at once, ``rounds`` times, and pull its cable each time twice.

    A cable is put back as soon as it is said that the board vanished. Every flash must succeed and
    verify; the monitor must go on.
    """
    tallies = [Tally() for _cable in cables]
    errors: list[BaseException] = []

    def work(number: int) -> None:
        board = _Board(boards, cables[number], random.Random(seed + number), tallies[number])
        data = folder / f"data-{number}.bin"
        try:
            for _round in range(rounds):
                data.write_bytes(os.urandom(DATA))
                part = FlashPart(0x20000, data, ArtifactKind.DATA)
                board.flash(replace(image, parts=(*image.parts, part)))
                board.watch()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(len(cables))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return tallies


class _Board:
    def __init__(self, boards: Boards, cable: Cable, dice: random.Random, tally: Tally) -> None:
        self._boards, self._cable, self._dice, self._tally = boards, cable, dice, tally

    def flash(self, image: Image) -> None:
        moment, is_pulled = self._dice.uniform(0, 99), threading.Event()

        def pull(percent: float, _what: str) -> None:
            if percent >= moment and not is_pulled.is_set():
                is_pulled.set()
                self._pull()

        url = self._cable.url
        with self._boards.use(
            url, cancel=CancelToken(), on_wait=self._put_back, purpose="flash"
        ) as board:
            board.flash.write(
                image,
                FlashOptions(),
                on_output=lambda _line: None,
                on_progress=pull,
                timeout=120,
            )
            board.flash.verify(image, FlashOptions(), timeout=120)
        self._tally.verified += 1

    def watch(self) -> None:
        moment, cancel = self._dice.randrange(1, 4000), CancelToken()
        seen, end, is_pulled = 0, 0, False
        before = self._cable.carried

        def take(data: bytes) -> None:
            nonlocal seen, end, is_pulled
            seen += len(data)
            if not is_pulled and seen >= moment:
                is_pulled = True
                self._pull()
                end = seen + 2000
            elif is_pulled and seen > end:
                # First no more is brought, then the rest that was brought is read: the monitor
                # says that the board vanished when it has all of it.
                cancel_soon.set()
                self._cable.unplug()

        cancel_soon = threading.Event()

        def note(line: str) -> None:
            if cancel_soon.is_set():
                cancel.cancel()
            self._put_back(line)

        with contextlib.suppress(CancelledError):
            self._boards.watch(
                self._cable.url,
                baud=115200,
                reset=False,
                on_output=take,
                on_note=note,
                cancel=cancel,
            )
        self._tally.carried += self._cable.carried - before

    def _pull(self) -> None:
        self._tally.pulled += 1
        self._cable.unplug()

    def _put_back(self, line: str) -> None:
        if "vanished" in line:
            self._cable.plug()
