"""What the map of GNU ld says of a program's memories, read by Espressif's own ``esp-idf-size``.

It is what ``idf.py size`` runs, knows the memories of each chip, and needs no ESP-IDF.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from engine.files import open_file
from engine.formats.elf import MAX_BYTES, TIMEOUT_SECONDS, open_elf
from engine.formats.untrusted import is_plain
from engine.images.image import MemoryRegion
from engine.processes import bounded
from engine.processes.bounded import UnreadableError

_log = logging.getLogger(__name__)

MAX_MAP_BYTES = 64 << 20
"""Bytes of a map that is read; those of large ESP-IDF projects have some 15 MiB."""

DESCRIPTION = "project_description.json"
"""What ESP-IDF writes of a build beside its map; by it ``esp-idf-size`` finds the program."""

_CHIP = re.compile(r"esp32[a-z0-9]{0,8}")
_INSTRUCTIONS = "iram0_0_seg"
"""The linker's region of code in RAM (``components/esp_system/ld``)."""


@dataclass(frozen=True, slots=True)
class LinkedFile:
    """Bytes that an object file has in a memory; ``archive`` as the library names it."""

    memory: str
    archive: str
    file: str
    size: int


@dataclass(frozen=True, slots=True)
class LinkerMap:
    """A program as its map tells it.

    Args:
        regions: the memories that are in use, as ``idf.py size`` names and measures them.
        files: what of them belongs to which file; the rest is padding.
        image_size: bytes of what is loaded, before the image is padded.
    """

    regions: tuple[MemoryRegion, ...]
    files: tuple[LinkedFile, ...]
    image_size: int


def find_maps(elf: Path) -> tuple[Path, ...]:
    """The maps that a linker may have written for a program: ``x.map`` and ``x.elf.map``.

    They are copied and digested whole: what is a link, or larger than a file may be, is none.
    """
    places = (elf.with_suffix(".map"), elf.with_name(f"{elf.name}.map"))
    return tuple(path for path in dict.fromkeys(places) if is_plain(path))


def read(path: Path, target: str, elf: Path | None = None) -> LinkerMap | None:
    """Read a map.

    Args:
        path: the map. Untrusted: one that cannot be made out gives None.
        target: the chip.
        elf: the program, whose sections tell what is in memory when it runs; without it this is
            guessed from their names, which leaves some RTC memory out.

    Returns:
        None when it is no map of GNU ld, or of a chip that ``esp-idf-size`` does not know.
    """
    # The library makes a file's name of the target, and evaluates what is in that file.
    if not _CHIP.fullmatch(target):
        return None
    program = str(elf.absolute()) if elf is not None else None
    try:
        found = bounded.ask_once(
            path, __name__, "measure", target, program, most=MAX_MAP_BYTES, seconds=TIMEOUT_SECONDS
        )
        regions, files, size = bounded.fields(found, list, list, int)
        return LinkerMap(
            tuple(
                MemoryRegion(name, used, most, grows=grows)
                for name, used, most, grows in bounded.rows(
                    regions, str, int, (int, type(None)), bool
                )
            ),
            tuple(LinkedFile(*row) for row in bounded.rows(files, str, str, str, int)),
            size,
        )
    except (OSError, UnreadableError) as error:
        _log.debug("%s: %s", path, error)
        return None


def measure(stream: BinaryIO, target: str, program: str | None) -> Any:
    """Regions, files and size of the image. Runs in a child process.

    Args:
        stream: the map.
        target, program: as for :func:`read`.

    Raises:
        ValueError: nothing is linked.
        Exception: whatever else a broken map or program leads the library to.
    """
    from esp_idf_size import mapfile, memorymap
    from esp_pylib.logger import EspLog

    # Espressif's tools would write on the screen: warnings, and errors by a way of their own.
    log = EspLog()  # there is one
    log.set_verbosity("silent")
    log.set_console_options(quiet=True)
    parsed = mapfile.MapFile(f"/dev/fd/{stream.fileno()}")
    parsed.target = target
    with _described(target, Path(program) if program else None) as beside_it:
        found = memorymap.get(beside_it, load_symbols=False, use_dwarf=False, map_file=parsed)
    # As idf.py size does: what has no bytes is not shown, and the linker's regions of flash and
    # external RAM say nothing of the app's partition or of what is on the board.
    memorymap.remove_unused(found)
    memorymap.ignore_linker_sizes(found)
    lengths = {each["name"]: int(each["length"]) for each in parsed.memory_regions}
    regions, files = [], []
    for name, memory in found["memory_types"].items():
        used, size = int(memory["used"]), int(memory["size"])
        # Code that no longer fits here goes on in the next memory of the same linker region, so
        # that this one is filled first: of the ESP32-S3, whose 16 KiB are always full.
        is_first = 0 < size < lengths.get(_INSTRUCTIONS, 0) and name == "IRAM"
        regions.append((name, used, size or None, not is_first))
        files += [
            (name, archive, file, int(each["size"]))
            for section in memory["sections"].values()
            for archive, contents in section["archives"].items()
            for file, each in contents["object_files"].items()
        ]
    if not files:
        raise ValueError("nothing is linked")
    return regions, files, int(found["image_size"])


def _is_program(elf: Path) -> bool:
    """Whether a file is a program that the library can be left alone with."""
    try:
        with open_file(elf, MAX_BYTES) as stream:
            open_elf(stream)
    except (TimeoutError, MemoryError):
        raise
    except Exception:
        # The parser raises whatever a broken file leads it to.
        return False
    return True


@contextlib.contextmanager
def _described(target: str, elf: Path | None) -> Iterator[str]:
    """A name for the map, in a folder with a description that leads the library to the program.

    The library takes the program from there alone. What a build wrote beside its map is not
    believed: it could name any file.
    """
    with tempfile.TemporaryDirectory(prefix="espdeck-") as folder:
        name = "program"
        if elf is not None and elf.is_file() and _is_program(elf):
            name = elf.stem
            said = json.dumps({"target": target, "app_elf": str(elf.resolve())})
            (Path(folder) / DESCRIPTION).write_text(said, "utf-8")
        yield str(Path(folder) / f"{name}.map")
