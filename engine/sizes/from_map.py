"""Sizes from the map that GNU ld wrote, read by Espressif's own ``esp-idf-size``.

It is what ``idf.py size`` runs, knows the memories of each chip, and needs no ESP-IDF.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from engine.image import MemoryRegion
from engine.sizes.model import PADDING, Piece, Sizes

MAX_MAP = 64 << 20
"""Bytes of a map that is read; those of large ESP-IDF projects have some 15 MiB."""

_OF_A_TARGET = re.compile(r"^(?:.*/)?CMakeFiles/[^/]+\.dir/")


def read(path: Path, target: str) -> Sizes | None:
    """Sizes from a map.

    Args:
        path: the map. Untrusted: one that cannot be made out has no sizes.
        target: the chip, for a map that does not name it.

    Returns:
        None when it is no map of GNU ld, or of a chip that ``esp-idf-size`` does not know.
    """
    try:
        if path.stat().st_size > MAX_MAP:
            return None
        return _sizes(_memories(path, target))
    except Exception:
        # The parser raises whatever a broken map leads it to.
        return None


def _memories(path: Path, target: str) -> dict[str, Any]:
    from esp_idf_size import mapfile, memorymap
    from esp_pylib.logger import log

    log.set_verbosity("silent")  # Espressif's tools would warn on the screen
    parsed = mapfile.MapFile(str(path))
    parsed.target = parsed.target or target
    found = memorymap.get(str(path), load_symbols=False, use_dwarf=False, map_file=parsed)
    # As idf.py size does: the linker's regions of flash say nothing of the app's partition.
    memorymap.ignore_linker_sizes(found)
    return dict(found["memory_types"])


def _sizes(memories: dict[str, Any]) -> Sizes | None:
    regions, pieces = [], []
    for name, memory in memories.items():
        used = int(memory["used"])
        if not used:
            continue
        regions.append(MemoryRegion(name, used, int(memory["size"]) or None))
        known = 0
        for section in memory["sections"].values():
            for archive, contents in section["archives"].items():
                for file, each in contents["object_files"].items():
                    size = int(each["size"])
                    known += size
                    pieces.append(_piece(name, archive, file, size))
        pieces.append(Piece(name, "", PADDING, used - known))
    return Sizes(tuple(regions), tuple(each for each in pieces if each.size)) if pieces else None


def _piece(memory: str, archive: str, file: str, size: int) -> Piece:
    if archive != "(exe)":  # as it calls what comes from no archive
        return Piece(memory, archive, file, size)
    return Piece(memory, "", _OF_A_TARGET.sub("", file), size)
