"""What is kept of a board for the person who works with it: what runs on it, what was typed.

Small files in a folder a board, written whole and put in place at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

MAX_HISTORY = 500
"""Lines that were typed to a board and are kept."""

MAX_LINE = 1000
"""Characters of a line that is kept."""


BAUD = 115200
"""Speed of a console of which nobody says anything: the ROM's, and ESP-IDF's default."""


@dataclass(frozen=True, slots=True)
class Flashed:
    """What a board runs, as far as espdeck knows.

    Args:
        build: the build that was flashed last.
        baud: speed of its console, in bits a second.
    """

    build: int
    baud: int


class Desk:
    """The files of one board. A file that is absent, broken or cannot be written is no trouble."""

    def __init__(self, folder: Path, board: str) -> None:
        """Know where they are.

        Args:
            folder: of all boards.
            board: its name.
        """
        self._folder = folder / plain_name(board)

    @property
    def flashed(self) -> Flashed | None:
        """What was flashed last, None when nothing was."""
        try:
            found = json.loads(self._read("flashed.json"))
            return Flashed(build=int(found["build"]), baud=int(found["baud"]))
        except (ValueError, TypeError, KeyError):
            return None

    def remember_flashed(self, flashed: Flashed) -> None:
        """Keep what was flashed."""
        self._write("flashed.json", json.dumps(asdict(flashed)))

    @property
    def history(self) -> Sequence[str]:
        """Lines that were typed, oldest first."""
        return self._read("history").splitlines()[-MAX_HISTORY:]

    def remember_line(self, line: str) -> None:
        """Keep a line that was typed, unless it is the one before again, or empty."""
        before = list(self.history)
        if line and not (before and before[-1] == line) and len(line) <= MAX_LINE:
            self._write("history", "".join(f"{each}\n" for each in [*before, line][-MAX_HISTORY:]))

    def _read(self, name: str) -> str:
        try:
            return (self._folder / name).read_text("utf-8", "replace")
        except OSError:
            return ""

    def _write(self, name: str, text: str) -> None:
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            made = self._folder / f"{name}.{os.getpid()}"
            made.write_text(text, "utf-8", "replace")
            made.replace(self._folder / name)


def plain_name(board: str) -> str:
    """A board's name as a file's."""
    return re.sub(r"[^\w.-]+", "-", board, flags=re.ASCII).strip("-.")[:80] or "board"
