"""What is kept of a board for the person who works with it: what runs on it, what was typed.

Small files in a folder a board, written whole and put in place at once.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from engine.enums import ArtifactKind
from engine.files import plain_name
from engine.images.image import FlashPart, Image

MAX_HISTORY_LINES = 500
"""Lines that were typed to a board and are kept."""

MAX_LINE_CHARACTERS = 1000
"""Characters of a line that is kept."""


DEFAULT_BAUD = 115200
"""Speed of a console of which nobody says anything: the ROM's, and ESP-IDF's default."""


_UNCHECKED_BYTES = 32
"""Bytes at the beginning of a program, its headers, that a flasher may change as it writes them."""

_CHECKED_BYTES = 1 << 16
"""Bytes of a program by which it is known again: of ESP-IDF's, its ELF's SHA256 is among them."""

_DIGEST_BYTES = 96
"""Bytes at its end that a flasher may change too: padding and a digest of the whole."""


@dataclass(frozen=True, slots=True)
class Flashed:
    """What a board runs, as far as espdeck knows. Build and speed say whether two are the same.

    Args:
        build: the build that was flashed last.
        baud: speed of its console, in bits a second.
        project: name of its project, empty where not known.
        commit: that was built, empty where not known.
        app_only: whether bootloader and partition table are those of another build.
        parts: what of the flash it needs: offset and size of each part, in bytes.
        sample: offset and length of a part of its program by which it is known again, in bytes.
        md5: of that, in hex; empty where there is none.
    """

    build: int
    baud: int
    project: str = field(default="", compare=False)
    commit: str = field(default="", compare=False)
    app_only: bool = field(default=False, compare=False)
    parts: tuple[tuple[int, int], ...] = field(default=(), compare=False)
    sample: tuple[int, int] = field(default=(0, 0), compare=False)
    md5: str = field(default="", compare=False)

    def __str__(self) -> str:
        """For people: ``node #12 1234567``."""
        only = " (program only)" if self.app_only else ""
        return f"{self.project or 'build'} #{self.build} {self.commit[:7]}".rstrip() + only

    def needs(self, offset: int, size: int) -> bool:
        """Whether it no longer runs where that part of the flash is gone."""
        return any(at < offset + size and offset < at + length for at, length in self.parts)

    def moved(self, app: FlashPart, placed: FlashPart) -> Flashed:
        """The same with its app in another slot."""
        by = placed.offset - app.offset
        size = app.path.stat().st_size
        return replace(
            self,
            parts=(*self.parts, (placed.offset, size)) if by else self.parts,
            sample=(self.sample[0] + by, self.sample[1]),
        )


def flashed(
    image: Image, build: int, *, project: str, commit: str, app_only: bool = False
) -> Flashed:
    """What a board runs on which an image was flashed.

    Args:
        image: of the build, all of it.
        build: its number.
        project: name of its project.
        commit: that was built.
        app_only: whether only its program was written.

    Raises:
        OSError: a part cannot be read.
    """
    sample, md5 = (0, 0), ""
    app = next((part for part in image.parts if part.kind is ArtifactKind.APP), None)
    if app is not None:
        data = app.path.read_bytes()[_UNCHECKED_BYTES:-_DIGEST_BYTES][:_CHECKED_BYTES]
        data = data[: len(data) // 4 * 4]
        if data:
            sample = (app.offset + _UNCHECKED_BYTES, len(data))
            md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    return Flashed(
        build=build,
        baud=image.baud or DEFAULT_BAUD,
        project=project,
        commit=commit,
        app_only=app_only,
        parts=tuple((part.offset, part.path.stat().st_size) for part in image.parts),
        sample=sample,
        md5=md5,
    )


@functools.cache
def _reader() -> TypeAdapter[Flashed]:
    """Made when it is first needed: that takes 10 ms, and every command loads this module."""
    return TypeAdapter(Flashed)


class BoardFiles:
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
        """What was flashed last, None when nothing was, or when that is not known any more."""
        try:
            return _reader().validate_json(self._read("flashed.json"))
        except ValidationError:
            return None

    def remember_flashed(self, flashed: Flashed) -> None:
        """Keep what was flashed."""
        self._write("flashed.json", json.dumps(asdict(flashed)))

    def forget_flashed(self) -> None:
        """It holds something else now, nobody knows what."""
        with contextlib.suppress(OSError):
            (self._folder / "flashed.json").unlink(missing_ok=True)

    @property
    def history(self) -> Sequence[str]:
        """Lines that were typed, oldest first."""
        return self._read("history").splitlines()[-MAX_HISTORY_LINES:]

    def remember_line(self, line: str) -> None:
        """Keep a line that was typed, unless it is the one before again, or empty."""
        before = list(self.history)
        if line and not (before and before[-1] == line) and len(line) <= MAX_LINE_CHARACTERS:
            self._write(
                "history", "".join(f"{each}\n" for each in [*before, line][-MAX_HISTORY_LINES:])
            )

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
